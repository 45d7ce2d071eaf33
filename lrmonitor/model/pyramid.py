"""Extremes of a column that grows, at every scale: what is drawn of ten million points is exact.

Blocks of 32 values, of 128, 512 …, aligned to absolute indices, each with its least, its greatest
and its least positive finite value, where each of them stands, and how many of its values are nan
or infinite. They are made once, when a block is complete; what is not in a complete block is looked
at as it is. About 1.3 bytes a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lrmonitor.model.blocks import BLOCK, FAN, Flags, Floats, Ints, Level, placed
from lrmonitor.model.gaps import Gaps
from lrmonitor.model.kept import Kept

__all__ = ["BLOCK", "Points", "Pyramid", "joined", "power_of"]

_CHUNK = 65_536
"""Values taken at a time: they stay in the processor's cache for all that is asked of them."""

_DIRECT = 8192
"""Values of which the extremes are found faster by looking at each."""

_FEW = 32
"""Blocks that are found anew as quickly as among those that are kept."""

_NONE = (np.inf, -1, -np.inf, -1)


@dataclass(frozen=True)
class Points:
    """Where points of a series stand in it, with their steps and values; all of shape (n,)."""

    index: Ints
    step: Ints
    value: Floats


def joined(parts: list[Points]) -> Points:
    """Points one after the other; at least one part."""
    if len(parts) == 1:
        return parts[0]
    return Points(
        np.concatenate([part.index for part in parts]),
        np.concatenate([part.step for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


class Pyramid:
    """The levels over one column. `update` is given the whole column each time.

    With `positive`, a query is about positive finite values only: those that have a logarithm.
    """

    def __init__(self) -> None:
        self._value: Floats = np.empty(0)
        self._levels: list[Level] = []
        self._kept: dict[bool, Kept] = {}
        self._gaps = Gaps(self._levels)

    def __len__(self) -> int:
        return len(self._value)

    @property
    def memory(self) -> int:
        """Bytes that the levels hold."""
        return sum(level.memory for level in self._levels)

    def update(self, value: Floats) -> None:
        """Take `value`, shape (n,), which begins with what was given before; looks at what is new.

        The array is kept, not copied."""
        self._value = value
        if not self._levels:
            self._levels.append(Level())
        done = len(self._levels[0])
        full = len(value) // BLOCK
        at_once = _CHUNK // BLOCK
        for first in range(done, full, at_once):
            part = value[first * BLOCK : min(first + at_once, full) * BLOCK]
            self._levels[0].take_values(part.reshape(-1, BLOCK))
        for number, below in enumerate(self._levels):
            if len(below) < FAN:
                break
            if number + 1 == len(self._levels):
                self._levels.append(Level())
            if not self._levels[number + 1].take_blocks(below):
                break

    def extremes(
        self, first: int = 0, last: int | None = None, positive: bool = False
    ) -> tuple[float, float] | None:
        """The least and the greatest finite value with first ≤ index < last; None without any."""
        low, _, high, at = self._best(first, len(self) if last is None else last, positive)
        return None if at < 0 else (low, high)

    def all_positive(self) -> bool:
        """Whether every value is finite and greater than 0 (also of none)."""
        if not len(self):
            return True
        found = self.extremes()
        return found is not None and found[0] > 0 and not self.lost()

    def lost(self) -> int:
        """How many values are nan or infinite."""
        done, count = len(self), 0
        end = 0
        for level, below in reversed(list(enumerate(self._levels))):
            size = BLOCK * FAN**level
            count += int(below.lost[end // size :].sum())
            end = len(below) * size
        return count + int(np.count_nonzero(~np.isfinite(self._value[end:done])))

    def sample(
        self, step: Ints, first: int, last: int, width: float, positive: bool = False
    ) -> Ints:
        """Indices to draw of first ≤ index < last: about two for each `width` steps, ascending.

        `step`, ascending there, tells where the values stand, shape (n,); the same column each
        time. The least and the greatest value of each block, with no block wider than two widths
        (of two values or more); a block without any value is told by its first index. Few values
        are all drawn.
        """
        return self.points(step, first, last, width, positive).index

    def points(
        self, step: Ints, first: int, last: int, width: float, positive: bool = False
    ) -> Points:
        """The same with steps and values, most of which were drawn the last time too: to fetch
        them again out of millions would take longer than all the rest."""
        power = power_of(step, first, last, width)
        return self.points_of(step, first, last, width, power, positive)

    def points_of(
        self, step: Ints, first: int, last: int, width: float, power: int, positive: bool = False
    ) -> Points:
        """Those of blocks of 2^power values (0: all values)."""
        if not power:
            return Points(np.arange(first, last), step[first:last], self._value[first:last])
        begin, end = -(-first >> power), last >> power
        if begin >= end:
            return self._fetched(step, self._pair(first, last, positive))
        parts = [self._interior(step, power, begin, end, 2 * width, positive)]
        if first < begin << power:
            edge = self._edge(step, first, begin << power, width, positive)
            parts.insert(0, self._fetched(step, edge))
        if end << power < last:
            edge = self._edge(step, end << power, last, width, positive)
            parts.append(self._fetched(step, edge))
        return joined(parts)

    def unplaced(
        self, step: Ints, first: int, last: int, width: float, positive: bool = False
    ) -> Ints:
        """Indices with first ≤ index < last whose value is nan or infinite, ascending.

        With `positive` also those of values ≤ 0. At most about one for each `width` steps, the
        earliest of each block; found without a look at blocks that have none.
        """
        return self._gaps.find(self._value, step, first, last, width, positive)

    def _edge(self, step: Ints, first: int, last: int, width: float, positive: bool) -> Ints:
        """What is drawn of a part of a block."""
        if step[last - 1] - step[first] > 2 * width:
            return self.sample(step, first, last, width, positive)
        return self._pair(first, last, positive)

    def _pair(self, first: int, last: int, positive: bool) -> Ints:
        """Where the least and the greatest value of a range stand, in order."""
        _, one, _, two = self._best(first, last, positive)
        if one < 0:
            return np.array([first])
        return np.array([one] if one == two else sorted((one, two)))

    def _interior(
        self, step: Ints, power: int, begin: int, end: int, widest: float, positive: bool
    ) -> Points:
        """What is drawn of the blocks begin ≤ number < end; most were drawn the last time too."""
        if end - begin <= _FEW:  # without a look at what is kept, which is of more than these
            extent, pairs, steps, values = self._rows(step, power, np.arange(begin, end), positive)
        else:
            kept = self._kept.setdefault(positive, Kept())
            extent, pairs, steps, values = kept.rows(
                power, begin, end, lambda blocks: self._rows(step, power, blocks, positive)
            )
        if (extent > widest).any():
            blocks = np.arange(begin, end)
            return self._fetched(step, self._drawn(step, power, blocks, widest, positive))
        two = pairs[:, 0] != pairs[:, 1]
        if two.all():
            return Points(pairs.ravel(), steps.ravel(), values.ravel())
        once = np.ones(pairs.size, bool)
        once[1::2] = two
        return Points(pairs.ravel()[once], steps.ravel()[once], values.ravel()[once])

    def _rows(
        self, step: Ints, power: int, blocks: Ints, positive: bool
    ) -> tuple[Ints, Ints, Ints, Floats]:
        """Of blocks of 2^power values: how many steps each extends over, shape (n,), and what is
        drawn of it: two indices, their steps and values, shape (n, 2)."""
        first = blocks << power
        extent = step[first + ((1 << power) - 1)] - step[first]
        pairs = self._pairs(power, blocks, positive)
        return extent, pairs, step[pairs], self._value[pairs]

    def _fetched(self, step: Ints, index: Ints) -> Points:
        return Points(index, step[index], self._value[index])

    def _drawn(self, step: Ints, power: int, blocks: Ints, widest: float, positive: bool) -> Ints:
        """What is drawn of these blocks of 2^power values; wide ones are drawn in halves."""
        parts = []
        split = False
        while len(blocks):
            begin = blocks << power
            if power == 0:
                parts.append(begin)
                break
            wide = step[begin + (1 << power) - 1] - step[begin] > widest
            if not wide.any():
                parts.append(self._of_blocks(power, blocks, positive))
                break
            split = True
            if not wide.all():
                parts.append(self._of_blocks(power, blocks[~wide], positive))
            blocks = (blocks[wide, np.newaxis] * 2 + np.arange(2)).ravel()
            power -= 1
        found = np.concatenate(parts)
        return np.sort(found) if split else found

    def _of_blocks(self, power: int, blocks: Ints, positive: bool) -> Ints:
        """Indices of the least and the greatest value of each block of 2^power, in order."""
        return _each_once(self._pairs(power, blocks, positive))

    def _pairs(self, power: int, blocks: Ints, positive: bool) -> Ints:
        """The same two by two, shape (n, 2): twice the same where there is one."""
        if power < 5:
            low, high, some = self._of_small(power, blocks, positive)
        else:
            level, odd = divmod(power - 5, 2)
            low, high, some = self._of_large(level, blocks, odd == 1, positive)
        base = blocks << power
        left = np.where(some, np.minimum(low, high), base)
        right = np.where(some, np.maximum(low, high), base)
        return np.column_stack((left, right))

    def _of_small(self, power: int, blocks: Ints, positive: bool) -> tuple[Ints, Ints, Flags]:
        base = blocks << power
        value = self._value[base[:, np.newaxis] + np.arange(1 << power)]
        there = placed(value, positive)
        low = base + np.where(there, value, np.inf).argmin(axis=1)
        high = base + np.where(there, value, -np.inf).argmax(axis=1)
        return low, high, np.asarray(there.any(axis=1))

    def _of_large(
        self, level: int, blocks: Ints, pairs: bool, positive: bool
    ) -> tuple[Ints, Ints, Flags]:
        here = self._levels[level]
        least, greatest = here.least(positive), here.high
        low = high = blocks
        if pairs:
            low, high = 2 * blocks, 2 * blocks
            low = low + (least[low + 1] < least[low])
            high = high + (greatest[high + 1] > greatest[high])
        some: Flags = np.asarray(np.isfinite(least[low]))
        for number in range(level, -1, -1):
            here, fan = self._levels[number], FAN if number else BLOCK
            low = low * fan + here.least_at(positive)[low]
            high = high * fan + here.high_at[high]
        return low, high, some

    def _best(self, first: int, last: int, positive: bool) -> tuple[float, int, float, int]:
        """The least value and its index, the greatest and its; (inf, -1, -inf, -1) without any."""
        count = last - first
        if count <= 0:
            return _NONE
        level = -1
        while level + 1 < len(self._levels) and BLOCK * FAN ** (level + 1) * 64 <= count:
            level += 1
        if level < 0 or count <= _DIRECT:
            return self._best_of_values(first, last, positive)
        size = BLOCK * FAN**level
        begin, end = -(-first // size), last // size
        here = self._levels[level]
        low, high = here.least(positive)[begin:end], here.high[begin:end]
        least, most = int(low.argmin()), int(high.argmax())
        found = _NONE
        if np.isfinite(low[least]):
            blocks = np.array([begin + least]), np.array([begin + most])
            at_low = self._of_large(level, blocks[0], False, positive)[0]
            at_high = self._of_large(level, blocks[1], False, positive)[1]
            found = (float(low[least]), int(at_low[0]), float(high[most]), int(at_high[0]))
        found = _better(self._best(first, begin * size, positive), found)
        return _better(found, self._best(end * size, last, positive))

    def _best_of_values(
        self, first: int, last: int, positive: bool
    ) -> tuple[float, int, float, int]:
        value = self._value[first:last]
        # Both are nan if any value is.
        one, two = int(value.argmin()), int(value.argmax())
        least, most = float(value[one]), float(value[two])
        if math.isfinite(least) and math.isfinite(most) and (least > 0 or not positive):
            return least, first + one, most, first + two
        there = placed(value, positive)
        if not there.any():
            return _NONE
        low = int(np.where(there, value, np.inf).argmin())
        high = int(np.where(there, value, -np.inf).argmax())
        return float(value[low]), first + low, float(value[high]), first + high


def power_of(step: Ints, first: int, last: int, width: float) -> int:
    """What is drawn of first ≤ index < last is that of blocks of 2^power values; 0: each value. A
    column is `width` steps."""
    count, columns = last - first, 1.0
    if count > 2 and width > 0:
        columns = max(float(step[last - 1] - step[first]) / width, 1.0)
    if count <= 2 * columns:
        return 0
    return max(math.ceil(math.log2(count / columns)), 1)


def _each_once(pairs: Ints) -> Ints:
    """Ascending pairs as one ascending row, without repetition."""
    index = pairs.ravel()
    keep = np.ones(len(index), bool)
    keep[1::2] = pairs[:, 0] != pairs[:, 1]
    return index[keep]


def _better(
    one: tuple[float, int, float, int], two: tuple[float, int, float, int]
) -> tuple[float, int, float, int]:
    """The extremes of two ranges together; where they are alike, of the first."""
    low = two[:2] if two[1] >= 0 and (one[1] < 0 or two[0] < one[0]) else one[:2]
    high = two[2:] if two[3] >= 0 and (one[3] < 0 or two[2] > one[2]) else one[2:]
    return (*low, *high)
