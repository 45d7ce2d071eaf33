"""What is drawn of one series at any zoom: few points, every extreme, every value without a place.

Shapes: `step` int64 (n,) and `value` float64 (n,) are the columns of a `Series`; results are (m,).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrmonitor.model.pieces import Pieces
from lrmonitor.model.pyramid import Points, Pyramid, power_of
from lrmonitor.model.pyramid import joined as after_one_another
from lrmonitor.record.reader import Series

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

__all__ = ["MOST_PIECES", "Drawn", "Part", "Picture", "joined"]

MOST_PIECES = 64
"""Pieces in view that are drawn one by one. More (a script that counts from 1 in each epoch, say)
make one line in the order of their steps: a frame would take too long, and lines that many would
hide each other."""


@dataclass(frozen=True)
class Part:
    """What is in view of one ascending piece: the piece, and the indices inside of [low, high]."""

    begin: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class Drawn:
    """Points of a line (x: steps, y: values; nan is a gap), and what it does not show.

    `range`: the least and the greatest value in view that has a place, exactly. `unplaced`: steps
    in view whose value has none, ascending, about one a column. `count`: points in view.
    """

    x: Floats
    y: Floats
    range: tuple[float, float] | None
    unplaced: Floats
    count: int


_NOTHING = Drawn(np.empty(0), np.empty(0), None, np.empty(0), 0)


class Picture:
    """A series, kept ready for drawing: what a frame takes does not grow with the run.

    `follow` takes what is new; then the rest can be asked. Not thread-safe.
    """

    def __init__(self, series: Series) -> None:
        self.series = series
        self.pyramid = Pyramid()
        self.pieces = Pieces()
        self.step: Ints = np.empty(0, np.int64)
        self.value: Floats = np.empty(0)
        self.cuts: tuple[int, ...] = ()
        """Steps after each of which the line begins anew, as the training was rewound there."""
        self.begun = series.cleared
        """Another number once it had to begin again: what was made of it does not hold any more."""
        self._ordered: Picture | None = None
        self._parts: list[Part] = []
        self._sample_of: object = None
        self._sample_end = 0
        self._sample = Points(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        self._parts_of: object = None

    def follow(self) -> None:
        """Take what the series has by now."""
        if self.series.cleared != self.begun:
            self.begun = self.series.cleared
            self.pyramid, self.pieces, self._ordered = Pyramid(), Pieces(), None
        self.step, self.value = self.series.step, self.series.value
        self.pyramid.update(self.value)
        self.pieces.update(self.step, self.cuts)

    def parts(self, low: int, high: int) -> list[Part]:
        """What is in view for low ≤ step ≤ high, piece by piece, in the order of recording."""
        of = (low, high, len(self.step), self.cuts, len(self.pieces), self.begun)
        if of == self._parts_of:
            return self._parts
        found = []
        for begin, end in self.pieces.meeting(low, high):
            step = self.step[begin:end]
            first = begin + int(step.searchsorted(low, "left"))
            last = begin + int(step.searchsorted(high, "right"))
            found.append(Part(begin, end, first, last))
        self._parts_of, self._parts = of, found
        return found

    def drawn(self, low: int, high: int, columns: int, log: bool = False) -> Drawn:
        """The line for low ≤ step ≤ high on `columns` columns, with a point beyond either edge.

        At most about two points a column: the least and the greatest value of each block, at their
        own steps. With `log` values ≤ 0 have no place: y has none, and extremes are of the others.
        """
        parts = self.parts(low, high)
        if len(parts) > MOST_PIECES:
            return self._in_order().drawn(low, high, columns, log)
        if not parts:
            return _NOTHING
        width = (high - low) / max(columns, 1)
        lines, lost, ranges = [], [], []
        for part in parts:
            points = self.points(part, width, log)
            value = _placed(points.value, log)
            first, last = points.index.searchsorted((part.first, part.last)).tolist()
            seen = value[first:last]
            least = float(np.fmin.reduce(seen)) if last > first else np.nan
            if not np.isnan(least):
                ranges.append((least, float(np.fmax.reduce(seen))))
            lines.append((points.step.astype(np.float64), value))
            lost.append(self.unplaced(part, width, log))
        x, y = joined(lines)
        return Drawn(
            x,
            y,
            (min(r[0] for r in ranges), max(r[1] for r in ranges)) if ranges else None,
            np.unique(np.concatenate(lost)) if len(parts) > 1 else lost[0],
            sum(part.last - part.first for part in parts),
        )

    def points(self, part: Part, width: float, log: bool = False) -> Points:
        """What to draw of a part, ascending; a column is `width` steps.

        The least and the greatest value of each block, the first and the last point in view
        whatever their values, and those just outside: the line reaches its ends and the edges.
        """
        found = self._sampled(part, width, log)
        index = found.index
        before = [part.first - 1] if part.first > part.begin else []
        after = [part.last] if part.last < part.end else []
        if len(index) and index[0] != part.first:
            before.append(part.first)
        if len(index) and index[-1] != part.last - 1:
            after.insert(0, part.last - 1)
        parts = [found]
        if before:
            parts.insert(0, self._at(before))
        if after:
            parts.append(self._at(after))
        return after_one_another(parts)

    def unplaced(self, part: Part, width: float, log: bool = False) -> Floats:
        """Steps of a part whose value has no place, ascending, about one for each `width` steps."""
        index = self.pyramid.unplaced(self.step, part.first, part.last, width, log)
        return self.step[index].astype(np.float64)

    def _sampled(self, part: Part, width: float, log: bool) -> Points:
        """`Pyramid.points` of a part. Where it has only grown since the last time, its end: from
        the last block on that was complete then."""
        step, first, last = self.step, part.first, part.last
        power = power_of(step, first, last, width)
        if part.end < len(step):
            return self.pyramid.points_of(step, first, last, width, power, log)
        kind, known = (self.begun, first, width, log, power), self._sample
        # With a whole block: less than one is drawn as a part of one, whatever steps it is over.
        base = (self._sample_end >> power) - 1 << power
        if power and kind == self._sample_of and first + (2 << power) <= base < last:
            kept = int(known.index.searchsorted(base))
            before = Points(known.index[:kept], known.step[:kept], known.value[:kept])
            found = self.pyramid.points_of(step, base, last, width, power, log)
            found = after_one_another([before, found])
        else:
            found = self.pyramid.points_of(step, first, last, width, power, log)
        self._sample_of, self._sample_end, self._sample = kind, last, found
        return found

    def _at(self, index: list[int]) -> Points:
        return Points(np.array(index), self.step[index], self.value[index])

    def _in_order(self) -> Picture:
        """The same points in the order of their steps, of one step in that of recording."""
        known = self._ordered
        if known is None or len(known.step) != len(self.step):
            known = self._ordered = Picture(self.series)
            order = np.argsort(self.step, kind="stable")
            known.step, known.value = self.step[order], self.value[order]
            known.pyramid.update(known.value)
            known.pieces.update(known.step)
        return known


def joined(lines: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Lines (x, y) as one, with a gap (nan, nan) between them; at least one line."""
    if len(lines) == 1:
        return lines[0]
    gap = np.array([np.nan])
    xs, ys = [], []
    for x, y in lines:
        xs += [x, gap]
        ys += [y, gap]
    return np.concatenate(xs[:-1]), np.concatenate(ys[:-1])


def _placed(value: Floats, log: bool) -> Floats:
    """The values, nan in the place of one that has no place."""
    # Either is nan if any value is.
    least, most = (value.min(), value.max()) if len(value) else (np.nan, np.nan)
    if math.isfinite(least) and math.isfinite(most) and (least > 0 or not log):
        return value
    there = np.isfinite(value)
    if log:
        there &= value > 0
    return np.where(there, value, np.nan)
