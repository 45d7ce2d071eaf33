"""Holding a momentum of a real training, undoing it, and looking at how far its steps go."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.options import OptionsPanel
from lrmonitor.app.panels.optiontable import NAME
from lrmonitor.app.panels.sizes import LATEST, SizesPanel
from tests.app.conftest import OpenWindow
from tests.app.test_real_run import Launch, launch, view_of, wait, wait_for_steps  # noqa: F401

CTRL = Qt.KeyboardModifier.ControlModifier


def test_an_option_is_held_and_undone_and_step_sizes_are_seen(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    window = open_window(launch())
    model = view_of(window).session.model
    wait_for_steps(qtbot, window)
    window.docks.show("options")
    panel = window.docks.widget("options")
    assert isinstance(panel, OptionsPanel)
    wait(qtbot, lambda: panel.table.rowCount() > 0)
    rows = [str(panel.table.index(i, NAME).data()) for i in range(panel.table.rowCount())]
    panel.view.pick(rows.index("weight_decay"))
    QTest.keyClicks(panel.view, "0")
    field = panel.view.indexWidget(panel.view.currentIndex())
    assert field is not None
    QTest.keyClicks(field, ".25")
    QTest.keyClick(field, Qt.Key.Key_Return)
    wait(qtbot, lambda: panel.banner.text.startswith("weight decay hold 0.25: Applied at step"))
    row = panel.view.current_row()
    assert row is not None
    assert (row.scheduled, row.effective, row.held) == (0.0, 0.25, 0.25)
    undo = view_of(window).session.undo
    wait(qtbot, lambda: undo.problem("undo") is None)
    wait_for_steps(qtbot, window)
    QTest.keyClick(panel.view, Qt.Key.Key_Z, CTRL)
    wait(qtbot, lambda: panel.banner.text.startswith("weight decay released: Applied at step"))
    assert [m.text.partition(":")[0] for m in model.markers if m.kind == "rate"] == [
        "weight decay hold 0.25",
        "weight decay released",
    ]

    window.docks.show("sizes")
    sizes = window.docks.widget("sizes")
    assert isinstance(sizes, SizesPanel)
    wait(qtbot, lambda: sizes.table.rowCount() > 0 and sizes.strip.isVisible())
    area = sizes.strip._area()
    told = sizes.strip.told_at(QPointF(area.center()))
    assert "|Δw| / |w| = " in told
    QTest.keyClick(sizes.form, Qt.Key.Key_Down)
    assert sizes.view.isVisible()
    assert sizes.table.index(0, LATEST).data() != "–"
