"""The list of runs."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.run_list import LINE, RunListModel
from lrmonitor.app.panels.runs import RunsPanel
from lrmonitor.app.theme import DARK, LIGHT
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated


def names(panel: RunsPanel) -> list[str]:
    """What is listed, from the top."""
    return [panel.shown.index(row, 0).data() for row in range(panel.shown.rowCount())]


def texts(menu: QMenu) -> list[str]:
    """What a menu offers."""
    return [a.text().replace("&", "") for a in menu.actions() if a.text()]


@pytest.fixture
def three(isolated: Isolated) -> dict[str, RunFolder]:
    """A live run that is older than one that failed and one that cannot be read."""
    live = RunFolder(isolated.runs, "live", created=time.time() - 5000).launch().register()
    live.now = time.time()
    live.train(20)
    failed = RunFolder(isolated.runs, "ended", created=time.time() - 400).launch(False)
    failed.register().train(1234).exited(1)
    broken = RunFolder(isolated.runs, "broken", created=time.time() - 100)
    (broken.path / "run.json").write_text("{")
    (broken.path / "supervisor.jsonl").write_text("")
    return {"live": live, "ended": failed, "broken": broken}


@pytest.fixture
def window(open_window: OpenWindow, three: dict[str, RunFolder], qtbot: QtBot) -> MainWindow:
    """A window that has looked at them all."""
    window = open_window()
    qtbot.waitUntil(lambda: window.runs.model.rowCount() == 3 and window.runs.roster.settled)
    return window


def _fits(room: int, text: str) -> bool:
    return len(text) <= room


def test_live_runs_are_first_and_each_says_how_it_stands(
    window: MainWindow, three: dict[str, RunFolder]
) -> None:
    panel = window.runs
    assert names(panel) == ["live", three["broken"].path.name, "ended"]
    said = [panel.model.details(panel.shown.index(row, 0).data(LINE)) for row in range(3)]
    assert said[0].startswith("Training · step 20 · loss ")
    assert said[1] == "Cannot be read"
    line = panel.shown.index(2, 0).data(LINE)
    loss = said[2].rpartition(" ")[2]
    figures = f"1\u202f234 · {loss}"
    for room, told in ((30, f"Failed · step {figures}"), (24, f"Failed · {figures}")):
        assert panel.model.brief(line, partial(_fits, room)) == told
    assert panel.model.brief(line, lambda text: False) == said[2]
    assert said[2].startswith("Failed · step 1\u202f234 · loss ")
    index = panel.shown.index(2, 0)
    assert "exit code 1" in index.data(Qt.ItemDataRole.ToolTipRole)
    spoken = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("ended, Failed")
    assert spoken.endswith("started 7 min")


def test_a_run_that_ends_moves_down_and_keeps_its_selection(
    window: MainWindow, three: dict[str, RunFolder], qtbot: QtBot
) -> None:
    panel = window.runs
    panel.list.setCurrentIndex(panel.shown.index(0, 0))
    resets: list[bool] = []
    panel.shown.modelReset.connect(lambda: resets.append(True))
    three["live"].exited(0)
    qtbot.waitUntil(lambda: names(panel)[-1] == "live")
    assert panel.list.currentIndex().data() == "live"
    assert resets == []


def test_a_run_that_begins_appears(
    open_window: OpenWindow, isolated: Isolated, qtbot: QtBot
) -> None:
    window = open_window()
    qtbot.waitUntil(window.runs.note.isVisible)
    assert "No runs yet" in window.runs.note.text()
    fresh = RunFolder(isolated.runs, "fresh").launch(False)
    qtbot.waitUntil(lambda: names(window.runs) == ["fresh"])
    assert not window.runs.note.isVisible()
    (fresh.path / "run.json").unlink()
    (fresh.path / "supervisor.jsonl").unlink()
    fresh.path.rmdir()
    qtbot.waitUntil(lambda: names(window.runs) == [], timeout=10000)
    assert window.runs.note.isVisible()


def test_search(window: MainWindow, three: dict[str, RunFolder], qtbot: QtBot) -> None:
    panel = window.runs
    QTest.keyClicks(panel.search, "FAIL")
    assert names(panel) == ["ended"]
    panel.search.setText("live.py")
    assert names(panel) == ["live"]
    panel.search.setText("nothing of that name")
    assert names(panel) == []
    assert panel.note.text() == "No run matches “nothing of that name”."
    panel.search.clear()
    assert len(names(panel)) == 3
    # Enter opens what is found, without a way to the list.
    panel.search.setText("ended")
    with qtbot.waitSignal(panel.opened) as opened:
        QTest.keyClick(panel.search, Qt.Key.Key_Return)
    assert opened.args == [three["ended"].path]


def test_double_click_and_enter_open(
    window: MainWindow, three: dict[str, RunFolder], qtbot: QtBot
) -> None:
    panel = window.runs
    where = panel.list.visualRect(panel.shown.index(2, 0)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=where)
    QTest.mouseDClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert window.session is not None
    assert window.session.folder == three["ended"].path
    assert panel.delegate.open == three["ended"].path
    panel.list.setCurrentIndex(panel.shown.index(0, 0))
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    assert window.session.folder == three["live"].path
    # One that cannot be read stays closed.
    panel.list.setCurrentIndex(panel.shown.index(1, 0))
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    assert window.session.folder == three["live"].path


def test_the_menu_of_a_run(window: MainWindow, three: dict[str, RunFolder], qtbot: QtBot) -> None:
    panel = window.runs
    lines = [panel.shown.index(row, 0).data(LINE) for row in range(3)]
    menu = panel.menu_for(lines[0])
    assert texts(menu) == [
        "Open",
        "Open in a new window",
        "Re-run",
        "Re-run with other settings…",
        "Tick to compare",
        "Rename…",
        "Tags…",
        "Note…",
        "Copy the run's id",
        "Copy the folder's path",
        "Show the folder",
        "Stop…",
    ]
    by_text = dict(zip(texts(menu), [a for a in menu.actions() if a.text()], strict=True))
    by_text["Copy the run's id"].trigger()
    assert QGuiApplication.clipboard().text() == three["live"].id
    by_text["Copy the folder's path"].trigger()
    assert QGuiApplication.clipboard().text() == str(three["live"].path)
    with qtbot.waitSignal(panel.opened_apart, check_params_cb=lambda f: f == three["live"].path):
        panel.opened_apart.disconnect(window.open_apart)
        by_text["Open in a new window"].trigger()
    assert texts(panel.menu_for(lines[1])) == ["Copy the folder's path", "Show the folder"]
    assert "Stop…" not in texts(panel.menu_for(lines[2]))


def test_the_menu_opens_where_the_mouse_is(window: MainWindow, qtbot: QtBot) -> None:
    panel = window.runs
    panel.list.customContextMenuRequested.emit(QPoint(10, 10))
    menu = panel.findChild(QMenu)
    assert isinstance(menu, QMenu)
    assert menu.isVisible()
    menu.close()
    panel.list.customContextMenuRequested.emit(QPoint(10, panel.list.height() - 2))
    assert not [m for m in panel.findChildren(QMenu) if m.isVisible()]


def test_a_run_of_the_list_is_stopped_after_a_question(
    window: MainWindow, three: dict[str, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(window.stopper, "stop", lambda folder, by: asked.append(folder))
    for answer in ("cancel", "yes"):
        window.runs.stop_wanted.emit(three["live"].path)
        assert window.question is not None
        assert "“live”" in window.question.text()
        QTest.mouseClick(window.question.answers[answer], Qt.MouseButton.LeftButton)
        assert window.question is None
    assert asked == [three["live"].path]
    # That of the open run is the same question as that of its own button.
    window.open_run(three["live"].path)
    assert window.session is not None
    here: list[str] = []
    monkeypatch.setattr(window.session, "stop", here.append)
    window.runs.stop_wanted.emit(three["live"].path)
    assert window.question is not None
    QTest.mouseClick(window.question.answers["yes"], Qt.MouseButton.LeftButton)
    assert here == ["interrupt"]


def test_a_run_that_cannot_be_stopped_is_told(
    window: MainWindow, three: dict[str, RunFolder], qtbot: QtBot
) -> None:
    window.runs.stop_wanted.emit(three["live"].path)
    assert window.question is not None
    three["live"].exited(0)
    QTest.mouseClick(window.question.answers["yes"], Qt.MouseButton.LeftButton)
    start = window.start
    assert start is not None
    qtbot.waitUntil(lambda: bool(start.problem.text))


def test_digits_and_letters_in_the_list_belong_to_the_window(
    window: MainWindow, three: dict[str, RunFolder]
) -> None:
    window.open_run(three["live"].path)
    assert window.view is not None
    window.runs.list.setFocus()
    QTest.keyClick(window.runs.list, Qt.Key.Key_3)
    assert window.view.control.entry.field.text() == "3"


def test_it_is_drawn_in_both_themes_and_rows_differ(
    window: MainWindow, three: dict[str, RunFolder], qtbot: QtBot
) -> None:
    panel = window.runs
    light = panel.list.grab().toImage()
    panel.set_theme(DARK)
    assert panel.list.grab().toImage() != light
    panel.set_theme(LIGHT)
    before = panel.list.grab().toImage()
    panel.show_open(three["ended"].path)
    assert panel.list.grab().toImage() != before


def test_many_rows_are_changed_one_by_one(isolated: Isolated, qtbot: QtBot) -> None:
    """An update touches the rows that changed and no other."""
    panel = RunsPanel(isolated.runs, LIGHT)
    qtbot.addWidget(panel)
    for number in range(30):
        RunFolder(isolated.runs, f"n{number:03}", created=1e9 + number).launch(False).exited(0)
    panel.tick()
    touched: list[int] = []
    panel.model.dataChanged.connect(lambda first, last: touched.append(first.row()))
    while not panel.roster.settled:
        panel.tick()
    # Two were looked at in the first tick.
    assert (len(touched), len(set(touched))) == (28, 28)
    touched.clear()
    for _ in range(130):
        panel.tick()
    assert touched == []
    assert isinstance(panel.model, RunListModel)
    assert panel.model.rowCount(QModelIndex()) == 30
