"""The plotted data as a table: for readers of the screen, and for whoever wants the numbers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.table import RunTable

from ..format import format_count
from ..session import Session
from .data_rows import STEP, TIME, DataRows
from .header import ElidedLabel
from .parts import Choice, quiet
from .rowview import RowView

__all__ = ["DataPanel"]

Limits = tuple[float, float]


class DataPanel(QWidget):
    """Follows a session's data: `refresh` once a second, while it is seen.

    `span` tells which steps the plots show, None where there are none. `step_wanted(int)`: the
    person wants to see a step in the plots.
    """

    step_wanted = Signal(int)

    def __init__(
        self,
        session: Session,
        span: Callable[[], Limits | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._span = span
        self.rows = DataRows(RunTable(session.model), self)
        self.view = _DataView(self.rows, self)
        self.which = Choice(self)
        self.go_to = QLineEdit(self)
        self.copy = QPushButton(self.tr("Copy"), self)
        self.told = ElidedLabel(self)
        self.none = quiet(self.tr("Nothing has been recorded yet."), self.view)
        self._lay_out()
        self.which.currentIndexChanged.connect(lambda _: self.refresh())
        self.go_to.returnPressed.connect(self._go)
        self.copy.clicked.connect(self.view.copy)
        self.view.step_wanted.connect(self.step_wanted)
        self.view.newest_wanted.connect(self._go_to_newest)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._show_copy())
        self.rows.modelReset.connect(self._show_copy)
        self.refresh()

    def refresh(self) -> None:
        """Show what there is now."""
        follow = self.view.at_end() and not self._session.over
        limits = self._span() if self.which.currentIndex() == 1 else None
        begin = self.rows.rowCount() == 0
        self.rows.limits = limits
        self.rows.refresh(follow)
        if begin and self.rows.rowCount():
            self.view.fit_columns()
        if follow:
            self.view.scrollToBottom()
        self._tell()

    def _go(self) -> None:
        """Choose the row of the step that was typed."""
        words = "".join(self.go_to.text().split())
        if not (words.isascii() and words.isdigit()):
            self.told.show_text(self.tr("A step is a whole number, such as 1200."))
            return
        self.which.setCurrentIndex(0)
        self.rows.limits = None
        at = self.rows.show(float(words))
        if at < 0:
            return
        self.view.choose(at)
        self.view.setFocus()
        self._tell()
        if self.rows.step(at) != int(words):
            self.told.show_text(
                self.tr("There is no step {0}; this is step {1}.").format(words, self.rows.step(at))
            )

    def _go_to_newest(self) -> None:
        """To the last row there is, from which on the table follows."""
        self.rows.show(float("inf"))
        if self.rows.rowCount():
            self.view.choose(self.rows.rowCount() - 1)
        self._tell()

    def _tell(self) -> None:
        count = self.rows.rowCount()
        self.none.setVisible(not count)
        if not count:
            text = ""
        else:
            first, last = self.rows.step(0), self.rows.step(count - 1)
            text = self.tr("Steps {0} to {1}").format(
                format_count(first or 0), format_count(last or 0)
            )
            if not self.rows.whole:
                text += self.tr("; there are more: go to a step")
        self.told.show_text(text)

    def _show_copy(self) -> None:
        self.copy.setEnabled(self.view.selectionModel().hasSelection())

    def _lay_out(self) -> None:
        self.which.addItems([self.tr("All steps"), self.tr("The steps that the plots show")])
        self.which.setAccessibleName(self.tr("Which steps"))
        self.go_to.setPlaceholderText(self.tr("Go to step"))
        self.go_to.setAccessibleName(self.tr("Go to step"))
        self.go_to.setMinimumWidth(90)
        self.go_to.setMaximumWidth(110)
        # In a narrow panel its words are cut off rather than the field for the step.
        self.which.setSizeAdjustPolicy(
            Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.which.setMinimumContentsLength(10)
        self.copy.setAutoDefault(False)
        self.copy.setToolTip(self.tr("The chosen rows as text, for a table (Ctrl+C)"))
        self.copy.setEnabled(False)
        self.told.setProperty("role", "quiet")
        self.told.setTextFormat(Qt.TextFormat.PlainText)
        tools = QHBoxLayout()
        tools.setSpacing(6)
        for widget in (self.which, self.go_to, self.copy):
            tools.addWidget(widget)
        tools.addWidget(self.told, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addWidget(self.view, 1)
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QVBoxLayout(self.view.viewport())
        inside.addWidget(self.none)
        self.setFocusProxy(self.view)

    def minimumSizeHint(self) -> QSize:
        return QSize(300, 110)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()


class _DataView(RowView):
    """The table. A double click wants the row's step shown too; `newest_wanted()`: the key for the
    end (Ctrl+End)."""

    newest_wanted = Signal()

    def __init__(self, rows: DataRows, parent: QWidget) -> None:
        super().__init__(rows, rows.step, rows.text, parent)
        self._rows = rows
        self.setAccessibleName(self.tr("Data of the run"))
        self.setAccessibleDescription(
            self.tr("A row for each step. Enter shows the step in the plots, Control C copies.")
        )
        self.doubleClicked.connect(self.go)
        self.horizontalHeader().setMinimumSectionSize(60)

    def at_end(self) -> bool:
        """Whether the newest row there is is in view."""
        return super().at_end() and self._rows.at_end

    def fit_columns(self) -> None:
        """Make the columns as wide as what is in them may become."""
        metrics, header = self.fontMetrics(), self.horizontalHeader()
        widest = {STEP: "000 000 000", TIME: "0000-00-00 00:00:00.000"}
        for column in range(self._rows.columnCount()):
            needed = metrics.horizontalAdvance(widest.get(column, "-0.000000e-00")) + 24
            self.setColumnWidth(column, max(needed, header.sectionSizeHint(column)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.MoveToEndOfDocument):
            self.newest_wanted.emit()
        else:
            super().keyPressEvent(event)
