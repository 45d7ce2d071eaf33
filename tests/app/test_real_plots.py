"""What a person does with plots and comparisons, by mouse and keyboard, on runs that trained."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from lrmonitor.app.window import MainWindow
from lrmonitor.model.axis import RELATIVE, STEP
from lrmonitor.model.run import RunModel
from lrmonitor.resources import resource_path
from tests.app.conftest import OpenWindow
from tests.app.test_compare import cells, view_of
from tests.app.test_keeping import tick
from tests.app.test_plot_interactions import (
    LEFT,
    NONE,
    RIGHT,
    SHIFT,
    at,
    double_click,
    drag,
    point,
)
from tests.app.test_plots import Plotted
from tests.conftest import Isolated

pytest.importorskip("torch")
pytestmark = pytest.mark.xdist_group("recorded runs")  # they are trained once

STEPS = 360
"""An epoch of the demo."""

RATES = {"gentle": "0.005", "brisk": "0.05"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two runs of the demo that are over, of different rates."""
    runs = tmp_path_factory.mktemp("recorded")
    script = str(resource_path("examples", "digits.py"))
    going = []
    for name, rate in RATES.items():
        words = ["run", "--no-window", "--name", name, "--runs", str(runs), script]
        command = [sys.executable, "-m", "lrmonitor", *words, "--epochs", "1", "--lr", rate]
        nothing = subprocess.DEVNULL
        going.append(subprocess.Popen(command, stdin=nothing, stdout=nothing))
    assert [one.wait(100) for one in going] == [0, 0]
    return runs


@pytest.fixture
def folders(recorded: Path, isolated: Isolated) -> dict[str, Path]:
    """Copies of the runs in the home of the test, by name."""
    shutil.copytree(recorded, isolated.runs, dirs_exist_ok=True)
    found = {}
    for folder in isolated.runs.iterdir():
        model = RunModel(folder)
        model.poll()
        found[model.name] = folder
    return {name: found[name] for name in RATES}


class Opened(Plotted):
    """The plots of a window, for what is done with them."""

    def __init__(self, window: MainWindow) -> None:
        assert window.view is not None
        assert window.view.plots is not None
        self.model, self.pane = window.view.session.model, window.view.plots

    def range(self) -> tuple[float, float]:
        """What the axis shows once all that was asked for is drawn."""
        self.tick()
        low, high = self.pane.loss.view.ranges()[0]
        assert [low, high] == self.pane.rate.view.ranges()[0]
        return low, high

    def wheel(self, place: float, delta: QPoint) -> None:
        """Turn it over a place."""
        port, where = self.pane.canvas, QPointF(at(self, place))
        event = QWheelEvent(
            where,
            QPointF(port.mapToGlobal(where.toPoint())),
            QPoint(),
            delta,
            Qt.MouseButton.NoButton,
            NONE,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(port, event)


def test_the_plots_of_a_run_that_was_trained(
    open_window: OpenWindow, folders: dict[str, Path], qtbot: QtBot
) -> None:
    window = open_window(folders["brisk"])
    shown = Opened(window)
    pane = shown.pane
    series = shown.model.loss()
    assert series is not None
    assert series.step.tolist() == list(range(1, STEPS + 1))
    low, high = shown.range()
    assert low <= 1
    assert STEPS <= high < 1.1 * STEPS  # a run that is over has no empty room

    # Pointing reads the recorded step.
    point(shown, 200)
    step = round(pane.readout._place or 0)
    assert f"<b>Step {step}</b>" in pane.readout.text()
    assert f"<b>{float(series.value[step - 1]):.4g}" in pane.readout.text()

    # The wheel makes it finer around the mouse, sideways it moves; dragging moves it back.
    for _ in range(4):
        shown.wheel(200, QPoint(0, 120))
    finer = shown.range()
    assert finer[1] - finer[0] == pytest.approx((high - low) / 1.0015**480, rel=1e-6)
    assert finer[0] < 200 < finer[1]
    shown.wheel(200, QPoint(-240, 0))
    moved = shown.range()
    assert moved[0] > finer[0]
    drag(shown, 200, 220, LEFT, NONE)
    assert shown.range()[0] == pytest.approx(moved[0] - 20, abs=4)

    # A region, and all of it again, by mouse and by key.
    drag(shown, 180, 220, LEFT, SHIFT)
    assert shown.range() == pytest.approx((180, 220), abs=4)
    x, y = shown.drawn()
    seen = (x >= 181) & (x <= 219)
    assert y[seen].tolist() == series.value[x[seen].astype(int) - 1].tolist()
    double_click(shown, 200)
    assert shown.range() == pytest.approx((low, high))
    drag(shown, 180, 220, RIGHT, NONE)
    assert shown.range() == pytest.approx((180, 220), abs=4)
    QTest.keyClick(window, Qt.Key.Key_Home)
    assert shown.range() == pytest.approx((low, high))

    # Scales, smoothing and the kind of axis.
    before = pane.loss.view.ranges()[1]
    QTest.mouseClick(pane.tools.loss_log, LEFT)
    shown.tick()
    assert pane.loss.log
    assert pane.loss.view.ranges()[1] != before
    QTest.keyClick(pane.tools.axis, Qt.Key.Key_Down)
    shown.tick()
    assert pane.placing.kind == RELATIVE
    place = shown.drawn()[0][99]
    assert place == pytest.approx(1000 * (series.time[99] - series.time[0]), abs=1)
    QTest.keyClick(pane.tools.axis, Qt.Key.Key_Up)
    assert pane.placing.kind == STEP
    while pane.tools.smooth.currentIndex():
        QTest.keyClick(pane.tools.smooth, Qt.Key.Key_Up)
    shown.tick()
    assert len(pane.loss.curves[0].smooth.points()[0]) == 0

    # The menu of a plot.
    QTest.mouseClick(pane.canvas, RIGHT, pos=at(shown, 100))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    QTest.keyClick(menu, Qt.Key.Key_I)
    shown.tick()
    assert pane.loss.calm


def test_two_runs_that_were_trained_are_compared(
    open_window: OpenWindow, folders: dict[str, Path], qtbot: QtBot
) -> None:
    window = open_window()
    runs = window.runs
    qtbot.waitUntil(lambda: runs.model.rowCount() == 2 and runs.roster.settled)
    for folder in folders.values():
        tick(runs, folder)
    QTest.mouseClick(runs.ticks.compare, LEFT)
    view = view_of(window)
    assert [run.folder for run in view.runs] == list(folders.values())
    assert [cells(view, row)[0] for row in range(2)] == list(RATES)
    titles = view.table.column_names()
    lasts = [float(cells(view, row)[titles.index("loss last")]) for row in range(2)]
    curves = [view.charts["loss"].curves[folder] for folder in folders.values()]
    for last, curve in zip(lasts, curves, strict=True):
        assert len(curve.series) == STEPS
        assert last == pytest.approx(float(curve.series.value[-1]), rel=1e-3)

    # Wheel and drag move all plots together.
    port, chart = view.canvas, view.charts["loss"]
    middle = QPointF(200, sum(chart.view.ranges()[1]) / 2)
    where = QPointF(chart.view.to_canvas(middle).toPoint())
    low, high = chart.view.ranges()[0]
    event = QWheelEvent(
        where,
        QPointF(port.mapToGlobal(where.toPoint())),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(port, event)
    ranges = [one.view.ranges()[0] for one in view.charts.values()]
    assert ranges[0][1] - ranges[0][0] < high - low
    assert all(one == ranges[0] for one in ranges)
    view.rows.setFocus()
    QTest.keyClick(view.rows, Qt.Key.Key_Home)
    view.tick()

    # Another series, a run to measure against, one that is hidden, and back.
    view.bar.pattern.selectAll()
    QTest.keyClicks(view.bar.pattern, "^loss$")
    assert list(view.charts) == ["loss"]
    view.bar.baseline.setFocus()
    QTest.keyClicks(view.bar.baseline, "gentle")
    assert view.baseline is view.runs[0]
    differences = view.charts["loss"].curves[folders["brisk"]].series
    assert differences.value[-1] == pytest.approx(lasts[1] - lasts[0], rel=1e-2)
    view.rows.setFocus()
    view.rows.setCurrentIndex(view.sorted.index(0, 0))
    QTest.keyClick(view.rows, Qt.Key.Key_Space)
    assert folders["gentle"] not in view.charts["loss"].curves
    QTest.keyClick(view.rows, Qt.Key.Key_Escape)
    assert window.compared is None
