"""Words over empty plots: why there is nothing to see yet."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QWidget

from ..theme import Theme
from .chart import Chart

__all__ = ["PlotWords"]

WIDTH = 460
"""Pixels that a line of words takes at most."""


class PlotWords:
    """A label in the middle of a plot, hidden without a text."""

    def __init__(self, canvas: QWidget, chart: Chart) -> None:
        self._chart = chart
        self.label = QLabel(canvas)
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.label.setWordWrap(True)
        self.label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label.hide()

    def say(self, text: str) -> None:
        """Show this, or nothing."""
        if text != self.label.text():
            self.label.setText(text)
            self.label.setVisible(bool(text))
            self.place()

    def place(self) -> None:
        """Into the middle of the plot, wherever that is now."""
        area = self._chart.view.area.toRect()
        width = min(WIDTH, max(area.width() - 40, 120))
        height = max(self.label.heightForWidth(width), 24)
        self.label.setGeometry(
            area.center().x() - width // 2, area.center().y() - height // 2, width, height
        )

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        colours = self.label.palette()
        colours.setColor(QPalette.ColorRole.WindowText, theme.quiet)
        self.label.setPalette(colours)
