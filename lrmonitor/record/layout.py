"""The names and the binary format of a run folder; docs/run-folder.md tells it in full."""

from __future__ import annotations

import struct
from dataclasses import dataclass

FORMAT = 1
"""Version of the run folder's format, in `run.json`."""

RUN = "run.json"
SUPERVISOR = "supervisor.jsonl"
CONSOLE = "console.log"
CONSOLE_TIMES = "console.times"
RANKS = "ranks"
EVENTS = "events.jsonl"
SERIES = "series"
CLIENTS = "clients"

RECORD = struct.Struct("<qdd")
"""One point of a series: step (int64), unix time (float64), value (float64)."""

_SUFFIX = ".f64"


@dataclass(frozen=True)
class SeriesInfo:
    """What a series is.

    `kind` is loss, lr, scheduled_lr, option, scheduled_option, parts, step, grad_norm, update_ratio
    or metric; `optimizer` and `group` are numbers or None; `recorded` is "each" (every step),
    "changes" (only where the value changes) or "samples" (some steps); `source` is the logger that
    a metric was taken from, None where it was given to `lrmonitor.log`.
    """

    series: int
    name: str
    kind: str
    optimizer: int | None = None
    group: int | None = None
    recorded: str = "each"
    source: str | None = None


def sizes_name(optimizer: int) -> str:
    """The file of an optimizer's step sizes, below `ranks/<n>/`."""
    return f"sizes.{optimizer}.jsonl"


def series_name(index: int) -> str:
    """The file name of a series, below `ranks/<n>/series/`."""
    return f"{index}{_SUFFIX}"


def series_index(name: str) -> int | None:
    """The number of a series from its file name; None for another file."""
    stem = name.removesuffix(_SUFFIX)
    return int(stem) if stem != name and stem.isascii() and stem.isdigit() else None
