"""A small plot of what a detector saw: the values around a finding, its window shaded."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from lrmonitor.diagnosis.finding import Finding
from lrmonitor.record.reader import Series

from ..format import format_count, format_loss
from ..severity import severity_colour
from ..theme import Theme

__all__ = ["FindingPlot", "around"]

LOG_FROM = 20.0
"""Ratio of the largest to the smallest value from which the axis is logarithmic."""

Floats = NDArray[np.float64]


def around(series: Series, low: float, high: float, columns: int) -> tuple[Floats, Floats]:
    """The values of the steps from `low` to `high`, (n,) and (n,), with at most a smallest and a
    largest for each of `columns` equal parts; where steps went back the latest run of them."""
    step, value = series.step, series.value
    back = np.flatnonzero(step[1:] < step[:-1])
    if len(back):
        step, value = step[back[-1] + 1 :], value[back[-1] + 1 :]
    first, last = np.searchsorted(step, (low, high + 1), "left")
    x, y = step[first:last].astype(np.float64), value[first:last].astype(np.float64)
    if len(x) <= 2 * columns:
        return x, y
    edges = np.linspace(0, len(x), columns + 1).astype(int)
    keep: list[int] = []
    filled = np.where(np.isfinite(y), y, np.inf)
    emptied = np.where(np.isfinite(y), y, -np.inf)
    for a, b in itertools.pairwise(edges.tolist()):
        ends = {a + int(np.argmin(filled[a:b])), a + int(np.argmax(emptied[a:b]))}
        lost = np.flatnonzero(~np.isfinite(y[a:b]))
        keep += sorted(ends | ({a + int(lost[0])} if len(lost) else set()))
    return x[keep], y[keep]


class FindingPlot(QWidget):
    """Draws itself when told what to show; a few hundred points."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._finding: Finding | None = None
        self._x: Floats = np.empty(0)
        self._y: Floats = np.empty(0)
        self._name = ""
        self.setMinimumSize(200, 130)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.update()

    def show_finding(self, finding: Finding | None, series: Series | None, name: str) -> None:
        """Show the values of `series`, called `name`, that the finding is about."""
        self._finding, self._name = finding, name
        self._x = self._y = np.empty(0)
        if finding is not None and series is not None:
            low, high = self._span(finding)
            self._x, self._y = around(series, low, high, max(self.width(), 200))
            steps = f"{format_count(int(low))} to {format_count(int(high))}"
            self.setAccessibleName(self.tr("{0} from step {1}").format(name, steps))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, 130)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.base))
        finding = self._finding
        finite = np.isfinite(self._y)
        if finding is None or not finite.any():
            return
        metrics = painter.fontMetrics()
        values = self._y[finite]
        low, high = float(values.min()), float(values.max())
        log = low > 0 and high / low > LOG_FROM
        texts = (format_loss(high), format_loss(low))
        left = max(metrics.horizontalAdvance(text) for text in texts) + 8
        area = QRectF(self.rect()).adjusted(left, 8, -8, -metrics.height() - 6)
        x0, x1 = self._span(finding)
        scale = area.width() / max(x1 - x0, 1.0)
        self._shade(painter, area, finding, x0, scale)
        painter.setPen(QColor(self._theme.quiet))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        height = metrics.height()
        for text, y in zip(texts, (area.top(), area.bottom()), strict=True):
            painter.drawText(QRectF(0, y - height / 2, left - 5, height), right, text)
        base = QRectF(area.left(), area.bottom() + 3, area.width(), height)
        painter.drawText(base, Qt.AlignmentFlag.AlignLeft, format_count(round(x0)))
        painter.drawText(base, Qt.AlignmentFlag.AlignHCenter, self._name)
        painter.drawText(base, Qt.AlignmentFlag.AlignRight, format_count(round(x1)))
        lo, hi = (np.log(low), np.log(high)) if log else (low, high)
        if hi <= lo:
            lo, hi = lo - 0.5 - abs(lo) / 2, hi + 0.5 + abs(hi) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = np.log(self._y) if log else self._y
        across = area.left() + (self._x - x0) * scale
        down = area.bottom() - (shown - lo) / (hi - lo) * area.height()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.curve(0)), 1.2))
        for piece in np.split(np.arange(len(across)), np.flatnonzero(~finite)):
            kept = [i for i in piece.tolist() if finite[i]]
            points = [QPointF(float(across[i]), float(down[i])) for i in kept]
            if len(points) == 1:
                painter.drawEllipse(points[0], 1.2, 1.2)
            painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.bad))
        for x in across[~finite]:
            foot = area.bottom()
            spike = [QPointF(x - 3.5, foot), QPointF(x + 3.5, foot), QPointF(x, foot - 7)]
            painter.drawPolygon(QPolygonF(spike))

    def _shade(
        self, painter: QPainter, area: QRectF, finding: Finding, x0: float, scale: float
    ) -> None:
        """What was looked at, and where the finding holds."""
        theme = self._theme
        start, end = finding.evidence.window
        spans = (
            (start, end, theme.dim(theme.accent, 0.12)),
            (
                finding.first_step,
                max(finding.last_step, finding.detected_step),
                theme.dim(severity_colour(finding.severity, theme), 0.22),
            ),
        )
        for first, last, colour in spans:
            box = QRectF(area)
            box.setLeft(max(area.left() + (first - x0) * scale - 1, area.left()))
            box.setRight(min(area.left() + (last - x0) * scale + 1, area.right()))
            if box.width() > 0:
                painter.fillRect(box, QColor(colour))

    def _span(self, finding: Finding) -> tuple[float, float]:
        start, end = finding.evidence.window
        start = min(start, finding.first_step)
        end = max(end, finding.detected_step)
        margin = max((end - start) // 2, 16)
        return float(max(start - margin, 0)), float(end + margin)
