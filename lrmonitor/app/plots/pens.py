"""Pens of the plots: their widths are in the pixels of the canvas, at every scale of the screen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

__all__ = ["pen_of"]


def pen_of(
    colour: str | QColor,
    width: float = 1.0,
    style: Qt.PenStyle = Qt.PenStyle.SolidLine,
    dash: Sequence[float] | None = None,
) -> QPen:
    """A pen; `dash` are lengths of lines and gaps in units of its width.

    It is not cosmetic: Qt counts the width of a cosmetic pen in the device's pixels, so that at
    200 % a curve would be half as thick as at 100 %.
    """
    pen = QPen(QColor(colour), width, style)
    if dash is not None:
        pen.setDashPattern(list(dash))
    return pen
