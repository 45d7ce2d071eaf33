"""One row of a form: a label, a control, and a sentence below it when there is something to say."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..icons import pixmap
from ..panels.parts import set_tone
from ..theme import Theme

__all__ = ["Field", "Note"]

_LABEL_WIDTH = 96


class Note(QWidget):
    """A sentence at a field, with a symbol where it warns. Hidden without a text."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.tone = "quiet"
        self._symbol = QLabel(self)
        self._symbol.setFixedWidth(16)
        self.label = QLabel(self)
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 0, 0, 0)
        row.setSpacing(5)
        row.addWidget(self._symbol, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.label, 1)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence shown; empty if none is."""
        return self.label.text()

    def say(self, text: str, tone: str = "quiet") -> None:
        """Show a sentence in a tone ("quiet", "warn" or "bad"); an empty one hides it."""
        self.tone = tone
        self.label.setText(text)
        self.label.setProperty("note", tone)
        self.label.style().unpolish(self.label)
        self.label.style().polish(self.label)
        self._draw()
        self.setVisible(bool(text))

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._draw()

    def _draw(self) -> None:
        self._symbol.setVisible(self.tone != "quiet")
        if self.tone != "quiet":
            colour = self._theme.bad if self.tone == "bad" else self._theme.warn
            self._symbol.setPixmap(pixmap(self.tone, colour, 14))


class Field(QWidget):
    """A row: the label on the left (a mnemonic for the control), the control, a note below.

    `say` shows what is wrong (or worth knowing); `hint` is what stands there otherwise.
    """

    def __init__(
        self,
        label: str,
        control: QWidget,
        theme: Theme,
        *beside: QWidget,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.control = control
        self.label = QLabel(label, self)
        self.label.setBuddy(control)
        self.note = Note(theme, self)
        self._hint = ""
        self._problem = ""
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(control, 1)
        for widget in beside:
            row.addWidget(widget)
        column = QVBoxLayout()
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.note)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setColumnMinimumWidth(0, _LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        top = Qt.AlignmentFlag.AlignTop
        grid.addWidget(self.label, 0, 0, top)
        grid.addLayout(column, 0, 1)
        self._align_label()

    @property
    def problem(self) -> str:
        """What is said to be wrong; empty if nothing is."""
        return self._problem

    def hint(self, text: str, tone: str = "quiet") -> None:
        """What stands below the control while nothing is wrong."""
        self._hint, self._hint_tone = text, tone
        if not self._problem:
            self.note.say(text, tone)

    def say(self, problem: str) -> None:
        """Say what is wrong, or with an empty text that nothing is."""
        self._problem = problem
        for edit in [self.control, *self.control.findChildren(QLineEdit)]:
            if isinstance(edit, QLineEdit):
                set_tone(edit, "bad" if problem else "none")
        if problem:
            self.note.say(problem, "bad")
        else:
            self.note.say(self._hint, getattr(self, "_hint_tone", "quiet"))
        self.control.setAccessibleDescription(self.note.text)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.note.set_theme(theme)

    def _align_label(self) -> None:
        """The label in line with the control's text, however high a note makes the row."""
        height = min(self.control.sizeHint().height(), 34)
        self.label.setMinimumHeight(height)
        self.label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._align_label()
