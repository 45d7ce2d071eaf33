"""What the window shows in the middle when no run is open: the ways to begin."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QCommandLinkButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from ..icons import icon
from ..theme import Theme
from .parts import Banner, caption, code, quiet

__all__ = ["StartView"]


class StartView(QWidget):
    """An inviting empty state: a button for each way to begin.

    `wanted(name)`: the person chose one of `choices`.
    """

    wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._symbols: dict[str, str] = {}
        self.choices: dict[str, QCommandLinkButton] = {}
        self.problem = Banner(theme, self)
        self.title = QLabel(self.tr("No run is open"), self)
        font = QFont(self.title.font())
        font.setPointSizeF(font.pointSizeF() * 1.6)
        font.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(font)
        self._column = QVBoxLayout()
        self._column.setSpacing(2)
        self._lay_out()
        self._offer(
            "demo",
            "play",
            self.tr("Run the demo"),
            self.tr("A classifier of handwritten digits trains for some minutes: try things out."),
        )
        self._offer(
            "new",
            "add",
            self.tr("New run…"),
            self.tr("Start a script, module or command. A Python file dropped here fills it in."),
        )
        self._offer(
            "attach",
            "link",
            self.tr("Attach…"),
            self.tr("Show a training that goes on now, wherever it was started."),
        )
        self._offer(
            "open",
            "folder",
            self.tr("Open…"),
            self.tr("Show a run's folder, such as one that was copied from another computer."),
        )
        self._draw()

    def busy(self, name: str, on: bool) -> None:
        """One of the ways is under way: it cannot be chosen again meanwhile."""
        self.choices[name].setEnabled(not on)

    def say(self, text: str, tone: str = "bad") -> None:
        """A sentence about what did not work; empty to take it back."""
        self.problem.say(text, tone)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.problem.set_theme(theme)
        self._draw()

    def _offer(self, name: str, symbol: str, text: str, detail: str) -> None:
        button = QCommandLinkButton(text, detail, self)
        button.setIconSize(QSize(22, 22))
        button.setAccessibleDescription(detail)
        button.clicked.connect(lambda: self.wanted.emit(name))
        self.choices[name] = button
        self._symbols[name] = symbol
        self._column.addWidget(button)

    def _draw(self) -> None:
        for name, button in self.choices.items():
            button.setIcon(
                icon(self._symbols[name], self._theme.accent, self._theme.disabled, size=22)
            )

    def _lay_out(self) -> None:
        card = QFrame(self)
        card.setProperty("role", "card")
        card.setMinimumWidth(320)
        card.setMaximumWidth(620)
        column = QVBoxLayout(card)
        column.setContentsMargins(30, 26, 30, 26)
        column.setSpacing(10)
        column.addWidget(self.title)
        column.addWidget(
            quiet(
                self.tr(
                    "Start a PyTorch script under lrmonitor, with no change to it, and its loss "
                    "and learning rate appear here while it trains."
                ),
                card,
            )
        )
        column.addWidget(self.problem)
        column.addSpacing(4)
        column.addLayout(self._column)
        column.addSpacing(10)
        column.addWidget(caption(self.tr("From a terminal"), card))
        column.addWidget(code("lrmonitor run train.py", self))
        across = QHBoxLayout()
        across.setContentsMargins(24, 0, 24, 0)
        across.addStretch(1)
        across.addWidget(card, 6)
        across.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(across)
        outer.addStretch(3)
