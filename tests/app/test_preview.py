"""The preview in the window: it comes with a number, and goes when there is none."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.plots.pane import PlotPane
from lrmonitor.app.plots.ranges import StepWindow
from lrmonitor.app.runview import RunView
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated


@pytest.fixture
def view(isolated: Isolated, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch) -> RunView:
    """A run that trains (in this process) at a steady rate; nothing is sent."""
    folder = RunFolder(isolated.runs, created=time.time() - 9).launch().register()
    window = open_window(folder.train(200, scheduled=lambda step: 1e-3).path)
    assert window.view is not None
    sent: list[Any] = []
    monkeypatch.setattr(window.view.session.commander, "send", sent.append)
    return window.view


def plots_of(view: RunView) -> PlotPane:
    """Its plots."""
    assert view.plots is not None
    return view.plots


def drawn(view: RunView) -> list[float] | None:
    """The values of the course on the plot, None when there is none."""
    found = plots_of(view).rate.preview.preview
    return None if found is None else found.courses[0].value.tolist()


def point(widget: QWidget) -> None:
    """The mouse comes over it."""
    at = QPointF(3, 3)
    QApplication.sendEvent(widget, QEnterEvent(at, at, at))


def test_it_comes_with_a_number_and_goes_with_escape(view: RunView, qtbot: QtBot) -> None:
    field, plots = view.control.entry.field, plots_of(view)
    before = plots.loss.view.ranges()[0]
    QTest.keyClicks(field, "3e-4")
    qtbot.waitUntil(lambda: drawn(view) == [1e-3, 3e-4, 3e-4])
    assert plots.ahead.label.isVisible()
    assert plots.ahead.label.text().startswith("If applied: hold 3e-4")
    low, high = plots.loss.view.ranges()[0]
    assert high - 0.1 * (high - low) >= 200, "there is room to see it"
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert drawn(view) is None
    assert not plots.ahead.label.isVisible()
    assert plots.loss.view.ranges()[0] == before


def test_its_words_stay_below_the_plot(
    view: RunView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    plots = plots_of(view)
    QTest.keyClicks(view.control.entry.field, "3e-4")
    qtbot.waitUntil(lambda: plots.ahead.label.isVisible())
    before = plots.ahead.label.y()
    # Lower, as when the status bar appears; the next look at the folder is not due yet.
    monkeypatch.setattr(view.pace, "due", lambda: False)
    plots.setFixedHeight(plots.height() - 40)
    qtbot.waitUntil(lambda: plots.ahead.label.y() == before - 40)
    assert plots.ahead.label.geometry().bottom() <= plots.canvas.height()


def test_a_number_is_not_shown_while_it_is_typed(view: RunView, qtbot: QtBot) -> None:
    thought: list[Any] = []
    view.control.thought_of.connect(thought.append)
    QTest.keyClicks(view.control.entry.field, "3e-4")
    qtbot.waitUntil(lambda: drawn(view) is not None)
    assert [wish.value for wish in thought] == [3e-4]


def test_it_goes_when_it_is_sent(view: RunView, qtbot: QtBot) -> None:
    field = view.control.entry.field
    QTest.keyClicks(field, "5e-4")
    qtbot.waitUntil(lambda: drawn(view) is not None)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert drawn(view) is None


def test_a_button_shows_what_it_would_do(view: RunView) -> None:
    entry, control = view.control.entry, view.control
    button = entry.factors.buttons[2.0]
    point(button)
    found = drawn(view)
    assert found is not None
    assert (found[0], found[1], found[-1]) == (1e-3, 2e-3, 2e-3)
    assert "Schedule, drawn on as in the last 190 steps" in plots_of(view).ahead.label.text()
    button.click()
    assert drawn(view) is None
    point(control.freeze)
    assert drawn(view) == [1e-3, 0.0, 0.0]
    assert "below this axis" in plots_of(view).ahead.label.text()
    point(control.release)
    assert not control.release.isEnabled()
    assert drawn(view) is None


def test_what_is_typed_is_shown_again_after_a_button(view: RunView, qtbot: QtBot) -> None:
    QTest.keyClicks(view.control.entry.field, "5e-4")
    qtbot.waitUntil(lambda: drawn(view) == [1e-3, 5e-4, 5e-4])
    view.control.entry.factors.buttons[10.0].pointed.emit(True)
    assert drawn(view) != [1e-3, 5e-4, 5e-4]
    view.control.entry.factors.buttons[10.0].pointed.emit(False)
    assert drawn(view) == [1e-3, 5e-4, 5e-4]


def test_a_slip_does_not_flatten_the_curves(view: RunView, qtbot: QtBot) -> None:
    plots = plots_of(view)
    plots.tools.rate_log.setChecked(False)
    for text, side in (("500", "above"), ("3e-4", "")):
        view.control.entry.reset()
        QTest.keyClicks(view.control.entry.field, text)
        qtbot.waitUntil(lambda: drawn(view) is not None)
        words = plots.ahead.label.text()
        assert ("above this axis" in words) == (side == "above")
        assert plots.rate.view.ranges()[1][1] < 0.01


def test_groups_are_shown_in_their_colours(
    isolated: Isolated, open_window: OpenWindow, qtbot: QtBot
) -> None:
    folder = RunFolder(isolated.runs, created=time.time() - 9).launch().register((("SGD", 2),))
    window = open_window(folder.train(100, scheduled=lambda step: 1e-3).path)
    assert window.view is not None
    view, target = window.view, window.view.control.target
    QTest.keyClicks(view.control.entry.field, "4e-4")
    curves = plots_of(view).rate.preview
    qtbot.waitUntil(lambda: curves.preview is not None)
    assert set(curves.curves) == {(0, 0), (0, 1)}
    theme_colours = {one[0].pen.color().name() for one in curves.curves.values()}
    rates = plots_of(view).rate.effective.values()
    assert theme_colours == {rate.item.pen.color().name() for rate in rates}
    target.group.setCurrentIndex(target.group.findData(1))
    assert set(curves.curves) == {(0, 1)}


def test_room_ahead() -> None:
    whole = StepWindow(0.0, 1000.0)
    assert whole.ahead(1000.0, 0.2).high == 1250.0
    part = StepWindow(500.0, 1000.0, whole=False).ahead(1000.0, 0.2)
    assert (part.low, part.high) == (600.0, 1100.0)
