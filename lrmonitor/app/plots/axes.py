"""The axes of a plot and its grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from ..theme import Theme
from .layers import Layer
from .scales import StepScale
from .stepview import StepView
from .texts import Texts
from .ticks import linear_ticks, log_ticks, tick_labels

__all__ = ["HEIGHT", "OVER", "WIDTH", "PlainAxis", "PlotGrid"]

WIDTH, HEIGHT = 68, 40
"""Pixels that the left axis and the lower one take."""

TICK = 4
"""Length of a tick in pixels, into the plot."""

OVER = 15
"""Pixels that a label may reach over the ends of its axis."""

BESIDE, BELOW = 5, 2
"""Pixels between an axis and its labels."""

PIXELS_PER_TICK = {"left": 42.0, "bottom": 110.0}

_TEXTS = Texts()


class PlainAxis:
    """An axis whose ticks come from `ticks`, with rates and losses written as in the panel."""

    def __init__(self, orientation: str, rates: bool = False) -> None:
        self.orientation = orientation
        self.rates = rates
        self.logarithmic = False
        self.blank = False
        self.fewest = 2
        self.scale_of: StepScale | None = StepScale() if orientation == "bottom" else None
        self.title = ""
        self.box = QRectF()
        """Where it is on the canvas."""
        self._colour = QColor("#888888")
        self._words = QColor("#888888")
        self._for: object = None
        self._ticks: tuple[list[float], list[str]] = ([], [])

    @property
    def reach(self) -> QRectF:
        """The part of the canvas in which it paints."""
        if self.orientation == "left":
            return self.box.adjusted(-2, -OVER, TICK + 1, OVER)
        return self.box.adjusted(-OVER, -TICK - 1, OVER, 2)

    def places(self, low: float, high: float, size: float) -> list[float]:
        """The tick positions for the visible range; `size` is the axis' length in pixels."""
        if self.blank:
            return []
        count = max(self.fewest, int(size / PIXELS_PER_TICK[self.orientation]))
        if self.scale_of is not None:
            return self.scale_of.ticks(low, high, count)
        return log_ticks(low, high, count) if self.logarithmic else linear_ticks(low, high, count)

    def labels(self, places: Sequence[float]) -> list[str]:
        """What stands beside the ticks."""
        if self.scale_of is not None:
            return self.scale_of.labels(places)
        return tick_labels(places, self.logarithmic, self.rates)

    def ticks(self, view: StepView) -> tuple[list[float], list[str]]:
        """The ticks of what is visible, and their labels: worked out once for each view."""
        low, high = view.ranges()[self.orientation == "left"]
        size = view.area.height() if self.orientation == "left" else view.area.width()
        wanted = (low, high, size, self.blank, self.logarithmic, self.scale_of)
        if wanted != self._for:
            places = self.places(low, high, size)
            self._for, self._ticks = wanted, (places, self.labels(places))
        return self._ticks

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._colour = QColor(theme.border)
        self._words = QColor(theme.quiet)

    def paint(self, painter: QPainter, view: StepView) -> None:
        """Paint it beside or below its view."""
        painter.setFont(_TEXTS.font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        places, labels = self.ticks(view)
        left = self.orientation == "left"
        if left:
            at = [place * view.scale_y + view.offset_y for place in places]
        else:
            at = [place * view.scale_x + view.offset_x for place in places]
        for line in self._lines(at, left):
            painter.fillRect(line, self._colour)
        painter.setPen(self._words)
        reach = self.reach
        for where, label in zip(at, labels, strict=True):
            text, size = _TEXTS.of(label)
            if left:
                x, y = self.box.right() - BESIDE - size.width(), where - size.height() / 2
            else:
                x, y = where - size.width() / 2, self.box.top() + BELOW
                if x < reach.left() or x + size.width() > reach.right():
                    continue
            painter.drawStaticText(QPointF(round(x), round(y)), text)
        if self.title:
            self._write_title(painter, left)

    def _lines(self, at: Sequence[float], left: bool) -> list[QRectF]:
        """The axis and its ticks."""
        box = self.box
        if left:
            x = box.right()
            lines = [QRectF(x, math.floor(y), TICK, 1) for y in at]
            lines.append(QRectF(x - 1, box.top(), 1, box.height() + 2))
        else:
            y = box.top()
            lines = [QRectF(math.floor(x), y - TICK, 1, TICK) for x in at]
            lines.append(QRectF(box.left() - 1, y + 1, box.width() + 2, 1))
        return lines

    def _write_title(self, painter: QPainter, left: bool) -> None:
        box, high = self.box, painter.fontMetrics().height()
        if not left:
            below = QRectF(box.left(), box.bottom() - high, box.width(), high)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self.title)
            return
        painter.save()
        painter.translate(box.left(), box.center().y())
        painter.rotate(-90)
        area = QRectF(-box.height() / 2, 0, box.height(), high)
        words = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
        painter.drawText(area, int(words), self.title)
        painter.restore()


class PlotGrid(Layer):
    """Opaque lines at the ticks of two axes, behind the curves; none where there are no values:
    what is said in their place is not to be crossed out."""

    def __init__(self, left: PlainAxis, bottom: PlainAxis) -> None:
        super().__init__(-100)
        self._left = left
        self._bottom = bottom
        self._colour = QColor("#888888")

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._colour = QColor(theme.grid)
        self.update()

    def paint(self, painter: QPainter, view: StepView, part: QRectF) -> None:
        if self._left.blank:
            return
        area = view.area
        top, low, x0, x1 = area.top(), area.bottom(), area.left(), area.right()
        ups = [math.floor(view.across(place)) for place in self._bottom.ticks(view)[0]]
        lines = [QRectF(x, top, 1, low - top) for x in ups]
        levels = [y * view.scale_y + view.offset_y for y in self._left.ticks(view)[0]]
        lines += [QRectF(x0, math.floor(y), x1 - x0, 1) for y in levels]
        # Not as lines: Qt draws those pixel by pixel.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for line in lines:
            painter.fillRect(line, self._colour)
