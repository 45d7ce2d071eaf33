"""The same thing as a command for a terminal: shown, selectable, copied with one click."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFont, QGuiApplication, QTextOption
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from ..panels.parts import caption

__all__ = ["CommandLine"]

LINES = 3
SAID_MS = 1500


class CommandLine(QWidget):
    """A read-only box with a command in it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QPlainTextEdit(self)
        self.box.setReadOnly(True)
        self.box.setTabChangesFocus(True)
        self.box.setAccessibleName(self.tr("The same from a terminal"))
        self.box.setPlaceholderText(self.tr("It appears here once there is something to run."))
        self.box.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        font = QFont("monospace")
        font.setStyleHint(QFont.StyleHint.Monospace)
        self.box.setFont(font)
        margins = 2 * (self.box.frameWidth() + round(self.box.document().documentMargin()))
        # One pixel more: with none to spare, the last line is thought to be out of sight.
        self.box.setFixedHeight(LINES * self.box.fontMetrics().lineSpacing() + margins + 1)
        self.copy = QPushButton(self.tr("Co&py"), self)
        self.copy.setAutoDefault(False)
        self.copy.setMinimumWidth(self.copy.sizeHint().width() + 12)  # room for "Copied"
        self.copy.clicked.connect(self._copy)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAID_MS)
        self._timer.timeout.connect(lambda: self.copy.setText(self.tr("Co&py")))
        head = QHBoxLayout()
        head.addWidget(caption(self.tr("The same from a terminal"), self), 1)
        head.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.box)
        self.show_command("")

    @property
    def text(self) -> str:
        """The command shown."""
        return self.box.toPlainText()

    def show_command(self, text: str) -> None:
        """Show this command; an empty one when there is none yet."""
        if text != self.text:
            self.box.setPlainText(text)
        self.copy.setEnabled(bool(text))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
        self.copy.setText(self.tr("Copied"))
        self._timer.start()
