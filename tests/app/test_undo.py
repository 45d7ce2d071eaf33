"""Undo and redo in a window, on a folder where the test answers as the training would."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.runview import RunView
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


class Desk:
    """A window on a folder; what it sends is kept, and answered when the test says so."""

    def __init__(
        self, folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder = folder
        self.window: MainWindow = open_window(folder.path)
        assert self.window.view is not None
        self.view: RunView = self.window.view
        self.sent: list[Any] = []
        monkeypatch.setattr(self.view.session.commander, "send", self.sent.append)

    def enter(self, text: str, mode: str = "hold") -> Any:
        """Type a rate and press Enter; the command."""
        entry = self.view.control.entry
        entry.set_mode(mode)
        entry.field.setFocus()
        entry.field.selectAll()
        QTest.keyClicks(entry.field, text)
        QTest.keyClick(entry.field, Qt.Key.Key_Return)
        return self.sent[-1]

    def apply(self, command: Any, override: tuple[str, float | None], effective: float) -> None:
        """The training takes it and answers."""
        self.write(command, override, effective)
        self.read()

    def write(self, command: Any, override: tuple[str, float | None], effective: float) -> None:
        """The training's record of a command that is applied."""
        args, by = command.args(), {"who": "person", "via": command.by.via, "name": "ann"}
        self.folder.event("command", id=command.id, command="lr", args=args, by=by)
        self.folder.applied(command.id, command.mode, command.value, override, 1e-3, effective)

    def read(self) -> None:
        """Read on and show it."""
        self.view.session.poll()
        self.view.control.refresh()

    def key(self, held: Qt.KeyboardModifier) -> None:
        """Z with these keys, where the person is: in the field."""
        QTest.keyClick(self.view.control.entry.field, Qt.Key.Key_Z, held)

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        """What was sent, plainly."""
        return [(c.mode, c.value, c.optimizer, c.group) for c in self.sent]

    @property
    def texts(self) -> tuple[str, str]:
        """The menu's entries."""
        table = self.window.actions_table
        return table.undo.text().replace("&", ""), table.redo.text().replace("&", "")


@pytest.fixture
def desk(isolated: Isolated, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """On a run that trains (in this process) at a steady rate."""
    folder = RunFolder(isolated.runs, created=time.time() - 5).launch().register()
    return Desk(folder.train(100, scheduled=lambda step: 1e-3), open_window, monkeypatch)


def test_there_is_nothing_to_undo_at_first(desk: Desk) -> None:
    assert desk.texts == ("Undo", "Redo")
    assert not desk.window.actions_table.undo.isEnabled()
    desk.folder.command("x", "hold", 5e-4, via="cli")
    desk.folder.applied("x", "hold", 5e-4, ("hold", 5e-4), 1e-3, 5e-4)
    desk.read()
    assert not desk.window.actions_table.undo.isEnabled()
    assert desk.view.control.outcome.undo.isHidden()


def test_change_undo_redo(desk: Desk) -> None:
    change = desk.enter("5e-4")
    assert not desk.window.actions_table.undo.isEnabled()
    desk.apply(change, ("hold", 5e-4), 5e-4)
    assert desk.texts == ("Undo: hold 5e-4", "Redo")
    desk.key(CTRL)
    assert desk.asked[1:] == [("follow", None, 0, None)]
    assert desk.sent[1].note == "Undo of step 101's change. The weights are not undone."
    assert not desk.window.actions_table.redo.isEnabled(), "before it is acknowledged"
    desk.apply(desk.sent[1], ("none", None), 1e-3)
    outcome = desk.view.control.outcome
    assert outcome.text.startswith("Applied at step 101: 0.001\n") or "→ 0.001" in outcome.text
    assert "Undo of step 101's change. The weights are not undone." in outcome.text
    assert desk.texts == ("Undo", "Redo: hold 5e-4")
    desk.key(CTRL | SHIFT)
    assert desk.asked[2:] == [("hold", 5e-4, 0, None)]
    assert desk.sent[2].note == "Redo of step 101's change."
    desk.folder.train(9, scheduled=lambda step: 1e-3)
    desk.apply(desk.sent[2], ("hold", 5e-4), 5e-4)
    assert desk.texts == ("Undo: hold 5e-4", "Redo")
    outcome.undo.click()
    assert desk.sent[3].note.startswith("Undo of step 110's change.")


def test_changes_are_undone_in_turn(desk: Desk) -> None:
    desk.apply(desk.enter("5e-4"), ("hold", 5e-4), 5e-4)
    desk.apply(desk.enter("2", "scale"), ("scale", 2.0), 2e-3)
    desk.window.undo()
    desk.apply(desk.sent[-1], ("hold", 5e-4), 5e-4)
    assert desk.texts == ("Undo: hold 5e-4", "Redo: ×2, schedule continues")
    desk.window.undo()
    assert desk.asked[2:] == [("hold", 5e-4, 0, None), ("follow", None, 0, None)]


def test_while_a_change_is_pending_nothing_is_undone(desk: Desk) -> None:
    desk.apply(desk.enter("5e-4"), ("hold", 5e-4), 5e-4)
    desk.enter("4e-4")
    desk.read()
    assert not desk.window.actions_table.undo.isEnabled()
    desk.window.undo()
    assert len(desk.sent) == 2


def test_an_undo_that_is_refused_can_be_tried_again(desk: Desk) -> None:
    desk.apply(desk.enter("5e-4"), ("hold", 5e-4), 5e-4)
    desk.window.undo()
    undo = desk.sent[-1]
    by = {"who": "person", "via": "window", "name": "ann"}
    desk.folder.event("command", id=undo.id, command="lr", args=undo.args(), by=by)
    desk.folder.refused(undo.id, "two processes train together")
    desk.read()
    assert desk.view.control.outcome.text.startswith("Refused: two processes")
    assert desk.texts == ("Undo: hold 5e-4", "Redo")
    assert len(desk.sent) == 2


def test_an_undo_that_did_not_get_there_can_be_tried_again(desk: Desk) -> None:
    desk.apply(desk.enter("5e-4"), ("hold", 5e-4), 5e-4)
    desk.window.undo()
    desk.view.session.commander.failed.emit(desk.sent[-1].id, "Nobody listens.")
    assert desk.texts == ("Undo: hold 5e-4", "Redo")
    assert desk.view.control.outcome.text == "Nobody listens."
    desk.window.undo()
    assert desk.asked[1:] == [("follow", None, 0, None)] * 2


@pytest.mark.parametrize("answer", ["yes", "cancel"])
def test_what_somebody_else_changed_is_not_overridden_unasked(answer: str, desk: Desk) -> None:
    desk.apply(desk.enter("5e-4"), ("hold", 5e-4), 5e-4)
    desk.folder.command("x", "scale", 3.0, via="cli")
    desk.folder.applied("x", "scale", 3.0, ("scale", 3.0), 5e-4, 3e-3)
    desk.read()
    desk.window.undo()
    question = desk.window.question
    assert question is not None
    assert len(desk.sent) == 1
    assert "hold 5e-4" in question.text()
    assert "“×3, schedule continues”, by ann (cli)" in question.informativeText()
    assert question.defaultButton() is question.answers["cancel"]
    QTest.mouseClick(question.answers[answer], Qt.MouseButton.LeftButton)
    assert desk.window.question is None
    assert desk.asked[1:] == ([("follow", None, 0, None)] if answer == "yes" else [])


def test_groups_that_differed_get_back_what_each_had(
    isolated: Isolated, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(isolated.runs, created=time.time() - 5).launch().register((("AdamW", 2),))
    folder.train(50, scheduled=lambda step: 1e-3)
    held = {"optimizer": 0, "group": 1, "kind": "hold", "value": 2e-4}
    told = {"optimizer": 0, "group": 1, "scheduled": 5e-4, "previous": 5e-4, "effective": 2e-4}
    folder.event("rates", id="x", step=51, mode="hold", value=2e-4, overrides=[held], groups=[told])
    desk = Desk(folder, open_window, monkeypatch)
    change = desk.enter("2", "scale")
    args, by = change.args(), {"who": "person", "via": "window", "name": "ann"}
    folder.event("command", id=change.id, command="lr", args=args, by=by)
    folder.applied(change.id, "scale", 2.0, ("scale", 2.0), 1e-3, 2e-3, groups=2)
    desk.read()
    desk.window.undo()
    assert desk.asked[1:] == [("follow", None, 0, 0), ("hold", 2e-4, 0, 1)]
    first, second = desk.sent[1:]
    assert first.id.partition(".")[0] == second.id.partition(".")[0] != first.id
    for command, group, value in ((first, 0, 1e-3), (second, 1, 2e-4)):
        assert not desk.window.actions_table.redo.isEnabled()
        folder.event("command", id=command.id, command="lr", args=command.args(), by=by)
        kind = {0: ("none", None), 1: ("hold", 2e-4)}[group]
        override = {"optimizer": 0, "group": group, "kind": kind[0], "value": kind[1]}
        change = {**told, "group": group, "previous": 1e-3 * (2 - group), "effective": value}
        shared = {"id": command.id, "step": 52, "groups": [change]}
        folder.event("rates", mode=command.mode, value=None, overrides=[override], **shared)
        folder.event("acknowledgement", status="applied", reason=None, warning=None, **shared)
        desk.read()
    # One change to the person, though it took two commands.
    text = desk.view.control.outcome.text
    assert "group 0: 0.002 → 0.001" in text
    assert "group 1: 0.001 → 2e-4" in text
    assert desk.texts == ("Undo", "Redo: ×2, schedule continues")
    desk.window.undo("redo")
    assert desk.asked[3:] == [("scale", 2.0, 0, None)]


def test_a_run_that_is_over_has_nothing_to_undo(desk: Desk) -> None:
    desk.apply(desk.enter("5e-4"), ("hold", 5e-4), 5e-4)
    desk.folder.exited(0)
    desk.read()
    assert not desk.window.actions_table.undo.isEnabled()
    assert desk.view.control.outcome.undo.isHidden()


def test_what_the_record_does_not_tell_is_not_guessed(desk: Desk, qtbot: QtBot) -> None:
    strange = {"optimizer": 0, "group": 0, "kind": "hold", "value": "nan"}
    desk.folder.event("rates", id="x", step=90, mode="hold", value=1, overrides=[strange])
    desk.read()
    desk.apply(desk.enter("5e-4"), ("hold", 5e-4), 5e-4)
    desk.window.undo()
    assert "does not tell a rate" in desk.view.control.outcome.text
    qtbot.waitUntil(lambda: desk.texts == ("Undo: hold 5e-4", "Redo"))
    assert len(desk.sent) == 1
