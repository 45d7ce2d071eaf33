"""Other Pythons on this machine, for tests of what runs in any of them."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@functools.cache
def other_python(version: str) -> str:
    """A working interpreter of that version ("3.12"), or the test is skipped.

    Looked for on PATH and beside this one, where version managers put them; of this version it is
    the one that this environment was made from.
    """
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return str(getattr(sys, "_base_executable", sys.executable))
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{version}.*/bin/python"), reverse=True)
    found = shutil.which(f"python{version}")
    for path in (*map(str, beside), *([found] if found else [])):
        question = "import sys; print('%d.%d' % sys.version_info[:2])"
        asked = subprocess.run([path, "-c", question], capture_output=True, check=False)
        if asked.stdout.decode().strip() == version:
            return path
    pytest.skip(f"there is no Python {version} here")
