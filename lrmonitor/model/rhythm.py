"""How fast a run goes, from the times of its steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrmonitor.record.reader import RankReader, Series

SPEED_WINDOW = 5.0
"""Seconds of data over which the speed is measured."""

RHYTHM_STEPS = 256
"""Latest steps whose median time is the usual one: enough to ignore an evaluation now and then."""

PACE_WINDOW = 900.0
"""Seconds of data over which the time for what is left is reckoned: evaluations, which come between
steps, are to be in it."""

PACE_SKIP = 10
"""First steps that are left out of it where there are enough others: they take longer."""

_BACK = 100_000
"""Points that are looked at for the speed: cheap, and safe from a clock that was set back."""


def step_series(rank: RankReader, main: int) -> Series | None:
    """The series that tells best when each step of the main optimizer was done; not empty."""
    telling = [
        series
        for series in rank.series.values()
        if len(series)
        and (
            series.info.kind == "step"
            or (series.info.kind == "loss" and series.info.optimizer in (None, main))
        )
    ]
    return max(telling, key=lambda s: (int(s.step[-1]), len(s)), default=None)


def recorded_steps(rank: RankReader, main: int) -> Series | None:
    """The series that has had most of the steps: while a test goes on, another one may tell of the
    latest."""
    own = [
        series
        for series in rank.series.values()
        if series.info.kind == "loss" and series.info.optimizer in (None, main) and len(series)
    ]
    return max(own, key=len, default=None) or step_series(rank, main)


def step_at(steps: Series | None, moment: float) -> int:
    """The latest step done at a moment (unix seconds); 0 before the first."""
    if steps is None:
        return 0
    index = int(np.searchsorted(steps.time, moment, "right")) - 1
    return int(steps.step[index]) if index >= 0 else 0


def usual_interval(steps: Series | None) -> float | None:
    """The usual seconds between steps: the median of the latest ones. None before there are two."""
    if steps is None or len(steps) < 2:
        return None
    took = np.diff(steps.time[-RHYTHM_STEPS - 1 :])
    made = np.diff(steps.step[-RHYTHM_STEPS - 1 :])
    usable = (made > 0) & (took >= 0)
    return _median(took[usable] / made[usable]) if usable.any() else None


def speed(steps: Series | None, since: float | None = None) -> float | None:
    """Steps per second over the last seconds of data, or the last two steps if they took longer.

    Data before `since` (unix seconds: when it was resumed) does not count.
    """
    if steps is None or len(steps) < 2:
        return None
    end = float(steps.time[-1])
    begin = max(end - SPEED_WINDOW, since or 0.0)
    times, numbers = steps.time[-_BACK:], steps.step[-_BACK:]
    first = min(int(np.searchsorted(times, begin, "left")), len(times) - 2)
    took, made = end - float(times[first]), int(numbers[-1]) - int(numbers[first])
    return made / took if took > 0 and made > 0 else None


def pace(steps: Series | None, since: float | None = None) -> float | None:
    """Seconds a step over the last quarter of an hour of data, with all that is done between steps.

    Data before `since` (unix seconds: when it was resumed) does not count.
    """
    if steps is None or len(steps) < 2:
        return None
    times, numbers = steps.time, steps.step
    end = float(times[-1])
    first = int(np.searchsorted(times, max(end - PACE_WINDOW, since or 0.0), "left"))
    first = min(max(first, min(PACE_SKIP, len(times) // 2 - 1)), len(times) - 2)
    took, made = end - float(times[first]), int(numbers[-1]) - int(numbers[first])
    return took / made if took > 0 and made > 0 else None


def _median(values: npt.NDArray[np.float64]) -> float:
    """Of at least one. `np.median` imports the masked arrays first: 70 ms of the window's start."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    ordered = np.partition(values, (low, high))
    return float((ordered[low] + ordered[high]) / 2)
