"""The table of groups: what it shows (`GroupTable`) and how it is typed into (`GroupView`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from PySide6.QtGui import QColor, QFont, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from lrmonitor.model.groups import GroupRow

from ..format import format_rate
from ..theme import Theme
from .ratefield import RateField

__all__ = ["EFFECTIVE", "GroupTable", "GroupView"]

OPTIMIZER, GROUP, ABOUT, SCHEDULED, EFFECTIVE, OVERRIDE = range(6)

Index = QModelIndex | QPersistentModelIndex
Judge = Callable[[GroupRow, str, bool], bool]
ROOT = QModelIndex()


class GroupTable(QAbstractTableModel):
    """A row for each group. `show_rows` echoes the record; nothing is written into it."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: list[GroupRow] = []
        self._waiting: Mapping[tuple[int, int], str] = {}
        self._problem: str | None = None

    def show_rows(
        self,
        rows: Sequence[GroupRow],
        waiting: Mapping[tuple[int, int], str],
        problem: str | None,
    ) -> None:
        """Show these. `waiting`: what was asked for and is not in effect yet, in words.

        `problem`: why nothing can be changed.
        """
        same = [row.address for row in rows] == [row.address for row in self.rows]
        if not same:
            self.beginResetModel()
        elif (list(rows), waiting, problem) == (self.rows, self._waiting, self._problem):
            return
        self.rows, self._waiting, self._problem = list(rows), waiting, problem
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, OVERRIDE))

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, OVERRIDE))

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else OVERRIDE + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self.tr("Optimizer"),
            self.tr("Group"),
            self.tr("Parameters"),
            self.tr("Scheduled"),
            self.tr("Effective"),
            self.tr("Override"),
        )[section]

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        row = self.rows[index.row()]
        if index.column() == EFFECTIVE and self._problem is None and row.problem is None:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.EditRole:
            return row.effective
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        overridden = row.kind != "none"
        if role == Qt.ItemDataRole.FontRole and column == EFFECTIVE:
            font = QFont(QApplication.font())
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole:
            quiet = column in (ABOUT, SCHEDULED) or (column == OVERRIDE and not overridden)
            return QColor(self._theme.quiet if quiet else self._theme.text)
        return None

    def _text(self, row: GroupRow, column: int) -> str:
        if column == OPTIMIZER:
            several = any(one.optimizer != row.optimizer for one in self.rows)
            main = self.tr(" (main)") if row.main and several else ""
            return f"{row.optimizer} · {row.name}{main}"
        if column == OVERRIDE:
            waiting = self._waiting.get(row.address)
            return row.override if waiting is None else self.tr("{0} (pending)").format(waiting)
        if column in (SCHEDULED, EFFECTIVE):
            value = row.scheduled if column == SCHEDULED else row.effective
            return "–" if value is None else format_rate(value)
        return str(row.group) if column == GROUP else row.about or "–"

    def _tip(self, row: GroupRow, column: int) -> str:
        if column in (SCHEDULED, EFFECTIVE):
            value = row.scheduled if column == SCHEDULED else row.effective
            exact = "" if value is None else self.tr("exactly {0}").format(repr(value))
            if column == SCHEDULED:
                return exact
            edit = self._problem or row.problem or self.tr("Type a rate; Enter holds it.")
            return f"{exact}\n{edit}".strip()
        return self._text(row, column)


class _CellEditor(QStyledItemDelegate):
    """Puts a `RateField` over a cell. Only Enter sends; leaving the cell sends nothing."""

    def __init__(self, view: GroupView) -> None:
        super().__init__(view)
        self._view = view
        self._insisting = ""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        value = index.data(Qt.ItemDataRole.EditRole)
        field = RateField(parent)
        field.setClearButtonEnabled(False)
        field.setAutoFillBackground(True)
        field.setAccessibleName(self.tr("New rate of the group"))
        field.base = value
        field.setText("" if value is None else format_rate(value))
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
            isinstance(watched, RateField)
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


class GroupView(QTableView):
    """The table on the screen. A digit typed on a row begins its new rate.

    `judge(row, text, insisted)` is asked on Enter and says whether the cell may be left.
    `picked()`: another row; `typed(text)`: into a cell; `ended()`: it is no longer edited;
    `release_wanted()`.
    """

    picked = Signal()
    typed = Signal(str)
    ended = Signal()
    release_wanted = Signal()

    def __init__(self, table: GroupTable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = table
        self.judge: Judge = lambda *_: False
        self.setModel(table)
        self.setAccessibleName(self.tr("Rates of the parameter groups"))
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
        for column in (ABOUT, OVERRIDE):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        head.setMinimumSectionSize(56)
        editor = _CellEditor(self)
        self.setItemDelegateForColumn(EFFECTIVE, editor)
        editor.closeEditor.connect(lambda *_: self.ended.emit())
        self.selectionModel().currentRowChanged.connect(lambda *_: self.picked.emit())

    def current_row(self) -> GroupRow | None:
        """The row that the person is on."""
        index = self.currentIndex().row()
        return self._table.rows[index] if 0 <= index < len(self._table.rows) else None

    def pick(self, row: int) -> None:
        """Go to a row."""
        self.setCurrentIndex(self._table.index(row, EFFECTIVE))

    def begin_edit(self, row: int | None = None) -> RateField | None:
        """Open the rate of a row (by default the present one); None where it cannot be changed."""
        index = self._table.index(self.currentIndex().row() if row is None else row, EFFECTIVE)
        if not index.isValid() or not index.flags() & Qt.ItemFlag.ItemIsEditable:
            return None
        self.setCurrentIndex(index)
        self.edit(index)
        field = self.indexWidget(index)
        return field if isinstance(field, RateField) else None

    def copy_rate(self) -> None:
        """Put the row's effective rate, every digit of it, on the clipboard."""
        row = self.current_row()
        if row is not None and row.effective is not None:
            QGuiApplication.clipboard().setText(repr(row.effective))

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


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft
    if column in (SCHEDULED, EFFECTIVE):
        side = Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
