"""Changing the rate of a real training and going back, with the record as the witness."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.groups import GroupsPanel
from tests.app.conftest import OpenWindow
from tests.app.test_real_run import (
    SCRIPT,
    Launch,
    launch,  # noqa: F401
    type_rate,
    view_of,
    wait,
    wait_for_outcome,
    wait_for_steps,
)

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_change_undo_redo(open_window: OpenWindow, launch: Launch, qtbot: QtBot) -> None:  # noqa: F811
    window = open_window(launch())
    view = view_of(window)
    model, field = view.session.model, view.control.entry.field
    table = window.actions_table
    wait_for_steps(qtbot, window)
    QTest.keyClicks(view.control.entry.note, "it looks steady")
    type_rate(window, "3e-3")
    wait_for_outcome(qtbot, window, "Applied at step", "→ 0.003", "it looks steady")
    wait(qtbot, table.undo.isEnabled)
    wait_for_steps(qtbot, window)
    QTest.keyClick(field, Qt.Key.Key_Z, CTRL)
    wait_for_outcome(qtbot, window, "Applied at step", "The weights are not undone.")
    wait(qtbot, table.redo.isEnabled)
    assert model.overrides[0, 0].kind == "none"
    wait_for_steps(qtbot, window)
    QTest.keyClick(field, Qt.Key.Key_Z, CTRL | SHIFT)
    wait_for_outcome(qtbot, window, "Applied at step", "→ 0.003", "Redo of step")
    wait_for_steps(qtbot, window)

    first, undone, redone = [m for m in model.markers if m.kind == "rate"]
    assert first.text.endswith("it looks steady")
    at = f"{first.step:,}".replace(",", "\u202f")
    assert undone.text.endswith(f"Undo of step {at}'s change. The weights are not undone.")
    assert redone.text.endswith(f"Redo of step {at}'s change.")
    used, wanted = model.lr(0, 0), model.scheduled(0, 0)
    assert used is not None and wanted is not None  # noqa: PT018
    scheduled = dict(zip(wanted.step.tolist(), wanted.value.tolist(), strict=True))
    effective = dict(zip(used.step.tolist(), used.value.tolist(), strict=True))
    assert effective[first.step] == 3e-3
    # From the undo on it is the schedule again, to the last bit, at every step.
    between = range(undone.step, redone.step)
    assert len(between) > 10
    assert {step: effective[step] for step in between} == {
        step: scheduled[step] for step in between
    }
    assert (used.step[-1], used.value[-1]) == (redone.step, 3e-3)
    commands = [e for e in model.journal if e.event == "command"]
    assert [e.data["args"]["mode"] for e in commands] == ["hold", "follow", "hold"]
    assert [e.data["by"]["via"] for e in commands] == ["window"] * 3


def test_an_undo_asks_where_another_window_changed_the_rate(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    folder = launch()
    one, two = open_window(folder), open_window(folder)
    wait_for_steps(qtbot, one)
    wait_for_steps(qtbot, two)
    type_rate(one, "2e-3")
    wait_for_outcome(qtbot, two, "Applied at step", "→ 0.002")
    type_rate(two, "5e-3")
    wait_for_outcome(qtbot, one, "Applied at step", "0.002 → 0.005")
    one.undo()
    assert one.question is not None
    assert "hold 0.005" in one.question.informativeText()
    QTest.mouseClick(one.question.answers["yes"], Qt.MouseButton.LeftButton)
    wait_for_outcome(qtbot, two, "Applied at step", "The weights are not undone.")
    assert view_of(two).session.model.overrides[0, 0].kind == "none"
    two.undo()
    assert two.question is not None, "the other window's undo is a change by somebody else"
    two.question.reject()
    assert pytest.approx(0.01, rel=0.5) == view_of(two).session.rate_now(0, 0).effective


GROUPS = SCRIPT.replace(
    "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)",
    "optimizer = torch.optim.SGD(\n"
    "    [{'params': [model.weight]},\n"
    "     {'params': [model.bias], 'lr': 0.002, 'weight_decay': 0.1}],\n"
    "    lr=0.01,\n"
    ")",
)


def test_one_group_of_two(open_window: OpenWindow, launch: Launch, qtbot: QtBot) -> None:  # noqa: F811
    assert GROUPS != SCRIPT
    window = open_window(launch(GROUPS))
    view = view_of(window)
    model = view.session.model
    wait_for_steps(qtbot, window)
    wait(qtbot, view.control.target.table.isVisible)
    view.control.target.table.click()
    panel = window.docks.widget("groups")
    assert isinstance(panel, GroupsPanel)
    wait(qtbot, lambda: len(panel.table.rows) == 2)
    assert [row.about for row in panel.table.rows] == [
        "8 · no weight decay",
        "1 · weight decay 0.1",
    ]

    # One group alone: the other goes on with its schedule.
    field = panel.view.begin_edit(1)
    assert field is not None
    QTest.keyClicks(field, "1e-3")
    QTest.keyClick(field, Qt.Key.Key_Return)
    wait_for_outcome(qtbot, window, "Applied at step", "→ 0.001")
    wait(qtbot, lambda: [row.override for row in panel.table.rows][1] == "hold 0.001")
    assert set(model.overrides) == {(0, 1)}
    wait_for_steps(qtbot, window)
    one, other = model.lr(0, 1), model.lr(0, 0)
    (mark,) = [m for m in model.markers if m.kind == "rate"]
    assert one is not None and other is not None  # noqa: PT018
    assert (one.step[-1], one.value[-1]) == (mark.step, 1e-3)
    assert other.step[-1] > mark.step + 10

    # All groups, ratios kept: the second group gets what was typed, the first five times that.
    panel.scope.setCurrentIndex(panel.scope.findData("all"))
    field = panel.view.begin_edit(1)
    assert field is not None
    QTest.keyClicks(field, "5e-4")
    QTest.keyClick(field, Qt.Key.Key_Return)
    wait(qtbot, lambda: set(model.overrides) == {(0, 0), (0, 1)})
    assert model.overrides[0, 0].value == pytest.approx(2.5e-3, rel=1e-12)
    assert model.overrides[0, 1].value == pytest.approx(5e-4, rel=1e-12)

    # Undone: one group is held as before, the other follows its schedule again.
    wait(qtbot, window.actions_table.undo.isEnabled)
    window.undo()
    wait(qtbot, lambda: model.overrides[0, 0].kind == "none")
    wait(qtbot, lambda: (model.overrides[0, 1].kind, model.overrides[0, 1].value) == ("hold", 1e-3))
    wait(qtbot, lambda: window.actions_table.redo.text().endswith("hold 0.0025"))
    panel.release.click()
    wait(qtbot, lambda: {one.kind for one in model.overrides.values()} == {"none"})
