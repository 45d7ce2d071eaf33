"""Help: the shortcuts, and what this is."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from lrmonitor import __version__

__all__ = ["AboutBox", "ShortcutsDialog"]


class ShortcutsDialog(QDialog):
    """The keys of the window's actions, and what the mouse does in the plots."""

    def __init__(self, parent: QWidget, actions: Iterable[QAction]) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys and mouse"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        form = QFormLayout()
        form.setHorizontalSpacing(28)
        form.setVerticalSpacing(7)
        for action in actions:
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            if keys:
                form.addRow(self._bold(keys), QLabel(action.text().replace("&", "").rstrip("…")))
        for keys, what in (
            (self.tr("0–9"), self.tr("Type a new rate, wherever the focus is")),
            (self.tr("Enter"), self.tr("Apply the rate in the field")),
            (self.tr("Esc"), self.tr("Empty the field")),
            (self.tr("↑ ↓"), self.tr("In the field: 10 % up or down")),
            (self.tr("Shift+↑ ↓"), self.tr("In the field: the next of 1, 2, 5, 10…")),
            (self.tr("Page ↑ ↓"), self.tr("In the field: ×10, ÷10")),
            (self.tr("Alt+↓"), self.tr("In the field: recent values")),
            (self.tr("Wheel"), self.tr("Zoom the plots along the steps")),
            (self.tr("Drag"), self.tr("Move along the steps")),
            (self.tr("Double click"), self.tr("Show the whole run")),
        ):
            form.addRow(self._bold(keys), QLabel(what))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 14)
        column.setSpacing(16)
        column.addLayout(form)
        column.addWidget(buttons)

    def _bold(self, text: str) -> QLabel:
        label = QLabel(text, self)
        font = label.font()
        font.setBold(True)
        label.setFont(font)
        return label


class AboutBox(QMessageBox):
    """Name, version, what it does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About lrmonitor"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setText(f"<b>lrmonitor {__version__}</b>")
        self.setInformativeText(
            self.tr(
                "Watch a PyTorch training live and change its learning rate while it runs, "
                "knowing exactly at which step the change took effect.\n\n"
                "Nothing leaves this computer. MIT licence. Qt {0}, PySide6 and pyqtgraph."
            ).format(qVersion())
        )
