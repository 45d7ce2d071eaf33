"""A line with several points for each pixel, drawn as one upright bar for each column of pixels.

What such a line looks like is in each column from its least to its greatest value there. To draw
its pieces one by one takes a quarter longer, and nearly three times as long at 200 %, where they
are two of the device's pixels wide.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from .primitives import Primitives

Floats = NDArray[np.float64]
Shorts = NDArray[np.uint16]

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
    finite = np.isfinite(x + y)
    gapless = bool(finite.all())
    there = np.arange(len(x)) if gapless else finite.nonzero()[0]
    if not len(there):
        return _NOTHING, _NOTHING, _NOTHING, _NOTHING
    if not gapless:
        x, y = x[there], y[there]
    column = np.floor(x)
    on = column[1:] - column[:-1]
    goes_on = there[1:] - there[:-1] == 1
    far = (goes_on & ((on > 1) | (on < 0))).nonzero()[0]
    begins = ((on != 0) | ~goes_on).nonzero()[0] + 1
    starts = np.concatenate(([0], begins))
    low, high = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    # Between two bars: the last point of the one, and the first of the next.
    touch = ((on[begins - 1] == 1) & goes_on[begins - 1]).nonzero()[0]
    between = begins[touch]
    middle = (y[between - 1] + y[between]) / 2
    low[touch], high[touch] = np.minimum(low[touch], middle), np.maximum(high[touch], middle)
    touch += 1
    low[touch], high[touch] = np.minimum(low[touch], middle), np.maximum(high[touch], middle)
    pieces = np.column_stack((x[far], y[far], x[far + 1], y[far + 1]))
    return column[starts], low, high, pieces


class _Room:
    """A picture as large as the largest so far: to be given a new one by the system takes longer
    than to fill it. For the GUI thread alone."""

    def __init__(self) -> None:
        self.picture = QImage()
        self._pixels = np.empty((0, 0), np.uint32)
        self._below = np.empty(0, np.uint16)
        self._inked = np.empty(0, np.bool_)

    def ink(self, first: Shorts, length: Shorts, rows: int, colour: QColor) -> None:
        """Into the upper left corner of the picture, `rows` high: the colour in each column in so
        many rows from `first` on, nothing elsewhere."""
        self._grow(len(first), rows)
        part = self._pixels[:rows, : len(first)]
        below = self._below[: part.size].reshape(part.shape)
        inked = self._inked[: part.size].reshape(part.shape)
        # What is above the first row is far below it: the numbers have no sign.
        np.subtract(np.arange(rows, dtype=np.uint16)[:, np.newaxis], first, out=below)
        np.less(below, length, out=inked)
        np.multiply(inked, _premultiplied(colour), out=part, dtype=np.uint32, casting="unsafe")

    def _grow(self, wide: int, high: int) -> None:
        known_high, known_wide = self._pixels.shape
        if high <= known_high and wide <= known_wide:
            return
        # The kind that is painted fastest by far: one with a table of colours takes six times that.
        self.picture = QImage(
            max(wide, known_wide),
            max(high, known_high),
            QImage.Format.Format_ARGB32_Premultiplied,
        )
        flat = np.frombuffer(self.picture.bits(), np.uint32)
        self._pixels = flat.reshape(self.picture.height(), -1)
        self._below = np.empty(self._pixels.size, np.uint16)
        self._inked = np.empty(self._pixels.size, np.bool_)


def _premultiplied(colour: QColor) -> np.uint32:
    alpha = colour.alpha()
    red, green, blue = (
        round(part * alpha / 255) for part in (colour.red(), colour.green(), colour.blue())
    )
    return np.uint32(alpha << 24 | red << 16 | green << 8 | blue)


_ROOM = _Room()


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
        ends = area.top() - 1, area.bottom() + 1
        first = np.floor(np.clip(low - 0.5, *ends) * scale + 0.5)
        last = np.floor(np.clip(high + 0.5, *ends) * scale + 0.5)
        if scale != 1.0 or left != column[0] or right - left + 1 != len(column):
            # The column of each pixel across; nothing where there is none.
            across = np.floor(np.arange(math.floor(left * scale), (right + 1) * scale) / scale)
            at = np.minimum(column.searchsorted(across), len(column) - 1)
            there = column[at] == across
            first, last = np.where(there, first[at], ends[1] * scale), last[at] * there
        if not len(first):
            return
        top, bottom = int(first.min()), int(last.max())
        if bottom <= top:
            return
        wide, rows = len(first), bottom - top
        length = np.maximum(last - first, 0).astype(np.uint16)
        _ROOM.ink((first - top).astype(np.uint16), length, rows, colour)
        place = QRectF(math.floor(left * scale) / scale, top / scale, wide / scale, rows / scale)
        painter.drawImage(place, _ROOM.picture, QRectF(0, 0, wide, rows))
