"""The data of a run as Qt's table model: some of its rows at a time, read when they are seen."""

from __future__ import annotations

import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from lrmonitor.model.table import Column, RunTable

from ..format import format_count, format_rate

__all__ = ["PAGE", "STEP", "TIME", "DataRows"]

STEP, TIME, FIRST = range(3)

PAGE = 50_000
"""Rows that are offered at first: a view keeps something of each row, and a reader of the screen
counts them. Rows that come are added until there are twice as many; then the earliest go."""

DIGITS = 7
"""Significant digits: more than the plots tell, as far as single precision goes."""

Index = QModelIndex | QPersistentModelIndex


class DataRows(QAbstractTableModel):
    """Shows the rows `first` … of a `RunTable`; `refresh` and `show` take what is there now."""

    def __init__(self, table: RunTable, parent: QObject | None = None, page: int = PAGE) -> None:
        super().__init__(parent)
        self._table = table
        self._page = page
        self._count = 0
        self._columns: list[Column] = []
        self.first = 0
        """The row of the table that is the first here."""
        self.limits: tuple[float, float] | None = None
        """The steps that are wanted, both included; None for all."""

    def refresh(self, follow: bool) -> None:
        """Take what came. With `follow` the newest rows are added and the earliest go, else the
        rows stay as they are once the page is full."""
        other = self._table.take()
        low, high = self._wanted()
        last = self.first + self._count
        if high - low <= self._page:
            first, last = low, high
        elif follow:
            first = max(low, self.first)
            first, last = first if high - first <= 2 * self._page else high - self._page, high
        else:
            first = max(low, self.first)
            last = min(high, max(last, first + self._page))
        self._become(first, last, other)

    def show(self, step: float) -> int:
        """Have the row of a step, or the next one that there is, among those that are offered;
        which of them it is, -1 if there are none."""
        other = self._table.take()
        low, high = self._wanted()
        row = min(max(self._table.find(step), low), high - 1)
        last = self.first + self._count
        if other or not self.first <= row < last:
            first = max(low, min(row - self._page // 2, high - self._page))
            self._become(first, min(first + self._page, high), other)
        return row - self.first if low < high else -1

    @property
    def at_end(self) -> bool:
        """Whether the newest row that is wanted is offered."""
        return self.first + self._count >= self._wanted()[1]

    @property
    def whole(self) -> bool:
        """Whether all rows that are wanted are offered."""
        return self.first <= self._wanted()[0] and self.at_end

    def step(self, row: int) -> int | None:
        """The step of a row here."""
        return self._table.step(self.first + row) if 0 <= row < self._count else None

    def text(self, rows: list[int]) -> str:
        """Rows as lines of text, their cells parted by tabs, below the names of the columns."""
        columns = range(self.columnCount())
        lines = [[str(self._title(column)) for column in columns]]
        lines += [[self._cell(row, column, plain=True) for column in columns] for row in rows]
        return "\n".join("\t".join(cells) for cells in lines) + "\n"

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else FIRST + len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        if not (index.isValid() and 0 <= row < self._count):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cell(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            # A reader that goes down a column tells the step with each value.
            text = self._cell(row, column) or self.tr("nothing")
            return text if column == STEP else f"{text}, {self.tr('step')} {self.step(row)}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= self.columnCount():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._title(section)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _cell(self, row: int, column: int, plain: bool = False) -> str:
        at = self.first + row
        if column == STEP:
            step = self._table.step(at)
            return str(step) if plain else format_count(step)
        if column == TIME:
            when = datetime.datetime.fromtimestamp(self._table.time(at))
            return when.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        value = self._table.value(at, column - FIRST)
        return "" if value is None else format_rate(value, DIGITS)

    def _title(self, section: int) -> str:
        if section == STEP:
            return self.tr("Step")
        if section == TIME:
            return self.tr("Time")
        column = self._columns[section - FIRST]
        if column.kind == "metric":
            return column.name
        title = {
            "loss": self.tr("Loss"),
            "lr": self.tr("Learning rate"),
            "scheduled_lr": self.tr("Scheduled rate"),
        }[column.kind]
        if column.group is not None:
            return self.tr("{0}, optimizer {1} group {2}").format(
                title, column.optimizer, column.group
            )
        if column.optimizer is not None:
            return self.tr("{0}, optimizer {1}").format(title, column.optimizer)
        return title

    def _wanted(self) -> tuple[int, int]:
        """The rows of the table that are wanted: the first, and the one behind the last."""
        if self.limits is None:
            return 0, len(self._table)
        low, high = self.limits
        # The first row behind a step is that of the next whole one.
        return self._table.find(low), self._table.find(float(int(high // 1) + 1))

    def _become(self, first: int, last: int, other: bool) -> None:
        """Offer the rows from `first` to before `last`. Those that were offered already stay, and
        with them what is chosen; not where the table is another (`other`)."""
        last = max(first, last)
        if other or first >= self.first + self._count or last <= self.first:
            self.beginResetModel()
            self.first, self._count = first, last - first
            self._columns = list(self._table.columns)
            self.endResetModel()
            return
        none = QModelIndex()
        if (gone := self.first + self._count - last) > 0:
            self.beginRemoveRows(none, self._count - gone, self._count - 1)
            self._count -= gone
            self.endRemoveRows()
        if gone < 0:
            self.beginInsertRows(none, self._count, self._count - gone - 1)
            self._count -= gone
            self.endInsertRows()
        if (gone := first - self.first) > 0:
            self.beginRemoveRows(none, 0, gone - 1)
            self.first, self._count = first, self._count - gone
            self.endRemoveRows()
        if gone < 0:
            self.beginInsertRows(none, 0, -gone - 1)
            self.first, self._count = first, self._count - gone
            self.endInsertRows()
