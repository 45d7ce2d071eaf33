"""What every log is to the rest of the house: numbers by name, appended; and what was wrong."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lrmonitor.record.reader import Floats, Steps

MAX_COLUMNS = 256
"""Columns of numbers that are shown of a log: more cannot be told apart, and would fill memory."""

MAX_PROBLEMS = 100
"""Problems that are kept of a log; those that come after are only counted."""

STEP_LIMIT = 1 << 53
"""Steps from here on are taken for mistakes: a float does not tell them apart any more."""


class LogError(Exception):
    """The log cannot be read; the message is a sentence that names the file."""


class NotALog(LogError):
    """Nothing that is understood is at that path; the message says what was looked for."""


@dataclass(frozen=True)
class LogProblem:
    """What could not be read. `file` is the file's name, `line` its line from 1 or `offset` its
    byte from 0, where that is known."""

    file: str
    text: str
    line: int | None = None
    offset: int | None = None

    @property
    def sentence(self) -> str:
        """The problem in one line, with its place."""
        place = self.file
        if self.line is not None:
            place += f", line {self.line}"
        if self.offset is not None:
            place += f", byte {self.offset}"
        return f"{place}: {self.text}"


@dataclass(frozen=True)
class Part:
    """Points of one column, in the order of the log; the columns of numbers have the same shape.

    `time` is in unix seconds: the log's own, else when the file had last changed.
    """

    name: str
    step: Steps
    time: Floats
    value: Floats


@dataclass
class Batch:
    """What one `read` brought. `anew`: what was read before is not in the log any more, and it is
    read from its start again. `more`: another `read` would bring more at once."""

    parts: list[Part] = field(default_factory=list)
    anew: bool = False
    more: bool = False

    def __bool__(self) -> bool:
        return bool(self.parts) or self.anew


class ForeignLog(ABC):
    """A log of some format, followed by `read`. Not thread-safe; it opens nothing for writing.

    `format` names it in words; `path` is what the person named. `problems` grows; `left_out` are
    the names of columns that hold no numbers; `settings` is what the log tells of the training;
    `timed` tells whether the log has times of its own.
    """

    format = "log"
    timed = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[LogProblem] = []
        self.uncounted = 0
        self.settings: dict[str, str] = {}

    @property
    def left_out(self) -> list[str]:
        """Columns of text."""
        return []

    @abstractmethod
    def files(self) -> Iterable[Path]:
        """The files that it is read from now."""

    @abstractmethod
    def read(self) -> Batch:
        """The next points, some thousands at a time. Never raises because of what is on the
        disk: what cannot be read is in `problems`."""

    @property
    def changed(self) -> float | None:
        """When a file of it last changed, in unix seconds; None when none is there."""
        times = []
        for file in self.files():
            try:
                times.append(os.stat(file).st_mtime)
            except OSError:
                continue
        return max(times, default=None)

    def say(
        self, file: Path, text: str, line: int | None = None, offset: int | None = None
    ) -> None:
        """Keep a problem; beyond the first `MAX_PROBLEMS` they are counted."""
        problem = LogProblem(file.name, text, line, offset)
        if problem in self.problems:
            return
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
        else:
            self.uncounted += 1


def modified(file: Path) -> float:
    """When a file last changed; now, when it is gone."""
    try:
        return os.stat(file).st_mtime
    except OSError:
        return time.time()


def part(name: str, points: list[tuple[int, float, float]]) -> Part:
    """A part of (step, time, value)."""
    steps, times, values = zip(*points, strict=True)
    return Part(
        name,
        np.array(steps, np.int64),
        np.array(times, np.float64),
        np.array(values, np.float64),
    )
