"""What stands on the plots' common axis: steps, time since the first one, time of day, or epochs.

Time of day is placed as time since the first step is, so that every axis begins at 0; what it is
called differs.

Plots are drawn over a column of whole numbers that can be searched. On any axis but that of the
steps each series has a copy whose `step` column holds the axis' own units; a copy grows with its
series, is made only while its axis is shown, and shares times and values with its series.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lrmonitor.record.reader import POINT, Series

__all__ = ["EPOCH", "KINDS", "RELATIVE", "STEP", "UNITS", "WALL", "Axis", "Epochs", "Placed"]

STEP, RELATIVE, WALL, EPOCH = "step", "relative", "wall", "epoch"
KINDS = (STEP, RELATIVE, WALL, EPOCH)

UNITS = {STEP: 1, RELATIVE: 1000, WALL: 1000, EPOCH: 10_000}
"""Whole numbers a unit: a millisecond of time, a ten-thousandth of an epoch."""


class Epochs:
    """Where the epochs of a run began, as far as it is known: the step after which each did."""

    def __init__(self) -> None:
        self.begins: list[int] = []

    def __bool__(self) -> bool:
        return len(self.begins) > 1

    def began(self, step: int) -> None:
        """Another one began after `step`; one without a step was none."""
        if self.begins and step <= self.begins[-1]:
            self.begins[-1] = min(self.begins[-1], step)
            return
        self.begins.append(step)

    def of(self, step: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Epochs done at these steps: 2.5 in the middle of the third.

        Beyond the last known beginning an epoch is taken to be as long as the one before.
        """
        at = np.array(self.begins, np.float64)
        if len(at) < 2:
            return np.zeros(len(step))
        at = np.append(at, at[-1] + (at[-1] - at[-2]))
        x = step.astype(np.float64)
        inside = np.interp(x, at, np.arange(len(at)))
        return np.where(x > at[-1], len(at) - 1 + (x - at[-1]) / (at[-1] - at[-2]), inside)


class Axis:
    """One kind of axis for one run. `start` is in unix seconds: where time begins."""

    def __init__(self, kind: str = STEP, start: float = 0.0, epochs: Epochs | None = None) -> None:
        if kind not in KINDS:
            raise ValueError(f"no axis {kind!r}: {', '.join(KINDS)}")
        self.kind, self.start = kind, start
        self.epochs = epochs if epochs is not None else Epochs()
        self.unit = UNITS[kind]

    @property
    def key(self) -> tuple[Any, ...]:
        """What copies are made for: another one, and they have to be made anew."""
        return (self.kind, self.start, len(self.epochs.begins) if self.kind == EPOCH else 0)

    def place(
        self, step: npt.NDArray[np.int64], time: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.int64]:
        """Where points of these steps and times (unix seconds) stand, in whole numbers."""
        if self.kind == STEP:
            return step
        if self.kind == EPOCH:
            return np.rint(self.epochs.of(step) * self.unit).astype(np.int64)
        return np.rint((time - self.start) * self.unit).astype(np.int64)

    def at(self, step: float, time: float) -> float:
        """Where one event stands."""
        return float(self.place(np.array([round(step)], np.int64), np.array([float(time)]))[0])


class Placed:
    """A series on an axis. On that of the steps it is the series itself."""

    def __init__(self, origin: Series, axis: Axis) -> None:
        self.origin, self.axis = origin, axis
        self._done = 0
        self._key = axis.key
        self.series = origin
        if axis.kind != STEP:
            self.series = Series(origin.info, origin.pools)

    def update(self) -> bool:
        """Take in what is new; whether there was anything."""
        origin, series = self.origin, self.series
        if series is origin:
            return False
        if self.axis.key != self._key or len(origin) < self._done:
            self._key, self._done = self.axis.key, 0
            series.clear()
        if len(origin) == self._done:
            return False
        new = slice(self._done, len(origin))
        records = np.empty(new.stop - new.start, POINT)
        records["step"] = self.axis.place(origin.step[new], origin.time[new])
        records["time"] = origin.time[new]
        records["value"] = origin.value[new]
        self._done = new.stop
        series.extend(records)
        return True
