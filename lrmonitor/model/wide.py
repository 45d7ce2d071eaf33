"""What is drawn of a view that moves, worked out for more than is visible: as long as it stays
inside of that, only the visible part is looked up."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lrmonitor.model.picture import Drawn, Picture

__all__ = ["Margin", "WideDrawn", "WideLine", "visible"]

Floats = npt.NDArray[np.float64]

BESIDE = 0.5
"""Widths of the view that are worked out to either side of it once it moves."""

ALIKE = 0.02
"""Share by which a view may be wider or narrower than another whose points it shows, whatever they
are."""

OVER = 0.125
"""The same beyond the widths at which a pyramid draws the same blocks."""


class Margin:
    """Tells of which stretch points are to be worked out, and whether they still hold.

    `scales`: they are of a pyramid, which draws the same blocks (see `Pyramid.sample`) until the
    view is twice or half as wide: so long they hold also as it is zoomed.
    """

    def __init__(self, picture: Picture, scales: bool = True) -> None:
        self._picture = picture
        self._scales = scales
        self._state: object = None
        self._low = self._high = self._end = self._width = self._count = 0
        self._columns = 0
        self._widths: tuple[float, float] | None = None
        self._asked = (0, 0)

    def holds(self, low: int, high: int, columns: int, kind: object) -> bool:
        """Whether what was worked out last is as good for this view, which has so many columns. If
        not, `low`, `high` and `share` tell what to work out now."""
        picture = self._picture
        pieces = len(picture.pieces)
        state = (picture.begun, picture.cuts, pieces, columns, kind)
        alike = state == self._state and self._serves(high - low)
        # What is recorded later stands after what is there, or makes another piece.
        grown = len(picture.step) != self._count and self._high >= self._end
        if self._low <= low and high <= self._high and alike and not grown:
            self._asked = (low, high)
            # The points of several pieces do not ascend: they are of one view alone.
            return pieces == 1 or (low, high) == (self._low, self._high)
        # Where it goes on growing, what is worked out beside the view is of no use a frame later.
        moved = alike and not grown and (low, high) != self._asked and pieces == 1
        beside = round(BESIDE * (high - low)) if moved else 0
        self._state, self._asked, self._width = state, (low, high), high - low
        self._low, self._high = low - beside, high + beside
        self._count = len(picture.step)
        self._end = int(picture.step[-1]) if self._count else 0
        self._columns, self._widths = columns, None
        return False

    def _serves(self, width: int) -> bool:
        """Whether the points of the stretch serve a view of that width."""
        if width == self._width:
            return True
        if self._widths is None:
            self._widths = self._served()
        return self._widths[0] <= width <= self._widths[1]

    def _served(self) -> tuple[float, float]:
        """The widths of views that they serve."""
        width, columns = self._width, self._columns
        if not self._scales or len(self._picture.pieces) != 1:
            return (1 - ALIKE) * width, (1 + ALIKE) * width
        count, span, step = 0, 0.0, self._picture.step
        for part in self._picture.parts(self._low, self._high):  # one, or none in view
            count = part.last - part.first
            span = float(step[part.last - 1] - step[part.first]) if count else 0.0
        # As a pyramid reckons: of the columns between the first and the last point in view.
        each = max(count / max(span * columns / max(width, 1), 1.0), 1e-9)
        # All are drawn up to two a column; else of each so many, a power of two.
        power = math.ceil(math.log2(each)) if each > 2 else 1
        least = 2.0 ** (power - 1) * (1 - OVER) / each if each > 2 else 0.0
        return least * width, 2.0**power * (1 + OVER) / each * width

    @property
    def low(self) -> int:
        """The first step that is worked out."""
        return self._low

    @property
    def high(self) -> int:
        """The last one."""
        return self._high

    @property
    def share(self) -> float:
        """How many times as wide as the view that is."""
        return (self._high - self._low) / max(self._width, 1)


class WideDrawn:
    """`Picture.drawn` for views that move. At the edges of one, blocks of values that are only in
    part visible are drawn by their extremes as wholes: about a column at either end."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._margin = Margin(picture)
        self._drawn: Drawn | None = None

    def drawn(self, low: int, high: int, columns: int, log: bool = False) -> Drawn:
        """See `Picture.drawn`."""
        margin, picture = self._margin, self._picture
        if not margin.holds(low, high, columns, log) or self._drawn is None:
            wide = round(columns * margin.share)
            self._drawn = picture.drawn(margin.low, margin.high, wide, log)
        found = self._drawn
        if (low, high) == (margin.low, margin.high):
            return found
        part, inside = visible(found.x, low, high)
        seen = found.y[inside]
        least = float(np.fmin.reduce(seen)) if len(seen) else np.nan
        first, last = np.searchsorted(found.unplaced, (low, high + 1)).tolist()
        return Drawn(
            found.x[part],
            found.y[part],
            None if np.isnan(least) else (least, float(np.fmax.reduce(seen))),
            found.unplaced[first:last],
            sum(one.last - one.first for one in picture.parts(low, high)),
        )


class WideLine:
    """The same for a line that is made by `make(low, high, columns, log, share)`: `share` is how
    many times as wide as the view the stretch is that is made."""

    def __init__(
        self,
        picture: Picture,
        make: Callable[[int, int, int, bool, float], tuple[Floats, Floats]],
    ) -> None:
        self._margin = Margin(picture)
        self._make = make
        self._line: tuple[Floats, Floats] = (np.empty(0), np.empty(0))

    def line(
        self, low: int, high: int, columns: int, log: bool, kind: object = None
    ) -> tuple[Floats, Floats]:
        """The line (x, y) for low ≤ step ≤ high, and a point beyond either end. One of another
        `kind` is made anew."""
        margin = self._margin
        if not margin.holds(low, high, columns, (log, kind)):
            wide = round(columns * margin.share)
            self._line = self._make(margin.low, margin.high, wide, log, margin.share)
        x, y = self._line
        if (low, high) == (margin.low, margin.high):
            return x, y
        part, _ = visible(x, low, high)
        return x[part], y[part]


def visible(x: Floats, low: int, high: int) -> tuple[slice, slice]:
    """Of ascending points those in view with one beyond either end, and those alone."""
    first = int(x.searchsorted(low, "left"))
    last = int(x.searchsorted(high, "right"))
    return slice(max(first - 1, 0), last + 1), slice(first, last)
