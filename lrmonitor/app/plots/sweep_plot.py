"""Loss against rate in a range test: each sweep's points, the smoothed curve, what is suggested."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from lrmonitor.finder import Reading, Sweep
from lrmonitor.finder.sweep import Floats

from ..format import format_rate
from ..theme import Theme
from .ticks import linear_ticks, log_ticks, tick_labels

__all__ = ["SweepPlot", "word_left"]

Across = Callable[[float], float]
Down = Callable[[Floats], Floats]
"""Where a rate and losses are drawn."""

MOST_POINTS = 1000
"""Points of a sweep that are drawn: more of them than pixels help nobody."""
ROOM_ABOVE, ROOM_BELOW = 0.8, 0.15
"""Heights of the fall that are shown above the level where the sweep began, and below the lowest:
the divergence goes on far beyond, and would flatten all else."""


GAP = 5
"""Pixels between a line and its word."""


class SweepPlot(QWidget):
    """Draws itself when told what to show."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sweeps: Sequence[Sweep] = ()
        self._reading: Reading | None = None
        self._span: tuple[float, float] = (1e-7, 10.0)
        self._chosen: float | None = None
        self._now: float | None = None
        self.setMinimumSize(320, 200)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.update()

    def show_test(
        self,
        sweeps: Sequence[Sweep],
        reading: Reading | None,
        span: tuple[float, float],
        now: float | None,
    ) -> None:
        """Show sweeps whose rates go from `span[0]` to `span[1]`, what was read of them if it was,
        and the rate that the training has `now`."""
        self._sweeps, self._reading, self._span, self._now = sweeps, reading, span, now
        points = sum(len(s) for s in sweeps)
        words = self.tr("Loss against learning rate, {0} points").format(points)
        if reading is not None and reading.rate is not None:
            words += self.tr(", suggested rate {0}").format(format_rate(reading.rate, 2))
        self.setAccessibleName(words)
        self.update()

    def choose(self, rate: float | None) -> None:
        """Mark the suggestion that is chosen."""
        if rate != self._chosen:
            self._chosen = rate
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(560, 260)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.base))
        metrics = painter.fontMetrics()
        height = metrics.height()
        low, high = self._heights()
        ticks = linear_ticks(low, high, 5)
        known = any(len(s) for s in self._sweeps)
        labels = tick_labels(ticks, False) if known else [""] * len(ticks)
        left = max((metrics.horizontalAdvance(text) for text in labels), default=0) + 14 + height
        area = QRectF(self.rect()).adjusted(left, 10, -14, -2 * height - 12)
        if area.width() < 40 or area.height() < 40:
            return
        x0, x1 = math.log10(self._span[0]), math.log10(self._span[1])

        def across(rate: float) -> float:
            return area.left() + (math.log10(rate) - x0) / (x1 - x0) * area.width()

        def down(loss: Floats) -> Floats:
            share = np.clip((loss - low) / (high - low), -0.1, 1.1)
            return np.asarray(area.bottom() - share * area.height())

        painter.setPen(QPen(QColor(theme.grid), 1))
        heights = down(np.array(ticks)).tolist() if ticks else []
        for y in heights:
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
        places = log_ticks(x0, x1, max(int(area.width() / 70), 2))
        for place in places:
            x = area.left() + (place - x0) / (x1 - x0) * area.width()
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        painter.setPen(QColor(theme.quiet))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for y, text in zip(heights, labels, strict=True):
            painter.drawText(QRectF(0, y - height / 2, left - 6, height), right, text)
        centre = Qt.AlignmentFlag.AlignHCenter
        for place, text in zip(places, tick_labels(places, True, True), strict=True):
            x = area.left() + (place - x0) / (x1 - x0) * area.width()
            painter.drawText(QRectF(x - 40, area.bottom() + 4, 80, height), centre, text)
        painter.save()
        painter.translate(2, area.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-60, 0, 120, height), centre, self.tr("Loss"))
        painter.restore()
        below = QRectF(area.left(), area.bottom() + 6 + height, area.width(), height)
        painter.drawText(below, centre, self.tr("Learning rate"))
        if not known:
            words = self.tr("The loss at each rate is drawn here.")
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, words)
        painter.setClipRect(area.adjusted(-1, -1, 1, 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        reading = self._reading
        if reading is not None and reading.low is not None and reading.high is not None:
            band = QRectF(area)
            band.setLeft(across(reading.low))
            band.setRight(across(reading.high))
            painter.fillRect(band, QColor(theme.dim(theme.good, 0.16)))
        for sweep in self._sweeps:
            self._points(painter, sweep, across, down)
        if reading is not None and len(reading.lr):
            self._curve(painter, reading.lr, down(reading.loss), across)
        self._marks(painter, area, across)

    def _points(self, painter: QPainter, sweep: Sweep, across: Across, down: Down) -> None:
        every = max(len(sweep) // MOST_POINTS, 1)
        finite = np.isfinite(sweep.loss)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.dim(self._theme.curve(0), 0.5)))
        heights = down(np.where(finite, sweep.loss, 0.0))
        for i in range(0, len(sweep), every):
            if finite[i]:
                place = QPointF(across(float(sweep.lr[i])), float(heights[i]))
                painter.drawEllipse(place, 1.6, 1.6)
        painter.setBrush(QColor(self._theme.bad))
        foot = float(down(np.array([self._heights()[0]]))[0])
        for i in np.flatnonzero(~finite).tolist():
            x = across(float(sweep.lr[i]))
            spike = [QPointF(x - 3.5, foot), QPointF(x + 3.5, foot), QPointF(x, foot - 7)]
            painter.drawPolygon(QPolygonF(spike))

    def _curve(self, painter: QPainter, lr: Floats, heights: Floats, across: Across) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._theme.curve(0)), 2))
        points = [
            QPointF(across(rate), y) for rate, y in zip(lr.tolist(), heights.tolist(), strict=True)
        ]
        painter.drawPolyline(QPolygonF(points))

    def _marks(self, painter: QPainter, area: QRectF, across: Across) -> None:
        theme, reading = self._theme, self._reading
        styles = Qt.PenStyle
        lines: list[tuple[float, str, Qt.PenStyle, str]] = []
        if self._now is not None:
            lines.append((self._now, theme.quiet, styles.DotLine, self.tr("now")))
        if reading is not None and reading.rate is not None:
            lines.append((reading.rate, theme.good, styles.SolidLine, self.tr("suggested")))
        if self._chosen is not None and (reading is None or self._chosen != reading.rate):
            lines.append((self._chosen, theme.accent, styles.DashLine, self.tr("chosen")))
        height = painter.fontMetrics().height()
        places = [across(one[0]) for one in lines if self._span[0] <= one[0] <= self._span[1]]
        for row, (rate, colour, style, word) in enumerate(lines):
            if self._span[0] <= rate <= self._span[1]:
                x = across(rate)
                painter.setPen(QPen(QColor(colour), 1.5 if style == styles.DotLine else 2, style))
                painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
                # Each word a line lower, as the lines may stand close together.
                at, width = (
                    area.top() + 2 + row * height,
                    painter.fontMetrics().horizontalAdvance(word),
                )
                left = word_left(x, width, places, area.left(), area.right())
                painter.drawText(QPointF(left, at + painter.fontMetrics().ascent()), word)

    def _heights(self) -> tuple[float, float]:
        """The losses that are shown, lowest and highest."""
        parts = [s.loss[np.isfinite(s.loss)] for s in self._sweeps]
        known = np.concatenate(parts) if parts else np.empty(0)
        if not len(known):
            return 0.0, 1.0
        begins = [float(np.median(part[: max(len(part) // 4, 4)])) for part in parts if len(part)]
        level, lowest = float(np.median(begins)), float(known.min())
        # What lies above at the low rates is noise, and is to be seen whole.
        quiet = max(float(part[: max(len(part) // 4, 4)].max()) for part in parts if len(part))
        fall = max(level - lowest, quiet - level, 1e-9 * abs(level), 1e-300)
        return lowest - ROOM_BELOW * fall, max(level + ROOM_ABOVE * fall, quiet)


def word_left(x: float, width: float, lines: Sequence[float], first: float, last: float) -> float:
    """Where the word of an upright line at `x` begins: to its right, or to its left where another
    of the `lines` would cross it out or it would not fit between `first` and `last`."""
    sides = (x + GAP, x - GAP - width)
    fit = [s for s in sides if s >= first and s + width < last]
    free = [s for s in fit if not any(s - 2 <= one <= s + width + 2 for one in lines if one != x)]
    return next(iter(free or fit), sides[0])
