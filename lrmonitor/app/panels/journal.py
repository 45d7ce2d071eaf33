"""The journal: what happened in the run, as a table that can be searched, copied and kept."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.journal_rows import KINDS, JournalRow, JournalRows, shown, write

from ..session import Session
from ..theme import Theme
from .journal_table import RESULT, STEP, TEXT, TIME, WHAT, WHO, JournalTable
from .parts import quiet, set_tone
from .rowview import RowView

__all__ = ["JournalPanel"]

WIDEST = {TIME: "00:00:00", STEP: "00 000", WHAT: "Not recorded", WHO: "ann (window)"}
"""What the columns have room for; of the rest the result has what it needs, and the text
what is left."""

NARROW = 680
"""Width of the table below which the column that says who is left out."""


class JournalPanel(QWidget):
    """Follows a session's journal while it is seen.

    `step_wanted(int)`: the person wants to see a step in the plots. `test_wanted(str)`: what came
    of the range test or trial with this id.
    """

    step_wanted = Signal(int)
    test_wanted = Signal(str)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._rows = JournalRows()
        self._seen = -1
        self.kinds: dict[str, QToolButton] = {}
        self.search = QLineEdit(self)
        self.export = QToolButton(self)
        self.table = JournalTable(theme, session.begun(), self)
        self.view = _EventView(self.table, self)
        self.none = quiet("", self.view)
        self.write_note = QToolButton(self)
        self.filter = QToolButton(self)
        self._chips = QWidget(self)
        self._note_row = QWidget(self)
        self.note = QLineEdit(self)
        self.add = QPushButton(self.tr("Add note"), self)
        self.said = QLabel(self)
        self._lay_out()
        self.view.step_wanted.connect(self.step_wanted)
        self.view.test_wanted.connect(self.test_wanted)
        self.search.textChanged.connect(self._show)
        self.export.clicked.connect(self.choose_file)
        self.write_note.clicked.connect(self._open_note)
        self.note.textChanged.connect(lambda text: self.add.setEnabled(bool(text.strip())))
        self.note.returnPressed.connect(self._add_note)
        self.add.clicked.connect(self._add_note)
        session.changed.connect(self._on_changed)
        self.refresh()

    def refresh(self) -> None:
        """Show what the journal holds now."""
        journal = self._session.model.journal
        self._seen = len(journal)
        self._rows.take(journal)
        counts = dict.fromkeys(KINDS, 0)
        for row in self._rows.rows:
            counts[row.kind] += 1
        for kind, button in self.kinds.items():
            text = f"{self.tr(KINDS[kind])}  {counts[kind]}"
            if button.text() != text:
                button.setText(text)
        self._show()

    def select(self, moment: float, kind: str) -> bool:
        """Select the row of what a marker of that kind stands for, at a moment (unix seconds);
        False if there is none. A row that is filtered out is shown again.
        """
        self.refresh()
        found = next((row for row in self._rows.rows if row.tells(moment, kind)), None)
        if found is None:
            return False
        if found not in self.table.rows:
            self.search.clear()
            self.kinds[found.kind].setChecked(True)
        at = self.table.rows.index(found)
        self.view.choose(at)
        return True

    def selected(self) -> list[JournalRow]:
        """The selected rows, in their order."""
        chosen = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [self.table.rows[at] for at in chosen]

    def choose_file(self) -> None:
        """Ask where to write the rows shown."""
        name = "".join(c if c.isalnum() or c in "-_." else "-" for c in self._session.model.name)
        dialog = QFileDialog(self, self.tr("Export the journal"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(
            [self.tr("Table (*.csv)"), self.tr("The events as recorded (*.jsonl)")]
        )
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(f"{name}-journal.csv")
        dialog.filterSelected.connect(
            lambda chosen: dialog.setDefaultSuffix("jsonl" if "jsonl" in chosen else "csv")
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.write(Path(path)))
        dialog.open()

    def write(self, path: Path) -> None:
        """Write the rows shown to a file, in the format that its name tells."""
        try:
            write(self.table.rows, path)
        except OSError as error:
            reason = error.strerror or str(error)
            self._say(self.tr("{0} cannot be written: {1}.").format(path, reason), "bad")
            return
        self._say(self.tr("{0} rows written to {1}.").format(len(self.table.rows), path))

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.table.set_theme(theme)

    def _show(self) -> None:
        kinds = {kind for kind, button in self.kinds.items() if button.isChecked()}
        rows = shown(self._rows.rows, kinds, self.search.text())
        follow = self.view.at_end()
        self.table.show(rows)
        if follow:
            self.view.scrollToBottom()
        hidden = bool(self._rows.rows)
        self.none.setText(
            ""
            if rows
            else self.tr("No event matches. Clear the search, or switch more kinds on.")
            if hidden
            else self.tr("Nothing has happened yet.")
        )
        self.none.setVisible(not rows)
        self.view.place(self.none)

    def _on_changed(self) -> None:
        if self.isVisible() and len(self._session.model.journal) != self._seen:
            self.refresh()

    def _add_note(self) -> None:
        text = self.note.text().strip()
        if not text:
            return
        problem = self._session.record.note(text, self._session.model.state.step)
        if problem is not None:
            self._say(problem, "bad")
            return
        self.note.clear()
        self._open_note()
        self._say("")
        self._session.poll()

    def _say(self, text: str, tone: str = "quiet") -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        set_tone(self.said, tone)

    def _open_note(self) -> None:
        self._note_row.setVisible(self._note_row.isHidden())
        (self.view if self._note_row.isHidden() else self.note).setFocus()

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(4)
        tools.addWidget(self._chips)
        tools.addWidget(self.filter)
        self._lay_out_kinds()
        tools.addSpacing(8)
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setAccessibleName(self.tr("Search the journal"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(70)
        self.search.setMaximumWidth(260)
        tools.addWidget(self.search, 1)
        tools.addStretch(1)
        for button, text, tip in (
            (self.write_note, self.tr("Note…"), self.tr("Add a note at the step the run is at")),
            (
                self.export,
                self.tr("Export…"),
                self.tr("Write the rows shown to a file: .csv a table, .jsonl the events"),
            ),
        ):
            button.setProperty("role", "tool")
            button.setText(text)
            button.setToolTip(tip)
            tools.addWidget(button)
        self.note.setPlaceholderText(self.tr("A note, kept at the step the run is at"))
        self.note.setAccessibleName(self.tr("A note"))
        self.add.setEnabled(False)
        self.add.setAutoDefault(False)
        bottom = QHBoxLayout(self._note_row)
        bottom.setContentsMargins(0, 0, 0, 0)
        bottom.setSpacing(6)
        bottom.addWidget(self.note, 1)
        bottom.addWidget(self.add)
        self._note_row.hide()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        # The buttons of the kinds give way where there is no room: they demand none.
        column.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        column.addLayout(tools)
        column.addWidget(self._note_row)
        column.addWidget(self.view, 1)
        column.addWidget(self.said)
        self.setFocusProxy(self.view)

    def _lay_out_kinds(self) -> None:
        """A button for each kind; where there is no room for them, a menu."""
        row = QHBoxLayout(self._chips)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        menu = QMenu(self.filter)
        for kind, words in KINDS.items():
            button = QToolButton(self._chips)
            button.setProperty("role", "tool")
            button.setText(self.tr(words))
            button.setCheckable(True)
            button.setChecked(True)
            button.setToolTip(self.tr("Show these, or not"))
            button.toggled.connect(self._show)
            self.kinds[kind] = button
            row.addWidget(button)
            action = menu.addAction(self.tr(words))
            action.setCheckable(True)
            action.setChecked(True)
            action.toggled.connect(button.setChecked)
            button.toggled.connect(action.setChecked)
        self.filter.setProperty("role", "tool")
        self.filter.setText(self.tr("Show ▾"))
        self.filter.setToolTip(self.tr("Which kinds of events are shown"))
        self.filter.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.filter.setMenu(menu)
        self.filter.hide()

    def minimumSizeHint(self) -> QSize:
        return QSize(300, 110)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        others = 250  # the search and the two buttons on the right
        narrow = self.width() < self._chips.sizeHint().width() + others
        self._chips.setVisible(not narrow)
        self.filter.setVisible(narrow)
        self.view.place(self.none)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self._note_row.isHidden():
            self._open_note()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()


class _EventView(RowView):
    """The table. A click on a row with a step wants it shown too, and a double click on
    that of a test its result: `test_wanted(str)`."""

    test_wanted = Signal(str)

    def __init__(self, table: JournalTable, parent: QWidget) -> None:
        super().__init__(table, table.step, table.text, parent)
        self._table = table
        self.setAccessibleName(self.tr("Events of the run"))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._offer)
        self.clicked.connect(self.go)
        self.doubleClicked.connect(self._open_test)
        columns = self.horizontalHeader()
        columns.setMinimumSectionSize(48)
        for column, widest in WIDEST.items():
            room = 46 if column == WHAT else 24
            self.setColumnWidth(column, self.fontMetrics().horizontalAdvance(widest) + room)
        columns.setSectionResizeMode(TEXT, QHeaderView.ResizeMode.Stretch)
        columns.setSectionResizeMode(RESULT, QHeaderView.ResizeMode.Fixed)
        self._wide = False
        self._result = columns.sectionSizeHint(RESULT)
        """What the widest result so far has need of."""
        table.rowsInserted.connect(lambda _, first, last: self._share(first, last))
        table.dataChanged.connect(lambda start, end: self._share(start.row(), end.row()))
        self._share(0, table.rowCount() - 1)

    def place(self, note: QLabel) -> None:
        """Put words into the middle of the empty table."""
        note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        note.setGeometry(self.viewport().geometry().adjusted(12, 4, -12, -4))

    def _share(self, first: int, last: int) -> None:
        """The text of rows without a result has the result's place as well."""
        for at in range(first, last + 1):
            if not self._wide and len(str(self._table.index(at, TIME).data())) > len(WIDEST[TIME]):
                # Of a run that goes on after midnight, the day is told as well.
                self._wide = True
                room = self.fontMetrics().horizontalAdvance("0000-00-00 00:00:00") + 24
                self.setColumnWidth(TIME, room)
            result = self._table.rows[at].result
            self._result = max(self._result, self.fontMetrics().horizontalAdvance(result) + 24)
            columns = 1 if result else 2
            if self.columnSpan(at, TEXT) != columns:
                self.setSpan(at, TEXT, 1, columns)
        self._fit_result()

    def _fit_result(self) -> None:
        """A result has the room that it needs, but no more than the text beside it."""
        columns = (TIME, STEP, WHAT, WHO)
        taken = sum(self.columnWidth(at) for at in columns if not self.isColumnHidden(at))
        width = min(self._result, max((self.viewport().width() - taken) // 2, 48))
        if width != self.columnWidth(RESULT):
            self.setColumnWidth(RESULT, width)

    def _test(self, at: int) -> str | None:
        """The id of the test that a row tells of."""
        row = self._table.rows[at] if 0 <= at < len(self._table.rows) else None
        return None if row is None else row.test

    def _open_test(self, index: QModelIndex) -> None:
        test = self._test(index.row())
        if test is not None:
            self.test_wanted.emit(test)

    def _offer(self, place: object) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        index = self.currentIndex()
        go = menu.addAction(self.tr("Show in the plots"))
        go.setEnabled(self._table.step(index.row()) is not None)
        go.triggered.connect(lambda: self.go(index))
        if self._test(index.row()) is not None:
            result = menu.addAction(self.tr("Show the result of the test…"))
            result.triggered.connect(lambda: self._open_test(index))
        copy = menu.addAction(self.tr("Copy"))
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setEnabled(self.selectionModel().hasSelection())
        copy.triggered.connect(self.copy)
        menu.popup(self.viewport().mapToGlobal(place))  # type: ignore[call-overload]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.viewport().width() < NARROW
        if narrow != self.isColumnHidden(WHO):
            self.setColumnHidden(WHO, narrow)
        self._fit_result()
