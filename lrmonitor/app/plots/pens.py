"""Pens that are as wide at every scale.

pyqtgraph's are cosmetic, and Qt counts the width of such a pen in the device's pixels: at 200 % a
curve would be half as thick as at 100 %.
"""

from __future__ import annotations

from pyqtgraph import InfiniteLine, PlotCurveItem
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPen

__all__ = ["SharpCurve", "SharpLine", "on_device"]


def on_device(pen: QPen, painter: QPainter) -> QPen:
    """A cosmetic pen whose width is in the screen's pixels, for the device that is painted on."""
    scale = painter.device().devicePixelRatioF()
    if scale == 1.0:
        return pen
    wide = QPen(pen)
    wide.setCosmetic(True)  # one without a width is so until it gets one
    wide.setWidthF(max(pen.widthF(), 1.0) * scale)
    return wide


class SharpCurve(PlotCurveItem):  # type: ignore[misc]
    """A curve that is as wide at every scale."""

    def paint(self, painter: QPainter, *rest: object) -> None:
        pen = self.opts["pen"]
        self.opts["pen"] = on_device(pen, painter)
        try:
            super().paint(painter, *rest)
        finally:
            self.opts["pen"] = pen


class SharpLine(InfiniteLine):  # type: ignore[misc]
    """An upright line that is as wide at every scale."""

    def paint(self, painter: QPainter, *_: object) -> None:
        left, right = self._endPoints
        painter.setPen(on_device(self.currentPen, painter))
        painter.drawLine(QPointF(left, 0.0), QPointF(right, 0.0))
