"""Range test and trial of a real training, as a person asks for them in the window."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.find_rate import FindRateDialog
from lrmonitor.app.dialogs.try_rates import TryRatesDialog
from lrmonitor.model.state import Phase
from tests.app.conftest import OpenWindow
from tests.app.test_real_run import (
    Launch,
    launch,  # noqa: F401
    view_of,
    wait,
    wait_for_steps,
)


def test_find_a_rate_apply_it_and_compare_it_with_others(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    window = open_window(launch())
    model = view_of(window).session.model
    wait_for_steps(qtbot, window)
    window.actions_table.find_rate.trigger()
    (find,) = window.findChildren(FindRateDialog)
    find.steps.setValue(90)
    find.sweeps.setValue(2)
    QTest.mouseClick(find.start, Qt.MouseButton.LeftButton)
    wait(qtbot, find.stop.isEnabled)
    wait(qtbot, lambda: find.bar.value() > 0)
    assert not find.start.isEnabled()
    wait(qtbot, lambda: bool(find.test and find.test.why))
    test = find.test
    assert test is not None
    assert test.restored, test.warnings
    wait(qtbot, lambda: find.said.tone in ("good", "warn"))
    assert find.said.tone == "good", find.said.text
    assert find.reading is not None
    rate = find.chosen
    # It breaks at 2 over the largest curvature, which is about 1.
    assert rate == find.reading.rate
    assert rate is not None
    assert 0.002 < rate < 1
    wait(qtbot, find.apply.isEnabled)
    QTest.mouseClick(find.apply, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: model.overrides.get((0, 0)) is not None)
    assert model.overrides[0, 0].value == float(f"{rate:.2g}")
    wait(qtbot, lambda: find.said.text.startswith("Applied at step"))
    # More steps than the training has left are refused, with the reason.
    find.steps.setValue(100_000)
    QTest.mouseClick(find.start, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: find.said.text.startswith("Refused: the test takes 200000 steps"))
    # Again, and stopped amid it: the run goes on where it was.
    find.steps.setValue(500)
    wait(qtbot, find.start.isEnabled)
    QTest.mouseClick(find.start, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: model.rate_tests.going is not None)
    wait(qtbot, lambda: find.bar.value() > 20)
    QTest.mouseClick(find.stop, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: model.rate_tests.going is None)
    stopped = model.rate_tests.all[-1]
    assert (stopped.why, stopped.restored) == ("cancelled", True)
    wait(qtbot, find.start.isEnabled)
    find.reject()

    window.actions_table.try_rates.trigger()
    (compare,) = window.findChildren(TryRatesDialog)
    compare.factors.setText("÷10 ×1")
    compare.steps.setValue(40)
    QTest.mouseClick(compare.start, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: bool(compare.test and compare.test.why == "done"))
    wait(qtbot, lambda: bool(compare.said.text))
    assert compare.comparison is not None
    assert [one.steps for one in compare.comparison.tried] == [40, 40]
    # Which of them depends on how far the training has come.
    assert compare.comparison.recommended in (pytest.approx(0.1), pytest.approx(1.0))
    assert (compare.said.tone == "good") == compare.comparison.clear
    compare.reject()
    wait_for_steps(qtbot, window)


def test_in_a_pause_a_test_begins_from_what_is_held_and_ends_in_the_pause(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    window = open_window(launch())
    model = view_of(window).session.model
    wait_for_steps(qtbot, window)
    window.actions_table.pause.trigger()
    wait(qtbot, lambda: model.state.phase is Phase.PAUSED)
    held = model.state.step
    window.actions_table.find_rate.trigger()
    (find,) = window.findChildren(FindRateDialog)
    assert "ends in the pause" in find.where.text()
    find.steps.setValue(90)
    find.sweeps.setValue(1)
    find.then_try.setChecked(True)
    QTest.mouseClick(find.start, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: find.choice is not None)
    wait(qtbot, lambda: model.state.phase is Phase.PAUSED)
    swept, tried = model.rate_tests.all
    assert swept.step == held
    assert tried.step == swept.step + swept.done(None), "no step of the training in between"
    assert swept.restored
    assert tried.restored
    wait(qtbot, find.apply.isVisible)
    find.table.selectRow(2)  # of the rules that say a rate whatever the noise
    rate = find.chosen
    assert rate is not None
    QTest.mouseClick(find.apply, Qt.MouseButton.LeftButton)
    assert find.said.text == "With the first step after the pause."

    # Stopped amid it, it ends in the pause too.
    find.steps.setValue(500)
    find.then_try.setChecked(False)
    QTest.mouseClick(find.start, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: find.bar.value() > 20)
    QTest.mouseClick(find.stop, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: model.rate_tests.all[-1].why == "cancelled")
    wait(qtbot, lambda: model.state.phase is Phase.PAUSED)
    find.reject()
    window.actions_table.pause.trigger()
    wait(qtbot, lambda: (0, 0) in model.overrides)
    override = model.overrides[0, 0]
    assert (override.kind, override.value) == ("hold", float(f"{rate:.2g}"))
    wait_for_steps(qtbot, window)
