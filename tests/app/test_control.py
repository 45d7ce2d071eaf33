"""Each control of the panel, on run folders in the state it is about."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.format import format_count
from lrmonitor.app.panels.control import ControlPanel
from lrmonitor.app.panels.notices import Notices, last_line
from lrmonitor.app.proposal import Proposal
from lrmonitor.app.session import Session
from lrmonitor.app.theme import LIGHT, ThemeManager
from lrmonitor.model.preview import Wish
from lrmonitor.schedules.waves import Cosine
from lrmonitor.schedules.wire import to_json
from tests.app.desktop import come_up
from tests.app.folders import RunFolder, cosine
from tests.conftest import Isolated


class Panel:
    """A folder, its session and the panel on it. Nothing is sent: what would be is kept."""

    def __init__(self, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.qtbot = qtbot
        self.session = Session(folder.path)
        self.sent: list[Any] = []
        monkeypatch.setattr(self.session.commander, "send", self.sent.append)
        self.control = ControlPanel(self.session, LIGHT)
        qtbot.addWidget(self.control)
        come_up(self.control, qtbot)

    def read(self) -> None:
        """Read on and show it."""
        self.session.poll()
        self.control.refresh()

    def type(self, text: str, enter: bool = True) -> None:
        """Type into the field."""
        field = self.control.entry.field
        field.clear()
        QTest.keyClicks(field, text)
        if enter:
            QTest.keyClick(field, Qt.Key.Key_Return)

    @property
    def asked(self) -> list[tuple[str, float | None]]:
        """Mode and value of the rate commands."""
        return [(c.mode, c.value) for c in self.sent if hasattr(c, "mode")]


MakePanel = Callable[[RunFolder], Panel]


@pytest.fixture
def panel(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, themes: ThemeManager) -> MakePanel:
    """Makes a panel on a folder."""
    return lambda folder: Panel(folder, qtbot, monkeypatch)


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains (in this process) with a cosine schedule."""
    return RunFolder(isolated.runs, created=time.time() - 5).launch().register().train(100)


@pytest.mark.parametrize("text", ["3e-4", "0.0003", "3E-4", " 3e-4 ", ".0003"])
def test_a_rate_is_taken_as_code_writes_it(text: str, folder: RunFolder, panel: MakePanel) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German))
    try:
        shown = panel(folder)
        shown.type(text)
        assert shown.asked == [("hold", 3e-4)]
    finally:
        QLocale.setDefault(before)


@pytest.mark.parametrize("text", ["abc", "nan", "1e999", "-1", "0", "3,5", ""])
def test_what_is_no_rate_is_said_and_not_sent(
    text: str, folder: RunFolder, panel: MakePanel
) -> None:
    shown = panel(folder)
    shown.type(text)
    assert shown.sent == []
    assert shown.control.entry.banner.tone == "bad"
    assert shown.control.entry.banner.text
    shown.type("3e-4", enter=False)
    assert shown.control.entry.banner.text == ""


def test_what_it_would_do_is_said_while_typing(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    shown.type("3e-4", enter=False)
    assert "→ 3e-4" in shown.control.entry.hint.text()


def test_apply_is_the_same_as_enter(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    shown.type("3e-4", enter=False)
    shown.control.entry.apply.click()
    assert shown.asked == [("hold", 3e-4)]


def test_modes(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    shown.control.entry.set_mode("scale")
    assert shown.control.entry.caption.text() == "New factor"
    shown.type("0.5")
    shown.control.entry.set_mode("set")
    shown.type("5e-4")
    assert shown.asked == [("scale", 0.5), ("set", 5e-4)]
    assert all((c.optimizer, c.group) == (None, None) for c in shown.sent)
    assert {c.by.via for c in shown.sent} == {"window"}


def test_a_large_change_is_asked_about_before_it_is_sent(
    folder: RunFolder, panel: MakePanel
) -> None:
    shown = panel(folder)
    shown.type("0.5", enter=False)
    assert "present rate" in shown.control.entry.banner.text
    QTest.keyClick(shown.control.entry.field, Qt.Key.Key_Return)
    assert shown.sent == []
    assert shown.control.entry.apply.text() == "Apply anyway"
    QTest.keyClick(shown.control.entry.field, Qt.Key.Key_Return)
    assert shown.asked == [("hold", 0.5)]
    assert shown.control.entry.apply.text() == "Apply"


def test_a_rate_far_below_is_pointed_out_and_sent(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    shown.type("1e-6", enter=False)
    assert "present rate" in shown.control.entry.banner.text
    QTest.keyClick(shown.control.entry.field, Qt.Key.Key_Return)
    assert shown.asked == [("hold", 1e-6)]


def test_what_was_sent_is_not_warned_of_later(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    shown.type("5e-4")
    assert shown.control.entry.field.selectedText() == "5e-4"
    folder.train(5, effective=lambda s: 1e-7)
    shown.read()
    assert shown.control.entry.banner.text == ""
    QTest.keyClick(shown.control.entry.field, Qt.Key.Key_Return)
    assert "present rate" in shown.control.entry.banner.text
    assert len(shown.sent) == 1


def test_editing_takes_the_consent_back(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    shown.type("0.5")
    QTest.keyClicks(shown.control.entry.field, "5")
    QTest.keyClick(shown.control.entry.field, Qt.Key.Key_Return)
    assert shown.sent == []


def test_set_under_a_rising_schedule_offers_hold(isolated: Isolated, panel: MakePanel) -> None:
    warm = RunFolder(isolated.runs).launch().register().train(30, scheduled=lambda s: s * 1e-5)
    shown = panel(warm)
    shown.control.entry.set_mode("set")
    shown.type("5e-4")
    assert shown.sent == []
    assert "rising" in shown.control.entry.banner.text
    assert shown.control.entry.hold_instead.text() == "Hold 5e-4 instead"
    shown.control.entry.hold_instead.click()
    assert shown.asked == [("hold", 5e-4)]
    assert shown.control.entry.chosen_mode() == "hold"


def test_the_factors_send_at_once(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    for button in shown.control.entry.factors.buttons.values():
        button.click()
    assert shown.asked == [("scale", 0.1), ("scale", 0.5), ("scale", 2.0), ("scale", 10.0)]


def test_the_factors_multiply_what_is_in_force(folder: RunFolder, panel: MakePanel) -> None:
    folder.command("a", "hold", 3e-4)
    folder.applied("a", "hold", 3e-4, ("hold", 3e-4), cosine(100), 3e-4)
    folder.train(5, effective=lambda s: 3e-4)
    shown = panel(folder)
    shown.control.entry.factors.buttons[2.0].click()
    assert shown.asked == [("hold", 6e-4)]
    assert "hold 6e-4" in shown.control.entry.factors.buttons[2.0].toolTip()


def test_three_rates_told_apart(folder: RunFolder, panel: MakePanel) -> None:
    folder.command("a", "hold", 3e-4)
    folder.applied("a", "hold", 3e-4, ("hold", 3e-4), cosine(100), 3e-4, 9e-4)
    folder.train(5, effective=lambda s: 3e-4, scheduled=lambda s: 9e-4)
    shown = panel(folder)
    readout = shown.control.readout
    assert readout.effective.text() == "3e-4"
    assert readout.scheduled.text() == "9e-4"
    assert readout.requested.text() == "hold 3e-4"
    assert readout.effective_note.text() == "used by the optimizer in step 105"
    assert readout.effective.toolTip() == "exactly 0.0003"


def test_pending_then_applied(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    folder.now = time.time() - 3.2
    folder.command("a", "hold", 3e-4)
    shown.read()
    assert shown.control.outcome.text.startswith("Pending… 3 s: hold 3e-4")
    assert shown.control.readout.requested.text() == "hold 3e-4"
    assert shown.control.readout.requested_note.text() == "pending, not in effect yet"
    folder.applied("a", "hold", 3e-4, ("hold", 3e-4), 1e-3, 3e-4)
    shown.read()
    assert shown.control.outcome.tone == "good"
    assert shown.control.outcome.text.startswith("Applied at step 101: 0.001 → 3e-4")
    assert "ann (window)" in shown.control.outcome.text


def test_refused_says_why(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    folder.command("a", "set", 3e-4, via="cli")
    folder.refused("a", "the scheduled rate is 0")
    shown.read()
    assert shown.control.outcome.tone == "bad"
    assert shown.control.outcome.text.startswith("Refused: the scheduled rate is 0")
    assert "ann (cli)" in shown.control.outcome.text


def test_a_pending_command_can_be_cancelled(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    folder.command("a", "hold", 3e-4)
    shown.read()
    assert not shown.control.outcome.cancel.isHidden()
    shown.control.outcome.cancel.click()
    assert shown.sent[-1].target == "a"


def test_while_paused_pending_says_what_it_waits_for(folder: RunFolder, panel: MakePanel) -> None:
    folder.event("paused")
    folder.command("a", "hold", 3e-4)
    shown = panel(folder)
    assert "once training goes on" in shown.control.outcome.text
    assert shown.control.training.pause.text() == "Resume"
    assert shown.control.training.step.isEnabled()


def test_release_and_freeze(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    assert not shown.control.release.isEnabled()
    assert "no override" in shown.control.release.toolTip()
    shown.control.freeze.click()
    assert shown.asked == [("freeze", None)]
    folder.command("a", "freeze")
    folder.applied("a", "freeze", None, ("hold", 0.0), 1e-3, 0.0)
    folder.train(1, effective=lambda s: 0.0)
    shown.read()
    assert not shown.control.freeze.isEnabled()
    assert not shown.control.entry.factors.buttons[2.0].isEnabled()
    assert "held at 0" in shown.control.entry.factors.buttons[2.0].toolTip()
    shown.control.release.click()
    assert shown.asked[-1] == ("follow", None)


def test_one_optimizer_with_one_group_needs_no_choice(folder: RunFolder, panel: MakePanel) -> None:
    assert panel(folder).control.target.isHidden()


def test_optimizer_and_group_are_chosen(isolated: Isolated, panel: MakePanel) -> None:
    several = RunFolder(isolated.runs).launch().register((("AdamW", 3), ("SGD", 1))).train(20)
    shown = panel(several)
    target = shown.control.target
    assert "group 0 of 3" in shown.control.readout.effective_note.text()
    target.group.setCurrentIndex(target.group.findData(1))
    shown.control.entry.factors.buttons[0.5].click()
    target.optimizer.setCurrentIndex(target.optimizer.findData("all"))
    shown.control.entry.factors.buttons[0.5].click()
    target.optimizer.setCurrentIndex(target.optimizer.findData(1))
    shown.control.entry.factors.buttons[0.5].click()
    assert [(c.optimizer, c.group) for c in shown.sent] == [(0, 1), ("all", None), (1, None)]
    assert shown.control.readout.effective.text() == f"{cosine(20) / 2:.3e}".replace("e-0", "e-")


def test_the_choice_survives_a_group_that_is_added(isolated: Isolated, panel: MakePanel) -> None:
    several = RunFolder(isolated.runs).launch().register((("AdamW", 2),)).train(20)
    shown = panel(several)
    target = shown.control.target
    target.group.setCurrentIndex(target.group.findData(1))
    several.event(
        "optimizer",
        optimizer=0,
        groups=3,
        main=True,
        controllable=True,
        reason=None,
        **{"class": "AdamW"},
    )
    shown.read()
    assert target.chosen_group() == 1
    assert target.group.count() == 4


def _disabled(shown: Panel) -> str:
    """The reason that every rate control gives, all being disabled."""
    entry = shown.control.entry
    widgets = [entry.field, entry.apply, entry.mode, *entry.factors.buttons.values()]
    assert not any(widget.isEnabled() for widget in widgets)
    (reason,) = {widget.toolTip() for widget in widgets}
    assert entry.hint.text() == reason
    return reason


def test_without_an_optimizer_the_panel_says_why(isolated: Isolated, panel: MakePanel) -> None:
    folder = RunFolder(isolated.runs).launch().register((), "No torch optimizer here.").train(9)
    shown = panel(folder)
    assert _disabled(shown) == "No torch optimizer here."
    assert shown.control.training.pause.isEnabled()


def test_an_optimizer_that_cannot_be_controlled_says_why(
    isolated: Isolated, panel: MakePanel
) -> None:
    folder = RunFolder(isolated.runs).launch().register(reason="Its lr is None.").train(9)
    assert _disabled(panel(folder)) == "Its lr is None."


def test_a_run_that_is_over_says_so(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder.exited(0))
    assert "over" in _disabled(shown)
    training = shown.control.training
    for button in (training.pause, training.step, training.stop):
        assert not button.isEnabled()
        assert button.toolTip()


def test_before_training_the_run_can_only_be_stopped(isolated: Isolated, panel: MakePanel) -> None:
    shown = panel(RunFolder(isolated.runs).launch())
    assert "first step" in _disabled(shown)
    assert shown.control.training.stop.isEnabled()
    assert not shown.control.training.pause.isEnabled()


def test_pause_resume_and_step(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    training = shown.control.training
    assert not training.step.isEnabled()
    assert "Pause first" in training.step.toolTip()
    training.pause.click()
    folder.event("paused")
    shown.read()
    training.step.click()
    training.pause.click()
    folder.event("resumed")
    shown.read()
    assert training.pause.text() == "Pause"
    names = [type(command).__name__ for command in shown.sent]
    assert names == ["PauseCommand", "StepCommand", "ResumeCommand"]


def test_stop_is_a_wish_that_somebody_confirms(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    with shown.qtbot.waitSignal(shown.control.stop_wanted) as wanted:
        shown.control.training.stop.click()
    assert wanted.args == ["interrupt"]
    assert shown.sent == []


def test_while_it_has_not_stopped_the_ladder_is_offered(
    folder: RunFolder, panel: MakePanel
) -> None:
    folder.now = time.time() - 5
    folder.event("command", id="s", command="stop", args={}, by={"name": "ann", "via": "cli"})
    shown = panel(folder)
    training = shown.control.training
    assert "Asked to stop (as Ctrl-C does) 5 s ago" in training.ladder.text
    assert not training.terminate.isHidden()
    for button, how in ((training.terminate, "terminate"), (training.kill, "kill")):
        with shown.qtbot.waitSignal(shown.control.stop_wanted) as wanted:
            button.click()
        assert wanted.args == [how]
    folder.exited(None, "SIGKILL")
    shown.read()
    assert training.ladder.text == ""


def test_a_command_that_did_not_get_there_is_told(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    shown.type("3e-4")
    assert shown.control.outcome.text.startswith("Pending… 0 s")
    shown.session.commander.failed.emit(shown.sent[0].id, "Nobody listens.")
    assert shown.control.outcome.text == "Nobody listens."
    assert shown.control.outcome.tone == "bad"
    shown.control._send(Proposal("hold", 1e-4))
    assert shown.control.outcome.text.startswith("Pending")


def test_a_change_may_take_steps(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    entry = shown.control.entry
    assert entry.ramp.value() == 0
    QTest.keyClicks(entry.ramp, "2x00")
    assert entry.ramp.value() == 200
    shown.type("3e-4")
    entry.factors.buttons[2.0].click()
    shown.control.freeze.click()
    told = [(command.mode, command.ramp) for command in shown.sent]
    assert told == [("hold", 200), ("scale", 200), ("freeze", 0)]
    assert shown.control.outcome.text.startswith("Pending")
    wishes: list[Wish | None] = []
    shown.control.thought_of.connect(wishes.append)
    entry.factors.buttons[0.5].pointed.emit(True)
    assert wishes == [Wish("scale", 0.5, None, None, ramp=200)]


def test_what_waits_for_a_step_hides_no_later_outcome(folder: RunFolder, panel: MakePanel) -> None:
    plan = to_json(Cosine(end=1e-5, length=100))
    args = {"mode": "plan", "value": None, "optimizer": None, "group": 1, "plan": plan}
    by = {"who": "person", "via": "window", "name": "ann"}
    folder.event("command", id="p", command="lr", args={**args, "begin": 9000}, by=by)
    shown = panel(folder)
    at = f"Waits for step {format_count(9000)}."
    assert shown.control.outcome.text.endswith(at)
    folder.command("a", "hold", 3e-4)
    folder.applied("a", "hold", 3e-4, ("hold", 3e-4), 1e-3, 3e-4)
    shown.read()
    assert shown.control.outcome.text.startswith("Applied at step")


def test_the_way_back_may_take_steps_too(folder: RunFolder, panel: MakePanel) -> None:
    folder.applied("a", "hold", 3e-4, ("hold", 3e-4), 1e-3, 3e-4)
    shown = panel(folder)
    shown.control.entry.ramp.setValue(50)
    shown.control.release.click()
    assert [(one.mode, one.ramp) for one in shown.sent] == [("follow", 50)]


def test_arrow_keys_vary_the_steps(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    ramp = shown.control.entry.ramp
    seen = []
    for key in [Qt.Key.Key_Up] * 5 + [Qt.Key.Key_Down] * 6:
        QTest.keyClick(ramp, key)
        seen.append(ramp.value())
    assert seen == [1, 2, 5, 10, 20, 10, 5, 2, 1, 0, 0]


def test_a_plan_is_multiplied_as_it_is(folder: RunFolder, panel: MakePanel) -> None:
    plan = Cosine(start=1e-3, end=1e-5, length=100)
    folder.event(
        "rates",
        id="a",
        step=folder.step,
        mode="plan",
        value=None,
        plan=to_json(plan),
        overrides=[
            {"optimizer": 0, "group": 0, "kind": "plan", "value": 1e-3, "plan": to_json(plan),
             "from": 40}
        ],
        groups=[],
    )  # fmt: skip
    shown = panel(folder)
    assert shown.control.readout.requested.text().startswith("replaced by cosine 0.001 → 1e-5")
    shown.control.entry.factors.buttons[2.0].click()
    (command,) = shown.sent
    assert (command.mode, command.plan, command.begin) == ("plan", plan.scaled(2.0), 40)


def test_everything_that_can_be_used_has_a_name(folder: RunFolder, panel: MakePanel) -> None:
    shown = panel(folder)
    control = shown.control
    for combo in (control.entry.mode, control.target.optimizer, control.target.group):
        assert combo.accessibleName()
    for label in (control.readout.effective, control.readout.scheduled):
        assert label.accessibleName()
    assert control.entry.caption.buddy() is control.entry.field


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        (b"epoch 1\nTraceback\nValueError: no\n\n", "ValueError: no"),
        (b"\x1b[31mred\x1b[0m\r\n", "red"),
        (b"50 %\r100 %\r", "100 %"),
        (b"\xff\xfe broken\n", "\ufffd\ufffd broken"),
        (b"", ""),
        (b"x" * 9000, "x" * 300 + "…"),
    ],
)
def test_the_last_line_of_the_console(printed: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "console.log").write_bytes(printed)
    assert last_line(tmp_path) == words


def test_without_a_console_there_is_no_last_line(tmp_path: Path) -> None:
    assert last_line(tmp_path) == ""


def test_a_failure_shows_its_last_line(
    folder: RunFolder, qtbot: QtBot, themes: ThemeManager
) -> None:
    (folder.path / "console.log").write_bytes(b"Traceback ...\nRuntimeError: shape\n")
    session = Session(folder.path)
    notices = Notices(session, LIGHT)
    qtbot.addWidget(notices)
    assert notices.isHidden()
    folder.exited(1)
    session.poll()
    notices.refresh()
    assert notices.text.endswith("Its last line: RuntimeError: shape")
    assert notices.tone == "bad"


def test_what_was_not_recorded_is_told(
    folder: RunFolder, qtbot: QtBot, themes: ThemeManager
) -> None:
    folder.event("lost", records=12, events=0, bytes=0, since=1.0, until=2.0, reason="disk full")
    notices = Notices(Session(folder.path), LIGHT)
    qtbot.addWidget(notices)
    assert "12 records" in notices.text
    assert "disk full" in notices.text
    assert notices.tone == "warn"
