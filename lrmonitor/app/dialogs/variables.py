"""The small table of environment variables."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

__all__ = ["VariableTable"]

KEY, VALUE = range(2)
MOST_ROWS = 5


class VariableTable(QTableWidget):
    """Names and values; the last row is always free. `edited()`: the person changed something.

    `NAME=VALUE` typed or pasted as a name is taken apart. Delete empties the chosen row.
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 2, parent)
        self.setAccessibleName(self.tr("Environment variables"))
        self.setHorizontalHeaderLabels([self.tr("Variable"), self.tr("Value")])
        header = self.horizontalHeader()
        header.setSectionResizeMode(KEY, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(VALUE, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.resizeSection(KEY, 200)
        # In line with the cells.
        header.setStyleSheet("QHeaderView::section { padding: 4px 11px; }")
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)  # Tab leaves the table, as it leaves any field
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.AnyKeyPressed
            | QAbstractItemView.EditTrigger.SelectedClicked
            | QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.set_pairs(())
        self.cellChanged.connect(self._on_changed)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """What is in the table, rows that are empty left out; names without spaces around."""
        rows = [(self._text(row, KEY).strip(), self._text(row, VALUE)) for row in self._rows()]
        return tuple((key, value) for key, value in rows if key or value)

    def set_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Show these."""
        self.blockSignals(True)
        self.setRowCount(0)
        for key, value in pairs:
            self._append(key, value)
        self._append()
        self.blockSignals(False)
        self._fit()

    def _on_changed(self, row: int, column: int) -> None:
        text = self._text(row, KEY)
        self.blockSignals(True)
        if column == KEY and "=" in text:
            key, _, value = text.removeprefix("export ").partition("=")
            self._set(row, KEY, key.strip())
            self._set(row, VALUE, value)
        last = self.rowCount() - 1
        if self._text(last, KEY) or self._text(last, VALUE):
            self._append()
        self.blockSignals(False)
        self._fit()
        self.edited.emit()

    def _append(self, key: str = "", value: str = "") -> None:
        row = self.rowCount()
        self.insertRow(row)
        self._set(row, KEY, key)
        self._set(row, VALUE, value)

    def _fit(self) -> None:
        rows = min(self.rowCount(), MOST_ROWS)
        header = self.horizontalHeader().sizeHint().height()
        height = header + rows * self.verticalHeader().defaultSectionSize() + 2 * self.frameWidth()
        self.setFixedHeight(height)

    def _rows(self) -> range:
        return range(self.rowCount())

    def _text(self, row: int, column: int) -> str:
        item = self.item(row, column)
        return "" if item is None else item.text()

    def _set(self, row: int, column: int, text: str) -> None:
        item = self.item(row, column)
        if item is None:
            self.setItem(row, column, QTableWidgetItem(text))
        else:
            item.setText(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentRow()
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and row >= 0:
            if row < self.rowCount() - 1:
                self.removeRow(row)
                self._fit()
                self.edited.emit()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()
