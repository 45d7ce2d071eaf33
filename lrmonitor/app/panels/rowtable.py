"""What tables of a panel share, whose rows are made anew from the record again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from .celledit import ROOT, Index

__all__ = ["RowTable"]


class RowTable(QAbstractTableModel):
    """A row of the table for each of `rows`. `numbers` are the columns that stand at the right."""

    numbers: tuple[int, ...] = ()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Any] = []

    def heads(self) -> tuple[str, ...]:
        """The heads of the columns."""
        raise NotImplementedError

    def put(self, rows: Sequence[Any], same: bool) -> None:
        """Show these rows; `same`: they stand for what those before did, so that the person stays
        where they are."""
        if not same:
            self.beginResetModel()
        self.rows = list(rows)
        if not same:
            self.endResetModel()
        else:
            self.say_changed()

    def say_changed(self) -> None:
        """All that is shown may be another now."""
        if self.rows:
            last = self.index(len(self.rows) - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        """How a column and its head stand."""
        flag = Qt.AlignmentFlag
        side = flag.AlignRight if column in self.numbers else flag.AlignLeft
        return side | flag.AlignVCenter

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.heads())

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(section)
        return self.heads()[section] if role == Qt.ItemDataRole.DisplayRole else None
