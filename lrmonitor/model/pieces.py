"""Where a line begins anew: the steps of a series go back, after a resume or as a script counts, or
the training was rewound and goes on from an earlier state under steps that rise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrmonitor.record.columns import Column

Ints = npt.NDArray[np.int64]

__all__ = ["Pieces"]

_CHUNK = 65_536
"""Steps looked at together: they stay in the processor's cache."""


class Pieces:
    """The ascending pieces of a column of steps that grows. A step may repeat inside of a piece.

    `update` is given the whole column each time, and looks at what is new.
    """

    def __init__(self) -> None:
        self.resets: list[int] = []
        """Where a piece begins because the training was rewound, ascending."""
        self._cuts: tuple[int, ...] = ()
        self._starts: Column[np.int64] = Column(np.int64)
        self._step: Ints = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._starts)

    def update(self, step: Ints, cuts: tuple[int, ...] = ()) -> None:
        """Take `step`, shape (n,), which begins with what was given before. `cuts` are steps, those
        of an earlier call and more, after each of which a line begins anew."""
        if cuts != self._cuts:
            self._cuts = cuts
            self._starts, self._step, self.resets = Column(np.int64), np.empty(0, np.int64), []
        done = len(self._step)
        if done == 0 and len(step):
            self._starts.append(np.zeros(1, np.int64))
        for begin in range(max(done - 1, 0), len(step) - 1, _CHUNK):
            part = step[begin : begin + _CHUNK + 1]
            falls = part[1:] < part[:-1]
            for cut in self._cuts:
                passed = (part[:-1] <= cut) & (part[1:] > cut)
                self.resets += (np.flatnonzero(passed) + begin + 1).tolist()
                falls = falls | passed
            self.resets.sort()
            if falls.any():
                self._starts.append(np.flatnonzero(falls) + begin + 1)
        self._step = step

    def meeting(self, low: float, high: float) -> list[tuple[int, int]]:
        """The pieces that have something to draw for low ≤ step ≤ high, each as its first index
        and the one after its last."""
        starts, step = self._starts.view, self._step
        if len(starts) == 1:
            meets = step[0] <= high and step[-1] >= low
            return [(0, len(step))] if meets else []
        if not len(starts):
            return []
        ends = np.append(starts[1:], len(step))
        meet = (step[starts] <= high) & (step[ends - 1] >= low)
        return list(zip(starts[meet].tolist(), ends[meet].tolist(), strict=True))
