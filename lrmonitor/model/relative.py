"""A run's series relative to that of another run, the baseline."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import POINT, Series

__all__ = ["Relative"]

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]

_NO_STEP = -(2**62)


class Relative:
    """`series` minus `baseline` at the same steps, as a `Series` that grows with both.

    The baseline's value at a step that it has none for is taken from the straight line between its
    neighbours; before its first and beyond its last step there is none, and the difference waits
    there until the baseline has come as far. A difference with a value that is not finite is not
    finite either. Steps that go back in either of the two are left out.
    """

    def __init__(self, series: Series, baseline: Series) -> None:
        self.origin, self.baseline = series, baseline
        self.series = Series(SeriesInfo(-1, series.info.name, "relative"))
        self._done = 0
        self._known = -1
        self._latest = _NO_STEP
        self._at: Steps = np.empty(0, np.int64)
        self._value: Floats = np.empty(0)

    def update(self) -> bool:
        """Take in what is new of both; whether anything was."""
        if len(self.origin) < self._done or len(self.baseline) < self._known:
            self.series.clear()  # one of them was read anew
            self._done, self._known, self._latest = 0, -1, _NO_STEP
        known = len(self.baseline)
        if not known or len(self.origin) == self._done:
            return False
        if known != self._known:
            self._known = known
            self._at, self._value = _rising(self.baseline.step, self.baseline.value)
        step = self.origin.step[self._done :]
        # Both may still grow: only what the baseline has reached is settled.
        beyond = step > self._at[-1]
        count = int(np.argmax(beyond)) if beyond.any() else len(step)
        if not count:
            return False
        step, new = step[:count], slice(self._done, self._done + count)
        self._done += count
        before = np.concatenate(([self._latest], step[:-1]))
        keep = (step > np.maximum.accumulate(before)) & (step >= self._at[0])
        if not keep.any():
            return False
        records = np.empty(int(keep.sum()), POINT)
        records["step"] = step[keep]
        records["time"] = self.origin.time[new][keep]
        base = np.interp(step[keep], self._at, self._value)
        records["value"] = self.origin.value[new][keep] - base
        self._latest = int(records["step"][-1])
        self.series.extend(records)
        return True


def _rising(step: Steps, value: Floats) -> tuple[Steps, Floats]:
    """The points whose step is greater than all before."""
    if len(step) > 1 and (step[1:] <= step[:-1]).any():
        keep = np.ones(len(step), bool)
        keep[1:] = step[1:] > np.maximum.accumulate(step[:-1])
        return step[keep], value[keep]
    return step, value
