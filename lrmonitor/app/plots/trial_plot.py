"""The rates of a trial: each one's slope with its interval, one below the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from lrmonitor.finder import Comparison, Tried
from lrmonitor.finder.trial import times

from ..theme import Theme
from .ticks import linear_ticks, tick_labels

__all__ = ["TrialPlot"]

ROW = 30
"""Pixels from one candidate to the next."""


class TrialPlot(QWidget):
    """Draws itself when told what to show. To the left the loss falls."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tried: Sequence[Tried] = ()
        self._recommended: float | None = None
        self.setMinimumHeight(4 * ROW + 44)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.update()

    def show_comparison(self, found: Comparison | None, final: bool) -> None:
        """Show the candidates of a trial (None: nothing yet), and in the `final` one which of them
        is recommended."""
        self._tried = () if found is None else found.tried
        self._recommended = found.recommended if found is not None and final else None
        self.setMinimumHeight(max(len(self._tried), 3) * ROW + 44)
        names = ", ".join(times(one.factor) for one in self._tried)
        self.setAccessibleName(self.tr("Slope of the loss at {0}").format(names or "–"))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(520, max(len(self._tried), 3) * ROW + 44)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.base))
        known = [one for one in self._tried if math.isfinite(one.slope)]
        metrics = painter.fontMetrics()
        height = metrics.height()
        left = max((metrics.horizontalAdvance(times(t.factor)) for t in self._tried), default=0)
        area = QRectF(self.rect()).adjusted(left + 22, 8, -16, -2 * height - 12)
        if area.height() < 20 or not self._tried:
            painter.setPen(QColor(theme.quiet))
            words = self.tr("The slope of the loss at each rate is drawn here.")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)
            return
        ends = [end for one in known for end in (one.low, one.high)] + [0.0]
        low, high = min(ends), max(ends)
        room = 0.06 * (high - low) or 1.0
        low, high = low - room, high + room

        def across(slope: float) -> float:
            return area.left() + (slope - low) / (high - low) * area.width()

        ticks = linear_ticks(low, high, max(int(area.width() / 110), 2)) if known else []
        painter.setPen(QPen(QColor(theme.grid), 1))
        for tick in ticks:
            painter.drawLine(QLineF(across(tick), area.top(), across(tick), area.bottom()))
        painter.setPen(QPen(QColor(theme.quiet), 1))
        painter.drawLine(QLineF(across(0.0), area.top(), across(0.0), area.bottom()))
        centre = Qt.AlignmentFlag.AlignHCenter
        for tick, text in zip(ticks, tick_labels(ticks, False), strict=True):
            painter.drawText(
                QRectF(across(tick) - 55, area.bottom() + 4, 110, height), centre, text
            )
        below = QRectF(area.left(), area.bottom() + 6 + height, area.width(), height)
        painter.drawText(below, centre, self.tr("Slope: change of the loss per step"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, one in enumerate(self._tried):
            y = area.top() + (row + 0.5) * area.height() / len(self._tried)
            painter.setPen(QColor(theme.text))
            name = QRectF(0, y - height / 2, left + 12, height)
            painter.drawText(name, right, times(one.factor))
            best = one.factor == self._recommended
            colour = QColor(theme.good if best else theme.curve(0))
            if not math.isfinite(one.slope):
                painter.setPen(QColor(theme.bad if one.broke else theme.quiet))
                words = self.tr("the loss broke") if one.broke else self.tr("no steps enough yet")
                place = QRectF(area.left() + 4, y - height / 2, area.width() - 8, height)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)
                continue
            painter.setPen(QPen(colour, 2))
            painter.drawLine(QLineF(across(one.low), y, across(one.high), y))
            for end in (one.low, one.high):
                painter.drawLine(QLineF(across(end), y - 4, across(end), y + 4))
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(across(one.slope), y), 4, 4)
