"""Extremes of a column that grows, at every scale: what is drawn of ten million points is exact.

Blocks of 32 values, of 128, 512 …, aligned to absolute indices, each with its least, its greatest
and its least positive finite value, where each of them stands, and how many of its values are nan
or infinite. They are made once, when a block is complete; what is not in a complete block is looked
at as it is. About 1.3 bytes a value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrmonitor.model.blocks import BLOCK, FAN, Flags, Floats, Ints, Level, placed

__all__ = ["BLOCK", "Pyramid"]

_CHUNK = 65_536
"""Values taken at a time: they stay in the processor's cache for all that is asked of them."""

_DIRECT = 2048
"""Values of which the extremes are found faster by looking at each."""

_NONE = (np.inf, -1, -np.inf, -1)


class Pyramid:
    """The levels over one column. `update` is given the whole column each time.

    With `positive`, a query is about positive finite values only: those that have a logarithm.
    """

    def __init__(self) -> None:
        self._value: Floats = np.empty(0)
        self._levels: list[Level] = []
        self._known: dict[bool, _Known] = {}

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
            count += int(below.lost.view[end // size :].sum())
            end = len(below) * size
        return count + int(np.count_nonzero(~np.isfinite(self._value[end:done])))

    def sample(
        self, step: Ints, first: int, last: int, width: float, positive: bool = False
    ) -> Ints:
        """Indices to draw of first ≤ index < last: about two for each `width` steps, ascending.

        `step`, ascending there, tells where the values stand, shape (n,). The least and the
        greatest value of each block, with no block wider than two widths (of two values or more);
        a block without any value is told by its first index. Few values are all drawn.
        """
        count = last - first
        if count <= 2:
            return np.arange(first, last)
        columns = max(float(step[last - 1] - step[first]) / width, 1.0) if width > 0 else 1.0
        if count <= 2 * columns:
            return np.arange(first, last)
        power = max(int(np.ceil(np.log2(count / columns))), 1)
        begin, end = -(-first >> power), last >> power
        if begin >= end:
            return self._pair(first, last, positive)
        parts = [self._interior(step, power, begin, end, 2 * width, positive)]
        if first < begin << power:
            parts.insert(0, self._edge(step, first, begin << power, width, positive))
        if end << power < last:
            parts.append(self._edge(step, end << power, last, width, positive))
        return np.concatenate(parts)

    def unplaced(
        self, step: Ints, first: int, last: int, width: float, positive: bool = False
    ) -> Ints:
        """Indices with first ≤ index < last whose value is nan or infinite, ascending.

        With `positive` also those of values ≤ 0. At most about one for each `width` steps, the
        earliest of each block; found without a look at blocks that have none.
        """
        if last <= first:
            return np.empty(0, np.int64)
        columns = max(float(step[last - 1] - step[first]) / width, 1.0) if width > 0 else 1.0
        power = int(np.floor(np.log2(max((last - first) / columns, 1.0))))
        level = min((power - 5) // 2, len(self._levels) - 1)
        size = BLOCK * FAN ** max(level, 0)
        begin, end = -(-first // size), last // size
        if level < 0 or last - first <= _DIRECT:
            return self._thinned(step, first + self._missing(first, last, positive), width)
        if begin >= end:  # no block fits in between: into a half, a smaller one does
            middle = (first + last) // 2
            before = self.unplaced(step, first, middle, width, positive)
            after = self.unplaced(step, middle, last, width, positive)
            return self._thinned(step, np.concatenate((before, after)), width)
        blocks = begin + np.flatnonzero(self._levels[level].gaps(begin, end, positive))
        inner = self._earliest(step, level, blocks, width, positive)
        before = self.unplaced(step, first, begin * size, width, positive)
        after = self.unplaced(step, end * size, last, width, positive)
        return self._thinned(step, np.concatenate((before, inner, after)), width)

    def _missing(self, first: int, last: int, positive: bool) -> Ints:
        return np.flatnonzero(~placed(self._value[first:last], positive))

    @staticmethod
    def _thinned(step: Ints, index: Ints, width: float) -> Ints:
        """The first of each column."""
        if len(index) < 2 or width <= 0:
            return index
        column = np.floor_divide(step[index], width)
        keep = np.ones(len(index), bool)
        keep[1:] = column[1:] != column[:-1]
        return index[keep]

    def _earliest(self, step: Ints, level: int, blocks: Ints, width: float, positive: bool) -> Ints:
        """The first unplaced index of each of these blocks; of wide ones, of each part."""
        found = []
        while len(blocks):
            if level < 0:  # `blocks` are the indices themselves
                found.append(blocks)
                break
            size = BLOCK * FAN**level
            wide = step[blocks * size + size - 1] - step[blocks * size] > width
            if not wide.all():
                found.append(self._down(level, blocks[~wide], positive))
            blocks = blocks[wide]
            level -= 1
            blocks = self._unplaced_children(level, blocks, positive)
        return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)

    def _unplaced_children(self, level: int, blocks: Ints, positive: bool) -> Ints:
        fan = FAN if level >= 0 else BLOCK
        children = (blocks[:, np.newaxis] * fan + np.arange(fan)).ravel()
        if level >= 0:
            return children[self._levels[level].gaps_of(children, positive)]
        return children[~placed(self._value[children], positive)]

    def _down(self, level: int, blocks: Ints, positive: bool) -> Ints:
        """The first unplaced index of each of these blocks."""
        while level > 0:
            level -= 1
            children = blocks[:, np.newaxis] * FAN + np.arange(FAN)
            gaps = self._levels[level].gaps_of(children, positive)
            blocks = blocks * FAN + gaps.argmax(axis=1)
        children = blocks[:, np.newaxis] * BLOCK + np.arange(BLOCK)
        there = placed(self._value[children], positive)
        first: Ints = blocks * BLOCK + there.argmin(axis=1)
        return first

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
    ) -> Ints:
        """What is drawn of the blocks begin ≤ number < end; most were drawn the last time too."""
        starts = step[begin << power : end << power : 1 << power]
        ends = step[((begin + 1) << power) - 1 : end << power : 1 << power]
        if (ends - starts > widest).any():
            return self._drawn(step, power, np.arange(begin, end), widest, positive)
        known = self._known.get(positive)
        if known is None or known.power != power or begin > known.end or end < known.begin:
            known = _Known(power, begin, end, self._pairs(power, np.arange(begin, end), positive))
        pairs = known.pairs[max(begin - known.begin, 0) : max(end - known.begin, 0)]
        before, after = np.arange(begin, known.begin), np.arange(known.end, end)
        if len(before) or len(after):
            new = [self._pairs(power, blocks, positive) for blocks in (before, after)]
            pairs = np.concatenate((new[0], pairs, new[1]))
        self._known[positive] = _Known(power, begin, end, pairs)
        return _each_once(pairs)

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
        least, greatest = here.least(positive), here.high.view
        low = high = blocks
        if pairs:
            low, high = 2 * blocks, 2 * blocks
            low = low + (least[low + 1] < least[low])
            high = high + (greatest[high + 1] > greatest[high])
        some: Flags = np.asarray(np.isfinite(least[low]))
        for number in range(level, -1, -1):
            here, fan = self._levels[number], FAN if number else BLOCK
            low = low * fan + here.least_at(positive)[low]
            high = high * fan + here.high_at.view[high]
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
        low, high = here.least(positive)[begin:end], here.high.view[begin:end]
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
        there = placed(value, positive)
        if not there.any():
            return _NONE
        low = int(np.where(there, value, np.inf).argmin())
        high = int(np.where(there, value, -np.inf).argmax())
        return float(value[low]), first + low, float(value[high]), first + high


@dataclass(frozen=True)
class _Known:
    """What is drawn of the blocks begin ≤ number < end of 2^power values, as `pairs`."""

    power: int
    begin: int
    end: int
    pairs: Ints


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
