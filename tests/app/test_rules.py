"""Rules in the window: switched on by a person, in sight while they are, and carried out once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.rules import RulesDialog
from lrmonitor.app.runview import RunView
from lrmonitor.app.theme import DARK
from lrmonitor.app.window import MainWindow
from lrmonitor.diagnosis.rule_presets import PRESETS
from lrmonitor.diagnosis.rules import Rule
from lrmonitor.link.messages import LrCommand
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.app.test_real_run import (
    Launch,
    launch,  # noqa: F401
    view_of,
    wait,
    wait_for_outcome,
    wait_for_steps,
)
from tests.conftest import Isolated
from tests.e2e.test_rules import FLOOR
from tests.unit.test_rulebook import did, plateaus

CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
REDUCE = PRESETS[0]


@pytest.fixture
def run(isolated: Isolated) -> RunFolder:
    """A run that trains in this process and whose loss will stop falling."""
    run = RunFolder(isolated.runs).launch().register()
    return run.train(40, loss=plateaus, scheduled=lambda _: 1e-3)


def events(run: RunFolder) -> list[dict[str, Any]]:
    """What this window added to the record."""
    return [
        json.loads(line)
        for file in sorted((run.path / "clients").glob("window-*.jsonl"))
        for line in file.read_text().splitlines()
    ]


def dialog_of(qtbot: QtBot, window: MainWindow) -> RulesDialog:
    """The dialog, opened by its key."""
    come_back(qtbot, window)
    QTest.keyClick(window, Qt.Key.Key_R, CTRL | ALT)
    dialog = view_of(window).rules
    assert dialog is not None
    return dialog


def come_back(qtbot: QtBot, window: MainWindow) -> None:
    """What a desktop does when a dialog is closed."""
    wait(qtbot, lambda: view_of(window).rules is None)
    window.activateWindow()
    wait(qtbot, window.isActiveWindow)


def press(button: QAbstractButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def write(dialog: RulesDialog, rule: str, field: str, text: str) -> None:
    """Type a number in the place of the one that stands there."""
    edit = dialog.cards[rule].fields[field]
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)


def test_a_rule_is_switched_on_changed_and_off(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    window = open_window(run.path)
    view = view_of(window)
    assert view.header.rules.isHidden()
    dialog = dialog_of(qtbot, window)
    card = dialog.cards["reduce-on-plateau"]
    assert "acts by itself, without asking" in dialog.about.text()
    assert not card.on
    assert not dialog.save.isEnabled()
    assert not card.fields["factor"].isVisible()
    view.set_theme(DARK)
    assert dialog.focusWidget() is card.box
    QTest.keyClick(card.box, Qt.Key.Key_Space)
    assert card.fields["factor"].isVisible()
    assert card.state.text() == "Once saved, it acts on what is found from then on."
    write(dialog, "reduce-on-plateau", "factor", "0.9")
    assert "too near to 1" in card.problem.text
    assert not dialog.save.isEnabled()
    write(dialog, "reduce-on-plateau", "factor", "0.3x")
    assert card.problem.text == "Factor: “0.3x” is not a number."
    write(dialog, "reduce-on-plateau", "at_most", "2")
    # The field that is wrong is marked, wherever one writes.
    marked = [name for name, field in card.fields.items() if field.property("tone") == "bad"]
    assert marked == ["factor"]
    write(dialog, "reduce-on-plateau", "factor", "0.25")
    write(dialog, "reduce-on-plateau", "at_most", "2")
    write(dialog, "reduce-on-plateau", "least_rate", "1e-6")
    assert card.problem.text == ""
    assert "multiply the rate by 0.25" in card.words.text()
    assert not events(run)
    press(dialog.save)
    (event,) = events(run)
    assert (event["event"], event["on"], event["step"]) == ("rules", ["Reduce on plateau"], 40)
    assert event["by"]["who"] == "person"
    (armed,) = view.session.rules.armed
    assert armed.rule == Rule.from_json(
        {**REDUCE.to_json(), "factor": 0.25, "at_most": 2, "least_rate": 1e-6}
    )

    # It is in sight from now on, and leads back to the dialog.
    chip = view.header.rules
    wait(qtbot, chip.isVisible)
    assert chip.text() == "1 rule on"
    assert "Reduce on plateau" in chip.toolTip()
    wait(qtbot, lambda: view.rules is None)
    press(chip)
    assert view.rules is not None
    dialog = view.rules
    card = dialog.cards["reduce-on-plateau"]
    assert card.on
    assert card.fields["factor"].text() == "0.25"
    assert card.state.text() == "On since step 40. Not needed so far."
    QTest.keyClick(dialog.cards["pause-on-nan"].box, Qt.Key.Key_Space)
    press(dialog.save)
    wait(qtbot, lambda: chip.text() == "2 rules on")
    wait(qtbot, lambda: view.rules is None)

    dialog = dialog_of(qtbot, window)
    for name in ("reduce-on-plateau", "pause-on-nan"):
        QTest.keyClick(dialog.cards[name].box, Qt.Key.Key_Space)
    assert dialog.cards["pause-on-nan"].state.text() == "It is on; saved like this, it is off."
    press(dialog.save)
    wait(qtbot, chip.isHidden)
    assert events(run)[-1]["off"] == ["Reduce on plateau", "Pause on NaN"]
    texts = [e.text for e in view.session.model.journal if e.event == "rules"]
    assert "switched on by" in texts[0]
    assert "switched off by" in texts[-1]


def test_cancel_changes_nothing(qtbot: QtBot, open_window: OpenWindow, run: RunFolder) -> None:
    window = open_window(run.path)
    dialog = dialog_of(qtbot, window)
    QTest.keyClick(dialog.cards["reduce-on-plateau"].box, Qt.Key.Key_Space)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    wait(qtbot, lambda: view_of(window).rules is None)
    assert not events(run)


def test_what_another_program_switches_is_shown(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    window = open_window(run.path)
    rules = view_of(window).session.model.rules
    dialog = dialog_of(qtbot, window)
    own = Rule("Calm it", ("spike",), "hold", value=1e-4)
    run.now += 100
    fields = rules.switched([own, REDUCE], 40, 0)
    assert fields is not None
    run.client("rules", **fields)
    wait(qtbot, lambda: "calm-it" in dialog.cards)
    assert dialog.cards["calm-it"].on
    assert dialog.cards["calm-it"].fields["value"].text() == "1e-4"
    assert dialog.cards["reduce-on-plateau"].on
    assert not dialog.save.isEnabled()
    # The rule of that name is now one of another sort, with other fields; what is typed stays.
    QTest.keyClick(dialog.cards["pause-on-nan"].box, Qt.Key.Key_Space)
    run.now += 1
    fields = rules.switched([Rule("Calm it", ("spike",), "pause")], 40, 0)
    assert fields is not None
    run.client("rules", **fields)
    wait(qtbot, lambda: not dialog.cards["reduce-on-plateau"].on)
    assert "value" not in dialog.cards["calm-it"].fields
    assert dialog.cards["pause-on-nan"].on
    dialog.reject()


def test_a_run_that_is_over(qtbot: QtBot, open_window: OpenWindow, run: RunFolder) -> None:
    window = open_window(run.path)
    view_of(window).session.rules.switch([REDUCE])
    wait(qtbot, view_of(window).header.rules.isVisible)
    run.exited(0)
    wait(qtbot, view_of(window).header.rules.isHidden)
    dialog = dialog_of(qtbot, window)
    assert "The run is over" in dialog.why_not.text
    assert not dialog.cards["pause-on-nan"].box.isEnabled()
    assert dialog.cards["reduce-on-plateau"].on
    dialog.reject()


class Taken:
    """In the place of the connection: the training takes a command at its next step."""

    def __init__(self, view: RunView, run: RunFolder) -> None:
        self.commands: list[LrCommand] = []
        self.run = run
        self.deaf = False
        self._view = view
        view.session.commander.send = self.send  # type: ignore[method-assign]

    def send(self, command: Any) -> str:
        if self.deaf:
            self._view.session.commander.failed.emit(command.id, "Nothing listens.")
            return str(command.id)
        self.commands.append(command)
        did(self.run, command, effective=1e-3 * (command.value or 0))
        return str(command.id)


def settled(qtbot: QtBot, view: RunView) -> None:
    """All that the folder holds was diagnosed, and acted upon."""
    session = view.session
    for _ in range(3):
        session.poll()
        wait(qtbot, lambda: session.diagnosis.settled)
        session.poll()
        wait(qtbot, lambda: session.diagnosis.current)


def test_the_window_acts_once_and_another_one_not_again(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    window = open_window(run.path)
    view = view_of(window)
    taken = Taken(view, run)
    view.session.rules.switch([REDUCE])
    deeds: list[Any] = []
    view.session.rules.acted.connect(deeds.append)
    run.train(800, loss=plateaus, scheduled=lambda _: 1e-3)
    wait(qtbot, lambda: bool(taken.commands))
    (command,) = taken.commands
    assert (command.by.who, command.by.via) == ("rule", "window")
    assert (command.by.name, command.mode, command.value) == ("Reduce on plateau", "scale", 0.1)
    assert command.note.startswith("rule Reduce on plateau: Near convergence")
    assert deeds[0].sentence.startswith("Rule “Reduce on plateau”, 1 of 3: rate ×0.1")
    run.train(40, loss=plateaus, scheduled=lambda _: 1e-3, effective=lambda _: 1e-4)
    settled(qtbot, view)
    assert len(taken.commands) == 1
    advice = next(e for e in events(run) if e["event"] == "advice_taken")
    assert advice["by"] == {"who": "rule", "via": "window", "name": "Reduce on plateau"}
    told = next(one for one in view.session.diagnosis.told if one.taken is not None)
    assert told.taken is not None
    assert told.taken.at is not None
    dialog = dialog_of(qtbot, window)
    at = told.taken.at
    assert dialog.cards["reduce-on-plateau"].state.text() == (
        f"On since step 40. Acted 1 of 3 times: at step {at}."
    )
    dialog.reject()
    window.close_run()

    # Another window on the same record knows what was done.
    again = open_window(run.path)
    second = Taken(view_of(again), run)
    settled(qtbot, view_of(again))
    assert len(view_of(again).session.rules.armed) == 1
    assert not second.commands


def test_what_was_found_before_is_no_news(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    run.train(800, loss=plateaus, scheduled=lambda _: 1e-3)
    window = open_window(run.path)
    view = view_of(window)
    taken = Taken(view, run)
    settled(qtbot, view)
    assert [t.finding.kind for t in view.session.diagnosis.told if t.finding.open] == [
        "near_convergence"
    ]
    dialog = dialog_of(qtbot, window)
    card = dialog.cards["reduce-on-plateau"]
    QTest.keyClick(card.box, Qt.Key.Key_Space)
    assert "“Near convergence” is open already" in card.state.text()
    press(dialog.save)
    run.train(100, loss=plateaus, scheduled=lambda _: 1e-3)
    settled(qtbot, view)
    assert not taken.commands


def test_what_did_not_get_there_is_tried_again(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    window = open_window(run.path)
    view = view_of(window)
    taken = Taken(view, run)
    taken.deaf = True
    now = [run.now + 60]
    view.session.clock = lambda: now[0]
    deeds: list[Any] = []
    view.session.rules.acted.connect(deeds.append)
    view.session.rules.switch([REDUCE])
    run.train(800, loss=plateaus, scheduled=lambda _: 1e-3)
    wait(qtbot, lambda: len(deeds) == 1)
    taken.deaf = False
    settled(qtbot, view)
    assert not taken.commands
    now[0] += 11
    settled(qtbot, view)
    (command,) = taken.commands
    assert command.id == deeds[0].id


@pytest.mark.slow
def test_a_real_training_is_reduced_and_undone(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    window = open_window(launch(FLOOR))
    view = view_of(window)
    wait_for_steps(qtbot, window)
    dialog = dialog_of(qtbot, window)
    QTest.keyClick(dialog.cards["reduce-on-plateau"].box, Qt.Key.Key_Space)
    press(dialog.save)
    wait_for_outcome(
        qtbot, window, "Applied at step", "0.02 → 0.002", "by rule Reduce on plateau (window)"
    )
    model = view.session.model
    (entry,) = [e for e in model.journal if e.event == "command"]
    assert entry.data["by"] == {"who": "rule", "via": "window", "name": "Reduce on plateau"}
    (marker,) = [m for m in model.markers if m.kind == "rate"]
    assert "rule Reduce on plateau: Near convergence" in marker.text
    wait(qtbot, window.actions_table.undo.isEnabled)
    wait_for_steps(qtbot, window)
    come_back(qtbot, window)
    QTest.keyClick(view.control.entry.field, Qt.Key.Key_Z, CTRL)
    wait_for_outcome(qtbot, window, "Applied at step", "The weights are not undone.")
    assert view.session.rate_now(0, 0).effective == 0.02
