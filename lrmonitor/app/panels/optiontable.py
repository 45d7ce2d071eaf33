"""The table of options: momentum, betas, weight decay and the other numbers of every group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from lrmonitor.link.option_command import OPTIONS
from lrmonitor.model.optimizer import OptimizerInfo
from lrmonitor.model.options import OptionRow, Slot

from ..format import format_rate
from ..theme import Theme
from .celledit import EditedTable, Index
from .rowtable import RowTable

__all__ = ["USED", "OptionTable", "OptionView"]

OPTIMIZER, GROUP, NAME, SCRIPT, USED, OVERRIDE = range(6)


class OptionTable(RowTable):
    """A row for each option of each group. `show_rows` echoes the record."""

    numbers = (SCRIPT, USED)

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: list[OptionRow]
        self._optimizers: dict[int, OptimizerInfo] = {}
        self._waiting: Mapping[Slot, str] = {}
        self._problem: str | None = None

    def show_rows(
        self,
        rows: Sequence[OptionRow],
        optimizers: Sequence[OptimizerInfo],
        waiting: Mapping[Slot, str],
        problem: str | None,
    ) -> None:
        """Show these. `waiting`: what was asked for and is not in effect yet, in words.

        `problem`: why nothing can be changed.
        """
        known = {info.number: info for info in optimizers}
        new = (list(rows), known, waiting, problem)
        if new == (self.rows, self._optimizers, self._waiting, self._problem):
            return
        _, self._optimizers, self._waiting, self._problem = new
        self.put(rows, [row.slot for row in rows] == [row.slot for row in self.rows])

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.say_changed()

    def heads(self) -> tuple[str, ...]:
        return (
            self.tr("Optimizer"),
            self.tr("Group"),
            self.tr("Option"),
            self.tr("Script"),
            self.tr("Effective"),
            self.tr("Override"),
        )

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == USED and self._problem is None:
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
        if role == Qt.ItemDataRole.FontRole and column == USED:
            font = QFont(QApplication.font())
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole:
            plain = row.held is None and row.slot not in self._waiting
            quiet = column == SCRIPT or (column == OVERRIDE and plain)
            return QColor(self._theme.quiet if quiet else self._theme.text)
        return None

    def _text(self, row: OptionRow, column: int) -> str:
        if column == OPTIMIZER:
            info = self._optimizers.get(row.optimizer)
            return str(row.optimizer) if info is None else f"{row.optimizer} · {info.name}"
        if column == GROUP:
            return str(row.group)
        if column == NAME:
            return row.name
        if column == OVERRIDE:
            waiting = self._waiting.get(row.slot)
            if waiting is not None:
                return self.tr("{0} (pending)").format(waiting)
            if row.held is None:
                return self.tr("script's own")
            return self.tr("hold {0}").format(format_rate(row.held))
        value = row.scheduled if column == SCRIPT else row.effective
        return "–" if value is None else format_rate(value)

    def _tip(self, row: OptionRow, column: int) -> str:
        if column not in (SCRIPT, USED):
            return self._text(row, column)
        value = row.scheduled if column == SCRIPT else row.effective
        exact = "" if value is None else self.tr("exactly {0}").format(repr(value))
        if column == SCRIPT:
            return exact
        bounds = OPTIONS[row.name].words if row.name in OPTIONS else ""
        typed = self.tr("Type a number {0}; Enter holds it.").format(bounds)
        return f"{exact}\n{self._problem or typed}".strip()


class OptionView(EditedTable):
    """The table on the screen. A digit typed on a row begins its new value."""

    def __init__(self, table: OptionTable, parent: QWidget | None = None) -> None:
        super().__init__(table, USED, (OVERRIDE,), parent)
        self._table = table
        self.setAccessibleName(self.tr("Options of the parameter groups"))

    def current_row(self) -> OptionRow | None:
        """The row that the person is on."""
        index = self.currentIndex().row()
        return self._table.rows[index] if 0 <= index < len(self._table.rows) else None

    def make_field(self, parent: QWidget, value: float | None) -> QLineEdit:
        """A field for a number."""
        field = QLineEdit(parent)
        field.setMaxLength(40)
        field.setAccessibleName(self.tr("New value of the option"))
        field.setText("" if value is None else format_rate(value))
        return field

    def copy_value(self) -> None:
        """Put the row's effective value, every digit of it, on the clipboard."""
        row = self.current_row()
        if row is not None and row.effective is not None:
            QGuiApplication.clipboard().setText(repr(row.effective))
