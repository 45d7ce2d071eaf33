"""The error that ended a script, from the traceback that Python printed."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lrmonitor.record import layout

__all__ = ["last_error"]

TAIL_BYTES = 1 << 16
"""Of the console's end: more than a deep traceback with the words of several loggers after it."""

LONGEST = 200
"""Characters of an error that fit into a sentence; the console has all of it."""

_HEADER = "Traceback (most recent call last):"
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_ERROR = re.compile(r"[A-Za-z_][\w.]*(: .*|)")


def last_error(folder: str | os.PathLike[str]) -> str | None:
    """The line that names the error of the last traceback on the console ("ValueError: shape");
    None where there is none."""
    try:
        with open(Path(folder) / layout.CONSOLE, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - TAIL_BYTES, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    _, found, after = _ESCAPES.sub("", text).replace("\r\n", "\n").rpartition(_HEADER)
    if not found:
        return None
    for line in after.split("\n")[1:]:
        # The frames and the marks below them are indented.
        if not line.startswith((" ", "\t")) and _ERROR.fullmatch(line.rstrip()):
            words = "".join(c for c in line if c.isprintable()).strip()
            return words if len(words) <= LONGEST else words[:LONGEST].rstrip() + "…"
    return None
