"""Keeping order among the runs in the list: ticks, names, tags, notes, the trash."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.run_keeping import tags_of
from lrmonitor.app.panels.run_list import LINE
from lrmonitor.app.panels.runs import RunsPanel
from lrmonitor.app.window import MainWindow
from lrmonitor.model.run import RunModel
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated

KEY = Qt.Key


@pytest.fixture
def panel(
    open_window: OpenWindow, isolated: Isolated, qtbot: QtBot
) -> tuple[MainWindow, RunsPanel, dict[str, Path]]:
    """A window on a live run and two that are over."""
    live = RunFolder(isolated.runs, "live", created=time.time() - 50).launch().register()
    live.now = time.time()
    live.train(20)
    paths = {"live": live.path}
    for number, name in enumerate(("first", "second")):
        run = RunFolder(isolated.runs, name, created=time.time() - 400 + number).launch(False)
        paths[name] = run.register().train(30).exited(0).path
    window = open_window()
    panel = window.runs
    qtbot.waitUntil(lambda: panel.model.rowCount() == 3 and panel.roster.settled)
    return window, panel, paths


def row_of(panel: RunsPanel, folder: Path) -> int:
    """Where a run is in the list."""
    for row in range(panel.shown.rowCount()):
        if panel.shown.index(row, 0).data(LINE).folder == folder:
            return row
    raise AssertionError(f"{folder} is not listed")


def choose(panel: RunsPanel, folder: Path) -> None:
    """Go to a run with a click."""
    where = panel.list.visualRect(panel.shown.index(row_of(panel, folder), 0)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=where)


def tick(panel: RunsPanel, folder: Path) -> None:
    """Click on a run's box."""
    rect = panel.list.visualRect(panel.shown.index(row_of(panel, folder), 0))
    where = panel.delegate.box_in(rect).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=where)


def answer(qtbot: QtBot, text: str) -> None:
    """Type into the question that stands open, and press Enter."""
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), QInputDialog))
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    field = dialog.findChild(QLineEdit)
    assert field is not None
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, KEY.Key_Return)
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is None)


def test_ticked_runs_are_offered_for_comparison(
    panel: tuple[MainWindow, RunsPanel, dict[str, Path]], qtbot: QtBot
) -> None:
    _, runs, paths = panel
    asked: list[list[Path]] = []
    runs.compare_wanted.connect(asked.append)
    assert runs.ticks.isHidden()
    tick(runs, paths["first"])
    assert not runs.ticks.isHidden()
    # With one there is nothing to press: what to do is said.
    assert runs.ticks.compare.isHidden()
    assert runs.ticks.hint.text() == "Tick another run to compare"
    assert not runs.ticks.hint.isHidden()
    choose(runs, paths["live"])
    QTest.keyClick(runs.list, KEY.Key_Insert)
    assert runs.ticks.compare.text() == "Compare 2 runs"
    assert runs.ticks.hint.isHidden()
    index = runs.shown.index(row_of(runs, paths["live"]), 0)
    assert index.data(Qt.ItemDataRole.CheckStateRole) is Qt.CheckState.Checked
    QTest.mouseClick(runs.ticks.compare, Qt.MouseButton.LeftButton)
    assert asked == [[paths["first"], paths["live"]]]
    tick(runs, paths["first"])
    assert runs.model.ticked == [paths["live"]]
    QTest.mouseClick(runs.ticks.clear, Qt.MouseButton.LeftButton)
    assert runs.ticks.isHidden()


def test_a_click_on_a_box_opens_nothing(
    panel: tuple[MainWindow, RunsPanel, dict[str, Path]],
) -> None:
    window, runs, paths = panel
    rect = runs.list.visualRect(runs.shown.index(row_of(runs, paths["first"]), 0))
    where: QPoint = runs.delegate.box_in(rect).center()
    QTest.mouseDClick(runs.list.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert window.session is None


def test_rename_and_tag(panel: tuple[MainWindow, RunsPanel, dict[str, Path]], qtbot: QtBot) -> None:
    _, runs, paths = panel
    choose(runs, paths["first"])
    QTest.keyClick(runs.list, KEY.Key_F2)
    answer(qtbot, "a calmer one")
    qtbot.waitUntil(lambda: runs.roster.lines[paths["first"]].name == "a calmer one")
    runs.keeping.tag(runs.roster.lines[paths["first"]])
    answer(qtbot, "good, #paper")
    qtbot.waitUntil(lambda: runs.roster.lines[paths["first"]].tags == ("good", "paper"))
    QTest.keyClicks(runs.search, "#paper")
    assert runs.shown.rowCount() == 1
    runs.keeping.note(runs.roster.lines[paths["first"]])
    answer(qtbot, "as in the paper")
    model = RunModel(paths["first"])
    model.poll()
    assert next(m.text for m in model.markers if m.kind == "note").endswith("as in the paper")
    assert model.markers[-1].step == 30


@pytest.mark.parametrize(
    ("typed", "found"),
    [("^(first|live)\\b", 2), ("SECOND", 1), ("(", 0), ("first|", 3), ("ended · step 3.", 2)],
)
def test_the_search_takes_a_regular_expression(
    panel: tuple[MainWindow, RunsPanel, dict[str, Path]], typed: str, found: int
) -> None:
    _, runs, _ = panel
    QTest.keyClicks(runs.search, typed)
    assert runs.shown.rowCount() == found


def test_delete_and_undo(
    panel: tuple[MainWindow, RunsPanel, dict[str, Path]], qtbot: QtBot
) -> None:
    window, runs, paths = panel
    window.open_run(paths["second"])
    choose(runs, paths["second"])
    QTest.keyClick(runs.list, KEY.Key_Delete)
    qtbot.waitUntil(lambda: runs.model.rowCount() == 2)
    assert window.session is None
    assert not paths["second"].exists()
    assert runs.keeping.told.text() == "“second” is in the trash."
    QTest.mouseClick(runs.keeping.undo, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: runs.model.rowCount() == 3)
    assert paths["second"].is_dir()
    assert runs.keeping.isHidden()


def test_a_live_run_is_not_deleted(
    panel: tuple[MainWindow, RunsPanel, dict[str, Path]],
) -> None:
    window, runs, paths = panel
    window.open_run(paths["live"])
    window.delete_run(paths["live"])
    assert paths["live"].is_dir()
    assert window.session is not None
    assert runs.keeping.told.text() == "“live” still goes on: stop it first."
    assert runs.keeping.undo.isHidden()
    window.leave_on_close = True


@pytest.mark.parametrize(
    ("text", "tags"), [("a b", ["a", "b"]), ("#b, a,a", ["a", "b"]), (" , # ", [])]
)
def test_tags_as_typed(text: str, tags: list[str]) -> None:
    assert tags_of(text) == tags
