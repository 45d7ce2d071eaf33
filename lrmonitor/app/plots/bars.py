"""A line with several points for each pixel, drawn as one upright bar for each column of pixels.

What such a line looks like is in each column from its least to its greatest value there. To draw
its pieces one by one takes a quarter longer, and nearly three times as long at 200 %, where they
are two of the device's pixels wide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QTransform

Floats = NDArray[np.float64]

__all__ = ["DENSE", "LEAST", "Bars", "extents"]

_NOTHING: Floats = np.empty(0)

DENSE = 1.2
"""Points for each pixel of its width from which a line is best drawn so: long ones have more."""

LEAST = 200
"""Points of a line that is drawn so: a few are to be seen as such."""


def extents(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Of a line in pixels (nan is a gap): the columns that have a point, ascending as the line
    goes, the least and the greatest y in each, shapes (n,); and the pieces that reach over columns
    without one, shape (m, 4) as x, y, x, y.

    Where the line goes on into the next column, both reach to where it crosses, about: there is no
    gap between them. Where it has a gap there is none over it, also within a column.
    """
    there = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not len(there):
        return _NOTHING, _NOTHING, _NOTHING, _NOTHING
    x, y = x[there], y[there]
    column = np.floor(x)
    on = column[1:] - column[:-1]
    goes_on = there[1:] - there[:-1] == 1
    far = np.flatnonzero(goes_on & ((on > 1) | (on < 0)))
    begins = np.flatnonzero((on != 0) | ~goes_on) + 1
    starts = np.append(0, begins)
    low, high = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    # Between two bars: the last point of the one, and the first of the next.
    touch = np.flatnonzero((on[begins - 1] == 1) & goes_on[begins - 1])
    between = begins[touch]
    middle = (y[between - 1] + y[between]) / 2
    low[touch], high[touch] = np.minimum(low[touch], middle), np.maximum(high[touch], middle)
    touch += 1
    low[touch], high[touch] = np.minimum(low[touch], middle), np.maximum(high[touch], middle)
    pieces = np.column_stack((x[far], y[far], x[far + 1], y[far + 1]))
    return column[starts], low, high, pieces


class Bars:
    """Draws a line so where that is worth it; keeps its room from one picture to the next."""

    def __init__(self) -> None:
        self._boxes = PrimitiveArray(QRectF, 4)
        self._pieces = PrimitiveArray(QLineF, 4)

    def draw(self, painter: QPainter, to: QTransform, x: Floats, y: Floats, colour: QColor) -> None:
        """Draw a line that the transform `to` puts into pixels."""
        pixels = x * to.m11() + to.dx(), y * to.m22() + to.dy()
        column, low, high, pieces = extents(*pixels)
        if not len(column):
            return
        self._boxes.resize(len(column))
        boxes = self._boxes.ndarray()
        boxes[:, 0], boxes[:, 1], boxes[:, 2] = column, low - 0.5, 1.0
        boxes[:, 3] = high - low + 1.0
        painter.save()
        painter.resetTransform()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRects(*self._boxes.drawargs())
        if len(pieces):
            self._pieces.resize(len(pieces))
            self._pieces.ndarray()[:] = pieces
            painter.setPen(QPen(colour, 1))
            painter.drawLines(*self._pieces.drawargs())
        painter.restore()
