"""Series made of numbers that a script printed: patterns applied to its whole console, and on.

A line counts once, as it stands when the cursor has moved on below it: the states of a progress
bar that were written over count not at all. Where a line belongs is the run's step when it was
last written, from the times in `console.times`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lrmonitor.model import patterns, rhythm
from lrmonitor.model.console import ConsoleFile, ConsoleTimes
from lrmonitor.model.patterns import X_ORDER, X_PRINTED, Pattern
from lrmonitor.model.rates import number
from lrmonitor.model.terminal import REACH, Terminal
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import POINT, Series

SETTLE = 1.0
"""Seconds after which no step that was done before a line was printed is still to be recorded (a
record takes 50 ms to the disk)."""

KEPT, REMOVED = "series_pattern", "series_pattern_removed"
"""The events of a client that keep a pattern with the run, and remove it."""


@dataclass(frozen=True)
class _Point:
    line: int
    time: float | None
    x: int | None
    value: float


class PrintedSeries:
    """One pattern, and what it has found so far as a `Series` whose steps never fall.

    `series` is another object after values had to be taken back (a line was rewritten).
    """

    def __init__(self, folder: Path, pattern: Pattern) -> None:
        self.pattern = pattern
        self.series = self._empty()
        self._file = ConsoleFile(folder)
        self._terminal = Terminal()
        self._points: list[_Point] = []
        self._open = 0
        self._placed = 0
        self._ended = False

    def scan(self, times: ConsoleTimes, size: int, until: Callable[[], bool], over: bool) -> None:
        """Read the log up to `size` bytes, or until `until` says that it is enough for now."""
        while data := self._file.read(size):
            begin = self._file.position - len(data)
            for start, end, moment in times.pieces(begin, self._file.position):
                self._terminal.feed(data[start - begin : end - begin], moment)
            self._match(self._terminal.row)
            if until():
                return
        if over and not self._ended and self._file.position >= self._file.size:
            self._ended = True
            self._match(self._terminal.end)

    def place(self, steps: Series | None, now: float, over: bool) -> bool:
        """Give the values found their steps, as far as they are known; True if there are new."""
        new: list[tuple[int, float, float]] = []
        newest = float(steps.time[-1]) if steps is not None and len(steps) else None
        at = self._placed
        for index in range(at, len(self._points)):
            point = self._points[index]
            step = self._step(point, index, steps, newest, now, over)
            if step is None:
                break
            if step >= 0:
                new.append((step, point.time or 0.0, point.value))
            at = index + 1
        changed = at != self._placed
        self._placed = at
        if new:
            self._extend(np.array(new, POINT))
        return changed

    def _step(
        self,
        point: _Point,
        index: int,
        steps: Series | None,
        newest: float | None,
        now: float,
        over: bool,
    ) -> int | None:
        """The step of a value; -1 for one that has none, None while it is not known yet."""
        x = self.pattern.x
        if x == X_PRINTED:
            return -1 if point.x is None else point.x
        if x == X_ORDER or point.time is None:
            return index + 1
        if over or (newest is not None and newest > point.time) or now - point.time > SETTLE:
            return rhythm.step_at(steps, point.time)
        return None

    def _match(self, complete: int) -> None:
        """Look at the lines that changed and that the cursor has left."""
        changed = self._terminal.take_changed()
        begin = self._open if changed is None else min(changed, self._open)
        self._take_back(begin)
        for at in range(max(begin, self._terminal.first), complete):
            line = self._terminal.line(at)
            found = self.pattern.find(line.text) if line is not None and line.text else None
            if line is not None and found is not None:
                self._points.append(_Point(at, line.time, found.x, found.value))
        self._open = max(complete, self._terminal.first)
        self._terminal.trim(REACH)

    def _take_back(self, begin: int) -> None:
        """Forget the values of lines from `begin` on."""
        while self._points and self._points[-1].line >= begin:
            self._points.pop()
        if len(self._points) < self._placed:
            self._placed = 0
            self.series = self._empty()

    def _extend(self, records: np.ndarray[Any, Any]) -> None:
        self.series.extend(records)
        if self.series.ascending:
            return
        # A number that began again (an epoch after a restart): put each value in its place.
        records = self.series.records(np.argsort(self.series.step, kind="stable"))
        self.series = self._empty()
        self.series.extend(records)

    def _empty(self) -> Series:
        return Series(SeriesInfo(-1, self.pattern.name, "metric"))


class Printed:
    """The series of a run that patterns make of its console. Not thread-safe; never raises.

    `take` is given the events of the run's clients, `poll` reads on. By name, in the order in
    which the names first came.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = ConsoleFile(folder)
        self._times = ConsoleTimes(folder)
        self._told: dict[str, float] = {}
        self._size = 0
        self.series: dict[str, PrintedSeries] = {}

    def take(self, event: Mapping[str, Any]) -> bool:
        """Keep or remove the pattern that an event tells of; True if it tells of one."""
        kind, name = event.get("event"), event.get("name")
        if kind not in (KEPT, REMOVED) or not isinstance(name, str):
            return False
        when = number(event.get("time")) or 0.0
        if when < self._told.get(name, 0.0):
            return False
        self._told[name] = when
        if kind == REMOVED:
            return self.series.pop(name, None) is not None
        pattern = patterns.restored(event)
        known = self.series.get(name)
        if pattern is None or (known is not None and known.pattern == pattern):
            return False
        self.series[name] = PrintedSeries(self._folder, pattern)
        return True

    def poll(
        self,
        steps: Series | None,
        now: float,
        over: bool = False,
        budget: float = 0.006,
    ) -> bool:
        """Read on for about `budget` seconds; True if a series changed.

        `steps` tells when each step was done, `now` is the time on its clock (unix seconds).
        """
        if not self.series:
            return False
        # Only what was there at the poll before is read now, so that its times are there too.
        size, self._size = self._size, self._file.size
        if over:
            size = self._size
        self._times.poll()
        end = time.perf_counter() + budget
        changed = False
        for one in self.series.values():
            before = one.series
            one.scan(self._times, size, lambda: time.perf_counter() >= end, over)
            changed |= one.place(steps, now, over) or one.series is not before
        return changed
