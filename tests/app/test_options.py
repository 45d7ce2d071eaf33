"""The panel of options: what it shows, and changing a number in it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.options import OptionsPanel
from lrmonitor.app.panels.optiontable import NAME, OVERRIDE, SCRIPT, USED
from lrmonitor.app.session import Session
from lrmonitor.app.theme import LIGHT, ThemeManager
from tests.app.desktop import come_up
from tests.app.folders import RunFolder
from tests.conftest import Isolated

# A number is entered and shown alike, whatever the locale.
pytestmark = pytest.mark.usefixtures("any_locale")

ADAM = {"beta1": 0.9, "weight_decay": 0.01}


class Table:
    """The panel on a folder. Nothing is sent: what would be is kept."""

    def __init__(self, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.session = Session(folder.path)
        self.sent: list[Any] = []
        monkeypatch.setattr(self.session.commander, "send", self.sent.append)
        self.panel = OptionsPanel(self.session, LIGHT, take_note=lambda: "why")
        self.panel.resize(900, 260)
        qtbot.addWidget(self.panel)
        come_up(self.panel, qtbot)

    def read(self) -> None:
        """Read on and show it."""
        self.session.poll()
        self.panel.refresh()

    def cells(self, column: int) -> list[str]:
        """A column's texts."""
        table = self.panel.table
        return [str(table.index(row, column).data()) for row in range(table.rowCount())]

    def type(self, row: int, text: str) -> QLineEdit:
        """Type a number on a row, digit by digit, and press Enter; the cell's field."""
        view = self.panel.view
        view.pick(row)
        QTest.keyClicks(view, text[0])
        field = view.indexWidget(view.currentIndex())
        assert isinstance(field, QLineEdit)
        QTest.keyClicks(field, text[1:])
        QTest.keyClick(field, Qt.Key.Key_Return)
        return field

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        """What was sent, plainly."""
        return [(c.name, c.value, c.optimizer, c.group, c.note) for c in self.sent]


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains (in this process) with two optimizers, the first with two groups."""
    made = RunFolder(isolated.runs, created=time.time() - 5).launch()
    made.register((("AdamW", 2), ("SGD", 1))).train(30)
    return made.options({0: (ADAM, ADAM), 1: ({"momentum": 0.9, "weight_decay": 0.0},)})


@pytest.fixture
def table(
    folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, themes: ThemeManager
) -> Table:
    """The panel on it."""
    return Table(folder, qtbot, monkeypatch)


def test_each_option_of_each_group_has_its_row(table: Table) -> None:
    assert table.cells(NAME) == ["beta1", "weight_decay"] * 2 + ["momentum", "weight_decay"]
    assert table.cells(SCRIPT) == table.cells(USED) == ["0.9", "0.01", "0.9", "0.01", "0.9", "0"]
    assert set(table.cells(OVERRIDE)) == {"script's own"}
    table.folder.option_asked("a", "weight_decay", 0.1)
    table.read()
    pending = ["script's own", "hold 0.1 (pending)"]
    assert table.cells(OVERRIDE) == pending * 2 + ["script's own"] * 2
    table.folder.option_applied("a", "weight_decay", 0.1, (0.01, 0.01))
    table.read()
    assert table.cells(OVERRIDE)[1] == "hold 0.1"
    assert (table.cells(SCRIPT)[1], table.cells(USED)[1]) == ("0.01", "0.1")
    assert table.panel.banner.text == ("weight decay hold 0.1: Applied at step 31: 0.01 → 0.1")


def test_enter_holds_delete_releases(table: Table) -> None:
    table.type(3, "0.2")
    assert table.asked == [("weight_decay", 0.2, 0, 1, "why")]
    scope = table.panel.scope
    scope.setFocus()
    QTest.keyClick(scope, Qt.Key.Key_Down)
    table.type(0, ".5")
    QTest.keyClick(scope, Qt.Key.Key_Down)
    table.type(1, "0")
    assert table.asked[1:] == [
        ("beta1", 0.5, 0, None, "why"),
        ("weight_decay", 0.0, "all", None, "why"),
    ]
    # Nothing is released that is not held.
    view = table.panel.view
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert len(table.sent) == 3
    table.folder.option_asked("a", "weight_decay", 0.1)
    table.folder.option_applied("a", "weight_decay", 0.1, (0.01, 0.01))
    table.read()
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert table.asked[3:] == [("weight_decay", None, "all", None, "why")]


def test_what_cannot_be_meant_is_said_and_not_sent(table: Table, qtbot: QtBot) -> None:
    field = table.type(0, "1.5")
    assert table.panel.banner.text == "1.5 cannot be beta1: it is a number from 0 on and below 1"
    assert field.isVisible()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert table.panel.banner.text == ""
    assert table.sent == []
    table.folder.exited()
    table.read()
    assert table.panel.view.begin_edit(0) is None
    assert not table.panel.release.isEnabled()
    assert "over" in table.panel.release.toolTip()


def test_an_undo_restores_what_was_held(table: Table) -> None:
    table.type(1, "0.1")
    first = table.sent[-1]
    table.folder.option_asked(first.id, "weight_decay", 0.1, group=None)
    table.folder.option_applied(first.id, "weight_decay", 0.1, (0.01, 0.01))
    table.read()
    undo = table.session.undo
    assert undo.text("undo") == "weight decay hold 0.1"
    undo.undo()
    assert table.asked[1:] == [
        (
            "weight_decay",
            None,
            0,
            None,
            "Undo of step 31's change. The weights are not undone.",
        )
    ]
    back = table.sent[-1]
    table.folder.option_asked(back.id, "weight_decay", None)
    table.folder.option_applied(back.id, "weight_decay", None, (0.01, 0.01))
    table.read()
    undo.redo()
    assert table.asked[2][:4] == ("weight_decay", 0.1, 0, None)
