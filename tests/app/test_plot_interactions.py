"""What a person does with the plots: axes, regions, pinned readings, the menu of a plot."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from lrmonitor.app.plots.chart import Chart
from lrmonitor.app.plots.scales import StepScale, duration_label
from lrmonitor.app.theme import ThemeManager
from lrmonitor.model.axis import EPOCH, RELATIVE, STEP, WALL
from lrmonitor.model.preview import Wish
from tests.app.folders import RunFolder
from tests.app.test_plots import Plotted
from tests.conftest import Isolated
from tests.helpers.wait import wait_until

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def folder(isolated: Isolated, themes: ThemeManager) -> RunFolder:
    """A run that has been launched."""
    return RunFolder(isolated.runs).launch()


def at(shown: Plotted, place: float, chart: Chart | None = None) -> QPoint:
    """Where a place of the axis is on the canvas."""
    view = (chart or shown.pane.loss).view
    middle = sum(view.ranges()[1]) / 2
    where: QPoint = view.to_canvas(QPointF(place, middle)).toPoint()
    return where


def point(shown: Plotted, place: float) -> None:
    """Move the mouse to a place. The scene takes a hundred moves a second: it is moved again until
    it has come there."""
    port, where, moved = shown.pane.canvas, at(shown, place), 0

    def there() -> bool:
        nonlocal moved
        moved += 1
        QTest.mouseMove(port, where + QPoint(0, moved % 2))
        QApplication.processEvents()
        found = shown.pane.readout._place
        return found is not None and abs(found - place) <= 2 * shown.pane._reach()

    wait_until(there)


def drag(
    shown: Plotted, low: float, high: float, button: Qt.MouseButton, keys: Qt.KeyboardModifier
) -> None:
    """Press at one place, move in pieces, let go at another, with keys held."""
    port = shown.pane.canvas
    one, two = at(shown, low), at(shown, high)
    kinds = QEvent.Type
    QTest.mousePress(port, button, keys, one)
    for part in range(1, 9):
        where = QPointF(one + (two - one) * part / 8)
        event = QMouseEvent(
            kinds.MouseMove, where, port.mapToGlobal(where), Qt.MouseButton.NoButton, button, keys
        )
        QApplication.sendEvent(port, event)
    QTest.mouseRelease(port, button, keys, two)


def double_click(shown: Plotted, place: float) -> None:
    """What a mouse sends: press, release, double click, release."""
    port, where = shown.pane.canvas, QPointF(at(shown, place))
    kinds, none = QEvent.Type, Qt.MouseButton.NoButton
    for kind, buttons in (
        (kinds.MouseButtonPress, LEFT),
        (kinds.MouseButtonRelease, none),
        (kinds.MouseButtonDblClick, LEFT),
        (kinds.MouseButtonRelease, none),
    ):
        event = QMouseEvent(kind, where, port.mapToGlobal(where), LEFT, buttons, NONE)
        QApplication.sendEvent(port, event)


def choose_axis(shown: Plotted, kind: str) -> None:
    """With the keyboard, as far down the list as it is."""
    box = shown.pane.tools.axis
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    wanted = box.findData(kind)
    for _ in range(box.count()):
        if box.currentIndex() == wanted:
            break
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert shown.pane.placing.kind == kind
    shown.tick()


def test_time_on_the_axis(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(300)
    shown = Plotted(folder, qtbot)
    choose_axis(shown, RELATIVE)
    series = shown.model.loss()
    assert series is not None
    x, y = shown.drawn()
    assert len(x) == 300
    expected = np.rint((series.time - series.time[0]) * 1000)
    assert np.abs(x - expected).max() <= 1
    assert y.tolist() == series.value.tolist()
    assert shown.pane.shown.high >= x[-1]
    labels = shown.pane.rate.bottom.labels([0, 5000, 65_000])
    assert labels == ["0 s", "5 s", "1:05"]
    folder.train(10)
    shown.tick()
    assert len(shown.drawn()[0]) == 310
    point(shown, float(x[100]))
    assert "<b>Step 101</b>" in shown.pane.readout.text()
    assert f"{series.value[100]:.4g}" in shown.pane.readout.text()
    low, high = shown.pane.shown_steps()
    assert (low, high) == (1, 310)


def test_markers_and_the_journal_find_their_place_in_time(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(200)
    folder.note("here")
    folder.train(200)
    shown = Plotted(folder, qtbot)
    choose_axis(shown, WALL)
    marks = shown.pane.loss.mark_lines.marks
    series = shown.model.loss()
    assert series is not None
    assert marks[0].step == pytest.approx((series.time[199] - series.time[0]) * 1000, abs=1000)
    shown.pane._zoom(0.2, float(shown.drawn()[0][-1]))
    shown.pane.show_step(100)
    middle = (shown.pane.shown.low + shown.pane.shown.high) / 2
    assert middle == pytest.approx((series.time[99] - series.time[0]) * 1000, abs=2)
    assert "<b>Step 100</b>" in shown.pane.readout.text()


def test_epochs_are_offered_where_they_are_known(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(100)
    shown = Plotted(folder, qtbot)
    box = shown.pane.tools.axis
    model = box.model()
    index = model.index(box.findData(EPOCH), 0)
    assert not model.flags(index) & Qt.ItemFlag.ItemIsEnabled
    for iteration in (1, 2, 3):
        folder.event("loader", loader=0, iteration=iteration, step=(iteration - 1) * 50)
    folder.train(20)
    shown.tick()
    shown.tick()
    assert model.flags(index) & Qt.ItemFlag.ItemIsEnabled
    choose_axis(shown, EPOCH)
    x, _ = shown.drawn()
    assert x[49] / 10_000 == pytest.approx(1.0)
    assert shown.pane.rate.bottom.labels([10_000, 20_000]) == ["1", "2"]


def test_a_time_of_day_that_was_chosen_before_the_first_step(
    folder: RunFolder, qtbot: QtBot
) -> None:
    shown = Plotted(folder.register(), qtbot)
    shown.pane.set_choices({"axis": WALL})
    shown.tick()
    folder.train(100)
    folder.declare("grad_norm", "grad_norm", 0, None)
    folder.add("grad_norm", 2.0, 40)
    shown.tick()
    shown.pane.show_metric("measured:grad_norm", True)
    series = shown.model.loss()
    assert series is not None
    (metric,) = shown.pane.metrics.charts.values()
    for chart in (shown.pane.loss, metric, shown.pane.rate):
        assert chart.bottom.scale_of == StepScale(WALL, float(series.time[0]))


def test_the_axis_is_kept_and_steps_come_back(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(100)
    shown = Plotted(folder, qtbot)
    choose_axis(shown, RELATIVE)
    again = Plotted(folder, qtbot)
    again.pane.set_choices(shown.pane.choices())
    assert again.pane.placing.kind == RELATIVE
    choose_axis(shown, STEP)
    assert shown.drawn()[0].tolist() == list(range(1, 101))
    assert shown.pane.rate.bottom.labels([50]) == ["50"]


@pytest.mark.parametrize(("button", "keys"), [(LEFT, SHIFT), (RIGHT, NONE)])
def test_a_region_is_zoomed_to(
    folder: RunFolder, qtbot: QtBot, button: Qt.MouseButton, keys: Qt.KeyboardModifier
) -> None:
    shown = Plotted(folder.register().train(1000), qtbot)
    drag(shown, 200, 400, button, keys)
    window = shown.pane.shown
    assert window.low == pytest.approx(200, abs=4)
    assert window.high == pytest.approx(400, abs=4)
    assert not window.follow
    assert not shown.pane.loss.view.band.visible
    double_click(shown, 300)
    assert shown.pane.shown.whole


def test_the_wheel_sideways_moves(folder: RunFolder, qtbot: QtBot) -> None:
    shown = Plotted(folder.register().train(1000), qtbot)
    shown.pane._zoom(0.3, 500)
    before = shown.pane.shown
    port, where = shown.pane.canvas, at(shown, before.low + 50)
    for delta, keys in ((QPoint(-240, 0), NONE), (QPoint(0, -240), SHIFT)):
        event = QWheelEvent(
            QPointF(where),
            QPointF(port.mapToGlobal(where)),
            QPoint(),
            delta,
            Qt.MouseButton.NoButton,
            keys,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(port, event)
        after = shown.pane.shown
        assert after.high - after.low == pytest.approx(before.high - before.low)
        assert after.low > before.low
        before = after


def test_two_readings_are_pinned_and_their_difference_is_told(
    folder: RunFolder, qtbot: QtBot
) -> None:
    folder.register().train(100, loss=lambda s: 2.0).train(100, loss=lambda s: 0.5)
    shown = Plotted(folder, qtbot)
    readout = shown.pane.readout
    point(shown, 50)
    readout.pin()
    assert readout.pins == [50]
    point(shown, 150)
    text = readout.text()
    assert "Δ +100 steps" in text
    assert "<b>0.5</b>&nbsp; Δ −1.5" in text
    readout.pin()
    point(shown, 20)
    assert "<b>Step 150</b>" in readout.text()  # both ends stay, whatever is pointed at
    lines = readout._lines[shown.pane.rate]
    assert [line.place for line in lines] == [20, 50, 150]
    assert all(line.visible for line in lines)
    readout.pin()
    assert readout.pins == []
    assert "<b>Step 20</b>" in readout.text()
    assert "Δ" not in readout.text()


def test_a_reading_never_covers_the_axis(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(200)
    folder.note("a note that is so long that its card does not fit beside the place it tells of")
    shown = Plotted(folder, qtbot)
    # As wide as to the right of it, and a little wider than to the left: it gives way.
    point(shown, 150)
    card = shown.pane.readout._card
    assert card is not None
    axis = at(shown, shown.pane.loss.view.ranges()[0][0]).x()
    width = shown.pane.canvas.width()
    card.setFixedWidth(round(0.6 * (width - axis)) + 40)
    shown.pane.readout.refresh()
    assert axis < card.x() <= axis + 6
    assert card.x() + card.width() <= width


def test_rates_of_two_readings_differ_by_a_factor(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(200)
    shown = Plotted(folder, qtbot)
    point(shown, 10)
    shown.pane.readout.pin()
    point(shown, 190)
    assert "&nbsp; ×0." in shown.pane.readout.text()


def entries(menu: QMenu) -> dict[str, object]:
    """What a menu offers."""
    return {a.text().replace("&", ""): a for a in menu.actions() if a.text()}


def test_a_right_click_offers_what_can_be_done_with_a_plot(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(300, loss=lambda s: 500.0 if s == 77 else 1.0 + 0.1 * math.sin(s))
    for name in ("m0", "m1"):
        folder.declare(name, "metric", None, None)
        folder.add(name, 1.0, step=5)
    shown = Plotted(folder, qtbot)
    QTest.mouseClick(shown.pane.canvas, RIGHT, pos=at(shown, 100))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    offered = entries(menu)
    assert {"Logarithmic", "Ignore outliers on the axis", "Fit the whole run"} <= set(offered)
    assert "Hide this plot" not in offered
    QTest.keyClick(menu, Qt.Key.Key_I)
    shown.tick()
    low, high = shown.pane.loss.view.ranges()[1]
    assert high < 2.0
    assert low > 0.5
    # The curve is whole, and where it leaves the axis there is a mark.
    assert shown.drawn()[1].max() == 500.0
    assert shown.pane.loss.axis_marks.above.tolist() == [77]
    assert shown.pane.choices()["calm"] == ["loss"]
    shown.pane.set_calm(shown.pane.loss, False)
    assert shown.pane.loss.view.ranges()[1][1] > 500
    assert len(shown.pane.loss.axis_marks.above) == 0


def test_plots_of_metrics_are_moved_hidden_and_logarithmic(folder: RunFolder, qtbot: QtBot) -> None:
    folder.register().train(100)
    for name in ("m0", "m1"):
        folder.declare(name, "metric", None, None)
        for step in (5, 10):
            folder.add(name, 10.0 * step, step=step)
    shown = Plotted(folder, qtbot)
    charts = shown.pane.metrics.charts
    first = charts["logged:m0"]
    QTest.mouseClick(shown.pane.canvas, RIGHT, pos=at(shown, 50, first))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert "Move up" not in entries(menu)
    QTest.keyClick(menu, Qt.Key.Key_D)
    assert list(shown.pane.metrics.charts) == ["logged:m1", "logged:m0"]
    shown.pane.set_log(first, True)
    assert first.curve.line.points()[1].tolist() == pytest.approx([math.log10(50), 2.0])
    again = Plotted(folder, qtbot)
    again.pane.set_choices(shown.pane.choices())
    again.tick()
    assert list(again.pane.metrics.charts) == ["logged:m1", "logged:m0"]
    assert again.pane.metrics.charts["logged:m0"].log
    menu = shown.pane.menus.of(first)
    # Which plot it is of stands at its head.
    assert menu.actions()[0].text() == first.title
    assert not menu.actions()[0].isEnabled()
    hide = next(a for a in menu.actions() if "Hide" in a.text())
    hide.trigger()
    assert list(shown.pane.metrics.charts) == ["logged:m1"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (59.7, "59.7 s"),
        (90, "1:30"),
        (7500, "2:05:00"),
        (90061, "1 d 1:01:01"),
    ],
)
def test_times_since_the_start(seconds: float, text: str) -> None:
    assert duration_label(seconds) == text


def test_ticks_of_time_stand_at_round_times() -> None:
    relative = StepScale(RELATIVE)
    assert relative.ticks(0, 100_000, 5) == [0, 30_000, 60_000, 90_000]
    noon = time.mktime((2026, 3, 4, 12, 0, 20, 0, 0, -1))
    wall = StepScale(WALL, noon)
    ticks = wall.ticks(0, 3_600_000, 6)
    assert wall.labels(ticks)[0] == "12:10"
    assert all(label.endswith("0") for label in wall.labels(ticks))
    late = StepScale(WALL, time.mktime((2026, 3, 4, 23, 50, 0, 0, 0, -1)))
    labels = late.labels(late.ticks(0, 1_800_000, 3))
    assert labels[0] == "23:50" or labels[0] == "00:00"
    assert any("Mar" in label for label in labels)
    assert StepScale(EPOCH).ticks(0, 25_000, 3) == [0, 10_000, 20_000]


def test_pins_and_a_proposed_rate_stay_on_the_axis_they_are_for(
    folder: RunFolder, qtbot: QtBot
) -> None:
    shown = Plotted(folder.register().train(300), qtbot)
    point(shown, 100.0)
    shown.pane.readout.pin()
    before = shown.pane.loss.view.ranges()[0][1]
    shown.pane.think_of(Wish("hold", 5e-4))
    assert shown.pane.loss.view.ranges()[0][1] > before  # with room for what is to come
    choose_axis(shown, RELATIVE)
    assert shown.pane.readout.pins == []
    fitted = shown.pane.loss.view.ranges()[0]
    shown.pane.think_of(Wish("hold", 5e-4))
    shown.tick()
    assert shown.pane.ahead.wish is None
    assert shown.pane.loss.view.ranges()[0] == fitted
