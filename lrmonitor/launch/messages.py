"""What lrmonitor itself says while a script is in the foreground: to stderr, line by line."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from lrmonitor.launch.child import signal_name
from lrmonitor.record.home import runs_home

PREFIX = "lrmonitor: "


class Messages:
    """Writes lines that begin with `lrmonitor:`; a stderr that is gone is no error."""

    def __init__(self) -> None:
        self.raw = False  # whether our terminal is in raw mode, where a line needs its return

    def say(self, *lines: str) -> None:
        """Write each line."""
        end = "\r\n" if self.raw and os.isatty(2) else "\n"
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write("".join(f"{PREFIX}{line}{end}" for line in lines))
            sys.stderr.flush()


def how_to_name(folder: Path) -> str:
    """What to type for RUN: the id, or the folder where the id would not be found."""
    return folder.name if folder.parent == Path(runs_home()).absolute() else str(folder)


def beginning(folder: Path, name: str, window: bool) -> list[str]:
    """Which run this is, and what can be done meanwhile from another terminal."""
    run = how_to_name(folder)
    lines = [f"run {folder.name} ({name}), recorded in {folder}"]
    if not window:
        lines.append(
            f"`lrmonitor {run}` opens the window, `lrmonitor lr {run} hold 3e-4` sets the rate"
        )
    return lines


def ending(folder: Path, code: int | None, signal: int | None, registered: bool) -> list[str]:
    """How the script ended and what is recorded; if nothing, why that may be."""
    how = f"killed by {signal_name(signal)}" if signal is not None else f"ended with code {code}"
    run = how_to_name(folder)
    if registered:
        return [f"{folder.name} {how}: `lrmonitor show {run}` tells what was recorded"]
    lines = [f"{folder.name} {how}: no training was seen, so the record holds the output alone"]
    if list(folder.glob("probe-failed-*.txt")):
        return [*lines, f"the probe failed, through no fault of the script: see {folder}"]
    return [
        *lines,
        "a script is seen at its first backward pass or optimizer step of PyTorch, in Python 3.10 "
        "or newer; `python -I`, `-E` or `-S` and a PYTHONPATH that is set anew keep the probe out",
    ]
