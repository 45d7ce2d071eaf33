"""The data of a run as a table: at any size, live, and from the keyboard."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QAbstractItemModel, QPersistentModelIndex, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QDockWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.data import DataPanel
from lrmonitor.app.panels.data_rows import DataRows
from lrmonitor.app.window import MainWindow
from lrmonitor.model.run import RunModel
from lrmonitor.model.table import RunTable
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder


@pytest.fixture
def run(isolated: object, tmp_path: Path) -> RunFolder:
    """One that trains: 500 steps so far."""
    home = tmp_path / "told"
    return RunFolder(home, "told", time.time() - 21).launch().register().train(500)


def opened(qtbot: QtBot, window: MainWindow) -> DataPanel:
    """The table, brought up from the menu."""
    action = next(a for a in window.docks.actions if a.text() == "Data table")
    action.trigger()
    assert window.view is not None
    panel = window.view.data
    assert panel is not None
    qtbot.waitUntil(panel.isVisible)
    return panel


def cell(rows: QAbstractItemModel, row: int, column: int) -> str:
    return str(rows.data(rows.index(row, column)))


def test_a_row_for_each_step(qtbot: QtBot, open_window: OpenWindow, run: RunFolder) -> None:
    window = open_window(run.path)
    dock = window.findChild(QDockWidget, "data")
    assert isinstance(dock, QDockWidget)
    assert dock.isHidden()
    panel = opened(qtbot, window)
    rows = panel.rows
    assert rows.rowCount() == 500
    titles = [rows.headerData(at, Qt.Orientation.Horizontal) for at in range(rows.columnCount())]
    assert titles == ["Step", "Time", "Loss", "Learning rate", "Scheduled rate"]
    assert cell(rows, 499, 0) == "500"
    assert cell(rows, 0, 3) == "9.999989e-4"
    assert panel.told.whole == "Steps 1 to 500"
    # While it goes on the newest row is in view.
    assert panel.view.rowAt(panel.view.viewport().height() - 3) in (498, 499)
    run.train(10)
    qtbot.waitUntil(lambda: rows.rowCount() == 510)
    assert panel.view.at_end()


def test_from_the_keyboard(qtbot: QtBot, open_window: OpenWindow, run: RunFolder) -> None:
    window = open_window(run.path)
    panel = opened(qtbot, window)
    view = panel.view
    QTest.keyClicks(panel.go_to, "120")
    QTest.keyClick(panel.go_to, Qt.Key.Key_Return)
    assert view.currentIndex().row() == 119
    assert not view.at_end()
    QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    run.train(10)
    qtbot.waitUntil(lambda: panel.rows.rowCount() == 510)
    # What comes in moves nothing away from under the reader.
    assert [index.row() for index in view.selectionModel().selectedRows()] == [119, 120]
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["Step", "120", "121"]
    assert len(lines[1].split("\t")) == 5
    with qtbot.waitSignal(panel.step_wanted) as wish:
        QTest.keyClick(view, Qt.Key.Key_Return)
    assert wish.args == [121]
    QTest.keyClick(view, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    assert view.currentIndex().row() == 509
    for words in ("3,5", "-1", "x"):
        panel.go_to.setText(words)
        QTest.keyClick(panel.go_to, Qt.Key.Key_Return)
        assert "whole number" in panel.told.whole
    panel.go_to.setText("9999")
    QTest.keyClick(panel.go_to, Qt.Key.Key_Return)
    assert "There is no step 9999; this is step 510." in panel.told.whole


def test_the_steps_that_the_plots_show(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    window = open_window(run.path)
    panel = opened(qtbot, window)
    assert window.view is not None
    plots = window.view.plots
    assert plots is not None
    panel.which.setCurrentIndex(1)
    assert panel.rows.rowCount() == 500
    plots.set_following(False)
    plots._zoom(0.2, 250.0)
    qtbot.waitUntil(lambda: panel.rows.rowCount() < 200)
    first, last = panel.rows.step(0), panel.rows.step(panel.rows.rowCount() - 1)
    assert first is not None
    assert last is not None
    assert first - 1 < plots.shown.low <= first
    assert last <= plots.shown.high < last + 1


def test_what_a_reader_of_the_screen_finds(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    run.declare("accuracy", "metric", None, None)
    panel = opened(qtbot, open_window(run.path))
    table = QAccessible.queryAccessibleInterface(panel.view)
    assert table is not None
    assert table.text(QAccessible.Text.Name) == "Data of the run"
    assert table.childCount() >= 500 * 6
    cells = [table.child(at) for at in range(30)]
    names = [cell.text(QAccessible.Text.Name) for cell in cells if cell is not None]
    assert {"Step", "Time", "Loss", "accuracy"} <= set(names)
    assert sum(name.endswith(", step 2") for name in names) == 5
    role = Qt.ItemDataRole.AccessibleTextRole
    assert panel.rows.data(panel.rows.index(6, 5), role) == "nothing, step 7"
    assert panel.rows.data(panel.rows.index(6, 2), role).endswith(", step 7")


def test_rows_stay_the_same_rows(run: RunFolder) -> None:
    """Whatever comes, is looked for or limited: at each row stands its step, and views are told of
    each change as it is (Qt's own tester looks after that)."""
    model = RunModel(run.path)
    model.poll()
    table = RunTable(model)
    rows = DataRows(table, page=40)
    tester = QAbstractItemModelTester(rows, QAbstractItemModelTester.FailureReportingMode.Warning)
    chance = random.Random(7)
    rows.refresh(follow=True)
    assert [rows.step(0), rows.rowCount()] == [461, 40]
    kept = 0
    for _ in range(300):
        what = chance.randrange(5)
        held = rows.index(rows.rowCount() // 2, 0)
        step = rows.step(held.row())
        index = QPersistentModelIndex(held)
        if what == 0:
            run.train(chance.randrange(60))
            model.poll()
        elif what == 1:
            asked = chance.randrange(1, 900)
            at = rows.show(asked)
            if at >= 0 and rows.limits is None:
                assert rows.step(at) == min(asked, run.step)
        elif what == 2:
            low = chance.uniform(-50, 500)
            rows.limits = chance.choice([None, (low, low + chance.uniform(0, 300))])
        rows.refresh(follow=chance.random() < 0.5)
        assert rows.rowCount() <= 80
        seen = [rows.step(at) for at in range(rows.rowCount())]
        assert seen == list(range(seen[0] or 0, (seen[0] or 0) + len(seen))) if seen else True
        if index.isValid() and step is not None:
            assert rows.step(index.row()) == step
            kept += 1
    assert kept > 100
    del tester


def test_millions_of_rows_cost_no_more(run: RunFolder) -> None:
    count = 3_000_000
    records = np.empty(count, [("step", "<i8"), ("time", "<f8"), ("value", "<f8")])
    records["step"] = np.arange(501, 501 + count)
    records["time"] = run.now
    records["value"] = 0.25
    with open(run.path / "ranks" / "0" / "series" / "0.f64", "ab") as file:
        records.tofile(file)
    model = RunModel(run.path)
    model.poll()
    rows = DataRows(RunTable(model))
    begun = time.process_time()
    rows.refresh(follow=True)
    for at in range(0, 2000):
        for column in range(rows.columnCount()):
            cell(rows, rows.rowCount() - 1 - at % 50, column)
    assert rows.show(1_500_000) >= 0
    rows.refresh(follow=False)
    # 10,000 cells and a jump; reading all rows would take minutes.
    assert time.process_time() - begun < 2.0
    assert not rows.whole
