"""Loss against rate in a range test: each sweep's points, the smoothed curve, what a trial of rates
reached after it, what is suggested."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from lrmonitor.finder import Choice, Reading, Sweep, Tried
from lrmonitor.finder.sweep import Floats

from ..format import format_loss, format_rate
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
        self._suggested: Reading | Choice | None = None
        self._tried: Sequence[Tried] = ()
        self._span: tuple[float, float] = (1e-7, 10.0)
        self._chosen: float | None = None
        self._before: float | None = None
        self.setMinimumSize(320, 200)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.update()

    def show_test(
        self,
        sweeps: Sequence[Sweep],
        reading: Reading | None,
        suggested: Reading | Choice | None,
        span: tuple[float, float],
        before: float | None,
        tried: Sequence[Tried] = (),
    ) -> None:
        """Show sweeps whose rates go from `span[0]` to `span[1]`, what was read of them if it was,
        the rate that the training had `before`, and the rates that were `tried` after them (their
        `factor` is the rate). The band and the line are those of what is `suggested` of all."""
        self._sweeps, self._reading, self._span, self._before = sweeps, reading, span, before
        self._suggested, self._tried = suggested, tried
        points = sum(len(s) for s in sweeps)
        words = self.tr("Loss against learning rate, {0} points").format(points)
        for one in tried:
            if one.broke or math.isfinite(one.reached):
                told = self.tr("broke") if one.broke else format_loss(one.reached)
                words += self.tr(", tried {0}: {1}").format(format_rate(one.factor, 2), told)
        if suggested is not None and suggested.rate is not None:
            words += self.tr(", suggested rate {0}").format(format_rate(suggested.rate, 2))
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
        reading, said = self._reading, self._suggested
        if said is not None and said.low is not None and said.high is not None:
            band = QRectF(area)
            band.setLeft(across(said.low))
            band.setRight(across(said.high))
            painter.fillRect(band, QColor(theme.dim(theme.good, 0.16)))
        for sweep in self._sweeps:
            self._points(painter, sweep, across, down)
        if reading is not None and len(reading.lr):
            self._curve(painter, reading.lr, down(reading.loss), across)
        self._marks(painter, area, across)
        if self._tried:
            self._trial(painter, area, across, down)

    def _points(self, painter: QPainter, sweep: Sweep, across: Across, down: Down) -> None:
        every = max(len(sweep) // MOST_POINTS, 1)
        finite = np.isfinite(sweep.loss)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.dim(self._theme.curve(0), 0.7)))
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

    def _trial(self, painter: QPainter, area: QRectF, across: Across, down: Down) -> None:
        """A diamond where each rate that was tried came to, with its 95 % interval; those at which
        the loss broke stand at the top. What they are is said below the curve's flat part."""
        theme = self._theme
        metrics = painter.fontMetrics()
        for one in self._tried:
            x = across(one.factor)
            if one.broke:
                self._diamond(painter, x, area.top() + 8, theme.bad)
            elif math.isfinite(one.reached):
                ends = [one.reached + side * 1.96 * one.error for side in (-1, 0, 1)]
                low, y, high = down(np.array(ends)).tolist()
                painter.setPen(QPen(QColor(theme.text), 1.5))
                painter.drawLine(QLineF(x, low, x, high))
                self._diamond(painter, x, y, theme.curve(1))
        left = area.left() + 12
        words = [(theme.curve(1), self.tr("tried: the loss it came to"))]
        if any(one.broke for one in self._tried):
            words.append((theme.bad, self.tr("tried: the loss broke")))
        for row, (colour, word) in enumerate(reversed(words), 1):
            y = area.bottom() - row * (metrics.height() + 2)
            self._diamond(painter, left, y, colour)
            painter.setPen(QColor(theme.quiet))
            down_to = y + (metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(left + 10, down_to), word)

    def _diamond(self, painter: QPainter, x: float, y: float, colour: str) -> None:
        painter.setPen(QPen(QColor(self._theme.base), 1))
        painter.setBrush(QColor(colour))
        sides = ((0, -6), (6, 0), (0, 6), (-6, 0))
        painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in sides]))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _marks(self, painter: QPainter, area: QRectF, across: Across) -> None:
        theme, said = self._theme, self._suggested
        styles = Qt.PenStyle
        lines: list[tuple[float, str, Qt.PenStyle, str]] = []
        if self._before is not None:
            lines.append((self._before, theme.quiet, styles.DotLine, self.tr("before")))
        if said is not None and said.rate is not None:
            lines.append((said.rate, theme.good, styles.SolidLine, self.tr("suggested")))
        if self._chosen is not None and (said is None or self._chosen != said.rate):
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
        reached = [t.reached - 1.96 * t.error for t in self._tried if math.isfinite(t.reached)]
        level, lowest = float(np.median(begins)), min([float(known.min()), *reached])
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
