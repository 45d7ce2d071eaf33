"""Keeping order among the runs: names, tags, notes, and deleting with a way back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from lrmonitor.model.roster import RunLine
from lrmonitor.record.trash import Trash

from ..record import WindowLog

__all__ = ["RunKeeping", "tags_of"]


def tags_of(text: str) -> list[str]:
    """The tags in what a person typed: words, with commas or # or without."""
    words = text.replace(",", " ").split()
    return sorted({word.lstrip("#") for word in words} - {""})


class RunKeeping(QFrame):
    """Asks and does; a strip at the list's foot tells what was deleted and takes it back.

    `changed(Path)`: the run in that folder was named, tagged, deleted or put back.
    """

    changed = Signal(object)

    def __init__(self, home: Path, by: Mapping[str, Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trash = Trash(home)
        self._by = by
        self._logs: dict[Path, WindowLog] = {}
        self._deleted: tuple[Path, Path] | None = None
        self.told = QLabel(self)
        self.told.setTextFormat(Qt.TextFormat.PlainText)
        self.told.setWordWrap(True)
        self.undo = QToolButton(self)
        self.undo.setText(self.tr("Undo"))
        self.undo.setProperty("role", "tool")
        self.undo.setAccessibleName(self.tr("Put the deleted run back"))
        self.undo.clicked.connect(self.restore)
        self.dismiss = QToolButton(self)
        self.dismiss.setText("✕")
        self.dismiss.setAutoRaise(True)
        self.dismiss.setAccessibleName(self.tr("Dismiss"))
        self.dismiss.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 4, 6)
        row.addWidget(self.told, 1)
        row.addWidget(self.undo)
        row.addWidget(self.dismiss)
        self.setProperty("role", "strip")
        self.hide()

    def rename(self, line: RunLine) -> None:
        """Ask for another name."""
        self._ask(self.tr("Rename the run"), self.tr("Name"), line.name, self._name, line.folder)

    def tag(self, line: RunLine) -> None:
        """Ask for its tags."""
        title, words = (
            self.tr("Tags of “{0}”").format(line.name),
            self.tr("Tags, with spaces between them"),
        )
        self._ask(title, words, " ".join(line.tags), self._tags, line.folder)

    def note(self, line: RunLine) -> None:
        """Ask for a note, which stands at the step that the run is at."""
        step = line.state.step if line.state is not None else None
        title = self.tr("Note on “{0}”").format(line.name)

        def write(folder: Path, text: str) -> None:
            if text:
                self._say(self._log(folder).note(text, step), folder)

        self._ask(title, self.tr("Note"), "", write, line.folder)

    def delete(self, line: RunLine) -> bool:
        """Move a run to the trash, unless it goes on; whether that was done."""
        self._deleted = None
        self.undo.hide()
        if line.live:
            self._show(self.tr("“{0}” still goes on: stop it first.").format(line.name))
            return False
        try:
            place = self._trash.put(line.folder)
        except OSError as error:
            why = error.strerror or str(error)
            self._show(self.tr("“{0}” could not be deleted: {1}.").format(line.name, why))
            return False
        self._logs.pop(line.folder, None)
        self._deleted = (line.folder, place)
        self.undo.show()
        self._show(self.tr("“{0}” is in the trash.").format(line.name))
        self.changed.emit(line.folder)
        return True

    def restore(self) -> None:
        """Put the run that was deleted last back."""
        if self._deleted is None:
            return
        folder, place = self._deleted
        try:
            self._trash.restore(place, folder.name)
        except OSError as error:
            why = error.strerror or str(error)
            self._show(self.tr("It could not be put back: {0}.").format(why))
            return
        self._deleted = None
        self.hide()
        self.changed.emit(folder)

    def _name(self, folder: Path, text: str) -> None:
        name = " ".join(text.split())
        if name:
            self._say(self._log(folder).name(name), folder)

    def _tags(self, folder: Path, text: str) -> None:
        self._say(self._log(folder).tags(tags_of(text)), folder)

    def _ask(self, title: str, label: str, text: str, then: Any, folder: Path) -> None:
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        dialog.setTextValue(text)
        field = dialog.findChild(QLineEdit)
        if field is not None:
            # The dialog itself is only ever as wide as what is in it.
            field.setMinimumWidth(360)
        dialog.textValueSelected.connect(lambda value: then(folder, value))
        dialog.open()

    def _log(self, folder: Path) -> WindowLog:
        if folder not in self._logs:
            self._logs[folder] = WindowLog(folder, self._by, self)
        return self._logs[folder]

    def _say(self, problem: str | None, folder: Path) -> None:
        if problem is None:
            self.changed.emit(folder)
            return
        self.undo.hide()
        self._show(problem)

    def _show(self, text: str) -> None:
        self.told.setText(text)
        self.show()
