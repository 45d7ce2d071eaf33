"""One level of a pyramid: the extremes of blocks of one size, where they stand, what is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrmonitor.record.columns import Column

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

__all__ = ["BLOCK", "FAN", "Level", "placed"]

BLOCK = 32
"""Values of the smallest blocks: 2⁵."""

FAN = 4
"""Blocks of a level that one of the next level is made of: 2²."""


def placed(value: Floats, positive: bool) -> Flags:
    """Which of the values have a place on a linear axis, or on a logarithmic one."""
    finite = np.isfinite(value)
    return finite & (value > 0) if positive else finite


_KEPT = np.dtype(
    [
        ("low", np.float64),
        ("high", np.float64),
        ("positive", np.float64),
        ("lost", np.uint32),
        ("low_at", np.uint8),
        ("high_at", np.uint8),
        ("positive_at", np.uint8),
    ],
    align=True,
)
"""What is kept of a block, together: few blocks come at a time, and each column of its own that
grows would cost more than what is put into it."""


class Level:
    """Blocks of one size. Extremes of a block that has no such value are inf, -inf and inf.

    `…_at` is where an extreme stands: the value in a block of values, the block among its four.
    """

    def __init__(self) -> None:
        self._blocks: Column[np.void] = Column(_KEPT)
        self.gapless = {False: True, True: True}
        """Whether every value taken had a place, on a linear axis and on a logarithmic (True) one;
        told of blocks of values."""

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def memory(self) -> int:
        """Bytes."""
        return len(self) * _KEPT.itemsize

    @property
    def high(self) -> Floats:
        """The greatest value of each block."""
        return self._blocks.view["high"]

    @property
    def high_at(self) -> npt.NDArray[np.uint8]:
        """Where it stands."""
        return self._blocks.view["high_at"]

    @property
    def lost(self) -> npt.NDArray[np.uint32]:
        """How many values of each block are nan or infinite."""
        return self._blocks.view["lost"]

    def least(self, positive: bool) -> Floats:
        """The least value, or the least positive one, of each block."""
        return self._blocks.view["positive" if positive else "low"]

    def least_at(self, positive: bool) -> npt.NDArray[np.uint8]:
        """Where it stands."""
        return self._blocks.view["positive_at" if positive else "low_at"]

    def gaps(self, first: int, last: int, positive: bool) -> Flags:
        """Which of these blocks have a value that has no place on the axis."""
        return self._gaps_in(self._blocks.view[first:last], positive)

    def gaps_of(self, blocks: Ints, positive: bool) -> Flags:
        """The same for blocks by number, any shape."""
        return self._gaps_in(self._blocks.view[blocks], positive)

    def take_values(self, value: Floats) -> None:
        """Append blocks of values, shape (n, BLOCK)."""
        finite = np.isfinite(value)
        above = below = value
        lost: npt.NDArray[np.int64] | int = 0
        if not finite.all():
            self.gapless = {False: False, True: False}
            lost = BLOCK - finite.sum(axis=1)
            above, below = np.where(finite, value, -np.inf), np.where(finite, value, np.inf)
        rows = np.arange(len(value))
        new = self._blocks.added(len(value))
        new["lost"] = lost
        new["low_at"] = at = below.argmin(axis=1)
        new["low"] = low = below[rows, at]
        new["positive"], new["positive_at"] = low, at
        new["high_at"] = at = above.argmax(axis=1)
        new["high"] = above[rows, at]
        if not low.min() > 0:
            self.gapless[True] = False
            over = np.where(below > 0, below, np.inf)
            new["positive_at"] = at = over.argmin(axis=1)
            new["positive"] = over[rows, at]

    def take_blocks(self, below: Level) -> bool:
        """Append what complete fours of the level below make, from where this one ends; False if
        there is nothing new."""
        first, last = len(self) * FAN, len(below) // FAN * FAN
        if first == last:
            return False
        fours = below._blocks.view[first:last].reshape(-1, FAN)
        rows = np.arange(len(fours))
        new = self._blocks.added(len(fours))
        new["lost"] = fours["lost"].sum(axis=1)
        for kept in ("low", "high", "positive"):
            value = fours[kept]
            at = value.argmax(axis=1) if kept == "high" else value.argmin(axis=1)
            new[kept] = value[rows, at]
            new[f"{kept}_at"] = at
        return True

    @staticmethod
    def _gaps_in(blocks: npt.NDArray[np.void], positive: bool) -> Flags:
        found: Flags = blocks["lost"] > 0
        return found | (blocks["low"] <= 0) if positive else found
