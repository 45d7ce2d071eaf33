"""The environment of a launched script: the caller's, and the little that carries the probe in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SITE = str(Path(__file__).resolve().parent / "site")
"""The folder that holds nothing but our `sitecustomize.py`."""

RUN_VARIABLE = "LRMONITOR_RUN"


def inherited() -> dict[str, str]:
    """The environment this process was given.

    Python itself sets LC_CTYPE when it starts in the C locale (PEP 538); a command that is no
    Python shall not see that.
    """
    environ = dict(os.environ)
    if environ.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8"):
        try:
            given = Path("/proc/self/environ").read_bytes()
        except OSError:
            return environ
        if not any(entry.startswith(b"LC_CTYPE=") for entry in given.split(b"\0")):
            del environ["LC_CTYPE"]
    return environ


def for_script(base: Mapping[str, str], added: Mapping[str, str], folder: str) -> dict[str, str]:
    """The script's environment: `base`, what the user `added`, and the way in for the probe.

    Args:
        folder: absolute path of the run's folder.
    """
    environ = {**base, **added, RUN_VARIABLE: folder}
    entries = environ.get("PYTHONPATH", "").split(os.pathsep)
    # An empty PYTHONPATH means none, but an empty entry among others means the working directory.
    old = [entry for entry in entries if entry != SITE] if entries != [""] else []
    environ["PYTHONPATH"] = os.pathsep.join([SITE, *old])
    return environ
