"""One small triangle, drawn at many places in one call."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPaintEngine, QPainter, QPixmap, QPolygonF

from .primitives import Primitives

__all__ = ["Stamps"]

Floats = NDArray[np.float64]


class Stamps:
    """Upright triangles that stand on a line, `width` wide and `height` high, in pixels.

    Filling a hundred of them as one antialiased path takes a millisecond or two, copying a picture
    of one to a hundred places a fiftieth of that. They stand on whole pixels of the device.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._colour = QColor("#888888")
        self._picture: QPixmap | None = None
        self._scale = 0.0
        self._places = Primitives(QPainter.PixmapFragment)

    def colour(self, colour: QColor) -> None:
        """Take another colour."""
        self._colour = colour
        self._picture = None

    def draw(self, painter: QPainter, lefts: Floats, rights: Floats, base: float) -> None:
        """Triangles whose tips are at `lefts`, standing on `base`; each drawn on to its `rights`,
        so that a triangle with another one to its right becomes a band."""
        apart = rights > lefts
        bands = zip(lefts[apart].tolist(), rights[apart].tolist(), strict=True)
        tips = np.concatenate((lefts, rights[apart]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        if painter.paintEngine().type() == QPaintEngine.Type.Raster:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self._stamp(painter, tips, base)
        else:  # a drawing (SVG) gets outlines, which are sharp at any size
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for tip in tips.tolist():
                painter.drawPolygon(self._triangle(tip, base))
        top = base - self.height
        boxes = [QRectF(left, top, right - left, self.height) for left, right in bands]
        if boxes:
            painter.drawRects(boxes)

    def _stamp(self, painter: QPainter, tips: Floats, base: float) -> None:
        scale = painter.device().devicePixelRatioF()
        if self._picture is None or scale != self._scale:
            self._picture, self._scale = self._drawn(scale), scale
        picture = self._picture
        wide, high = picture.width() / scale, picture.height() / scale
        places = np.empty((len(tips), 10))
        # Middle x and y, corner in the picture, its size, scale x and y, rotation, opacity.
        places[:] = (0, 0, 0, 0, picture.width(), picture.height(), 1 / scale, 1 / scale, 0, 1)
        places[:, 0] = np.round((tips - wide / 2) * scale) / scale + wide / 2
        places[:, 1] = round((base - high) * scale) / scale + high / 2
        fragments, count = self._places.of(places)
        painter.drawPixmapFragments(fragments, count, picture)

    def _drawn(self, scale: float) -> QPixmap:
        """A picture of one, for so many pixels of the device for each of the screen's."""
        wide, high = math.ceil((self.width + 1) * scale), math.ceil(self.height * scale)
        picture = QPixmap(wide, high)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(scale, scale)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        painter.drawPolygon(self._triangle(wide / scale / 2, high / scale))
        painter.end()
        return picture

    def _triangle(self, tip: float, base: float) -> QPolygonF:
        half = self.width / 2
        corners = (QPointF(tip, base - self.height), QPointF(tip + half, base))
        return QPolygonF([*corners, QPointF(tip - half, base)])
