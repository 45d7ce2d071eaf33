"""Axes and grid that a plot is made of, on pyqtgraph's parts.

pyqtgraph's own grid is translucent and drawn per tick with antialiasing (10 ms a frame); the
one here is a few opaque lines behind everything.
"""

from __future__ import annotations

from typing import Any

from pyqtgraph import AxisItem, GraphicsObject, mkPen
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from ..theme import Theme
from .filling import FillsView
from .pens import on_device
from .scales import StepScale
from .ticks import linear_ticks, log_ticks, tick_labels

__all__ = ["PlainAxis", "PlotGrid"]

TICK = -4
"""Length of a tick in pixels: outwards."""

OVER = 15
"""Pixels that a label may reach over the ends of its axis."""

PIXELS_PER_TICK = {"left": 42.0, "bottom": 110.0}


class PlainAxis(AxisItem):  # type: ignore[misc]
    """An axis whose ticks come from `ticks`, with rates and losses written as in the panel."""

    def __init__(self, orientation: str, rates: bool = False) -> None:
        super().__init__(orientation)
        self.rates = rates
        self.logarithmic = False
        self.blank = False
        self.fewest = 2
        self.scale_of: StepScale | None = StepScale() if orientation == "bottom" else None
        self.enableAutoSIPrefix(False)
        self.setStyle(tickLength=TICK, autoExpandTextSpace=False, hideOverlappingLabels=False)
        if orientation == "left":
            self.setWidth(68)
        else:
            self.setHeight(40)

    def places(self, low: float, high: float, size: float) -> list[float]:
        """The tick positions for the visible range; `size` is the axis' length in pixels."""
        if self.blank:
            return []
        count = max(self.fewest, int(size / PIXELS_PER_TICK[self.orientation]))
        if self.scale_of is not None:
            return self.scale_of.ticks(low, high, count)
        return log_ticks(low, high, count) if self.logarithmic else linear_ticks(low, high, count)

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.setPen(mkPen(theme.border, width=1, cosmetic=False))  # as wide at every scale
        self.setTextPen(mkPen(theme.quiet))

    def boundingRect(self) -> QRectF:
        # As pyqtgraph's, in one call: it is asked for several times a frame.
        box: QRectF = self.rect()
        if self.orientation == "left":
            return box.adjusted(0, -OVER, -TICK, OVER)
        return box.adjusted(-OVER, TICK, OVER, 0)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, Any]]:
        return [(1.0, self.places(minVal, maxVal, size))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.scale_of is not None:
            return self.scale_of.labels(values)
        return tick_labels(values, self.logarithmic, self.rates)


class PlotGrid(FillsView, GraphicsObject):  # type: ignore[misc]
    """Opaque lines at the ticks of two axes, behind the curves; none where there are no values:
    what is said in their place is not to be crossed out."""

    def __init__(self, left: PlainAxis, bottom: PlainAxis) -> None:
        super().__init__()
        self._left = left
        self._bottom = bottom
        self._pen = QPen(QColor("#888888"), 0)
        self.setZValue(-100)

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._pen = QPen(QColor(theme.grid), 0)
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        box = self.getViewBox()
        if box is None or self._left.blank:
            return
        (x0, x1), (y0, y1) = box.viewRange()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(on_device(self._pen, painter))
        upright = [QLineF(x, y0, x, y1) for x in self._bottom.places(x0, x1, box.width())]
        level = [QLineF(x0, y, x1, y) for y in self._left.places(y0, y1, box.height())]
        painter.drawLines(upright + level)
