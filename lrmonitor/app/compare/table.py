"""The table below the curves: a row for each run, with its results and what sets it apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from lrmonitor.model.comparison import Statistics, differing

from ..format import format_count, format_loss
from ..phases import phase_word
from ..theme import Theme
from .runs import Compared

__all__ = ["CompareTable", "Sorted", "SwatchDelegate"]

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
SORT = Qt.ItemDataRole.UserRole
RUN = Qt.ItemDataRole.UserRole + 1

FIXED = 7
"""Columns before those of the settings."""


class CompareTable(QAbstractTableModel):
    """What `show_runs` and `show_figures` were given. A box hides a run's curves.

    `toggled()`: one was hidden or shown.
    """

    toggled = Signal()

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.runs: list[Compared] = []
        self.baseline: Compared | None = None
        self._unlike: list[str] = []
        self._figures: list[Statistics] = []
        self._at: list[float | None] = []
        self._where = ""
        self._key = ""

    def show_runs(self, runs: Sequence[Compared], baseline: Compared | None) -> None:
        """A row for each of these; columns for the settings that differ, then for the others."""
        unlike, same = differing([run.settings for run in runs])
        columns = unlike + same
        if list(runs) != self.runs or columns != self._unlike:
            self.beginResetModel()
            self.runs, self._unlike = list(runs), columns
            self._figures = [Statistics() for _ in runs]
            self._at = [None] * len(self.runs)
            self.endResetModel()
        self.baseline = baseline
        self._changed()

    def show_figures(
        self, key: str, figures: Sequence[Statistics], at: Sequence[float | None], where: str
    ) -> None:
        """The figures of the series `key` in the visible range, and its values `at` the cursor,
        which stands `where` (in words; empty without one)."""
        header = (key, where) != (self._key, self._where)
        if not header and list(figures) == self._figures and list(at) == self._at:
            return
        self._figures, self._at, self._where, self._key = list(figures), list(at), where, key
        if header:
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 3, FIXED - 1)
        self._changed()

    def column_names(self) -> list[str]:
        """The titles of the columns."""
        key = self._key
        where = self.tr("at {0}").format(self._where) if self._where else self.tr("at cursor")
        fixed = [
            self.tr("Run"),
            self.tr("State"),
            self.tr("Step"),
            self.tr("{0} last").format(key),
            self.tr("least"),
            self.tr("mean"),
            where,
        ]
        return [*fixed, *self._unlike]

    def text(self) -> str:
        """The whole table, a line a run, with tabs between."""
        lines = [self.column_names()]
        for row in range(self.rowCount()):
            lines.append(
                # To be read by programs too: a minus sign as they know it.
                [
                    str(self.index(row, column).data() or "").replace("\N{MINUS SIGN}", "-")
                    for column in range(self.columnCount())
                ]
            )
        return "\n".join("\t".join(line) for line in lines)

    def _changed(self) -> None:
        if self.runs:
            last = self.index(len(self.runs) - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _number(self, row: int, column: int) -> float | None:
        figures = self._figures[row]
        return (figures.last, figures.least, figures.mean, self._at[row])[column - 3]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else FIXED + len(self._unlike)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.column_names()[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and 2 <= section < FIXED:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole and 3 <= section <= 5:
            return self.tr("Of the steps that are visible; values that are no numbers are left out")
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else flags

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != 0:
            return False
        self.runs[index.row()].shown = Qt.CheckState(value) is Qt.CheckState.Checked
        self._changed()
        self.toggled.emit()
        return True

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        run = self.runs[row]
        if role == RUN:
            return run
        if role == Qt.ItemDataRole.CheckStateRole and column == 0:
            return Qt.CheckState.Checked if run.shown else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.TextAlignmentRole and 2 <= column < FIXED:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{run.name}\n{run.folder}" if column == 0 else self.data(index)
        if role not in (Qt.ItemDataRole.DisplayRole, SORT):
            return None
        if column == 0:
            mark = self.tr(" (baseline)") if run is self.baseline else ""
            return run.name + mark
        if column == 1:
            return phase_word(run.model.state)
        if column == 2:
            step = run.model.state.step
            if role == SORT:
                return -1 if step is None else step
            return "" if step is None else format_count(step)
        if column < FIXED:
            value = self._number(row, column)
            if role == SORT:
                return math.inf if value is None or math.isnan(value) else value
            return "" if value is None else format_loss(value)
        text = run.settings.get(self._unlike[column - FIXED], "")
        if role == SORT:
            return _sortable(text)
        return text


def _sortable(text: str) -> str:
    """A text that sorts as the number that it is, where it is one."""
    try:
        return f"{float(text):+025.12f}" if abs(float(text)) < 1e11 else text
    except ValueError:
        return text


class Sorted(QSortFilterProxyModel):
    """Sorted as numbers where there are numbers."""

    def __init__(self, source: CompareTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSourceModel(source)
        self.setSortRole(SORT)
        self.setDynamicSortFilter(True)


class SwatchDelegate(QStyledItemDelegate):
    """A run's name after a piece of its line, as it is drawn above."""

    WIDTH = 30

    def __init__(self, table: CompareTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = table

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        given: Any = option
        # Room for the line, which is painted over it.
        given.text = "\u2003\u2003\u2002\u2002" + given.text

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        given: Any = option
        run: Compared = index.data(RUN)
        theme = self._table.theme
        box: QRect = given.rect
        pen = QPen(QColor(theme.curve(run.look.colour)), 2.4, run.look.dash)
        painter.save()
        painter.setPen(pen)
        left, middle = box.left() + 35, box.center().y()
        painter.drawLine(left, middle, left + self.WIDTH - 4, middle)
        painter.restore()
