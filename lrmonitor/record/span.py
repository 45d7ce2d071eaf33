"""A part of a run, by its steps."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from lrmonitor.record.reader import Floats, Series, Steps


@dataclass(frozen=True)
class StepRange:
    """Steps from `first` to `last`, both of them in it; None for the run's begin or end."""

    first: int | None = None
    last: int | None = None

    @classmethod
    def parse(cls, text: str) -> StepRange:
        """From "A:B", of which one may be missing. Raises ValueError with a sentence."""
        match = re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", text)
        if match is None or not (match[1] or match[2]):
            raise ValueError(f"{text!r} is no range of steps: write A:B, A: or :B")
        first, last = (int(part) if part else None for part in match.groups())
        if first is not None and last is not None and first > last:
            raise ValueError(f"{text!r} begins after its end")
        if max(first or 0, last or 0) >= 1 << 63:
            raise ValueError(f"{text!r} is beyond the steps that there can be")
        return cls(first, last)

    def points(self, series: Series) -> tuple[Steps, Floats, Floats]:
        """Steps, times and values of a series in the range, by ascending step.

        Of a series that is recorded where it changes, the value that was in force at the first step
        is put there.
        """
        step, time, value = series.step, series.time, series.value
        if not series.ascending:
            order = np.argsort(step, kind="stable")
            step, time, value = step[order], time[order], value[order]
        begin = 0 if self.first is None else int(np.searchsorted(step, self.first, "left"))
        end = len(step) if self.last is None else int(np.searchsorted(step, self.last, "right"))
        part = slice(begin, max(begin, end))
        inside = step[part], time[part], value[part]
        if self.first is None or series.info.recorded != "changes" or begin == 0:
            return inside
        if len(inside[0]) and inside[0][0] == self.first:
            return inside
        return (
            np.concatenate(([np.int64(self.first)], inside[0])),
            np.concatenate((time[begin - 1 : begin], inside[1])),
            np.concatenate((value[begin - 1 : begin], inside[2])),
        )


WHOLE = StepRange()
"""All steps."""
