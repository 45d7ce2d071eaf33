"""The console: what the script printed, followed live."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QDesktopServices,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from lrmonitor.model.console import HEADINGS, ConsoleChange, ConsoleText, last_traceback
from lrmonitor.model.patterns import derive
from lrmonitor.model.terminal import Line

from ..session import Session
from ..theme import Theme
from .console_view import ConsoleView
from .parts import quiet, set_tone

__all__ = ["ConsolePanel"]

AT_ONCE = 0.12
"""Seconds that reading may take when the console comes into view: most logs are read whole."""

BEHIND = 0.02
"""The same on a tick while there is more to read than one tick's share."""

FIND_TICKS = 8
"""Calls of `advance` between two counts of what is searched: looking through all lines takes a
frame's time."""


class ConsolePanel(QWidget):
    """Follows a run's output while it is seen; `advance` is called on the window's ticks.

    `series_wanted(Pattern)`: a series is to be made of a printed number. `changed()`: there is
    other output.
    """

    series_wanted = Signal(object)
    changed = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = ConsoleText(session.folder)
        self.view = ConsoleView(theme, self)
        self.none = quiet("", self.view)
        self.follow = _tool(self.tr("Follow"), self.tr("Keep the newest line in view"), True)
        self.traceback = _tool(self.tr("Last traceback"), self.tr("Show the last error printed"))
        self.series = _tool(
            self.tr("Make a series…"),
            self.tr("Make a curve of the selected number: of it in each line like this one"),
        )
        self.search = QLineEdit(self)
        self.count = QLabel(self)
        self.previous = _tool("▲", self.tr("The find before (Shift+Enter)"))
        self.next = _tool("▼", self.tr("The next find (Enter)"))
        self.older = QWidget(self)
        self.said = QLabel(self)
        self._lay_out()
        self._connect()
        self._over = False
        self._stale = False
        self._ticks = 0
        self._waiting: ConsoleChange | None = None
        self.advance(AT_ONCE)

    def advance(self, budget: float = 0.008) -> None:
        """Read what is new and show it, for about `budget` seconds."""
        if not self.isVisible() and budget < AT_ONCE:
            return
        change = self._read(budget)
        if change is not None:
            self.view.apply(change, self.text.terminal)
            self._stale = True
            self.older.setVisible(self.text.cut)
            self._look_for_error(self.text.terminal.lines[change.changed - change.first :])
            self.changed.emit()
        if self._over != self._session.over:
            # An error of the script's own syntax has no heading to look for.
            self._over = self._session.over
            self.traceback.setVisible(last_traceback(self.text.texts()) is not None)
        self._ticks += 1
        if self._stale and self.search.text() and self._ticks % FIND_TICKS == 0:
            self._find()
        self._show_none()

    def _read(self, budget: float) -> ConsoleChange | None:
        """What changed since what is shown; while there is much to read only now and then."""
        behind = self.text.behind > 0
        change = self.text.poll(BEHIND if behind and budget < BEHIND else budget)
        if change is not None:
            self._waiting = change.after(self._waiting)
        if behind and self.text.behind and self._ticks % FIND_TICKS:
            return None
        found, self._waiting = self._waiting, None
        return found

    def texts(self) -> list[str]:
        """The lines held."""
        return self.text.texts()

    def show_traceback(self) -> bool:
        """Bring the last traceback into view; False if there is none."""
        found = last_traceback(self.text.texts())
        if found is None:
            return False
        self.view.show_lines(found.start, found.end)
        return True

    def open_search(self) -> None:
        """Go to the search field; a selected word is looked for."""
        chosen = self.view.textCursor().selectedText()
        if chosen and "\u2029" not in chosen and len(chosen) < 100:
            self.search.setText(chosen)
        self.search.setFocus()
        self.search.selectAll()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.view.set_theme(theme)

    def _look_for_error(self, lines: list[Line]) -> None:
        if self.traceback.isHidden() and any(line.text.endswith(HEADINGS) for line in lines):
            self.traceback.show()

    def _show_none(self) -> None:
        if not self.text.empty:
            words = ""
        elif self._session.model.reader.info.get("kind") == "started":
            words = self.tr(
                "What this run prints is in the terminal or notebook where it was started: "
                "lrmonitor records the output of the scripts that it starts."
            )
        elif self._session.over:
            words = self.tr("The script printed nothing.")
        else:
            words = self.tr("The script has printed nothing yet.")
        if words != self.none.text() or self.none.isHidden() == bool(words):
            self.none.setText(words)
            self.none.setVisible(bool(words))

    def _find(self) -> None:
        self._stale = False
        found = self.view.find_all(self.search.text())
        self._show_count(found)

    def _search_typed(self) -> None:
        found = self.view.find_all(self.search.text())
        if found:
            self.view.find_next(here=True)
        self._show_count(found)

    def _step_find(self, backwards: bool) -> None:
        found = self.view.find_all(self.search.text())
        self.view.find_next(backwards)
        self._show_count(found)

    def _entered(self) -> None:
        shift = Qt.KeyboardModifier.ShiftModifier
        self._step_find(bool(QGuiApplication.keyboardModifiers() & shift))

    def _show_count(self, found: int) -> None:
        for button in (self.previous, self.next):
            button.setEnabled(found > 0)
        text = ""
        if self.search.text():
            at = self.view.current_find()
            text = self.tr("{0} of {1}").format(at, found) if at else self.tr("{0}").format(found)
            if not found:
                text = self.tr("no match")
        self.count.setText(text)

    def _make_series(self) -> None:
        pattern = derive(*self.view.chosen())
        if pattern is None:
            self._say(self.tr("Select a printed number first, with some text on its line."), "warn")
            return
        self._say("")
        self.series_wanted.emit(pattern)

    def _say(self, text: str, tone: str = "quiet") -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        set_tone(self.said, tone)

    def _open_log(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.text.path))):
            self._say(self.tr("It stands in {0}.").format(self.text.path))

    def _connect(self) -> None:
        self.follow.toggled.connect(self.view.set_follow)
        self.view.follow_changed.connect(self.follow.setChecked)
        self.view.number_wanted.connect(self._make_series)
        self.view.selectionChanged.connect(lambda: self._say(""))
        self.series.clicked.connect(self._make_series)
        self.traceback.clicked.connect(self.show_traceback)
        self.search.textChanged.connect(self._search_typed)
        self.search.returnPressed.connect(self._entered)
        self.next.clicked.connect(lambda: self._step_find(False))
        self.previous.clicked.connect(lambda: self._step_find(True))

    def _lay_out(self) -> None:
        self.follow.setChecked(True)
        self.traceback.hide()
        tools = QHBoxLayout()
        tools.setSpacing(4)
        for widget in (self.follow, self.series, self.traceback):
            tools.addWidget(widget)
        tools.addStretch(1)
        self.count.setProperty("role", "quiet")
        self.search.setPlaceholderText(self.tr("Search (Ctrl+F)"))
        self.search.setAccessibleName(self.tr("Search what was printed"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(80)
        self.search.setMaximumWidth(260)
        tools.addWidget(self.count)
        tools.addWidget(self.search, 3)
        for button in (self.previous, self.next):
            button.setEnabled(False)
            tools.addWidget(button)
        self.previous.setAccessibleName(self.tr("The find before"))
        self.next.setAccessibleName(self.tr("The next find"))
        row = QHBoxLayout(self.older)
        row.setContentsMargins(0, 0, 0, 0)
        words = quiet(self.tr("Only the latest lines are held here; older output is in the log."))
        row.addWidget(words, 1)
        self.open_log = _tool(self.tr("Open console.log"), str(self.text.path))
        self.open_log.clicked.connect(self._open_log)
        row.addWidget(self.open_log)
        self.older.hide()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.hide()
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QVBoxLayout(self.view.viewport())
        inside.setContentsMargins(16, 6, 16, 6)
        inside.addWidget(self.none)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addWidget(self.older)
        column.addWidget(self.said)
        column.addWidget(self.view, 1)
        self.setFocusProxy(self.view)

    def minimumSizeHint(self) -> QSize:
        return QSize(300, 110)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.advance(AT_ONCE)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Find):
            self.open_search()
        elif event.matches(QKeySequence.StandardKey.FindNext):
            self._step_find(False)
        elif event.matches(QKeySequence.StandardKey.FindPrevious):
            self._step_find(True)
        elif event.key() == Qt.Key.Key_Escape and self.search.hasFocus():
            self.search.clear()
            self.view.setFocus()
        else:
            super().keyPressEvent(event)


def _tool(text: str, tip: str, checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setProperty("role", "tool")
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    return button
