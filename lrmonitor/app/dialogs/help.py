"""Help: the shortcuts, and what this is."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
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
        left, middle, right = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        self._keys: dict[QVBoxLayout, list[QLabel]] = {left: [], middle: [], right: []}
        own = [
            (action.shortcut().toString(QKeySequence.SequenceFormat.NativeText), _plain(action))
            for action in actions
        ]
        keys = [pair for pair in own if pair[0]]
        half = (len(keys) + 8) // 2  # the mouse's rows and their heading stand below the others
        for column in (left, middle, right):
            column.setSpacing(6)
        self._section(left, self.tr("Keys"), keys[:half])
        self._section(middle, "", keys[half:])
        self._section(
            right,
            self.tr("In the field of the new rate"),
            [
                (self.tr("0–9"), self.tr("Begin a new rate, wherever the focus is")),
                (self.tr("Enter"), self.tr("Apply")),
                (self.tr("Esc"), self.tr("Empty the field")),
                (self.tr("↑ ↓"), self.tr("10 % up or down")),
                (self.tr("Shift+↑ ↓"), self.tr("The next of 1, 2, 5, 10…")),
                (self.tr("Page ↑ ↓"), self.tr("×10, ÷10")),
                (self.tr("Alt+↓"), self.tr("Recent values")),
            ],
        )
        self._section(
            right,
            self.tr("In a panel"),
            [
                (self.tr("Enter"), self.tr("Open a run; show a row's step in the plots")),
                (self.tr("Ctrl+C"), self.tr("Copy the chosen rows as text")),
                (self.tr("Ctrl+F"), self.tr("Search the console; F3 goes on")),
                (self.tr("Ctrl+End"), self.tr("The newest row; it is followed from there")),
                (self.tr("Del"), self.tr("Release the override of a row of the groups")),
                (self.tr("Menu"), self.tr("What can be done there")),
            ],
        )
        self._section(
            middle,
            self.tr("Mouse"),
            [
                (self.tr("Wheel"), self.tr("Zoom the plots along the steps")),
                (self.tr("Drag"), self.tr("Move along the steps; move a panel by its title")),
                (self.tr("Right drag"), self.tr("Choose the stretch of steps to show")),
                (self.tr("Click"), self.tr("On a mark: its row in the journal")),
                (
                    self.tr("Double click"),
                    self.tr("Show the whole run; open a run of the list or a test’s result"),
                ),
                (self.tr("Right click"), self.tr("What can be done with a plot, a run or a row")),
            ],
        )
        for column in (left, middle, right):
            column.addStretch(1)
            # The words of all its sections begin at one place.
            widest = max(label.sizeHint().width() for label in self._keys[column])
            for label in self._keys[column]:
                label.setMinimumWidth(widest)
        both = QHBoxLayout()
        both.setSpacing(36)
        both.addLayout(left)
        both.addLayout(middle)
        both.addLayout(right)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(22, 18, 22, 14)
        whole.setSpacing(14)
        whole.addLayout(both)
        whole.addWidget(buttons)

    def _section(self, column: QVBoxLayout, title: str, rows: Iterable[tuple[str, str]]) -> None:
        heading = QLabel(title, self)
        heading.setProperty("role", "caption")
        column.addWidget(heading)
        form = QFormLayout()
        form.setHorizontalSpacing(22)
        form.setVerticalSpacing(5)
        for keys, what in rows:
            label = self._bold(keys)
            self._keys[column].append(label)
            form.addRow(label, QLabel(what, self))
        column.addLayout(form)
        column.addSpacing(14)

    def _bold(self, text: str) -> QLabel:
        label = QLabel(text, self)
        font = label.font()
        font.setBold(True)
        label.setFont(font)
        return label


def _plain(action: QAction) -> str:
    """What an action does, without its mnemonic and what it says of the moment."""
    return action.text().replace("&", "").partition(":")[0].rstrip("…")


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
                "Nothing leaves this computer. MIT licence. Qt {0} and PySide6."
            ).format(qVersion())
        )
