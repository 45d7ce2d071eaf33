"""The table of groups: what it shows, and changing a rate in it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.groups import GroupsPanel
from lrmonitor.app.panels.grouptable import ABOUT, EFFECTIVE, OPTIMIZER, OVERRIDE, SCHEDULED
from lrmonitor.app.panels.ratefield import RateField
from lrmonitor.app.session import Session
from lrmonitor.app.theme import LIGHT, ThemeManager
from tests.app.conftest import OpenWindow
from tests.app.desktop import come_up
from tests.app.folders import RunFolder
from tests.conftest import Isolated

# A number is entered and shown alike, whatever the locale.
pytestmark = pytest.mark.usefixtures("any_locale")

OPTIMIZERS = (("AdamW", 3), ("SGD", 1))


class Table:
    """The panel on a folder. Nothing is sent: what would be is kept."""

    def __init__(self, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.session = Session(folder.path)
        self.sent: list[Any] = []
        monkeypatch.setattr(self.session.commander, "send", self.sent.append)
        self.panel = GroupsPanel(self.session, LIGHT)
        self.panel.resize(900, 260)
        qtbot.addWidget(self.panel)
        come_up(self.panel, qtbot)

    def read(self) -> None:
        """Read on and show it."""
        self.session.poll()
        self.panel.refresh()

    def cell(self, row: int, column: int) -> str:
        """A cell's text."""
        return str(self.panel.table.index(row, column).data())

    def type(self, row: int, text: str) -> RateField:
        """Type a rate on a row, digit by digit, and press Enter; the cell's field."""
        view = self.panel.view
        view.pick(row)
        QTest.keyClicks(view, text[0])
        field = view.indexWidget(view.currentIndex())
        assert isinstance(field, RateField)
        QTest.keyClicks(field, text[1:])
        QTest.keyClick(field, Qt.Key.Key_Return)
        return field

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        """What was sent, plainly."""
        return [(c.mode, c.value, c.optimizer, c.group) for c in self.sent]

    @property
    def editing(self) -> bool:
        """Whether a cell is open."""
        view = self.panel.view
        return view.state() == view.State.EditingState


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains (in this process) with two optimizers at steady rates."""
    made = RunFolder(isolated.runs, created=time.time() - 5).launch().register(OPTIMIZERS)
    return made.train(30, scheduled=lambda step: 6e-3)


@pytest.fixture
def table(
    folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, themes: ThemeManager
) -> Table:
    """The panel on it."""
    return Table(folder, qtbot, monkeypatch)


def test_each_group_has_its_row(table: Table) -> None:
    assert table.panel.table.rowCount() == 4
    assert [table.cell(row, OPTIMIZER) for row in (0, 3)] == ["0 · AdamW (main)", "1 · SGD"]
    assert [table.cell(row, SCHEDULED) for row in range(4)] == ["0.006", "0.003", "0.002", "0.003"]
    assert table.cell(1, OVERRIDE) == "script's schedule"
    assert table.cell(1, ABOUT) == "–"
    told = {"optimizer": 0, "groups": 3, "main": True, "controllable": True, "class": "AdamW"}
    table.folder.event("optimizer", about=[{"parameters": 10, "weight_decay": 0.1}], **told)
    table.folder.command("x", "hold", 1e-3)
    table.read()
    assert table.cell(0, ABOUT) == "10 · weight decay 0.1"
    assert table.cell(0, OVERRIDE) == "hold 0.001 (pending)"
    assert table.cell(3, OVERRIDE) == "script's schedule"
    table.folder.applied("x", "hold", 1e-3, ("hold", 1e-3), 6e-3, 1e-3, 6e-3, groups=3)
    table.folder.train(1, scheduled=lambda step: 6e-3, effective=lambda step: 1e-3)
    table.read()
    assert table.cell(0, EFFECTIVE) == "0.001"
    assert table.cell(0, OVERRIDE) == "hold 0.001"


def test_enter_holds_the_group(table: Table) -> None:
    table.type(1, "2e-3")
    assert table.asked == [("hold", 2e-3, 0, 1)]
    assert not table.editing
    table.type(3, "1e-3")
    assert table.asked[1:] == [("hold", 1e-3, 1, 0)]


def test_for_all_groups_the_ratios_are_kept(table: Table) -> None:
    table.panel.scope.setCurrentIndex(table.panel.scope.findData("all"))
    table.type(2, "1e-3")
    ((mode, value, optimizer, group),) = table.asked
    assert (mode, optimizer, group) == ("hold", 0, None)
    assert value == pytest.approx(3e-3, rel=1e-15)


def test_escape_and_leaving_the_cell_send_nothing(table: Table) -> None:
    view = table.panel.view
    for leave in ("escape", "elsewhere"):
        field = view.begin_edit(1)
        assert field is not None
        assert field.selectedText() == "0.003"
        QTest.keyClicks(field, "2e-3")
        if leave == "escape":
            QTest.keyClick(field, Qt.Key.Key_Escape)
        else:
            table.panel.scope.setFocus()
        assert not table.editing
    assert table.sent == []
    assert table.cell(1, EFFECTIVE) == "0.003"


def test_what_is_typed_stays_while_the_record_goes_on(table: Table) -> None:
    field = table.panel.view.begin_edit(1)
    assert field is not None
    QTest.keyClicks(field, "2e-")
    table.folder.train(5, scheduled=lambda step: 5e-3)
    table.read()
    assert table.cell(1, EFFECTIVE) == "0.0025"
    assert field.text() == "2e-"


@pytest.mark.parametrize("text", ["3,0e-4", "0", "1e-"])
def test_what_is_no_rate_is_said_and_the_cell_stays(text: str, table: Table) -> None:
    field = table.type(1, text)
    assert table.sent == []
    assert table.editing
    assert field.text() == text
    assert table.panel.banner.tone == "bad"
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert table.panel.banner.isHidden()


def test_a_large_change_is_sent_on_the_second_enter(table: Table) -> None:
    field = table.type(1, "0.5")
    assert table.sent == []
    assert "Press Enter again" in table.panel.banner.text
    QTest.keyClicks(field, "5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert table.sent == [], "it is another number now"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert table.asked == [("hold", 0.55, 0, 1)]
    assert table.panel.banner.isHidden()


def test_release_and_freeze(table: Table) -> None:
    panel, view = table.panel, table.panel.view
    view.pick(1)
    assert not panel.release.isEnabled()
    panel.freeze.click()
    assert table.asked == [("freeze", None, 0, 1)]
    table.folder.command("x", "hold", 1e-3)
    table.folder.applied("x", "hold", 1e-3, ("hold", 1e-3), 6e-3, 1e-3, 6e-3, groups=3)
    table.read()
    QTest.keyClick(view, Qt.Key.Key_Delete)
    panel.scope.setCurrentIndex(panel.scope.findData("all"))
    panel.release.click()
    assert table.asked[1:] == [("follow", None, 0, 1), ("follow", None, 0, None)]


def test_a_run_that_is_over_is_only_shown(table: Table) -> None:
    table.folder.exited(0)
    table.read()
    assert table.panel.view.begin_edit(1) is None
    assert not table.panel.freeze.isEnabled()
    assert "over" in table.panel.hint.whole


def test_one_group_needs_no_table(
    isolated: Isolated, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, themes: ThemeManager
) -> None:
    one = RunFolder(isolated.runs, created=time.time() - 5).launch()
    table = Table(one, qtbot, monkeypatch)
    assert "first step" in table.panel.empty.text()
    one.register().train(3)
    table.read()
    assert "one parameter group" in table.panel.empty.text()
    assert table.panel.view.isHidden()


def test_the_exact_rate_is_copied(table: Table) -> None:
    table.panel.view.pick(2)
    table.panel.view.copy_rate()
    assert QGuiApplication.clipboard().text() == repr(6e-3 / 3)


def test_the_window_shows_it_in_a_dock(folder: RunFolder, open_window: OpenWindow) -> None:
    window = open_window(folder.path)
    assert window.view is not None
    assert window.view.groups is None, "it is made when it is first seen"
    window.view.control.target.table.click()
    panel = window.docks.widget("groups")
    assert isinstance(panel, GroupsPanel)
    assert panel.isVisible()
    assert panel.view.hasFocus()
    folder.command("x", "freeze")
    folder.applied("x", "freeze", None, ("hold", 0.0), 6e-3, 0.0, 6e-3, groups=3)
    window.view.session.poll()
    assert panel.table.index(0, OVERRIDE).data() == "frozen"


def test_what_is_typed_is_shown_on_the_plot_and_takes_the_reason_along(
    folder: RunFolder, open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    sent: list[Any] = []
    monkeypatch.setattr(view.session.commander, "send", sent.append)
    window.docks.show("groups")
    panel = window.docks.widget("groups")
    assert isinstance(panel, GroupsPanel)
    assert view.plots is not None
    curves = view.plots.rate.preview
    QTest.keyClicks(view.control.entry.note, "the head lags")
    field = panel.view.begin_edit(2)
    assert field is not None
    QTest.keyClicks(field, "1e-3")
    qtbot.waitUntil(lambda: set(curves.curves) == {(0, 2)})
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert set(curves.curves) == set()
    panel.scope.setCurrentIndex(panel.scope.findData("all"))
    field = panel.view.begin_edit(2)
    assert field is not None
    QTest.keyClicks(field, "1e-3")
    qtbot.waitUntil(lambda: set(curves.curves) == {(0, 0), (0, 1), (0, 2)})
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert set(curves.curves) == set()
    assert [one.note for one in sent] == ["the head lags"]
    assert view.control.entry.note.text() == ""
