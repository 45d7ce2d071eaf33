"""Plots of logged and printed numbers below the loss, and markers that are clicked."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.plots.marks import Mark
from lrmonitor.app.plots.metrics import MOST
from lrmonitor.app.plots.pane import PlotPane
from lrmonitor.app.plots.ranges import StepWindow
from lrmonitor.app.theme import DARK, LIGHT, ThemeManager
from lrmonitor.model.run import RunModel
from tests.app.desktop import come_up
from tests.app.folders import RunFolder
from tests.conftest import Isolated


@pytest.fixture
def folder(isolated: Isolated, themes: ThemeManager) -> RunFolder:
    """A run that trained and has ended."""
    return RunFolder(isolated.runs).launch(False).register().train(200)


_PANES: list[PlotPane] = []


@pytest.fixture(autouse=True)
def _panes_live_as_long_as_the_test() -> Iterator[None]:
    """A pane that only a test's local names hold could be collected in the middle of a paint."""
    yield
    for pane in _PANES:
        pane.close()
        pane.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    _PANES.clear()


def opened(folder: RunFolder, qtbot: QtBot) -> PlotPane:
    model = RunModel(folder.path)
    for _ in range(3):
        model.poll()
    pane = PlotPane(model, LIGHT)
    _PANES.append(pane)
    pane.resize(900, 700)
    come_up(pane, qtbot)
    pane.refresh()
    return pane


def printed(folder: RunFolder, name: str, pattern: str, x: str = "order") -> None:
    folder.client("series_pattern", name=name, pattern=pattern, x=x)


def test_each_series_has_a_plot_below_the_loss(folder: RunFolder, qtbot: QtBot) -> None:
    (folder.path / "console.log").write_text("acc 50%\nacc 75%\nacc nan%\n")
    printed(folder, "accuracy", "acc {value}%")
    folder.declare("f1", "metric", None, None)
    folder.add("f1", 0.5, step=40)
    pane = opened(folder, qtbot)
    charts = list(pane.metrics.charts.values())
    assert [chart.title for chart in charts] == ["f1", "accuracy"]
    x, y = charts[1].curve.line.points()
    assert list(x) == [1, 2, 3]
    assert list(y[:2]) == [50.0, 75.0]
    assert math.isnan(y[2])
    assert charts[1].axis_marks.step.tolist() == [3.0]  # told, not dropped
    assert len(charts[0].curve.dots.points()[0]) == 1  # a single value can be seen
    tops = [chart.view.area.top() for chart in (pane.loss, *charts, pane.rate)]
    assert tops == sorted(tops)
    assert charts[0].view.ranges()[0] == pytest.approx(pane.loss.view.ranges()[0])
    pane.set_theme(DARK)
    pane.readout.point(100, 1.0)
    assert "f1&nbsp; <b>0.5</b> (step 40)" in pane.readout.text()


def test_what_is_known_anyway_is_shown_if_it_is_wanted(folder: RunFolder, qtbot: QtBot) -> None:
    for name in ("loss (Trainer)", "learning_rate", "eval_loss"):
        folder.declare(name, "metric", None, None, source="Trainer")
        folder.add(name, 1.0, step=5)
    pane = opened(folder, qtbot)
    assert [chart.title for chart in pane.metrics.charts.values()] == ["eval_loss"]
    menu = pane.tools.series.menu()
    (action,) = [action for action in menu.actions() if action.text() == "learning_rate"]
    assert not action.isChecked()
    action.trigger()
    assert [chart.title for chart in pane.metrics.charts.values()] == ["eval_loss", "learning_rate"]


def test_where_steps_go_back_a_line_of_its_own_begins(folder: RunFolder, qtbot: QtBot) -> None:
    folder.declare("f1", "metric", None, None)
    for step, value in ((10, 0.1), (20, 0.2), (30, 0.3), (15, 0.15), (25, 0.25)):
        folder.add("f1", value, step=step)
    pane = opened(folder, qtbot)
    x, y = pane.metrics.charts["logged:f1"].curve.line.points()
    assert list(x[:3]) == [10, 20, 30]
    assert math.isnan(x[3])
    assert list(y[4:]) == [0.15, 0.25]
    pane.readout.point(20, 1.0)
    assert "f1&nbsp; <b>0.15</b> (step 15)" in pane.readout.text()  # what was recorded last


def test_series_come_and_go_with_the_choice(folder: RunFolder, qtbot: QtBot) -> None:
    for at in range(MOST + 2):
        folder.declare(f"m{at}", "metric", None, None)
        folder.add(f"m{at}", 1.0, step=5)
    pane = opened(folder, qtbot)
    assert len(pane.metrics.charts) == MOST
    menu = pane.tools.series.menu()
    told = [action for action in menu.actions() if action.text().startswith("m")]
    assert [action.isChecked() for action in told] == [True] * MOST + [False] * 2
    with qtbot.waitSignal(pane.choices_changed):
        told[-1].trigger()
    assert [chart.title for chart in pane.metrics.charts.values()] == ["m0", "m1", "m4"]
    menu.actions()[0].trigger()
    assert [chart.title for chart in pane.metrics.charts.values()] == ["m1", "m4"]
    kept = pane.choices()
    again = opened(folder, qtbot)
    again.set_choices(kept)
    again.refresh()
    assert list(again.metrics.charts) == list(pane.metrics.charts)


def test_only_what_was_made_of_printed_numbers_can_be_removed(
    folder: RunFolder, qtbot: QtBot
) -> None:
    folder.declare("f1", "metric", None, None)
    folder.add("f1", 0.5, step=40)
    printed(folder, "a & b", "acc {value}%")
    pane = opened(folder, qtbot)
    texts = [action.text() for action in pane.tools.series.menu().actions()]
    assert texts == ["f1", "a && b", "", "steps per second", "", "Remove “a && b”"]
    with qtbot.waitSignal(pane.remove_wanted) as caught:
        pane.tools.series.menu().actions()[-1].trigger()
    assert caught.args == ["a & b"]


def test_without_series_there_is_no_button(isolated: Isolated, qtbot: QtBot) -> None:
    folder = RunFolder(isolated.runs).launch().register()
    pane = opened(folder, qtbot)
    assert pane.tools.series.isHidden()
    assert not pane.metrics.charts


def test_what_lrmonitor_measures_is_shown_when_it_is_wanted(
    folder: RunFolder, qtbot: QtBot
) -> None:
    folder.declare("grad_norm", "grad_norm", 0, None)
    folder.add("grad_norm", 2.0, step=40)
    pane = opened(folder, qtbot)
    assert not pane.metrics.charts
    actions = {action.text(): action for action in pane.tools.series.menu().actions()}
    actions["gradient norm"].trigger()
    pane.tools.series.menu().actions()[-1].trigger()
    assert [chart.title for chart in pane.metrics.charts.values()] == [
        "gradient norm",
        "steps per second",
    ]
    speed = pane.metrics.charts["measured:steps per second"].curve.series
    assert speed.value.mean() > 0
    pane.readout.point(40, 1.0)
    assert "gradient norm&nbsp; <b>2</b>" in pane.readout.text()


def test_a_click_on_a_marker_says_which(folder: RunFolder, qtbot: QtBot) -> None:
    folder.note("plateau")
    when = folder.now
    folder.train(100)
    pane = opened(folder, qtbot)
    pane.fit()
    view = pane.canvas

    def at(step: float) -> QPoint:
        middle = sum(pane.loss.view.ranges()[1]) / 2
        place: QPoint = pane.loss.view.to_canvas(QPointF(step, middle)).toPoint()
        return place

    with qtbot.waitSignal(pane.mark_clicked) as caught:
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(200))
    mark = caught.args[0]
    assert isinstance(mark, Mark)
    assert (mark.step, mark.kind, mark.time) == (200.0, "note", when)
    with qtbot.assertNotEmitted(pane.mark_clicked):
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(100))


def test_a_step_is_brought_into_the_middle_and_marked(folder: RunFolder, qtbot: QtBot) -> None:
    folder.train(2000)
    pane = opened(folder, qtbot)
    pane.fit()
    whole = pane.shown
    pane.show_step(700)
    assert pane.shown == whole  # all of it is shown: there is nowhere to move
    assert "Step 700" in pane.readout.text()
    pane._zoom(0.1, 1800)
    pane.show_step(700)
    assert (pane.shown.low + pane.shown.high) / 2 == pytest.approx(700)
    assert not pane.shown.follow
    line = next(iter(pane.readout._lines.values()))[0]
    assert line.visible
    assert line.place == 700
    pane.refresh()
    assert line.visible


def test_centring_stops_at_the_ends() -> None:
    window = StepWindow(500, 700, follow=True, whole=False)
    assert window.centred(600, 1000) == window
    assert window.centred(20, 1000).low == 0
    assert window.centred(1000, 1000).high <= 1100
    assert not window.centred(20, 1000).follow


def test_titles_of_low_plots_have_the_room_that_there_is(folder: RunFolder, qtbot: QtBot) -> None:
    """Also where nothing new comes in after the window became lower."""
    folder.declare("test accuracy", "metric", None, None)
    folder.add("test accuracy", 1.0)
    pane = opened(folder, qtbot)
    (metric,) = pane.metrics.charts.values()
    metrics = QFontMetrics(QGuiApplication.font())

    def fit() -> bool:
        charts = (pane.loss, pane.rate, metric)
        return all(
            metrics.horizontalAdvance(chart.left.title) <= max(chart.view.area.height(), 24) + 1
            for chart in charts
        )

    assert metric.left.title == "test accuracy"
    pane.resize(900, 260)
    qtbot.waitUntil(lambda: metric.left.title.endswith("…") and fit())
