"""How fast a run went, as a series."""

from __future__ import annotations

import numpy as np

from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import POINT, Series

__all__ = ["NAME", "SECONDS", "Throughput"]

NAME = "steps per second"

SECONDS = 1.0
"""The least time between two points: what is shorter tells of the clock, not of the training."""


class Throughput:
    """Steps per second, a point for each time that at least `SECONDS` went by.

    A point stands at the last step of its time and tells of all the time since the point before: a
    pause or an evaluation is seen as the slow stretch that it is. Where steps or times go back
    (something resumed, a clock was set), it begins anew there.
    """

    def __init__(self) -> None:
        self.series = Series(SeriesInfo(-1, NAME, "throughput"))
        self._steps: Series | None = None
        self._done = 0
        self._since: tuple[int, float] | None = None

    def update(self, steps: Series | None) -> bool:
        """Take in what is new of the series that tells when each step was done; whether a point
        came."""
        if steps is not self._steps or (steps is not None and len(steps) < self._done):
            self._steps, self._done, self._since = steps, 0, None
            self.series.clear()
        if steps is None or len(steps) == self._done:
            return False
        step, time = steps.step[self._done :], steps.time[self._done :]
        self._done = len(steps)
        found = self._points(step, time)
        if found:
            self.series.extend(np.array(found, POINT))
        return bool(found)

    def _points(
        self, step: np.ndarray[tuple[int], np.dtype[np.int64]], time: np.ndarray
    ) -> list[tuple[int, float, float]]:
        found = []
        index = 0
        if self._since is None:
            self._since, index = (int(step[0]), float(time[0])), 1
        back = np.flatnonzero((np.diff(step) < 0) | (np.diff(time) < 0)) + 1
        ends = [*back.tolist(), len(step)]
        if step[0] < self._since[0] or time[0] < self._since[1]:
            self._since = (int(step[0]), float(time[0]))
        for end in ends:
            while index < end:
                # Sorted up to `end`: the first step that is late enough.
                index += int(np.searchsorted(time[index:end], self._since[1] + SECONDS, "left"))
                if index >= end:
                    break
                made, took = int(step[index]) - self._since[0], float(time[index]) - self._since[1]
                found.append((int(step[index]), float(time[index]), made / took))
                self._since = (int(step[index]), float(time[index]))
                index += 1
            if end < len(step):
                self._since, index = (int(step[end]), float(time[end])), end + 1
        return found
