"""How many steps a change takes."""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QKeyEvent, QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from lrmonitor.model.ladder import rung

__all__ = ["RampField", "labelled"]


class RampField(QLineEdit):
    """A number of steps, written as code does in any locale; nothing is "at once".

    ↑ and ↓ go to the next of 1, 2, 5, 10, 20… `changed()`: the person changed it, or `setValue`.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        digits = QRegularExpression("[0-9]{0,9}")
        self.setValidator(QRegularExpressionValidator(digits, self))
        self.setPlaceholderText(self.tr("none: at once"))
        self.setAccessibleName(self.tr("Steps that a change takes"))
        self.setToolTip(
            self.tr(
                "A ramp: each step changes the rate by the same factor until it is there.\n"
                "It goes with Apply, the factors and Release; Freeze is always at once."
            )
        )
        self.textEdited.connect(self.changed)

    def value(self) -> int:
        """The number of steps; 0 is at once."""
        return int(self.text() or 0)

    def setValue(self, steps: int) -> None:
        """Show another number."""
        text = str(steps) if steps > 0 else ""
        if text != self.text():
            self.setText(text)
            self.changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()), 0)
        if not way or event.modifiers() != Qt.KeyboardModifier.NoModifier:
            super().keyPressEvent(event)
            return
        now = self.value()
        if way < 0 and now <= 1:
            self.setValue(0)
        else:
            self.setValue(min(round(rung(now, way)) if now else 1, 10**9 - 1))


def labelled(before: str, field: QWidget, after: str) -> QHBoxLayout:
    """A field between its words."""
    row = QHBoxLayout()
    row.setSpacing(8)
    for text, buddy in ((before, True), (after, False)):
        label = QLabel(text)
        label.setProperty("role", "caption" if buddy else "quiet")
        if buddy:
            label.setBuddy(field)
            row.addWidget(label)
            row.addWidget(field, 1)
        else:
            row.addWidget(label)
    return row
