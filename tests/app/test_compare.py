"""Several runs overlaid, with a table of what they were started with and what came out."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.compare.dashes import PATTERNS, dashed
from lrmonitor.app.compare.runs import Look
from lrmonitor.app.compare.view import CompareView
from lrmonitor.app.plots.curves import LossCurve, RateCurve, Span
from lrmonitor.app.window import MainWindow
from lrmonitor.record.foreign.reader import read_log
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated

KEY = Qt.Key


@pytest.fixture
def folders(isolated: Isolated) -> list[RunFolder]:
    """Two runs that are over and one that goes on, of different losses and lengths."""
    found = []
    for number, (name, steps) in enumerate((("calm", 200), ("wild", 100))):
        run = RunFolder(isolated.runs, name, created=time.time() - 900 + number).launch(False)
        run.register().train(steps, loss=lambda s, n=number: (n + 1) * math.exp(-s / 80))
        found.append(run.exited(0))
    live = RunFolder(isolated.runs, "live", created=time.time() - 50).launch().register()
    live.now = time.time()
    found.append(live.train(40, loss=lambda s: 3.0))
    return found


@pytest.fixture
def window(open_window: OpenWindow, folders: list[RunFolder], qtbot: QtBot) -> MainWindow:
    """A window that compares the three."""
    window = open_window()
    window.resize(1200, 800)
    window.compare([run.path for run in folders])
    assert window.compared is not None
    return window


def view_of(window: MainWindow) -> CompareView:
    """What is shown."""
    assert window.compared is not None
    return window.compared


def cells(view: CompareView, row: int) -> list[str]:
    """A row of the table as it is shown."""
    count = view.sorted.columnCount()
    return [str(view.sorted.index(row, column).data() or "") for column in range(count)]


def test_each_run_has_a_curve_in_its_own_colour_and_dash(window: MainWindow) -> None:
    view = view_of(window)
    assert list(view.charts) == ["loss", "lr"]
    assert len(view.charts["loss"].curves) == 3
    curves = [c for c in view.charts["loss"].curves.values() if isinstance(c, LossCurve)]
    assert len({curve.smooth.pen.color().name() for curve in curves}) == 3
    gaps = [int(np.isnan(curve.smooth.points()[1]).sum()) for curve in curves]
    assert gaps[0] == 0  # solid, dashed, dotted
    assert gaps[1] > 10
    assert gaps[2] > 5


@pytest.mark.parametrize("dash", list(PATTERNS))
def test_a_dashed_line_lies_on_the_line(dash: Qt.PenStyle) -> None:
    x = np.arange(0.0, 1000.0, 7.0)
    y = np.sin(x / 50)
    span = Span(100, 900, 1500, 1000)
    found_x, found_y = dashed(x, y, span, dash)
    drawn = ~np.isnan(found_y)
    assert np.abs(found_y[drawn] - np.interp(found_x[drawn], x, y)).max() < 1e-12
    assert (np.diff(found_x) >= 0).all()
    # The pattern's share of the line is drawn.
    whole = drawn[:-1] & drawn[1:]
    share = np.diff(found_x)[whole].sum() / (found_x[-1] - found_x[0])
    wanted = PATTERNS[dash].count("1") / len(PATTERNS[dash])
    assert share == pytest.approx(wanted, abs=0.05)
    # It does not crawl: moved a little, the pieces within are the same.
    moved_x, moved_y = dashed(x, y, Span(110, 910, 1500, 1000), dash)
    seen = (found_x > 200) & (found_x < 800), (moved_x > 200) & (moved_x < 800)
    assert found_x[seen[0]].tolist() == moved_x[seen[1]].tolist()
    assert np.array_equal(found_y[seen[0]], moved_y[seen[1]], equal_nan=True)


def test_no_rate_is_drawn_beyond_the_end_of_its_run(window: MainWindow) -> None:
    view = view_of(window)
    ends = {}
    for folder, curve in view.charts["lr"].curves.items():
        assert isinstance(curve, RateCurve)
        x, _ = curve.item.points()
        ends[folder] = float(np.nanmax(x))
    assert sorted(ends.values()) == [40, 100, 200]


def test_no_two_of_32_runs_look_alike() -> None:
    assert len({Look.of(number) for number in range(32)}) == 32


def test_the_table_tells_results_and_what_differs(
    window: MainWindow, folders: list[RunFolder]
) -> None:
    view = view_of(window)
    titles = view.table.column_names()
    calm = cells(view, 0)
    assert calm[titles.index("Run")] == "calm"
    assert calm[titles.index("State")] == "Ended"
    assert calm[titles.index("loss last")] == "0.08208"
    assert calm[titles.index("least")] == "0.08208"
    assert titles.index("script") < titles.index("torch")  # what is not the same in all comes first
    header = view.rows.horizontalHeader()
    where = QPoint(header.sectionViewportPosition(3) + 8, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert [cells(view, row)[0] for row in range(3)] == ["calm", "wild", "live"]
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert [cells(view, row)[0] for row in range(3)] == ["live", "wild", "calm"]


def test_figures_are_those_of_the_visible_steps(window: MainWindow) -> None:
    view = view_of(window)
    view._zoom(0.1, 10.0)
    view.tick()
    low, high = view.shown.low, view.shown.high
    assert high < 60
    least = view.table.column_names().index("least")
    last = math.floor(high)
    assert float(cells(view, 0)[least]) == pytest.approx(math.exp(-last / 80), rel=1e-3)
    assert low < last


def test_the_cursor_reads_every_run(window: MainWindow, qtbot: QtBot) -> None:
    view = view_of(window)
    chart = view.charts["loss"]
    centre = chart.view.to_canvas(QPointF(30.0, sum(chart.view.ranges()[1]) / 2))
    QTest.mouseMove(view.canvas, centre.toPoint())
    view.canvas.pointed.emit(centre)
    titles = view.table.column_names()
    at = titles.index("at 30")
    assert float(cells(view, 0)[at]) == pytest.approx(math.exp(-30 / 80), rel=1e-3)
    assert cells(view, 2)[at] == "3"


def test_the_expression_chooses_the_series(window: MainWindow) -> None:
    view = view_of(window)
    view.bar.pattern.selectAll()
    QTest.keyClicks(view.bar.pattern, "^l")
    assert list(view.charts) == ["loss", "lr"]
    QTest.keyClicks(view.bar.pattern, "r")
    assert list(view.charts) == ["lr"]
    QTest.keyClicks(view.bar.pattern, "(")
    assert view.charts == {}
    assert view.bar.pattern.property("tone") == "bad"
    assert not view.note.isHidden()
    view.bar.pattern.clear()
    assert "loss" in view.charts


def test_relative_to_a_baseline(window: MainWindow, folders: list[RunFolder]) -> None:
    view = view_of(window)
    index = view.bar.baseline.findText("calm")
    view.bar.baseline.setFocus()
    QTest.keyClicks(view.bar.baseline, "calm")
    assert view.bar.baseline.currentIndex() == index
    curve = view.charts["loss"].curves[folders[0].path]
    assert np.abs(curve.series.value).max() == 0.0
    other = view.charts["loss"].curves[folders[1].path]
    assert other.series.value[9] == pytest.approx(math.exp(-10 / 80))
    assert not view.bar.log.isEnabled()
    assert cells(view, 0)[0] == "calm (baseline)"
    row = view.rows.visualRect(view.sorted.index(0, 1)).center()
    QTest.mouseClick(view.rows.viewport(), Qt.MouseButton.LeftButton, pos=row)
    QTest.mouseDClick(view.rows.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert view.baseline is None
    assert view.bar.log.isEnabled()


def test_a_live_run_is_followed(window: MainWindow, folders: list[RunFolder], qtbot: QtBot) -> None:
    view = view_of(window)
    before = view.shown.high
    folders[2].train(30, loss=lambda s: 2.0)
    qtbot.waitUntil(lambda: len(view.charts["loss"].curves[folders[2].path].series) == 70)
    assert cells(view, 2)[2] == "70"
    assert view.shown.high == before  # the longest run is longer
    folders[2].train(330, loss=lambda s: 2.0)
    qtbot.waitUntil(lambda: view.shown.low <= 1 and view.shown.high >= 400)


def test_a_run_can_be_hidden(window: MainWindow, folders: list[RunFolder]) -> None:
    view = view_of(window)
    QTest.keyClick(view.rows, KEY.Key_Home)
    view.rows.setCurrentIndex(view.sorted.index(1, 0))
    QTest.keyClick(view.rows, KEY.Key_Space)
    assert not view.runs[1].shown
    assert folders[1].path not in view.charts["loss"].curves
    assert cells(view, 1)[3] == ""


def test_the_table_is_copied_and_the_scale_is_chosen(window: MainWindow) -> None:
    view = view_of(window)
    QTest.mouseClick(view.bar.copy, Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    assert text.splitlines()[0].startswith("Run\tState\tStep\tloss last")
    assert len(text.splitlines()) == 4
    # Differences are copied as a program reads numbers, with its minus.
    view.set_baseline(2)
    table = [[cells(view, row)[column] for column in range(3, 6)] for row in range(3)]
    assert "\N{MINUS SIGN}" in str(table)
    QTest.mouseClick(view.bar.copy, Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    assert "\N{MINUS SIGN}" not in text
    assert "\t-" in text
    view.set_baseline(-1)
    QTest.mouseClick(view.bar.log, Qt.MouseButton.LeftButton)
    assert view.charts["loss"].log


def test_done_leads_back_to_the_run(
    window: MainWindow, folders: list[RunFolder], qtbot: QtBot
) -> None:
    window.open_run(folders[0].path)
    window.compare([run.path for run in folders[:2]])
    view = view_of(window)
    QTest.keyClick(view.rows, KEY.Key_Escape)
    assert window.compared is None
    assert window.session is not None
    assert window.session.folder == folders[0].path


def test_done_leads_back_to_a_log(
    window: MainWindow, folders: list[RunFolder], tmp_path: Path
) -> None:
    log = tmp_path / "run.csv"
    log.write_text("step,loss\n" + "".join(f"{n},{1 / n}\n" for n in range(1, 51)))
    assert window.open_run(log, read_log(log))
    window.compare([run.path for run in folders[:2]])
    with open(log, "a") as file:
        file.write("51,0.01\n")
    QTest.keyClick(view_of(window).rows, KEY.Key_Escape)
    assert window.session is not None
    assert window.session.folder == log
    loss = window.session.model.loss()
    assert loss is not None
    assert loss.step.tolist() == list(range(1, 52))


def test_one_run_is_not_compared(open_window: OpenWindow, folders: list[RunFolder]) -> None:
    window = open_window()
    window.compare([])
    assert window.compared is None
    assert window.start is not None
    assert "Tick two runs" in window.start.problem.text


def test_paths_are_those_that_were_ticked(
    open_window: OpenWindow, folders: list[RunFolder], qtbot: QtBot
) -> None:
    window = open_window()
    qtbot.waitUntil(lambda: window.runs.model.rowCount() == 3 and window.runs.roster.settled)
    wanted: list[Path] = [folders[1].path, folders[0].path]
    for folder in wanted:
        window.runs.model.tick(folder)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(window, KEY.Key_K, both)
    assert [run.folder for run in view_of(window).runs] == wanted
