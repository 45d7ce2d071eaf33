"""A table with one column that is typed into: Enter says it, leaving the cell says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

__all__ = ["ROOT", "EditedTable", "Index"]

Index = QModelIndex | QPersistentModelIndex
Judge = Callable[[Any, str, bool], bool]
ROOT = QModelIndex()


class _CellEditor(QStyledItemDelegate):
    """Puts a field over a cell. Only Enter sends; leaving the cell sends nothing."""

    def __init__(self, view: EditedTable) -> None:
        super().__init__(view)
        self._view = view
        self._insisting = ""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        field = self._view.make_field(parent, index.data(Qt.ItemDataRole.EditRole))
        field.setAutoFillBackground(True)
        field.selectAll()
        field.textEdited.connect(self._view.typed)
        self._insisting = ""
        return field

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """What the person types is left alone while the record goes on."""

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """The record is the only source of the table."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        enter = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if (
            isinstance(watched, QLineEdit)
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in enter
        ):
            row, text = self._view.current_row(), watched.text()
            # What was asked about once, and is unchanged, is meant.
            if row is not None and self._view.judge(row, text, self._insisting == text):
                self.closeEditor.emit(watched, QStyledItemDelegate.EndEditHint.NoHint)
                self._view.setFocus()
            else:
                self._insisting = text
            return True
        return super().eventFilter(watched, event)


class EditedTable(QTableView):
    """The table on the screen. A digit typed on a row begins its new value, in column `edited`;
    the columns `wide` take the room that is left.

    `judge(row, text, insisted)` is asked on Enter and says whether the cell may be left.
    `picked()`: another row; `typed(text)`: into a cell; `ended()`: it is no longer edited;
    `release_wanted()`.
    """

    picked = Signal()
    typed = Signal(str)
    ended = Signal()
    release_wanted = Signal()

    def __init__(
        self,
        table: QAbstractTableModel,
        edited: int,
        wide: tuple[int, ...],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._edited = edited
        self.judge: Judge = lambda *_: False
        self.setModel(table)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 9)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for column in wide:
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        head.setMinimumSectionSize(56)
        editor = _CellEditor(self)
        self.setItemDelegateForColumn(edited, editor)
        editor.closeEditor.connect(lambda *_: self.ended.emit())
        self.selectionModel().currentRowChanged.connect(lambda *_: self.picked.emit())

    def current_row(self) -> Any:
        """The row that the person is on; None where there is none."""
        raise NotImplementedError

    def make_field(self, parent: QWidget, value: float | None) -> QLineEdit:
        """The field that is put over a cell of that value."""
        raise NotImplementedError

    def pick(self, row: int) -> None:
        """Go to a row."""
        self.setCurrentIndex(self.model().index(row, self._edited))

    def begin_edit(self, row: int | None = None) -> QLineEdit | None:
        """Open the value of a row (by default the present one); None where it cannot be changed."""
        at = self.currentIndex().row() if row is None else row
        index = self.model().index(at, self._edited)
        if not index.isValid() or not index.flags() & Qt.ItemFlag.ItemIsEditable:
            return None
        self.setCurrentIndex(index)
        self.edit(index)
        field = self.indexWidget(index)
        return field if isinstance(field, QLineEdit) else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if event.text() and event.text() in "0123456789.":
            field = self.begin_edit()
            if field is not None:
                field.clear()
                QApplication.sendEvent(field, event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.begin_edit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.release_wanted.emit()
        else:
            super().keyPressEvent(event)
