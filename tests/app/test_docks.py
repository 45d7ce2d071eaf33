"""The panels around the plots: where they are, and that they are there again the next time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QMenu,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from lrmonitor.app.docks import BOTTOM, LEFT, RIGHT, Docks
from lrmonitor.app.settings import Settings
from lrmonitor.app.theme import DARK, Theme
from tests.app.conftest import OpenWindow
from tests.app.desktop import come_up
from tests.app.folders import RunFolder
from tests.conftest import Isolated


class Panel(QLabel):
    """A panel that notes its theme."""

    theme = ""

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme.name


class Frame(QMainWindow):
    """A window with a list on the left, and the panels of a run when one is open."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.menu = QMenu(self)
        self.end = self.menu.addAction("end")
        self.docks = Docks(self, settings, self.menu, self.end)
        self.setCentralWidget(QWidget(self))
        self.resize(1100, 700)
        self.made: list[str] = []
        self.docks.add("runs", "Runs", Panel(), LEFT, run=False)

    def open_run(self, *more: str) -> None:
        """Come to the scene of a run."""
        self.docks.leave()
        self.docks.add("control", "Control", Panel(), RIGHT, keys="Ctrl+2")
        for name in ("journal", "console", *more):
            self.docks.add(name, name.capitalize(), partial(self._make, name), BOTTOM)
        self.docks.enter("run")

    def close_run(self) -> None:
        """Come back from it."""
        self.docks.leave()
        self.docks.enter("start")

    def area(self, name: str) -> Qt.DockWidgetArea:
        """Where a dock is."""
        return self.dockWidgetArea(self.frame(name))

    def frame(self, name: str) -> QDockWidget:
        """A dock."""
        return self.docks._docks[name].frame

    def _make(self, name: str) -> QWidget:
        self.made.append(name)
        return Panel(name)


@pytest.fixture
def frame(qtbot: QtBot, settings: Settings) -> Iterator[Frame]:
    """A window that is shown."""
    window = Frame(settings)
    come_up(window, qtbot)
    yield window
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def test_at_a_first_start_each_is_in_its_area_and_the_first_tab_is_in_front(
    frame: Frame, qtbot: QtBot
) -> None:
    frame.open_run()
    assert [frame.area(n) for n in ("runs", "control", "journal")] == [LEFT, RIGHT, BOTTOM]
    assert frame.tabifiedDockWidgets(frame.frame("journal")) == [frame.frame("console")]
    qtbot.waitUntil(lambda: frame.docks._docks["journal"].front)
    assert not frame.docks._docks["console"].front
    qtbot.waitUntil(lambda: abs(frame.frame("runs").width() - 236) < 4)
    assert frame.frame("control").width() == pytest.approx(354, abs=4)
    # Its tabs are part of the area's height.
    assert frame.frame("journal").height() == pytest.approx(215, abs=20)


def test_a_run_that_is_opened_later_has_the_same_sizes(
    open_window: OpenWindow, isolated: Isolated, qtbot: QtBot
) -> None:
    """In a window that is shown already, with its true panels; there and back."""
    run = RunFolder(isolated.runs, created=time.time() - 5).launch().register().train(10)
    window = open_window()
    frames = window.docks._docks
    width = window.width()
    for _ in range(2):
        window.open_run(run.path)
        assert window.width() == width
        qtbot.waitUntil(lambda: frames["journal"].frame.height() < 250)
        assert frames["runs"].frame.width() == pytest.approx(236, abs=4)
        assert frames["control"].frame.width() == pytest.approx(354, abs=4)
        window.close_run()
        qtbot.waitUntil(lambda: window.start is not None and window.start.width() > 1000)
        assert frames["runs"].frame.width() == pytest.approx(236, abs=4)


def test_a_panel_is_made_when_it_is_first_seen(frame: Frame, qtbot: QtBot) -> None:
    frame.open_run()
    assert frame.made == []
    qtbot.waitUntil(lambda: frame.docks._docks["journal"].front)
    frame.docks.fill()
    assert frame.made == ["journal"]
    frame.docks.show("console")
    assert frame.made == ["journal", "console"]
    assert frame.docks.widget("console") is frame.frame("console").widget()
    assert frame.docks.widget("no such dock") is None


def test_the_places_are_kept_for_each_scene(frame: Frame, settings: Settings) -> None:
    frame.open_run()
    frame.addDockWidget(LEFT, frame.frame("control"))
    frame.frame("console").hide()
    frame.frame("runs").hide()
    frame.close_run()
    assert list(frame.docks._docks) == ["runs"]
    assert frame.frame("runs").isVisible()
    frame.open_run()
    assert frame.area("control") == LEFT
    assert frame.frame("console").isHidden()
    assert frame.frame("runs").isHidden()
    # So it is in the next window.
    frame.docks.save()
    other = Frame(settings)
    other.open_run()
    assert other.area("control") == LEFT
    assert other.frame("console").isHidden()
    other.deleteLater()


def test_a_dock_that_is_new_to_the_kept_layout_has_its_own_place(frame: Frame) -> None:
    frame.open_run()
    frame.frame("runs").hide()
    frame.close_run()
    frame.open_run("groups")
    assert frame.area("groups") == BOTTOM
    assert frame.frame("groups").isVisible()
    assert frame.frame("groups") in frame.tabifiedDockWidgets(frame.frame("journal"))
    assert frame.frame("runs").isHidden()


@pytest.mark.parametrize("kept", [{"docks": 3}, {"docks": [], "state": "???"}, {"state": "AAAA"}])
def test_a_layout_that_makes_no_sense_is_ignored(
    kept: dict[str, object], frame: Frame, settings: Settings
) -> None:
    settings.put("layout/run", kept)
    frame.open_run()
    assert frame.area("control") == RIGHT
    assert frame.frame("control").isVisible()


def test_reset_brings_everything_back(frame: Frame) -> None:
    frame.open_run()
    frame.frame("control").setFloating(True)
    frame.addDockWidget(RIGHT, frame.frame("journal"))
    frame.frame("runs").hide()
    frame.docks.reset()
    assert [frame.area(n) for n in ("runs", "control", "journal")] == [LEFT, RIGHT, BOTTOM]
    assert not frame.frame("control").isFloating()
    assert frame.frame("runs").isVisible()
    assert frame.frame("console") in frame.tabifiedDockWidgets(frame.frame("journal"))


def test_the_menu_shows_hides_and_brings_to_the_front(frame: Frame, qtbot: QtBot) -> None:
    frame.open_run()
    by_name = {action.text(): action for action in frame.docks.actions}
    assert [a.text() for a in frame.menu.actions()] == [
        "Runs",
        "Control",
        "Journal",
        "Console",
        "end",
    ]
    assert by_name["Control"].shortcut().toString() == "Ctrl+2"
    assert all(action.isChecked() for action in by_name.values())
    by_name["Control"].trigger()
    assert frame.frame("control").isHidden()
    assert not by_name["Control"].isChecked()
    by_name["Control"].trigger()
    assert frame.frame("control").isVisible()
    qtbot.waitUntil(lambda: frame.docks._docks["journal"].front)
    # Behind a tab it is brought to the front, not hidden.
    by_name["Console"].trigger()
    qtbot.waitUntil(lambda: frame.docks._docks["console"].front)
    assert by_name["Console"].isChecked()
    by_name["Console"].trigger()
    assert frame.frame("console").isHidden()
    # Its own cross hides it too.
    frame.frame("runs").close()
    assert not by_name["Runs"].isChecked()
    frame.close_run()
    assert [a.text() for a in frame.menu.actions()] == ["Runs", "end"]


def test_panels_take_the_theme(frame: Frame) -> None:
    frame.open_run()
    frame.docks.set_theme(DARK)
    panel = frame.docks.widget("control")
    assert isinstance(panel, Panel)
    assert panel.theme == "dark"
    assert frame.made == []


def test_a_restored_layout_has_one_bar_of_tabs(open_window: OpenWindow, isolated: Isolated) -> None:
    run = RunFolder(isolated.runs).launch(False).register().train(3).exited(0)
    for _ in range(2):
        window = open_window()
        window.open_run(run.path)
        QApplication.processEvents()
        bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.count()]
        assert len(bars) == 1
        window.close()


def test_the_layout_of_a_run_is_there_again(open_window: OpenWindow, isolated: Isolated) -> None:
    run = RunFolder(isolated.runs, created=time.time() - 5).launch().register().train(10)
    window = open_window(run.path)
    control = window.docks._docks["control"].frame
    assert window.dockWidgetArea(control) == RIGHT
    assert window.view is not None
    assert control.widget() is window.view.control
    window.addDockWidget(LEFT, control)
    window.leave_and_close()
    again = open_window(run.path)
    assert again.dockWidgetArea(again.docks._docks["control"].frame) == LEFT
    again.actions_table.after_docks.trigger()
    assert again.dockWidgetArea(again.docks._docks["control"].frame) == RIGHT


def test_the_height_of_the_area_stays_when_another_tab_comes_to_the_front(
    frame: Frame, qtbot: QtBot
) -> None:
    """What is in a panel behind a tab is hidden, and must not count as nothing for that."""
    frame.open_run("groups")
    frame.docks.fill()
    front = frame.frame("journal")
    qtbot.waitUntil(lambda: front.height() > 150)
    height = front.height()
    for name in ("console", "groups", "journal"):
        frame.docks.show(name)
        dock = frame.docks._docks[name]
        qtbot.waitUntil(partial(_seen_at, dock, height))


def _seen_at(dock: Any, height: int) -> bool:
    return bool(dock.front) and dock.frame.height() == height


def test_a_window_that_the_display_takes_away_goes_quietly(
    qtbot: QtBot, settings: Settings
) -> None:
    """Qt then deletes what Python still holds: the docks tell that they are hidden after it."""
    window = Frame(settings)
    come_up(window, qtbot)
    window.open_run()
    window.docks.fill()
    with qtbot.captureExceptions() as raised:
        shiboken6.delete(window)
    assert raised == []
