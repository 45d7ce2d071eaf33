"""A line with several points for each pixel, drawn as one upright bar for each column of pixels.

What such a line looks like is in each column from its least to its greatest value there. To draw
its pieces one by one takes a quarter longer, and nearly three times as long at 200 %, where they
are two of the device's pixels wide.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from .primitives import Primitives

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
    """Draws a line so where that is worth it.

    Bars that are painted one by one are written down the columns of the picture, each pixel far
    from the last in memory: as a picture that is made row by row they take a third of that.
    """

    def __init__(self) -> None:
        self._boxes = Primitives(QRectF)
        self._pieces = Primitives(QLineF)

    def draw(self, painter: QPainter, x: Floats, y: Floats, colour: QColor, area: QRectF) -> None:
        """Draw a line that is given in pixels; what is outside of the `area` does not count."""
        column, low, high, pieces = extents(x, y)
        if not len(column):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if (column[1:] > column[:-1]).all():
            self._paint(painter, column, low, high, colour, area)
        else:  # the line goes back, or has a gap within a column
            boxes = np.column_stack((column, low - 0.5, np.ones(len(column)), high - low + 1.0))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRects(*self._boxes.of(boxes))
        if len(pieces):
            painter.setPen(QPen(colour, 1))
            painter.drawLines(*self._pieces.of(pieces))

    def _paint(
        self,
        painter: QPainter,
        column: Floats,
        low: Floats,
        high: Floats,
        colour: QColor,
        area: QRectF,
    ) -> None:
        """Bars of ascending columns, as a picture in the pixels of the device."""
        scale = painter.device().devicePixelRatioF()
        left, right = int(max(column[0], area.left() - 1)), int(min(column[-1], area.right() + 1))
        # The column of each pixel across; nothing where there is none.
        across = np.floor(np.arange(math.floor(left * scale), (right + 1) * scale) / scale)
        at = np.searchsorted(column, across)
        at[at == len(column)] = 0
        ends = area.top() - 1, area.bottom() + 1
        first, last = np.clip(low - 0.5, *ends), np.clip(high + 0.5, *ends)
        first, last = np.floor(first * scale + 0.5)[at], np.floor(last * scale + 0.5)[at]
        there = column[at] == across
        if not there.any():
            return
        top, bottom = int(first[there].min()), int(last[there].max())
        last[~there] = top
        rows = np.arange(bottom - top, dtype=np.int16)[:, np.newaxis]
        inked = (rows >= (first - top).astype(np.int16)) & (rows < (last - top).astype(np.int16))
        pixels = np.multiply(inked, np.uint32(colour.rgba()), dtype=np.uint32)
        form = QImage.Format.Format_ARGB32_Premultiplied
        picture = QImage(pixels.data, pixels.shape[1], len(pixels), 4 * pixels.shape[1], form)
        picture.setDevicePixelRatio(scale)
        painter.drawImage(QPointF(math.floor(left * scale) / scale, top / scale), picture)
