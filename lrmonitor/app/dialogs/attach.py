"""Attach: the runs that go on now, whatever started them and wherever they are recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QIcon, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.live import LiveRun, LiveRuns
from lrmonitor.model.state import duration

from ..format import format_count, format_loss
from ..icons import icon, pixmap
from ..panels.parts import code, quiet
from ..phases import phase_colour, phase_symbol, phase_word
from ..theme import Theme
from .background import Background

__all__ = ["AttachDialog"]

NAME, COMMAND, STATE, STEP, LOSS, AGE = range(6)
REFRESH_MS = 1000
_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class AttachDialog(QDialog):
    """Lists live runs and opens one. Not modal.

    `opened(Path)`: the folder of the run that was chosen; `new_run_wanted()`: start one instead.
    """

    opened = Signal(object)
    new_run_wanted = Signal()

    def __init__(
        self,
        home: Path,
        theme: Theme,
        parent: QWidget | None = None,
        find: Callable[[], list[LiveRun]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Attach to a run"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._theme = theme
        self._clock = clock
        self._find = find or LiveRuns(home).refresh
        self.found: list[LiveRun] | None = None  # before the first look
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(self.tr("Search by name, script or state"))
        self.search.setAccessibleName(self.tr("Search"))
        self.search.setClearButtonEnabled(True)
        self.list = QTreeWidget(self)
        self.nothing = QLabel(self)
        self.open_button = QPushButton(self.tr("Open"), self)
        self.open_button.setProperty("role", "primary")
        self.open_button.setDefault(True)
        self.cancel = QPushButton(self.tr("Cancel"), self)
        self.cancel.setAutoDefault(False)
        self.new_run = QPushButton(self.tr("New run…"), self)
        self.new_run.setAutoDefault(False)
        self._pages = QStackedWidget(self)
        self._set_up_list()
        self._lay_out()
        self._worker = Background("live-runs", self)
        self._worker.done.connect(self._on_found)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.search.textChanged.connect(lambda _: self._show())
        self.search.installEventFilter(self)
        self.list.itemDoubleClicked.connect(lambda _: self._open())
        self.list.currentItemChanged.connect(lambda *_: self._show_buttons())
        self.open_button.clicked.connect(self._open)
        self.cancel.clicked.connect(self.reject)
        self.new_run.clicked.connect(self._start_one)
        self.refresh()
        self._show()
        self.search.setFocus()
        self.resize(self.sizeHint())

    def refresh(self) -> None:
        """Look again, in the background; not while a look is under way."""
        if not self._worker.busy:
            self._worker.ask(self._find)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._show()

    def _on_found(self, result: object) -> None:
        if isinstance(result, list):
            self.found = result
            self._show()

    def _show(self) -> None:
        """Bring the list up to date; what is chosen stays chosen."""
        runs = [run for run in self.found or [] if run.matches(self.search.text())]
        current = self.list.currentItem()
        chosen = None if current is None else current.data(NAME, Qt.ItemDataRole.UserRole)
        items = {
            item.data(NAME, Qt.ItemDataRole.UserRole): item
            for number in range(self.list.topLevelItemCount())
            if (item := self.list.topLevelItem(number)) is not None
        }
        if list(items) != [run.folder for run in runs]:
            self.list.clear()
            items = {run.folder: QTreeWidgetItem() for run in runs}
            self.list.addTopLevelItems(list(items.values()))
        for run in runs:
            self._fill(items[run.folder], run)
        if runs and self.list.currentItem() is None:
            self.list.setCurrentItem(items.get(chosen) or items[runs[0].folder])
        if not runs:
            self._tell_nothing()
        self._pages.setCurrentIndex(0 if runs else 1 if self.found else 2)
        searchable = self.found is None or bool(self.found)
        if searchable and self.search.isHidden():
            self.search.show()
            self.search.setFocus()
        self.search.setVisible(searchable)
        self._show_buttons()

    def _tell_nothing(self) -> None:
        if self.found:
            self.nothing.setText(
                self.tr("No live run matches “{0}”.").format(self.search.text().strip())
            )
        self.heading.setText(
            self.tr("Looking for live runs…")
            if self.found is None
            else self.tr("No run goes on right now")
        )

    def _fill(self, item: QTreeWidgetItem, run: LiveRun) -> None:
        state = run.state
        item.setData(NAME, Qt.ItemDataRole.UserRole, run.folder)
        item.setText(NAME, run.name)
        item.setText(COMMAND, run.command)
        item.setText(STATE, phase_word(state))
        item.setText(STEP, "–" if run.step is None else format_count(run.step))
        item.setText(LOSS, "–" if run.loss is None else format_loss(run.loss))
        item.setText(AGE, self.tr("{0} ago").format(duration(self._clock() - run.begun)))
        item.setToolTip(NAME, f"{run.id}\n{run.folder}")
        item.setToolTip(COMMAND, run.command)
        item.setToolTip(STATE, state.sentence)
        symbol = icon(phase_symbol(state.phase), phase_colour(state.phase, self._theme))
        chosen = pixmap(phase_symbol(state.phase), self._theme.accent_text)
        symbol.addPixmap(chosen, QIcon.Mode.Selected)
        item.setIcon(STATE, symbol)
        for column in (STEP, LOSS):
            item.setTextAlignment(
                column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )

    def _show_buttons(self) -> None:
        self.open_button.setEnabled(self.list.currentItem() is not None)
        self.new_run.setVisible(self.found is not None and not self.found)

    def _open(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.opened.emit(item.data(NAME, Qt.ItemDataRole.UserRole))
            self.accept()

    def _start_one(self) -> None:
        self.new_run_wanted.emit()
        self.reject()

    def _set_up_list(self) -> None:
        tr = self.tr
        self.list.setAccessibleName(tr("Live runs"))
        self.list.setHeaderLabels(
            [tr("Name"), tr("Command"), tr("State"), tr("Step"), tr("Loss"), tr("Started")]
        )
        for column in (STEP, LOSS):
            self.list.headerItem().setTextAlignment(
                column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAllColumnsShowFocus(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setIconSize(QSize(14, 14))
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        for column in (STATE, STEP, LOSS, AGE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(NAME, 150)
        header.setSectionResizeMode(COMMAND, QHeaderView.ResizeMode.Stretch)

    def _lay_out(self) -> None:
        self._pages.addWidget(self.list)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setTextFormat(Qt.TextFormat.PlainText)
        self._pages.addWidget(self.nothing)
        self._pages.addWidget(self._explanation())
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(
            quiet(self.tr("Your runs on this computer, in whatever folder they are."), self), 1
        )
        foot.addWidget(self.new_run)
        # In the order of the desktop, as in every other dialog.
        buttons = QDialogButtonBox(self)
        buttons.addButton(self.open_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.cancel, QDialogButtonBox.ButtonRole.RejectRole)
        foot.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 14)
        column.setSpacing(12)
        column.addWidget(self.search)
        column.addWidget(self._pages, 1)
        column.addLayout(foot)
        self.setMinimumSize(420, 280)

    def _explanation(self) -> QWidget:
        """What to do so that a run can be attached to."""
        page = QWidget(self)
        self.heading = QLabel(page)
        font = QFont(self.heading.font())
        font.setPointSizeF(font.pointSizeF() * 1.3)
        font.setWeight(QFont.Weight.DemiBold)
        self.heading.setFont(font)
        column = QVBoxLayout(page)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(self.heading)
        column.addWidget(
            quiet(self.tr("To attach to a training, start it in one of these ways:"), page)
        )
        for what, how in (
            (self.tr("a script, from a terminal"), "lrmonitor run train.py"),
            (
                self.tr("a notebook, or a script of your own: in it, before it trains"),
                "import lrmonitor; lrmonitor.start()",
            ),
        ):
            column.addSpacing(4)
            column.addWidget(QLabel(what[:1].upper() + what[1:], page))
            column.addWidget(code(how, page))
        column.addStretch(2)
        return page

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The arrow keys walk through the list while something is typed into the search.
        if watched is self.search and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            if event.type() == QEvent.Type.KeyPress:
                self.list.event(event)
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open()
            return
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(780, 420)
