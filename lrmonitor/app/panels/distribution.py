"""The distribution of the sizes of single weights' steps, as bars over powers of ten."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from lrmonitor.model.step_sizes import Distribution

from ..format import format_count, format_rate
from ..theme import Theme
from .hover import Hovered

__all__ = ["DistributionPlot", "percent"]


def percent(share: float) -> str:
    """A part as a person reads it: "12 %", "0.03 %"."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


class DistributionPlot(Hovered):
    """One distribution, the latest."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._found: Distribution | None = None
        self.setMinimumSize(180, 90)
        self.setAccessibleName(self.tr("Sizes of single weights' steps"))

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.update()

    def show_distribution(self, found: Distribution | None) -> None:
        """Show this one; None: nothing."""
        self._found = found
        if found is not None and len(found.shares):
            at = int(found.shares.argmax())
            self.setAccessibleDescription(
                self.tr("Step {0}: most weights move by {1} to {2}; {3} did not move").format(
                    format_count(found.step),
                    format_rate(10 ** float(found.edges[at])),
                    format_rate(10 ** float(found.edges[at + 1])),
                    percent(found.still),
                )
            )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 150)

    def _span(self) -> tuple[int, int]:
        """The decades that are shown."""
        assert self._found is not None
        return math.floor(self._found.edges[0]), math.ceil(self._found.edges[-1])

    def _area(self) -> QRectF:
        height = self.fontMetrics().height()
        side = self.fontMetrics().horizontalAdvance("1e-10") / 2 + 3
        return QRectF(self.rect()).adjusted(side, 2 * height + 8, -side, -height - 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.base))
        found = self._found
        if found is None:
            return
        height = painter.fontMetrics().height()
        painter.setPen(QColor(self._theme.text))
        wide = QRectF(8, 3, self.width() - 16, height)
        title = self.tr("|Δw| of single weights, step {0}").format(format_count(found.step))
        elided = painter.fontMetrics().elidedText(
            title, Qt.TextElideMode.ElideRight, int(wide.width())
        )
        painter.drawText(wide, Qt.AlignmentFlag.AlignLeft, elided)
        painter.setPen(QColor(self._theme.quiet))
        still = self.tr("{0} did not move").format(percent(found.still))
        painter.drawText(wide.translated(0, height + 1), Qt.AlignmentFlag.AlignLeft, still)
        if not len(found.shares):
            return
        area, (low, high) = self._area(), self._span()
        decade = area.width() / max(high - low, 1)
        most = float(found.shares.max()) or 1.0
        colour = QColor(self._theme.curve(0))
        for i, share in enumerate(found.shares.tolist()):
            left = area.left() + (float(found.edges[i]) - low) * decade
            right = area.left() + (float(found.edges[i + 1]) - low) * decade
            tall = share / most * area.height()
            if share > 0:
                bar = QRectF(left, area.bottom() - tall, max(right - left - 1, 1), max(tall, 1))
                painter.fillRect(bar, colour)
        painter.setPen(QColor(self._theme.border))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QColor(self._theme.quiet))
        every = max(math.ceil(painter.fontMetrics().horizontalAdvance("1e-10 ") / decade), 1)
        for at in range(low, high + 1, every):
            middle = area.left() + (at - low) * decade
            box = QRectF(middle - 30, area.bottom() + 3, 60, height)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, f"1e{at}")

    def told_at(self, place: QPointF) -> str:
        """The bin at a place of the widget, and its part; empty where there is none."""
        found, area = self._found, self._area()
        if found is None or not len(found.shares) or not area.contains(place):
            return ""
        low, high = self._span()
        size = low + (place.x() - area.left()) / area.width() * (high - low)
        at = int((found.edges <= size).sum()) - 1
        if not 0 <= at < len(found.shares):
            return ""
        return self.tr("from {0} to {1}: {2} of the weights").format(
            format_rate(10 ** float(found.edges[at])),
            format_rate(10 ** float(found.edges[at + 1])),
            percent(float(found.shares[at])),
        )
