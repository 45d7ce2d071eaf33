"""A curve as it is painted: points that are joined by pieces of a line, with gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPaintEngine, QPainter, QPen

from .bars import DENSE, LEAST, Bars
from .layers import Layer
from .pens import pen_of
from .primitives import Primitives
from .stepview import StepView

Floats = NDArray[np.float64]

__all__ = ["Line"]

DOT = 4.0
"""Pixels across a point that has no line."""

BESIDE = 4.0
"""Pixels beside an area that is painted, within which points have a say in how it looks."""

_EMPTY: Floats = np.empty(0)


class Line(Layer):
    """Points in the units of the axes. `whole`: it is painted as one line, as dashes need it; else
    piece by piece, which is faster."""

    def __init__(self, antialias: bool = False, whole: bool = False, height: float = 0.0) -> None:
        super().__init__(height)
        self.antialias = antialias
        self.pen = pen_of("#888888")
        self._whole = whole
        self._x, self._y = _EMPTY, _EMPTY
        self._ascending = True
        self._dense = False
        self._alone: list[int] = []
        self._bars = Bars()
        self._pieces = Primitives(QLineF)

    def set_pen(self, pen: QPen) -> None:
        """Paint it with this."""
        self.pen = pen
        self.update()

    def points(self) -> tuple[Floats, Floats]:
        """What was shown last, shapes (n,); nan is a gap."""
        return self._x, self._y

    def show(self, x: Floats, y: Floats) -> None:
        """Draw these points, shapes (n,), in the place of those before. Only what is another than
        it was is painted anew: of a line that grows, its end."""
        old_x, old_y = self._x, self._y
        self._x, self._y = x, y
        if self._becomes_dense(x) != self._dense:
            self._dense = not self._dense
            self.update()
        if x is old_x and y is old_y:
            return
        alike = _alike(old_x, x, old_y, y)
        if alike == len(x) == len(old_x):
            return
        self._ascending = bool((x[1:] >= x[:-1]).all())
        self._alone = _alone(x, y)
        view = self.view
        if not alike or view is None:
            self.update()
            return
        # From the last point that is where it was, or where a gap or a level line goes on.
        first, both = alike - 1, alike < min(len(x), len(old_x))
        if np.isnan(y[first]) or (both and y[first] == y[alike] == old_y[alike]):
            first = alike
        ends = np.concatenate((x[first:], old_x[first:]))
        if np.isnan(ends).all():
            return
        room = 2 + self.pen.widthF()
        left = view.across(float(np.fmin.reduce(ends))) - room
        right = view.across(float(np.fmax.reduce(ends))) + room
        self.update(QRectF(left, view.area.top(), right - left, view.area.height()))

    def paint(self, painter: QPainter, view: StepView, part: QRectF) -> None:
        some = self._within(view, part)
        x, y = self._x[some] * view.scale_x, self._y[some] * view.scale_y
        if not len(x):
            return
        x += view.offset_x
        y += view.offset_y
        pen = self.pen
        thin = pen.widthF() <= 1 and not self.antialias and not self._whole
        # A drawing (SVG) gets the line: it is sharp at any size.
        if thin and self._dense and painter.paintEngine().type() == QPaintEngine.Type.Raster:
            self._bars.draw(painter, x, y, pen.color(), part)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self.antialias)
        if self._alone:
            painter.setPen(QPen(pen.color(), DOT, c=Qt.PenCapStyle.RoundCap))
            first = some.start or 0
            for at in self._alone:
                if 0 <= at - first < len(x):
                    painter.drawPoint(QPointF(float(x[at - first]), float(y[at - first])))
        painter.setPen(pen)
        if self._whole:
            self._paint_whole(painter, x, y)
            return
        there = np.isfinite(x + y)
        pieces = np.empty((max(len(x) - 1, 0), 4))
        pieces[:, 0], pieces[:, 1], pieces[:, 2], pieces[:, 3] = x[:-1], y[:-1], x[1:], y[1:]
        joined = there[:-1] & there[1:]
        if not joined.all():
            pieces = pieces[joined]
        if len(pieces):
            painter.drawLines(*self._pieces.of(pieces))

    def _within(self, view: StepView, part: QRectF) -> slice:
        """The points that tell how a part of the canvas looks: where the line ascends, those in it
        and their neighbours."""
        if self._whole or not self._ascending or part.width() > 0.5 * view.area.width():
            return slice(0, len(self._x))
        ends = view.step_at(part.left() - BESIDE), view.step_at(part.right() + BESIDE)
        first, last = np.searchsorted(self._x, ends).tolist()
        return slice(max(first - 2, 0), last + 2)

    def _paint_whole(self, painter: QPainter, x: Floats, y: Floats) -> None:
        """Each stretch between two gaps as one line."""
        there = np.isfinite(x + y)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], there, [False])).astype(np.int8)))
        for first, last in edges.reshape(-1, 2).tolist():
            points = zip(x[first:last].tolist(), y[first:last].tolist(), strict=True)
            painter.drawPolyline([QPointF(*point) for point in points])

    def _becomes_dense(self, x: Floats) -> bool:
        """Whether a line is best drawn as bars. A line that grows does not become so half way."""
        if self.view is None or len(x) < LEAST:
            return False
        pixels = abs(float(x[-1] - x[0])) * self.view.scale_x
        return bool(len(x) >= DENSE * pixels)


def _alike(x1: Floats, x2: Floats, y1: Floats, y2: Floats) -> int:
    """How many points two lines begin with that are the same, gaps (nan) included."""
    count = min(len(x1), len(x2))
    if not count or x1[0] != x2[0]:
        return 0  # as when a view moves
    for one, two in ((x1, x2), (y1, y2)):
        # Bit by bit, a nan is like another.
        other = one[:count].view(np.int64) != two[:count].view(np.int64)
        first = int(other.argmax())
        if other[first]:
            count = first
            if not count:
                break
    return count


def _alone(x: Floats, y: Floats) -> list[int]:
    """Which points have no line to either side, as there are gaps (nan): no line would show them.
    Also of a line that is one point, or goes nowhere."""
    if len(x) <= 2:
        return [0] if len(x) and not np.isnan(y[0]) and x[0] == x[-1] else []
    gap = np.isnan(y)
    if not gap.any():
        return []
    beside = np.concatenate(([True], gap, [True]))
    return np.flatnonzero(~gap & beside[:-2] & beside[2:]).tolist()
