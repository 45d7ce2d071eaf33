"""The plots show what the run's folder holds: every extreme, every nan, every change of rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.plots.pane import PlotPane
from lrmonitor.app.theme import DARK, LIGHT, ThemeManager
from lrmonitor.model.run import RunModel
from tests.app.desktop import come_up
from tests.app.folders import RunFolder, cosine, falling
from tests.conftest import Isolated


class Plotted:
    """A folder, its model and a pane that shows it."""

    def __init__(self, folder: RunFolder, qtbot: QtBot) -> None:
        self.folder = folder
        self.model = RunModel(folder.path)
        self.model.poll()
        self.pane = PlotPane(self.model, LIGHT)
        qtbot.addWidget(self.pane)
        self.pane.resize(900, 600)
        come_up(self.pane, qtbot)
        self.tick()

    def tick(self) -> None:
        """What the window does thirty times a second."""
        QApplication.processEvents()
        self.pane.refresh(bool(self.model.poll()) or True)
        QApplication.processEvents()

    def drawn(self, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values of the raw loss curve as drawn."""
        x, y = self.pane.loss.curves[number].raw.points()
        return np.asarray(x), np.asarray(y)


@pytest.fixture
def folder(isolated: Isolated, themes: ThemeManager) -> RunFolder:
    """A run that has been launched."""
    return RunFolder(isolated.runs).launch()


def test_every_steps_loss_is_there_and_grows(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(200), qtbot)
    x, y = shown.drawn()
    assert x.tolist() == list(range(1, 201))
    assert y[0] == falling(1)
    folder.train(50)
    shown.tick()
    assert shown.drawn()[0][-1] == 250
    low, high = shown.pane.loss.view.ranges()[0]
    assert low <= 1
    assert high >= 250


def test_one_spike_among_many_steps_is_drawn(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(20000, loss=lambda s: 99.0 if s == 7777 else 1.0)
    shown = Plotted(folder, qtbot)
    x, y = shown.drawn()
    assert len(x) < 5000
    assert y.max() == 99.0
    assert x[int(y.argmax())] == 7777
    assert shown.pane.loss.view.ranges()[1][1] > 99


def test_losses_that_are_not_finite_are_marked_on_the_axis(folder: RunFolder, qtbot: QtBot) -> None:
    bad = {50: math.nan, 60: math.inf, 61: -math.inf}
    shown = Plotted(folder.register().train(100, loss=lambda s: bad.get(s, 1.0)), qtbot)
    assert shown.pane.loss.axis_marks.step.tolist() == [50, 60, 61]
    low, high = shown.pane.loss.view.ranges()[1]
    assert math.isfinite(low)
    assert low < 1.0 < high


def test_on_a_log_scale_a_loss_of_zero_or_less_is_marked_too(
    folder: RunFolder, qtbot: QtBot
) -> None:
    folder.register().train(100, loss=lambda s: {10: 0.0, 20: -1.0}.get(s, 1.0))
    shown = Plotted(folder, qtbot)
    assert shown.pane.loss.axis_marks.step.tolist() == []
    shown.pane.tools.loss_log.click()
    assert shown.pane.loss.axis_marks.step.tolist() == [10, 20]
    assert shown.drawn()[1][0] == 0.0  # log10 of 1


def test_nothing_but_nan_is_still_a_picture(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(30, loss=lambda s: math.nan), qtbot)
    assert len(shown.pane.loss.axis_marks.step) == 30
    folder.train(10)
    shown.tick()
    assert shown.drawn()[1][-1] == falling(40)


def test_a_change_of_rate_is_a_step_with_its_marker(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(100)
    folder.command("a", "hold", 3e-4)
    folder.applied("a", "hold", 3e-4, ("hold", 3e-4), cosine(100), 3e-4, cosine(101))
    folder.train(100, effective=lambda s: 3e-4)
    shown = Plotted(folder, qtbot)
    (mark,) = shown.pane.loss.mark_lines.marks
    assert (mark.step, mark.kind) == (101, "rate")
    assert "3e-4" in mark.text
    x, y = (np.asarray(a) for a in shown.pane.rate.effective[0, 0].item.points())
    jump = np.flatnonzero(np.isclose(10**y, 3e-4))
    assert x[jump[0]] == 101
    assert x[jump[0] - 1] == 101
    scheduled = shown.pane.rate.scheduled[0, 0].item.points()[0]
    assert scheduled is not None
    assert len(scheduled) > 100


def test_the_schedule_is_not_drawn_where_it_is_what_is_used(
    folder: RunFolder, qtbot: QtBot
) -> None:
    shown = Plotted(folder.register().train(100), qtbot)
    x = shown.pane.rate.scheduled[0, 0].item.points()[0]
    assert x is None or len(x) == 0


def test_rates_are_on_a_log_scale_unless_one_is_zero(
    isolated: Isolated, themes: ThemeManager, qtbot: QtBot
) -> None:
    positive = RunFolder(isolated.runs, "posi").launch().register().train(20)
    assert Plotted(positive, qtbot).pane.rate.log
    warm = RunFolder(isolated.runs, "warm").launch().register()
    warm.train(20, scheduled=lambda s: (s - 1) * 1e-5)
    shown = Plotted(warm, qtbot)
    assert not shown.pane.rate.log
    shown.pane.tools.rate_log.click()
    assert shown.pane.rate.axis_marks.step.tolist() == [1, 2]


def test_several_optimizers_and_groups_have_colours_and_names(
    folder: RunFolder, qtbot: QtBot
) -> None:
    shown = Plotted(folder.register((("AdamW", 2), ("SGD", 1))).train(50), qtbot)
    assert set(shown.pane.loss.curves) == {0, 1}
    assert set(shown.pane.rate.effective) == {(0, 0), (0, 1), (1, 0)}
    pens = {curve.item.pen.color().name() for curve in shown.pane.rate.effective.values()}
    assert len(pens) == 3
    assert not shown.pane.legend.isHidden()
    assert "AdamW" in shown.pane.legend.text()
    assert "SGD" in shown.pane.legend.text()


def test_one_curve_needs_no_legend(folder: RunFolder, qtbot: QtBot) -> None:
    assert Plotted(folder.register().train(5), qtbot).pane.legend.isHidden()


def test_a_group_that_is_added_later_appears(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(5), qtbot)
    folder.event(
        "optimizer",
        optimizer=0,
        groups=2,
        main=True,
        controllable=True,
        reason=None,
        **{"class": "SGD"},
    )
    folder.declare("lr[0.1]", "lr", 0, 1)
    folder.declare("scheduled[0.1]", "scheduled_lr", 0, 1)
    folder.train(5)
    shown.tick()
    assert (0, 1) in shown.pane.rate.effective
    assert not shown.pane.legend.isHidden()


def test_a_run_without_optimizer_says_why_there_is_no_rate(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register((), "No optimizer of torch is used.").train(20), qtbot)
    assert len(shown.drawn()[0]) == 20
    assert "no optimizer of torch" in shown.pane._rate_note.label.text()
    assert shown.pane.rate.left.places(0, 1, 200) == []


def test_before_the_first_step_there_are_words_and_no_numbers(
    folder: RunFolder, qtbot: QtBot
) -> None:
    shown = Plotted(folder, qtbot)
    shown.pane.set_message("Waiting…")
    assert shown.pane._note.label.text() == "Waiting…"
    assert shown.pane.loss.left.places(0, 1, 200) == []
    folder.register().train(3)
    shown.tick()
    assert shown.pane._note.label.text() == ""
    assert shown.pane.loss.left.places(0, 1, 200) != []


def _wheel(pane: PlotPane, notches: int) -> None:
    view = pane.loss.view
    middle = view.area.center().toPoint()
    port = pane.canvas
    event = QWheelEvent(
        QPointF(middle),
        QPointF(port.mapToGlobal(middle)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(port, event)


def test_the_wheel_zooms_and_home_fits(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(500), qtbot)
    before = shown.pane.shown
    _wheel(shown.pane, 3)
    zoomed = shown.pane.shown
    assert zoomed.high - zoomed.low < 0.8 * (before.high - before.low)
    assert zoomed.follow
    assert shown.pane.rate.view.ranges()[0] == pytest.approx(shown.pane.loss.view.ranges()[0])
    shown.pane.fit()
    assert shown.pane.shown.whole


def test_dragging_moves_and_stops_following(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(500), qtbot)
    view, port = shown.pane.loss.view, shown.pane.canvas
    middle = view.area.center().toPoint()
    before = shown.pane.shown
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(port, left, pos=middle)
    for part in range(1, 9):
        QTest.mouseMove(port, middle + QPoint(part * 15, 0))
    QTest.mouseRelease(port, left, pos=middle + QPoint(120, 0))
    after = shown.pane.shown
    assert after.low < before.low
    assert not after.follow
    assert not shown.pane.tools.follow.isChecked()
    folder.train(500)
    shown.tick()
    assert shown.pane.shown == after
    shown.pane.tools.follow.click()
    assert shown.pane.shown.low <= 1000 <= shown.pane.shown.high


def test_the_readout_tells_step_loss_rate_and_marker(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(100)
    folder.command("a", "hold", 3e-4)
    folder.applied("a", "hold", 3e-4, ("hold", 3e-4), cosine(100), 3e-4, cosine(101))
    folder.train(100, effective=lambda s: 3e-4)
    folder.note("<b>lower</b>")
    shown = Plotted(folder, qtbot)
    readout = shown.pane.readout
    readout.point(50.2, 2.0)
    assert "Step 50" in readout.text()
    assert f"{falling(50):.4g}" in readout.text()
    readout.point(101.4, 2.0)
    assert "Step 101" in readout.text()
    assert "(scheduled" in readout.text()
    assert "hold 3e-4" in readout.text()
    readout.point(200.0, 2.0)
    assert "&lt;b&gt;lower" in readout.text()
    readout.leave()
    assert not any(line.visible for lines in readout._lines.values() for line in lines)


def test_the_mouse_leads_the_readout(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(100), qtbot)
    view = shown.pane.loss.view
    at = view.to_canvas(QPointF(30.0, 2.2)).toPoint()
    port, none = shown.pane.canvas, Qt.MouseButton.NoButton
    move = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(at),
        QPointF(port.mapToGlobal(at)),
        none,
        none,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(port, move)
    assert "Step 30" in shown.pane.readout.text()


def test_smoothing_is_over_all_steps_and_can_be_off(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(300), qtbot)
    curve = shown.pane.loss.curves[0]
    assert len(curve.smooth.points()[0]) == 300
    strong = curve.smooth.pen.color().name()
    assert curve.raw.pen.color().name() != strong
    shown.pane.tools.smooth.setCurrentIndex(0)
    x = curve.smooth.points()[0]
    assert x is None or len(x) == 0
    assert curve.raw.pen.color().name() == strong


def test_choices_are_kept_and_taken_up(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(30), qtbot)
    with qtbot.waitSignal(shown.pane.choices_changed):
        shown.pane.tools.loss_log.click()
    shown.pane.tools.rate_log.click()
    choices = shown.pane.choices()
    assert choices == {
        "loss_log": True,
        "rate_log": False,
        "smoothing": 30,
        "metrics": {},
        "order": [],
        "logs": [],
        "calm": [],
        "axis": "step",
    }
    again = Plotted(folder, qtbot)
    again.pane.set_choices(choices)
    again.tick()
    assert again.pane.loss.log
    assert not again.pane.rate.log


def test_the_theme_changes_while_it_is_open(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register((("SGD", 2),)).train(30), qtbot)
    shown.pane.set_theme(DARK)
    shown.tick()
    image = shown.pane.canvas.grab().toImage()
    assert image.pixelColor(3, 3).name() == DARK.base
    pen = shown.pane.rate.effective[0, 0].item.pen
    assert pen.color().name() == DARK.curve(0)


def test_a_run_that_is_over_fills_the_width(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(1000).exited(0)
    shown = Plotted(folder, qtbot)
    shown.pane.fit()
    assert shown.pane.shown.high == pytest.approx(1010, abs=10)
    assert not shown.pane.tools.follow.isEnabled()


def test_grid_and_marks_are_there_wherever_one_looks(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(5000, loss=lambda s: math.nan if s == 4000 else 1.0 + 1e-3 * (s % 7))
    shown = Plotted(folder, qtbot)
    pane = shown.pane
    pane._zoom(0.05, 5000)
    pane.show_step(4000)
    pane.readout.leave()
    shown.tick()
    assert pane.shown.low > 3000
    image = pane.canvas.grab().toImage()
    view = pane.loss.view
    for colour in (LIGHT.grid, LIGHT.bad):
        area = view.area.toRect()
        found = {
            image.pixelColor(x, y).name()
            for x in range(area.left() + 1, area.right())
            for y in range(area.top() + 1, area.bottom(), 2)
        }
        assert QColor(colour).name() in found
