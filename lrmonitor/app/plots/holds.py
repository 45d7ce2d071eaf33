"""Where a rate stays as it is, found as it grows: a frame's work does not grow with the run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrmonitor.model.picture import Part, Picture
from lrmonitor.record.columns import Column

Ints = NDArray[np.int64]

__all__ = ["Holds"]

_CHUNK = 65_536
"""Steps looked at together: they stay in the processor's cache."""


class Holds:
    """Where a column that is recorded at its changes stays as it is for more than a step."""

    def __init__(self) -> None:
        self._index: Column[np.int64] = Column(np.int64)
        self._taken = 0
        self._begun = 0

    def of(self, picture: Picture, part: Part, least: float) -> Ints:
        """Indices i of a picture: step[i + 1] comes more than `least` later (at least 2) in the
        same piece, and what lies between is in view. It is to be the same picture each time."""
        step = picture.step
        if picture.begun != self._begun:
            self._begun = picture.begun
            self._taken = 0
            self._index.clear()
        # The newest one has no end yet: it is looked at again when the next has come.
        known = max(self._taken - 1, 0)
        for begin in range(known, len(step) - 1, _CHUNK):
            some = step[begin : begin + _CHUNK + 1]
            self._index.append(np.flatnonzero(some[1:] - some[:-1] > 1) + begin)
        self._taken = len(step)
        first, last = max(part.first - 1, part.begin), min(part.last, part.end - 1)
        index = self._index.view
        seen = index[int(np.searchsorted(index, first)) : int(np.searchsorted(index, last))]
        found: Ints = seen[step[seen + 1] - step[seen] > least]
        return found
