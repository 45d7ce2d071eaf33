"""Whether a window can be shown here, found out before Qt tries: it would abort the process.

Standard library only, so that a verb can ask without loading Qt.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["display_problem"]

ADVICE = (
    "set one up (log in to a desktop, or `ssh -X`), run it under `xvfb-run`, "
    "use `--screenshot FILE` for a picture of the window, or the verbs without a window "
    "(`lrmonitor show`, `lrmonitor lr`; `lrmonitor run --no-window`)"
)


def display_problem(
    environ: Mapping[str, str] | None = None, platform: str = sys.platform
) -> str | None:
    """Why no window can be shown, with what to do; None when one can (or Qt was told how).

    On Linux a display is there when Wayland's socket or the X server of `DISPLAY` accepts a
    connection. `QT_QPA_PLATFORM`, if set, is taken at its word.
    """
    env = os.environ if environ is None else environ
    if not platform.startswith("linux") or env.get("QT_QPA_PLATFORM"):
        return None
    wayland, display = env.get("WAYLAND_DISPLAY"), env.get("DISPLAY")
    if not wayland and not display:
        return f"there is no display to open a window on: {ADVICE}"
    if wayland and _wayland_answers(wayland, env.get("XDG_RUNTIME_DIR")):
        return None
    if display and _x_answers(display):
        return None
    named = f"DISPLAY={display}" if display else f"WAYLAND_DISPLAY={wayland}"
    return f"the display that {named} names does not answer: {ADVICE}"


def _answers(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def _wayland_answers(name: str, runtime: str | None) -> bool:
    path = Path(name) if os.path.isabs(name) else Path(runtime or "/nonexistent") / name
    return _answers(socket.AF_UNIX, str(path))


def _x_answers(display: str) -> bool:
    match = re.fullmatch(r"(?:(?P<host>[^:]*):)?(?P<number>\d+)(?:\.\d+)?", display)
    if match is None:
        # A form that only Xlib knows: let it try.
        return True
    host, number = match["host"] or "", int(match["number"])
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        return _answers(socket.AF_UNIX, path) or _answers(socket.AF_UNIX, "\0" + path)
    return _answers(socket.AF_INET, (host, 6000 + number))
