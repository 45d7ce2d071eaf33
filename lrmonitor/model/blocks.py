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


class Level:
    """Blocks of one size. Extremes of a block that has no such value are inf, -inf and inf.

    `…_at` is where an extreme stands: the value in a block of values, the block among its four.
    """

    def __init__(self) -> None:
        self.low: Column[np.float64] = Column(np.float64)
        self.high: Column[np.float64] = Column(np.float64)
        self.positive: Column[np.float64] = Column(np.float64)
        self.low_at: Column[np.uint8] = Column(np.uint8)
        self.high_at: Column[np.uint8] = Column(np.uint8)
        self.positive_at: Column[np.uint8] = Column(np.uint8)
        self.lost: Column[np.uint32] = Column(np.uint32)
        self.gapless = {False: True, True: True}
        """Whether every value taken had a place, on a linear axis and on a logarithmic (True) one;
        told of blocks of values."""

    def __len__(self) -> int:
        return len(self.low)

    @property
    def memory(self) -> int:
        """Bytes."""
        return len(self) * (3 * 8 + 3 + 4)

    def least(self, positive: bool) -> Floats:
        """The least value, or the least positive one, of each block."""
        return (self.positive if positive else self.low).view

    def least_at(self, positive: bool) -> npt.NDArray[np.uint8]:
        """Where it stands."""
        return (self.positive_at if positive else self.low_at).view

    def gaps(self, first: int, last: int, positive: bool) -> Flags:
        """Which of these blocks have a value that has no place on the axis."""
        found: Flags = self.lost.view[first:last] > 0
        return found | (self.low.view[first:last] <= 0) if positive else found

    def gaps_of(self, blocks: Ints, positive: bool) -> Flags:
        """The same for blocks by number, any shape."""
        found: Flags = self.lost.view[blocks] > 0
        return found | (self.low.view[blocks] <= 0) if positive else found

    def take_values(self, value: Floats) -> None:
        """Append blocks of values, shape (n, BLOCK)."""
        finite = np.isfinite(value)
        above = below = value
        if finite.all():
            self.lost.added(len(value))[:] = 0
        else:
            self.gapless = {False: False, True: False}
            self.lost.append((BLOCK - finite.sum(axis=1)).astype(np.uint32))
            above, below = np.where(finite, value, -np.inf), np.where(finite, value, np.inf)
        low = self._take(below.argmin(axis=1), below, self.low, self.low_at)
        self._take(above.argmax(axis=1), above, self.high, self.high_at)
        self._take_positive(low, below)

    def take_blocks(self, below: Level) -> bool:
        """Append what complete fours of the level below make, from where this one ends; False if
        there is nothing new."""
        first, last = len(self) * FAN, len(below) // FAN * FAN
        if first == last:
            return False
        lost = below.lost.view[first:last].reshape(-1, FAN)
        self.lost.append(lost.sum(axis=1, dtype=np.uint32))
        low = below.low.view[first:last].reshape(-1, FAN)
        high = below.high.view[first:last].reshape(-1, FAN)
        positive = below.positive.view[first:last].reshape(-1, FAN)
        self._take(low.argmin(axis=1), low, self.low, self.low_at)
        self._take(high.argmax(axis=1), high, self.high, self.high_at)
        self._take(positive.argmin(axis=1), positive, self.positive, self.positive_at)
        return True

    def _take_positive(self, low: Floats, value: Floats) -> None:
        if low.min() > 0:
            count = len(low)
            self.positive.append(low)
            self.positive_at.append(self.low_at.view[-count:])
            return
        self.gapless[True] = False
        above = np.where(value > 0, value, np.inf)
        self._take(above.argmin(axis=1), above, self.positive, self.positive_at)

    @staticmethod
    def _take(
        at: Ints, value: Floats, column: Column[np.float64], place: Column[np.uint8]
    ) -> Floats:
        found = value[np.arange(len(at)), at]
        column.append(found)
        place.append(at.astype(np.uint8))
        return found
