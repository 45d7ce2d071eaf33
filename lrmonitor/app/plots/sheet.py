"""The canvas of the plots: one widget that paints all of them, one below the other.

It is no graphics scene: of a frame of one, most went into its asking each item for what it needs to
know, and into telling each that the view had moved.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from .chart import Chart

__all__ = ["PlotSheet"]

MARGINS = (4, 6, 14, 4)
"""Pixels around the plots: left, above, right, below."""

BETWEEN = 8
"""Pixels from one plot to the next."""

LEAST = 120
"""Pixels of a side of it."""


class PlotSheet(QWidget):
    """Paints the charts that were added, on a plain ground, and tells each what the mouse does over
    it. `pointed(QPointF)`: the mouse was moved to this place."""

    pointed = Signal(QPointF)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.background = QColor("#ffffff")
        self._rows: dict[int, tuple[Chart, int]] = {}
        self._pressed: Chart | None = None
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(LEAST, LEAST)

    def set_background(self, colour: str) -> None:
        """Paint on this colour."""
        self.background = QColor(colour)
        self.update()

    def add(self, chart: Chart, row: int, stretch: int) -> None:
        """Show a plot in this row, with so many shares of the height."""
        self._rows[row] = chart, stretch
        chart.join(self, self._lay_out)
        self._lay_out()

    def remove(self, chart: Chart) -> None:
        """Show a plot no more."""
        self._rows = {row: one for row, one in self._rows.items() if one[0] is not chart}
        if self._pressed is chart:
            self._pressed = None
        chart.join(None, lambda: None)
        self._lay_out()

    def draw(self, painter: QPainter, region: QRegion) -> None:
        """Paint what lies in this region, in the widget's pixels; also on something else than the
        screen."""
        painter.fillRect(region.boundingRect(), self.background)
        for chart in self._charts():
            part = region.intersected(chart.view.reach.toAlignedRect()).boundingRect()
            if not part.isEmpty():
                chart.paint(painter, QRectF(part))

    def _charts(self) -> list[Chart]:
        return [self._rows[row][0] for row in sorted(self._rows)]

    def _lay_out(self) -> None:
        left, above, right, below = MARGINS
        count = len(self._rows)
        axes = sum(chart.below for chart, _ in self._rows.values())
        room = max(self.height() - above - below - BETWEEN * (count - 1) - axes, count)
        shares = sum(stretch for _, stretch in self._rows.values())
        taken, top = 0, above
        for row in sorted(self._rows):
            chart, stretch = self._rows[row]
            height = room * (taken + stretch) // shares - room * taken // shares + chart.below
            chart.place(QRectF(left, top, self.width() - left - right, height))
            taken += stretch
            top += height + BETWEEN
        self.update()

    def _at(self, place: QPointF) -> Chart | None:
        return next((one for one in self._charts() if one.frame.contains(place)), None)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.draw(painter, event.region())
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._lay_out()

    def wheelEvent(self, event: QWheelEvent) -> None:
        chart = self._at(event.position())
        if chart is None:
            event.ignore()
        else:
            chart.view.wheel(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            self._pressed = self._at(event.position())
            if self._pressed is not None:
                self._pressed.view.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            self._pressed.view.drag(event)
        self.pointed.emit(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is not None:
            pressed.view.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        chart = self._at(event.position())
        if chart is not None and event.button() == Qt.MouseButton.LeftButton:
            chart.view.fit_wanted.emit()
