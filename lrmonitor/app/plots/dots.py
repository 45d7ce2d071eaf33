"""Dots at the points of a curve that has few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from .layers import Layer
from .pens import pen_of
from .stepview import StepView

Floats = NDArray[np.float64]

__all__ = ["Dots"]

ACROSS = 6.0
"""Pixels."""


class Dots(Layer):
    """One at each point, in the units of the axes."""

    def __init__(self) -> None:
        super().__init__(12)
        self._pen = QPen()
        self._x: Floats = np.empty(0)
        self._y: Floats = np.empty(0)

    def colour(self, colour: str) -> None:
        """Take this colour."""
        self._pen = pen_of(colour, ACROSS)
        self._pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        self.update()

    def points(self) -> tuple[Floats, Floats]:
        """What was shown last."""
        return self._x, self._y

    def show(self, x: Floats, y: Floats) -> None:
        """Stand at these points, shapes (n,), all finite."""
        if not (np.array_equal(x, self._x) and np.array_equal(y, self._y)):
            self._x, self._y = x, y
            self.update()

    def paint(self, painter: QPainter, view: StepView, part: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._pen)
        across = (self._x * view.scale_x + view.offset_x).tolist()
        down = (self._y * view.scale_y + view.offset_y).tolist()
        for point in zip(across, down, strict=True):
            painter.drawPoint(QPointF(*point))
