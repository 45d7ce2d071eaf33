"""The table of groups: what it shows (`GroupTable`) and how it is typed into (`GroupView`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from lrmonitor.model.groups import GroupRow

from ..format import format_rate
from ..theme import Theme
from .celledit import EditedTable, Index
from .ratefield import RateField
from .rowtable import RowTable

__all__ = ["EFFECTIVE", "GroupTable", "GroupView"]

OPTIMIZER, GROUP, ABOUT, SCHEDULED, EFFECTIVE, OVERRIDE = range(6)


class GroupTable(RowTable):
    """A row for each group. `show_rows` echoes the record; nothing is written into it."""

    numbers = (SCHEDULED, EFFECTIVE)

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: list[GroupRow]
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
        if (list(rows), waiting, problem) == (self.rows, self._waiting, self._problem):
            return
        self._waiting, self._problem = waiting, problem
        self.put(rows, [row.address for row in rows] == [row.address for row in self.rows])

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.say_changed()

    def heads(self) -> tuple[str, ...]:
        return (
            self.tr("Optimizer"),
            self.tr("Group"),
            self.tr("Parameters"),
            self.tr("Scheduled"),
            self.tr("Effective"),
            self.tr("Override"),
        )

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
            return self.alignment(column)
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


class GroupView(EditedTable):
    """The table on the screen. A digit typed on a row begins its new rate."""

    def __init__(self, table: GroupTable, parent: QWidget | None = None) -> None:
        super().__init__(table, EFFECTIVE, (ABOUT, OVERRIDE), parent)
        self._table = table
        self.setAccessibleName(self.tr("Rates of the parameter groups"))

    def current_row(self) -> GroupRow | None:
        """The row that the person is on."""
        index = self.currentIndex().row()
        return self._table.rows[index] if 0 <= index < len(self._table.rows) else None

    def begin_edit(self, row: int | None = None) -> RateField | None:
        """Open the rate of a row (by default the present one); None where it cannot be changed."""
        field = super().begin_edit(row)
        return field if isinstance(field, RateField) else None

    def make_field(self, parent: QWidget, value: float | None) -> QLineEdit:
        """A field for a rate."""
        field = RateField(parent)
        field.setClearButtonEnabled(False)
        field.setAccessibleName(self.tr("New rate of the group"))
        field.base = value
        field.setText("" if value is None else format_rate(value))
        return field

    def copy_rate(self) -> None:
        """Put the row's effective rate, every digit of it, on the clipboard."""
        row = self.current_row()
        if row is not None and row.effective is not None:
            QGuiApplication.clipboard().setText(repr(row.effective))
