"""A table of what was recorded, row below row as it came: the events, or the plotted data."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

__all__ = ["RowView"]


class RowView(QTableView):
    """Shows `rows`, of which `step` tells the step of one, None if it has none, and `text` what
    some are as text.

    `step_wanted(int)`: Enter on a row with a step. The newest row stays in view until the person
    scrolls or walks away from it, also when the panel is laid out only after its rows came, or
    becomes lower.
    """

    step_wanted = Signal(int)

    def __init__(
        self,
        rows: QAbstractTableModel,
        step: Callable[[int], int | None],
        text: Callable[[list[int]], str],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._step = step
        self._text = text
        self._end = True
        self.setModel(rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._on_scrolled)
        bar.rangeChanged.connect(self._on_range)
        lines = self.verticalHeader()
        lines.hide()
        lines.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        lines.setDefaultSectionSize(self.fontMetrics().height() + 7)
        self.horizontalHeader().setHighlightSections(False)

    def at_end(self) -> bool:
        """Whether the newest row is in view."""
        return self._end

    def choose(self, at: int) -> None:
        """Select a row and bring it into view."""
        index = self.model().index(at, max(self.currentIndex().column(), 0))
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def copy(self) -> None:
        """The selected rows as text."""
        chosen = sorted(index.row() for index in self.selectionModel().selectedRows())
        if chosen:
            QGuiApplication.clipboard().setText(self._text(chosen))

    def go(self, index: QModelIndex) -> None:
        """Wish to see the step of a row, if it has one."""
        step = self._step(index.row())
        if step is not None:
            self.step_wanted.emit(step)

    def _on_scrolled(self, value: int) -> None:
        self._end = value >= self.verticalScrollBar().maximum() - 2

    def _on_range(self, _: int, most: int) -> None:
        if self._end:
            self.verticalScrollBar().setValue(most)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.go(self.currentIndex())
        else:
            super().keyPressEvent(event)
