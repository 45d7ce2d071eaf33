"""Small widgets that several panels use."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QFont, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QVBoxLayout,
    QWidget,
)

from ..icons import pixmap
from ..theme import Theme
from .live import LiveText

__all__ = [
    "Banner",
    "Choice",
    "Count",
    "Number",
    "PointedButton",
    "Value",
    "caption",
    "code",
    "line",
    "quiet",
    "set_primary",
    "set_tone",
]


def code(text: str, parent: QWidget) -> QLabel:
    """What is to be typed somewhere else: it can be selected and copied."""
    label = QLabel(text, parent)
    font = QFont("monospace")
    font.setStyleHint(QFont.StyleHint.Monospace)
    label.setFont(font)
    label.setProperty("role", "code")
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    label.setAccessibleName(text)
    return label


def set_tone(widget: QWidget, tone: str) -> None:
    """Give a widget one of the style sheet's tones: quiet, wait, good, warn, bad or none."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        style = widget.style()
        style.unpolish(widget)
        style.polish(widget)


def set_primary(button: QPushButton, on: bool) -> None:
    """Show a button as the one that is mostly wanted now, or as one of the others."""
    role = "primary" if on else None
    if button.property("role") != role:
        button.setProperty("role", role)
        style = button.style()
        style.unpolish(button)
        style.polish(button)


def caption(text: str, parent: QWidget | None = None) -> QLabel:
    """A small heading."""
    label = QLabel(text, parent)
    label.setProperty("role", "caption")
    return label


def quiet(text: str = "", parent: QWidget | None = None) -> QLabel:
    """A line of explanation."""
    label = QLabel(text, parent)
    label.setProperty("role", "quiet")
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def line(parent: QWidget | None = None) -> QFrame:
    """A hairline between two parts."""
    frame = QFrame(parent)
    frame.setProperty("role", "line")
    frame.setFixedHeight(1)
    return frame


class Value(LiveText):
    """A value that stands below its caption: a reader of the screen is told both."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._name = name
        self.setText("–")

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setAccessibleName(f"{self._name}: {text}")


class PointedButton(QPushButton):
    """A button that tells when it is pointed at, by mouse or focus: `pointed(bool)`."""

    pointed = Signal(bool)

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setAutoDefault(False)
        self.clicked.connect(lambda: self.pointed.emit(False))

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.pointed.emit(self.isEnabled())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pointed.emit(False)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.pointed.emit(self.isEnabled())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.pointed.emit(False)


_SYMBOLS = {"good": "good", "warn": "warn", "bad": "bad", "wait": "wait"}


class Choice(QComboBox):
    """A list of choices that the wheel does not change in passing, while a panel is scrolled. A
    choice that has no room is cut in its middle, with an ellipsis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def setAccessibleName(self, name: str) -> None:
        super().setAccessibleName(name)
        # On Linux Qt gives the choice made as the name: what is chosen is told as well.
        self.setAccessibleDescription(name)

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        box, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(box, option, part, self).width()
        middle = Qt.TextElideMode.ElideMiddle
        option.currentText = self.fontMetrics().elidedText(option.currentText, middle, room)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


_INSET = 4
"""Pixels between the edge of a box and its number: a style sheet's padding does not reach there."""


class Count(QSpinBox):
    """A box for a whole number, grouped by thousands."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setGroupSeparatorShown(True)
        self.lineEdit().setTextMargins(_INSET, 0, 0, 0)


class Number(QDoubleSpinBox):
    """A box for a number with decimals."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lineEdit().setTextMargins(_INSET, 0, 0, 0)


class Banner(QFrame):
    """A framed sentence with a symbol, and room for buttons below it. Hidden without a text."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone = "quiet"
        self._icon = QLabel(self)
        self._icon.setFixedWidth(18)
        self._icon.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self.row = row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(6)
        self.buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 7, 8, 7)
        column.setSpacing(6)
        column.addLayout(row)
        column.addLayout(self.buttons)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence shown."""
        return self._text.text()

    @property
    def tone(self) -> str:
        """The tone shown."""
        return self._tone

    def say(self, text: str, tone: str = "quiet") -> None:
        """Show a sentence in a tone; an empty one hides the banner."""
        if text != self._text.text():
            self._text.setText(text)
            self.setAccessibleName(text)
        if tone != self._tone or self._icon.pixmap().isNull():
            self._tone = tone
            set_tone(self, tone)
            self._draw()
        if self.isHidden() == bool(text):
            self.setVisible(bool(text))

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._draw()

    def _draw(self) -> None:
        colour = {
            "good": self._theme.good,
            "warn": self._theme.warn,
            "bad": self._theme.bad,
        }.get(self._tone, self._theme.quiet)
        self._icon.setPixmap(pixmap(_SYMBOLS.get(self._tone, "dot"), colour))
