"""The list of runs: live ones first, each with its state; how another run comes into the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QRegularExpression, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QPushButton,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.roster import Roster, RunLine
from lrmonitor.model.run import RunModel

from ..session import person
from ..theme import Theme
from .parts import quiet
from .run_keeping import RunKeeping
from .run_list import FOLDER, LINE, RunDelegate, RunListModel, sorted_and_searched

__all__ = ["RunsPanel"]

SCAN_TICKS = 60
"""Ticks between two looks for runs that came or went: two seconds."""

AGE_TICKS = 300
"""Ticks between two paints for the sake of the ages alone."""


class RunList(QListView):
    """A list whose digits belong to the window: a rate begins with them wherever one types.

    `keyed(int)`: Insert, F2 or Delete was pressed.
    """

    keyed = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.text().isprintable() and event.text() and not enter:
            event.ignore()
            return
        if event.key() in (Qt.Key.Key_Insert, Qt.Key.Key_F2, Qt.Key.Key_Delete):
            self.keyed.emit(int(event.key()))
            return
        super().keyPressEvent(event)


class TickStrip(QFrame):
    """Below the list while runs are ticked: how many, and what to do with them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.compare = QPushButton(self)
        self.compare.setAutoDefault(False)
        self.hint = quiet(self.tr("Tick another run to compare"), self)
        self.clear = QToolButton(self)
        self.clear.setText(self.tr("Clear"))
        self.clear.setAutoRaise(True)
        self.clear.setAccessibleName(self.tr("Tick no run"))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 4, 6)
        row.addWidget(self.hint, 1)
        row.addWidget(self.compare, 1)
        row.addWidget(self.clear)
        self.setProperty("role", "strip")
        self.tell(0)

    def tell(self, count: int) -> None:
        """How many are ticked."""
        self.setVisible(count > 0)
        self.compare.setText(self.tr("Compare {0} runs").format(count))
        self.compare.setVisible(count > 1)
        self.hint.setVisible(count == 1)


class RunsPanel(QWidget):
    """Follows the runs of a home on the window's ticks, once `tick` is called.

    `opened(Path)` and `opened_apart(Path)`: the person wants a run here, or in a window of its
    own; `stop_wanted(Path)`: a live one is to be ended (to be confirmed); `rerun_wanted(Path)` and
    `rerun_with_wanted(Path)`: one is to be started again, as it was or with other settings;
    `compare_wanted(list of Path)`: these are to be shown together; `delete_wanted(Path)`: one is
    to go to the trash (`delete` does it).
    """

    compare_wanted = Signal(object)
    delete_wanted = Signal(object)
    opened = Signal(object)
    opened_apart = Signal(object)
    stop_wanted = Signal(object)
    rerun_wanted = Signal(object)
    rerun_with_wanted = Signal(object)

    def __init__(self, home: Path, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.roster = Roster(home)
        self._ticks = 0
        self.model = RunListModel(self)
        self.shown = sorted_and_searched(self.model, self)
        self.delegate = RunDelegate(self.model, theme, self)
        self.search = QLineEdit(self)
        self.list = RunList(self)
        self.note = quiet(parent=self)
        self.keeping = RunKeeping(home, vars(person()), self)
        self.ticks = TickStrip(self)
        self._set_up()
        self._lay_out()
        self.setFocusProxy(self.search)

    def tick(self) -> None:
        """Look for what is new: a little at a time."""
        if self._ticks % SCAN_TICKS == 0:
            self._show(self.roster.scan())
        # All at once would hold the window up; a few runs a tick take some milliseconds.
        self._show(self.roster.look(2))
        self._ticks += 1
        if self._ticks % AGE_TICKS == 0:
            self.list.viewport().update()

    def delete(self, folder: Path) -> None:
        """Move a run to the trash; the strip below the list takes it back."""
        line = self.roster.lines.get(folder)
        if line is not None:
            self.keeping.delete(line)

    def show_open(self, folder: Path | None, model: RunModel | None = None) -> None:
        """Mark the run that the window shows, and see how it stands in the model it is shown by."""
        self.roster.follow(folder, model)
        self._select(folder)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.delegate.theme = theme
        self.list.viewport().update()

    def menu_for(self, line: RunLine) -> QMenu:
        """What can be done with a run."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        readable = line.problem is None
        if readable:
            first = menu.addAction(self.tr("&Open"), lambda: self.opened.emit(line.folder))
            menu.setDefaultAction(first)
            menu.addAction(
                self.tr("Open in a new &window"), lambda: self.opened_apart.emit(line.folder)
            )
            menu.addSeparator()
            menu.addAction(self.tr("&Re-run"), lambda: self.rerun_wanted.emit(line.folder))
            menu.addAction(
                self.tr("Re-run with other &settings…"),
                lambda: self.rerun_with_wanted.emit(line.folder),
            )
            menu.addSeparator()
            ticked = line.folder in self.model.ticked
            text = self.tr("Do not &compare") if ticked else self.tr("Tick to &compare")
            menu.addAction(text, lambda: self.model.tick(line.folder)).setShortcut("Ins")
            menu.addAction(self.tr("Re&name…"), lambda: self.keeping.rename(line)).setShortcut("F2")
            menu.addAction(self.tr("Ta&gs…"), lambda: self.keeping.tag(line))
            menu.addAction(self.tr("No&te…"), lambda: self.keeping.note(line))
            menu.addSeparator()
            menu.addAction(self.tr("Copy the run's &id"), lambda: _copy(line.id))
        menu.addAction(self.tr("Copy the folder's &path"), lambda: _copy(str(line.folder)))
        menu.addAction(self.tr("Show the &folder"), lambda: show_folder(line.folder))
        if line.live:
            menu.addSeparator()
            menu.addAction(self.tr("S&top…"), lambda: self.stop_wanted.emit(line.folder))
        elif readable:
            menu.addSeparator()
            menu.addAction(
                self.tr("&Delete"), lambda: self.delete_wanted.emit(line.folder)
            ).setShortcut("Del")
        return menu

    def _select(self, folder: Path | None) -> None:
        self.delegate.open = folder
        index = self.shown.mapFromSource(self.model.index_of(folder)) if folder else None
        if index is not None and index.isValid():
            self.list.setCurrentIndex(index)
        self.list.viewport().update()

    def _show(self, changed: set[Path]) -> None:
        if changed:
            self.model.take(self.roster.lines, changed)
            if self.delegate.open in changed and not self.list.currentIndex().isValid():
                self._select(self.delegate.open)
        self._say()

    def _say(self) -> None:
        """Why nothing is listed, if nothing is."""
        text = ""
        if not self.model.rowCount():
            text = self.tr("No runs yet.\n\nThose you start are listed here.")
        elif not self.shown.rowCount():
            text = self.tr("No run matches “{0}”.").format(self.search.text())
        if text != self.note.text():
            self.note.setText(text)
        self._stack.setCurrentIndex(1 if text else 0)

    def _searched(self, text: str) -> None:
        words = text.strip()
        # As it stands too: what is half typed, or a name with a plus, is found all the same.
        wanted = QRegularExpression(f"{words}|{QRegularExpression.escape(words)}")
        if not wanted.isValid():
            wanted = QRegularExpression(QRegularExpression.escape(words))
        wanted.setPatternOptions(QRegularExpression.PatternOption.CaseInsensitiveOption)
        self.shown.setFilterRegularExpression(wanted)
        self._say()

    def _activate(self) -> None:
        index = self.list.currentIndex()
        if not index.isValid():
            index = self.shown.index(0, 0)
        if index.isValid() and index.data(LINE).problem is None:
            self.opened.emit(index.data(FOLDER))

    def _ask(self, where: QPoint) -> None:
        index = self.list.indexAt(where)
        if index.isValid():
            self.menu_for(index.data(LINE)).popup(self.list.viewport().mapToGlobal(where))

    def _set_up(self) -> None:
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setAccessibleName(self.tr("Search the runs"))
        self.search.setToolTip(
            self.tr("In names, ids, scripts, tags and states; a regular expression, if you like")
        )
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._searched)
        self.search.returnPressed.connect(self._activate)
        self.list.setModel(self.shown)
        self.list.setItemDelegate(self.delegate)
        self.list.setAccessibleName(self.tr("Runs"))
        self.list.setUniformItemSizes(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._ask)
        self.list.activated.connect(lambda _: self._activate())
        self.list.keyed.connect(self._key)
        self.keeping.changed.connect(self._look_again)
        self.model.dataChanged.connect(lambda *_: self.ticks.tell(len(self.model.ticked)))
        self.model.rowsRemoved.connect(lambda *_: self.ticks.tell(len(self.model.ticked)))
        self.ticks.compare.clicked.connect(lambda: self.compare_wanted.emit(self.model.ticked))
        self.ticks.clear.clicked.connect(self._untick)

    def _key(self, key: int) -> None:
        index = self.list.currentIndex()
        line = index.data(LINE) if index.isValid() else None
        if line is None or line.problem is not None:
            return
        if key == Qt.Key.Key_Insert:
            self.model.tick(line.folder)
        elif key == Qt.Key.Key_F2:
            self.keeping.rename(line)
        else:
            self.delete_wanted.emit(line.folder)

    def _look_again(self, folder: Path) -> None:
        self.roster.look_again(folder)
        self._show(self.roster.scan())

    def _untick(self) -> None:
        for folder in list(self.model.ticked):
            self.model.tick(folder, False)

    def _lay_out(self) -> None:
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.note.setContentsMargins(14, 28, 14, 0)
        both = QWidget(self)
        self._stack = QStackedLayout(both)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self.note)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 0, 10)
        column.setSpacing(8)
        # The list goes on to the edge, where its scroll bar is; the field ends as it begins.
        searching = QHBoxLayout()
        searching.setContentsMargins(0, 0, 10, 0)
        searching.addWidget(self.search)
        column.addLayout(searching)
        column.addWidget(both, 1)
        column.addWidget(self.ticks)
        column.addWidget(self.keeping)
        self.setMinimumWidth(150)


def show_folder(folder: Path) -> None:
    """Open a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)
