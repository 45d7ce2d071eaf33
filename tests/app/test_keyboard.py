"""Everything is reached and done with the keyboard, and Help tells how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QScrollArea,
    QTabBar,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.help import ShortcutsDialog
from lrmonitor.app.focus import tab_by_layout
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.desktop import come_up
from tests.app.everything import PANELS, dialogs, full_window, place, rich_run
from tests.app.test_accessibility import is_operated, name_of
from tests.conftest import Isolated


@pytest.fixture
def window(qtbot: QtBot, open_window: OpenWindow, isolated: Isolated) -> MainWindow:
    """One with all its panels."""
    return full_window(qtbot, open_window, rich_run(isolated.runs))


def keys_of(window: MainWindow) -> list[tuple[str, str]]:
    """All keys of a window with what they do: those of actions and of shortcuts."""
    found = [
        (key.toString(), action.text())
        for action in window.findChildren(QAction)
        for key in action.shortcuts()
    ]
    return found + [(one.key().toString(), place(window)) for one in window.findChildren(QShortcut)]


def test_no_key_means_two_things(window: MainWindow) -> None:
    keys = keys_of(window)
    assert len(keys) > 25
    assert {key: n for key, n in Counter(key for key, _ in keys).items() if n > 1} == {}


def test_help_tells_every_key(window: MainWindow) -> None:
    dialog = ShortcutsDialog(window, [*window.actions_table.all, *window.docks.actions])
    told = " ".join(label.text() for label in dialog.findChildren(QLabel)).split()
    for action in window.findChildren(QAction):
        if action.shortcut().isEmpty():
            continue
        key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        assert key in told, action.text()
    # What single widgets take.
    for key in ("Ctrl+C", "Ctrl+F", "Ctrl+End", "Del", "Enter", "Esc"):
        assert key in told, key
    dialog.reject()


def mnemonic(text: str) -> str:
    """The letter that is underlined, "" if none is."""
    return text.replace("&&", "").partition("&")[2][:1].casefold()


def repeated(texts: Iterable[str]) -> dict[str, int]:
    letters = Counter(letter for text in texts if (letter := mnemonic(text)))
    return {letter: count for letter, count in letters.items() if count > 1}


def test_no_mnemonic_means_two_things(window: MainWindow) -> None:
    assert repeated(["&One", "tw&o", "&Three", "R&&D"]) == {"o": 2}

    def look(menu: QMenu | QMenuBar) -> int:
        actions = menu.actions()
        assert repeated(action.text() for action in actions) == {}
        return 1 + sum(look(inner) for a in actions if isinstance(inner := a.menu(), QMenu))

    assert look(window.menuBar()) > 5
    with dialogs(window) as shown:
        for name, dialog in shown.items():
            words = [one.text() for one in dialog.findChildren(QAbstractButton)]
            words += [one.text() for one in dialog.findChildren(QLabel) if one.buddy()]
            assert (name, repeated(words)) == (name, {})


def pane_with_focus(window: MainWindow) -> str:
    """The name of the dock that has the focus, or "middle"."""
    at = QApplication.focusWidget()
    while at is not None and not isinstance(at, QDockWidget):
        if at is window.centralWidget():
            return "middle"
        at = at.parentWidget()
    return "nowhere" if at is None else at.objectName()


def test_f6_goes_round_the_panes(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    window.docks.show("control")
    seen = []
    for _ in range(5):
        QTest.keyClick(window, Qt.Key.Key_F6)
        seen.append(pane_with_focus(window))
    # Of the panels below, the one in front.
    assert seen == ["data", "runs", "middle", "control", "data"]
    for wanted in ("control", "middle", "runs", "data"):
        QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
        assert pane_with_focus(window) == wanted
    # The focus comes back to where it was in a pane.
    assert window.view is not None
    note = window.view.control.entry.note
    note.setFocus()
    for _ in range(4):
        QTest.keyClick(window, Qt.Key.Key_F6)
    assert QApplication.focusWidget() is note
    window.show_start()
    qtbot.waitUntil(lambda: pane_with_focus(window) == "runs")
    QTest.keyClick(window, Qt.Key.Key_F6)
    assert pane_with_focus(window) == "middle"
    QTest.keyClick(window, Qt.Key.Key_F6)
    assert pane_with_focus(window) == "runs"


def stops(window: QWidget) -> list[QWidget]:
    """What Tab goes to, once round."""
    found: list[QWidget] = []
    while True:
        focus = QApplication.focusWidget()
        assert focus is not None
        if focus in found:
            return found
        found.append(focus)
        # It is seen: not behind a tab, and scrolled to where it has to be.
        area = focus.viewport() if isinstance(focus, QAbstractScrollArea) else focus
        assert not area.visibleRegion().isEmpty(), place(focus)
        assert len(found) < 200
        QTest.keyClick(focus, Qt.Key.Key_Tab)


def test_tab_reaches_all_that_is_seen_and_nothing_else(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    for name in PANELS:
        window.docks.show(name)
        found = stops(window)
        wanted = [
            widget
            for widget in window.findChildren(QWidget)
            if is_operated(widget)
            and widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
            and widget.isVisible()
            and widget.isEnabled()
            and not isinstance(widget, (QTabBar, QToolBar))
        ]
        missed = [name_of(widget) for widget in wanted if widget not in found]
        assert (name, missed) == (name, [])


def test_tab_goes_through_the_control_panel_as_it_is_laid_out(window: MainWindow) -> None:
    window.docks.show("control")
    panel = window.docks.widget("control")
    assert panel is not None
    inside = [one for one in stops(window) if panel.isAncestorOf(one)]
    begin = next(n for n, one in enumerate(inside) if name_of(one).startswith("Pause"))
    inside = inside[begin:] + inside[:begin]
    area = panel.findChild(QScrollArea)
    assert isinstance(area, QScrollArea)
    body = area.widget()
    assert body is not None
    rows = [
        # What scrolls is below what does not.
        10_000 + one.mapTo(body, QPoint()).y()
        if body.isAncestorOf(one)
        else one.mapTo(panel, QPoint()).y()
        for one in inside
    ]
    assert len(rows) > 10
    # Those in a row differ in height, and so a little in their tops.
    for above, below, one in zip(rows, rows[1:], inside[1:], strict=False):
        assert below > above - 8, place(one)


def test_the_plots_from_the_keyboard(window: MainWindow) -> None:
    view = window.view
    assert view is not None
    assert view.plots is not None
    plots = view.plots
    whole = plots.shown
    QTest.keyClick(window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    near = plots.shown
    assert near.high - near.low < 0.6 * (whole.high - whole.low)
    assert near.low <= plots.newest() <= near.high
    QTest.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert plots.shown.low < near.low
    QTest.keyClick(window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert plots.shown.low == pytest.approx(near.low)
    QTest.keyClick(window, Qt.Key.Key_Minus, Qt.KeyboardModifier.ControlModifier)
    assert plots.shown.high - plots.shown.low > near.high - near.low


def test_every_dialog_closes_with_esc(window: MainWindow) -> None:
    with dialogs(window) as shown:
        for name, dialog in shown.items():
            closed: list[int] = []
            dialog.finished.connect(closed.append)
            QTest.keyClick(dialog, Qt.Key.Key_Escape)
            assert (name, bool(closed)) == (name, True)
        shown.clear()


def test_the_order_of_tabs_is_that_of_the_layout(qtbot: QtBot) -> None:
    box = QWidget()
    qtbot.addWidget(box)
    made = [QLineEdit(str(number), box) for number in range(4)]
    column, row = QVBoxLayout(box), QHBoxLayout()
    column.addWidget(made[3])
    column.addLayout(row)
    row.addWidget(made[2])
    row.addWidget(made[0])
    column.addWidget(made[1])
    tab_by_layout(box)
    come_up(box, qtbot)
    made[3].setFocus()
    assert [one.text() for one in stops(box) if isinstance(one, QLineEdit)] == ["3", "2", "0", "1"]
