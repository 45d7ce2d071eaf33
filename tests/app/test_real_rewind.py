"""Snapshots and rewind of a real training, as a person asks for them in the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.rewind import RewindDialog
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.test_real_run import (
    Launch,
    launch,  # noqa: F401
    view_of,
    wait,
    wait_for_steps,
)


def opened(window: MainWindow) -> RewindDialog:
    """The dialog, asked for by the menu."""
    window.actions_table.rewind.trigger()
    (found,) = [d for d in window.findChildren(RewindDialog) if d.isVisible()]
    return found


def test_take_one_go_on_and_go_back(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    window = open_window(launch())
    model = view_of(window).session.model
    wait_for_steps(qtbot, window)
    dialog = opened(window)
    assert not dialog.back.isEnabled()
    assert dialog.none.isVisible()
    assert "about" in dialog.cost.text()
    QTest.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: bool(model.snapshots.kept))
    wait(qtbot, dialog.back.isEnabled)
    (kept,) = model.snapshots.kept
    assert dialog.chosen == kept
    assert "held the training for" in dialog.cost.text()

    dialog.every.setChecked(True)
    dialog.steps.setValue(50)
    dialog.before.setChecked(True)
    QTest.mouseClick(dialog.set, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: model.snapshots.every == 50 and model.snapshots.before)
    wait(qtbot, lambda: len(model.snapshots.kept) >= 3)
    wait(qtbot, lambda: dialog.table.rowCount() >= 3)
    assert dialog.chosen == kept, "what was chosen stays chosen as others come"
    dialog.rng.setChecked(True)
    QTest.keyClick(dialog.table, Qt.Key.Key_Return)
    wait(qtbot, lambda: bool(model.snapshots.rewound))
    wait(qtbot, lambda: model.overrides.get((0, 0)) is not None)
    (at,) = model.snapshots.rewound
    assert abs((model.overrides[0, 0].value or 0) - 1 / 3) < 1e-12
    (mark,) = [m for m in model.markers if m.kind == "rewound"]
    assert (mark.step, f"state of step {kept.step}" in mark.text) == (at, True)
    assert all(one.left == (one.step > kept.step) for one in model.snapshots.kept if one.step <= at)

    plots = view_of(window).plots
    assert plots is not None
    wait_for_steps(qtbot, window)
    qtbot.waitUntil(lambda: len(plots.loss.curves[0]._picture.pieces) == 2)
    (begin, end), (anew, _) = plots.loss.curves[0]._picture.pieces.meeting(0, 10**9)
    steps = plots.loss.curves[0]._picture.step
    assert (begin, end) == (0, anew)
    assert (steps[end - 1], steps[anew]) == (at, at + 1)
    QApplication.processEvents()
