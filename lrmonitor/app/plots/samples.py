"""A line of words, each behind a sample of the line that it tells of."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

__all__ = ["Samples"]

LINE = 26
"""Pixels of a sample: some dashes of each kind."""

BESIDE, BETWEEN = 7, 18
"""Pixels from a sample to its words, and from those to the next."""


class Samples(QWidget):
    """`show_samples` takes pairs of a pen and what is drawn with it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._samples: tuple[tuple[QPen, str], ...] = ()
        self._colour = QColor()
        self._ground = QColor()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_samples(
        self, samples: Sequence[tuple[QPen, str]], colour: QColor, ground: QColor
    ) -> None:
        """Show these."""
        self._samples = tuple(samples)
        self._colour, self._ground = colour, ground
        self.setAccessibleName(self.text())
        self.resize(self.sizeHint())
        self.update()

    def text(self) -> str:
        """All words."""
        return "   ".join(words for _, words in self._samples)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        words = sum(metrics.horizontalAdvance(text) for _, text in self._samples)
        count = len(self._samples)
        return QSize(
            words + count * (LINE + BESIDE) + max(count - 1, 0) * BETWEEN + 6, metrics.height() + 5
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._ground)
        metrics = self.fontMetrics()
        x, middle = 6.0, metrics.height() / 2
        for pen, text in self._samples:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(pen)
            painter.drawLine(QLineF(x, middle, x + LINE, middle))
            painter.setPen(self._colour)
            painter.drawText(int(x) + LINE + BESIDE, metrics.ascent(), text)
            x += LINE + BESIDE + metrics.horizontalAdvance(text) + BETWEEN
