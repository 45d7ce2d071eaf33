"""Where values have no place on an axis, found in a pyramid of blocks that count them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrmonitor.model.blocks import BLOCK, FAN, Floats, Ints, Level, placed

__all__ = ["Gaps"]

_DIRECT = 2048
"""Values that are looked at one by one faster than through blocks."""

_NOTHING: Ints = np.empty(0, np.int64)


@dataclass(frozen=True)
class _Known:
    """What was found in the blocks begin ≤ number < end of a level, one for each `unit` steps."""

    level: int
    unit: float
    begin: int
    end: int
    index: Ints

    def joins(self, level: int, unit: float, begin: int, end: int) -> bool:
        """Whether others are of the same kind, with no block between that is in neither."""
        alike = (self.level, self.unit) == (level, unit)
        return alike and begin <= self.end and end >= self.begin


class Gaps:
    """Over the levels of a pyramid, which grow; what was found is kept for the next time."""

    def __init__(self, levels: list[Level]) -> None:
        self._levels = levels
        self._value: Floats = np.empty(0)
        self._known: dict[bool, _Known] = {}

    def find(
        self, value: Floats, step: Ints, first: int, last: int, width: float, positive: bool
    ) -> Ints:
        """See `Pyramid.unplaced`. `value` is the column that the levels are made of."""
        if last <= first:
            return _NOTHING
        self._value = value
        if self._levels and self._levels[0].gapless[positive]:
            first = max(first, len(self._levels[0]) * BLOCK)  # nothing before that
            if last <= first:
                return _NOTHING
        # What is kept holds for a while as one zooms, and while the width wavers as one moves.
        unit = float(2.0 ** np.floor(np.log2(width))) if width > 0 else 0.0
        return _thinned(step, self._search(step, first, last, unit, positive, True), width)

    def _search(
        self, step: Ints, first: int, last: int, unit: float, positive: bool, keep: bool = False
    ) -> Ints:
        """At least one for each `unit` steps where there is any."""
        if last <= first:
            return _NOTHING
        columns = max(float(step[last - 1] - step[first]) / unit, 1.0) if unit > 0 else 1.0
        power = int(np.floor(np.log2(max((last - first) / columns, 1.0))))
        level = min((power - 5) // 2, len(self._levels) - 1)
        if level < 0 or last - first <= _DIRECT:
            return first + np.flatnonzero(~placed(self._value[first:last], positive))
        size = BLOCK * FAN**level
        begin, end = -(-first // size), last // size
        if begin >= end:  # no block fits in between: into a half, a smaller one does
            middle = (first + last) // 2
            before = self._search(step, first, middle, unit, positive)
            return np.concatenate((before, self._search(step, middle, last, unit, positive)))
        find = self._recalled if keep else self._inside
        inner = find(step, level, begin, end, unit, positive)
        before = after = _NOTHING
        if first < begin * size and self._any(level, begin - 1, positive):
            before = self._search(step, first, begin * size, unit, positive)
        if end * size < last and self._any(level, end, positive):
            after = self._search(step, end * size, last, unit, positive)
        return np.concatenate((before, inner, after))

    def _any(self, level: int, block: int, positive: bool) -> bool:
        """Whether there may be any in a block, which may be incomplete."""
        here = self._levels[level]
        return block >= len(here) or bool(here.gaps(block, block + 1, positive)[0])

    def _recalled(
        self, step: Ints, level: int, begin: int, end: int, unit: float, positive: bool
    ) -> Ints:
        """The same as `_inside`; most was found the last time too."""
        known = self._known.get(positive)
        if known is not None and known.joins(level, unit, begin, end):
            size = BLOCK * FAN**level
            low, high = np.searchsorted(known.index, (begin * size, end * size)).tolist()
            before = self._inside(step, level, begin, known.begin, unit, positive)
            after = self._inside(step, level, known.end, end, unit, positive)
            found = np.concatenate((before, known.index[low:high], after))
        else:
            found = self._inside(step, level, begin, end, unit, positive)
        self._known[positive] = _Known(level, unit, begin, end, found)
        return found

    def _inside(
        self, step: Ints, level: int, begin: int, end: int, unit: float, positive: bool
    ) -> Ints:
        """The first of each of the blocks begin ≤ number < end; of wide ones, of each part."""
        if begin >= end:
            return _NOTHING
        blocks = begin + np.flatnonzero(self._levels[level].gaps(begin, end, positive))
        found = []
        while len(blocks):
            if level < 0:  # `blocks` are the indices themselves
                found.append(blocks)
                break
            size = BLOCK * FAN**level
            wide = step[blocks * size + size - 1] - step[blocks * size] > unit
            if not wide.all():
                found.append(self._down(level, blocks[~wide], positive))
            blocks = blocks[wide]
            level -= 1
            blocks = self._children(level, blocks, positive)
        return np.sort(np.concatenate(found)) if found else _NOTHING

    def _children(self, level: int, blocks: Ints, positive: bool) -> Ints:
        """Those of the parts of these blocks, which are of `level`, that have any."""
        fan = FAN if level >= 0 else BLOCK
        children = (blocks[:, np.newaxis] * fan + np.arange(fan)).ravel()
        if level >= 0:
            return children[self._levels[level].gaps_of(children, positive)]
        return children[~placed(self._value[children], positive)]

    def _down(self, level: int, blocks: Ints, positive: bool) -> Ints:
        """The first in each of these blocks."""
        while level > 0:
            level -= 1
            children = blocks[:, np.newaxis] * FAN + np.arange(FAN)
            gaps = self._levels[level].gaps_of(children, positive)
            blocks = blocks * FAN + gaps.argmax(axis=1)
        children = blocks[:, np.newaxis] * BLOCK + np.arange(BLOCK)
        there = placed(self._value[children], positive)
        first: Ints = blocks * BLOCK + there.argmin(axis=1)
        return first


def _thinned(step: Ints, index: Ints, width: float) -> Ints:
    """The first of each column."""
    if len(index) < 2 or width <= 0:
        return index
    column = np.floor_divide(step[index], width)
    keep = np.ones(len(index), bool)
    keep[1:] = column[1:] != column[:-1]
    return index[keep]
