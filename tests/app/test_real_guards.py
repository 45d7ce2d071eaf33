"""Guards of a real training, as a person sets them in the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.guards import GuardsDialog
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.test_real_run import (
    SCRIPT,
    Launch,
    launch,  # noqa: F401
    view_of,
    wait,
    wait_for_steps,
)


def opened(window: MainWindow) -> GuardsDialog:
    """The dialog, asked for by the menu."""
    window.actions_table.guards.trigger()
    (found,) = [d for d in window.findChildren(GuardsDialog) if d.isVisible()]
    return found


def test_set_two_see_one_act_and_take_it_away(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    odd = SCRIPT.replace("(inputs), targets)", "(inputs), targets * (3 + step % 40 // 39 * 9))")
    assert odd != SCRIPT
    window = open_window(launch(odd))
    view = view_of(window)
    model = view.session.model
    wait_for_steps(qtbot, window)
    assert view.header.guards.isHidden()
    dialog = opened(window)
    spike, other = dialog.rows["spike"], dialog.rows["non-finite"]
    assert not spike.then.isEnabled()
    QTest.keyClick(spike.box, Qt.Key.Key_Space)
    QTest.keyClick(other.box, Qt.Key.Key_Space)
    assert spike.then.isEnabled()
    other.then.setCurrentIndex(other.then.findText("Pause before it"))
    spike.at_most.setValue(2)
    QTest.mouseClick(dialog.set, Qt.MouseButton.LeftButton)
    assert "next step" in dialog.problem.accessibleName()
    wait(qtbot, lambda: model.guards.counts["spike"] == 2)
    wait(qtbot, lambda: set(model.guards.on) == {"non-finite"})
    assert not [d for d in window.findChildren(GuardsDialog) if d.isVisible()]
    wait(qtbot, lambda: view.header.guards.text() == "1 guard on, acted 2 times")
    marks = [m for m in model.markers if m.kind == "guard"]
    assert len(marks) == 2
    assert "step left out (2 of 2)" in marks[1].text

    QTest.mouseClick(view.header.guards, Qt.MouseButton.LeftButton)
    (dialog,) = [d for d in window.findChildren(GuardsDialog) if d.isVisible()]
    assert dialog.rows["non-finite"].then.currentText() == "Pause before it"
    assert dialog.rows["spike"].acted.text() == "acted 2 times"
    QTest.keyClick(dialog.rows["non-finite"].box, Qt.Key.Key_Space)
    QTest.mouseClick(dialog.set, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: not model.guards.on)
    wait(qtbot, view.header.guards.isHidden)
