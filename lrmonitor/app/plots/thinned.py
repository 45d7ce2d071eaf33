"""Columns that grow, kept ready for drawing: the work of a frame does not grow with the run.

Both classes look at each value once, when it is new. They hold what can be drawn of a whole
run; a view of few steps is drawn from the column itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["Holds", "NonFinite", "Thinned"]

BLOCK = 64
"""Values of which the least and the greatest are kept: a 32nd of the column."""

_AT_ONCE = 1 << 14
"""Blocks handled at a time, so that a long run is not held several times in memory."""


class Thinned:
    """The least and the greatest finite value of every block, each at its own step, in order.

    A block without a finite value gives nan. Extremes over any range of whole blocks are exact.
    """

    def __init__(self) -> None:
        self._step: Ints = np.empty(1024, np.int64)
        self._value: Floats = np.empty(1024)
        self._blocks = 0

    def of(self, step: Ints, value: Floats) -> tuple[Ints, Floats]:
        """The thinned columns for `step` and `value`, shape (n,), that begin with those before.

        The last values, which make no whole block yet, are added as they are.
        """
        full = len(value) // BLOCK
        if full < self._blocks:
            self._blocks = 0
        self._make_room(2 * full + BLOCK)
        while self._blocks < full:
            end = min(full, self._blocks + _AT_ONCE)
            self._take(step, value, end)
            self._blocks = end
        done, rest = 2 * full, len(value) - full * BLOCK
        self._step[done : done + rest] = step[full * BLOCK :]
        self._value[done : done + rest] = value[full * BLOCK :]
        return self._step[: done + rest], self._value[: done + rest]

    def _take(self, step: Ints, value: Floats, end: int) -> None:
        first, last = self._blocks * BLOCK, end * BLOCK
        y = value[first:last].reshape(-1, BLOCK)
        finite = np.isfinite(y)
        least = np.where(finite, y, np.inf).argmin(axis=1)
        most = np.where(finite, y, -np.inf).argmax(axis=1)
        base = np.arange(first, last, BLOCK)
        index = np.column_stack((np.minimum(least, most), np.maximum(least, most)))
        index = (index + base[:, np.newaxis]).ravel()
        into = slice(2 * self._blocks, 2 * end)
        self._step[into] = step[index]
        picked = value[index]
        self._value[into] = np.where(np.isfinite(picked), picked, np.nan)

    def _make_room(self, size: int) -> None:
        if size > len(self._step):
            room = 2 * size
            kept = 2 * self._blocks
            step, value = np.empty(room, np.int64), np.empty(room)
            step[:kept], value[:kept] = self._step[:kept], self._value[:kept]
            self._step, self._value = step, value


class NonFinite:
    """The steps whose values are nan or infinite."""

    def __init__(self) -> None:
        self._step: Ints = np.empty(0, np.int64)
        self._taken = 0

    def of(self, step: Ints, value: Floats) -> Ints:
        """Those of `step` and `value`, shape (n,), that begin with those before; ascending."""
        if len(value) < self._taken:
            self._taken = 0
            self._step = np.empty(0, np.int64)
        new = ~np.isfinite(value[self._taken :])
        if new.any():
            self._step = np.concatenate((self._step, step[self._taken :][new]))
        self._taken = len(value)
        return self._step


class Holds:
    """Where a column that is recorded at its changes stays as it is for more than a step."""

    def __init__(self) -> None:
        self._index: Ints = np.empty(0, np.int64)
        self._taken = 0

    def of(self, step: Ints, low: int, high: int, least: float) -> Ints:
        """Indices i of `step`, shape (n,), ascending, that begins with those before: step[i + 1]
        comes more than `least` later (at least 2), and what lies between is in [low, high]."""
        if len(step) < self._taken:
            self._taken = 0
            self._index = np.empty(0, np.int64)
        # The newest one has no end yet: it is looked at again when the next has come.
        known = max(self._taken - 1, 0)
        new = np.flatnonzero(np.diff(step[known:]) > 1) + known
        if len(new):
            self._index = np.concatenate((self._index, new))
        self._taken = len(step)
        first = max(int(np.searchsorted(step, low, side="right")) - 1, 0)
        last = int(np.searchsorted(step, high, side="right"))
        seen = self._index[
            int(np.searchsorted(self._index, first)) : int(np.searchsorted(self._index, last))
        ]
        found: Ints = seen[step[seen + 1] - step[seen] > least]
        return found
