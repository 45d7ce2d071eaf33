"""The editor of schedules."""

from __future__ import annotations

import time
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QLineEdit
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.schedule import ScheduleDialog
from lrmonitor.app.presets import Presets
from lrmonitor.app.proposal import Proposal
from lrmonitor.app.settings import Settings
from lrmonitor.app.window import MainWindow
from lrmonitor.model.planning import Draft
from lrmonitor.model.preview import Wish
from lrmonitor.schedules.warm import Warmup
from lrmonitor.schedules.waves import Cosine
from lrmonitor.schedules.wire import to_json
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.app.test_real_run import (
    Launch,
    launch,  # noqa: F401
    view_of,
    wait,
    wait_for_steps,
)
from tests.conftest import Isolated


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains (in this process) at a steady rate."""
    made = RunFolder(isolated.runs, created=time.time() - 5).launch().register()
    return made.train(100, scheduled=lambda step: 1e-3)


class Editor:
    """The editor of a window, with what it sends and what it has drawn."""

    def __init__(self, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
        self.view = view_of(window)
        self.sent: list[Any] = []
        monkeypatch.setattr(self.view.session.commander, "send", self.sent.append)
        self.view.control.schedule.click()
        dialog = window.scheduling.dialog
        assert dialog is not None
        self.dialog: ScheduleDialog = dialog
        self.wishes: list[Wish | None] = []
        dialog.thought_of.connect(self.wishes.append)

    def type(self, name: str, text: str) -> None:
        """Type into the field of a parameter."""
        control = self.dialog.form.fields[name].control
        assert isinstance(control, QLineEdit)
        control.selectAll()
        QTest.keyClicks(control, text)

    def choose(self, kind: str) -> None:
        """Choose a kind as a person does."""
        box = self.dialog.form.kind
        box.setCurrentIndex(box.findData(kind))
        box.activated.emit(box.currentIndex())


def test_what_is_typed_is_drawn_and_then_sent(
    folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    editor = Editor(window, monkeypatch)
    dialog = editor.dialog
    start = dialog.form.fields["start"].control
    assert isinstance(start, QLineEdit)
    assert start.placeholderText() == "the rate now (0.001)"
    qtbot.waitUntil(lambda: dialog.summary.text() == "Still to fill in: End, Length.")
    assert not dialog.apply.isEnabled()
    assert dialog.apply.toolTip() == dialog.summary.text()
    QTest.keyClick(dialog.length, Qt.Key.Key_Return)
    assert dialog.rows["length"].problem == "Still to fill in."
    assert editor.sent == []
    editor.type("end", "1e-5")
    assert not dialog.apply.isEnabled()
    QTest.keyClicks(dialog.length, "50")
    assert dialog.apply.isEnabled()
    plan = Cosine(end=1e-5, length=50)
    qtbot.waitUntil(lambda: Wish("plan", plan=plan) in editor.wishes)
    plots = editor.view.plots
    assert plots is not None
    assert plots.ahead.wish == Wish("plan", plan=plan)
    assert dialog.summary.text().startswith("Cosine now → 1e-5 over 50 steps, then held")
    QTest.keyClick(dialog.length, Qt.Key.Key_Return)
    (command,) = editor.sent
    assert (command.mode, command.plan, command.begin, command.ramp) == ("plan", plan, None, 0)
    assert editor.wishes[-1] is None
    assert dialog.outcome.text.startswith("Pending… 0 s: cosine now → 1e-5")
    window.edit_schedule()
    assert window.scheduling.dialog is dialog


def test_what_cannot_be_meant_is_said_at_its_field(
    folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = Editor(open_window(folder.path), monkeypatch)
    dialog = editor.dialog
    dialog.submit()
    assert dialog.form.fields["end"].problem == "Still to fill in."
    editor.type("end", "abc")
    dialog.length.setText("0")
    dialog.submit()
    assert dialog.form.fields["end"].problem == "end must be a number such as 3e-4, not 'abc'"
    editor.type("end", "1e-5")
    dialog.submit()
    assert dialog.form.fields["end"].problem == ""
    assert "length must be a number of steps from 1" in dialog.rows["length"].problem
    dialog.length.setText("50")
    dialog.begin.setText("soon")
    dialog.submit()
    assert "the number of a step" in dialog.rows["begin"].problem
    dialog.begin.setText("")
    editor.type("start", "1e-3")
    editor.type("end", "0")
    dialog.submit()
    assert "choose an end above 0" in dialog.banner.text
    assert editor.sent == []


def test_a_peak_far_above_is_asked_about(
    folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = Editor(open_window(folder.path), monkeypatch)
    editor.choose("one-cycle")
    editor.type("peak", "0.5")
    QTest.keyClicks(editor.dialog.length, "50")
    editor.dialog.apply.click()
    assert editor.sent == []
    assert editor.dialog.banner.text.startswith("Its highest rate, ")
    assert editor.dialog.apply.text() == "&Apply anyway"
    editor.dialog.apply.click()
    assert [command.mode for command in editor.sent] == ["plan"]


def test_a_warm_up_asks_for_what_follows(
    folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = Editor(open_window(folder.path), monkeypatch)
    editor.type("end", "1e-6")
    editor.choose("warmup")
    editor.type("warmup", "10")
    editor.type("after.start", "2e-3")
    editor.type("after.end", "1e-5")
    editor.dialog.length.setText("60")
    editor.dialog.then.setCurrentIndex(1)
    editor.dialog.ramp.setValue(4)
    editor.dialog.begin.setText("120")
    editor.dialog.submit()
    (command,) = editor.sent
    after = Cosine(start=2e-3, end=1e-5, length=50, then="follow")
    assert command.plan == Warmup(warmup=10, after=after, then="follow")
    assert (command.ramp, command.begin) == (4, 120)


def test_the_plan_in_force_is_there_to_be_edited(
    folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Cosine(start=1e-3, end=1e-5, length=100, then="follow")
    override = {"kind": "plan", "value": 1e-3, "plan": to_json(plan), "from": 40}
    told = [{"optimizer": 0, "group": 0, **override}]
    folder.event("rates", id="a", step=40, mode="plan", value=None, overrides=told, groups=[])
    editor = Editor(open_window(folder.path), monkeypatch)
    dialog = editor.dialog
    assert dialog.draft() == Draft("cosine", {"start": "0.001", "end": "1e-5"}, "100", "follow")
    assert dialog.begin.text() == "40"
    editor.type("end", "1e-6")
    dialog.submit()
    (command,) = editor.sent
    wanted = Cosine(start=1e-3, end=1e-6, length=100, then="follow")
    assert (command.plan, command.begin) == (wanted, 40)


def test_presets_are_kept_and_used(
    folder: RunFolder,
    open_window: OpenWindow,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    qtbot: QtBot,
) -> None:
    editor = Editor(open_window(folder.path), monkeypatch)
    dialog = editor.dialog
    editor.type("end", "1e-5")
    dialog.length.setText("3 epochs")
    dialog._fill_menu()
    (save,) = dialog.menu.actions()
    save.trigger()
    asked = dialog.findChild(QInputDialog)
    assert asked is not None
    asked.setTextValue("the usual")
    asked.accept()
    usual = Draft("cosine", {"end": "1e-5"}, "3 epochs")
    presets = Presets(settings)
    assert presets.get("the usual") == usual
    presets.put("of a newer version", Draft("spiral"))
    assert presets.names() == ["the usual"]
    editor.choose("constant")
    dialog.length.setText("")
    dialog._fill_menu()
    dialog.menu.actions()[0].trigger()
    assert dialog.form.chosen() == "cosine"
    assert dialog.length.text() == "3 epochs"
    presets.remove("the usual")
    assert presets.names() == []


def test_closing_takes_the_drawing_away(
    folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    editor = Editor(window, monkeypatch)
    editor.dialog.put(Draft("cosine", {"end": "1e-5"}, "50"))
    plots = editor.view.plots
    assert plots is not None
    qtbot.waitUntil(lambda: plots.ahead.wish is not None)
    editor.dialog.reject()
    assert plots.ahead.wish is None
    assert window.scheduling.dialog is None
    window.edit_schedule()
    window.close_run()
    assert window.scheduling.dialog is None


def test_a_run_that_is_over_takes_none(folder: RunFolder, open_window: OpenWindow) -> None:
    window = open_window(folder.exited(0).path)
    assert not view_of(window).control.schedule.isEnabled()
    window.edit_schedule()
    assert window.scheduling.dialog is None


def test_a_schedule_on_a_real_training(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    window = open_window(launch())
    wait_for_steps(qtbot, window)
    view = view_of(window)
    model = view.session.model
    view.control.schedule.click()
    dialog = window.scheduling.dialog
    assert dialog is not None
    dialog.put(Draft("linear", {"start": "0.02", "end": "0.005"}, "40", "follow"))
    dialog.submit()
    wait(qtbot, lambda: dialog.outcome.text.startswith("Applied at step"))
    wait(qtbot, lambda: any(m.text == "now script's schedule" for m in model.markers))
    wait_for_steps(qtbot, window)
    began, over = [m for m in model.markers if m.kind == "rate"]
    assert over.step == began.step + 39
    assert model.overrides[0, 0].kind == "none"
    used, wanted = model.lr(0, 0), model.scheduled(0, 0)
    assert used is not None
    assert wanted is not None
    effective = dict(zip(used.step.tolist(), used.value.tolist(), strict=True))
    scheduled = dict(zip(wanted.step.tolist(), wanted.value.tolist(), strict=True))
    for t in range(40):
        assert effective[began.step + t] == pytest.approx(0.02 - 0.015 * t / 40, rel=1e-12)
    after = range(over.step + 1, over.step + 10)
    assert [effective[step] for step in after] == [scheduled[step] for step in after]


def test_a_schedule_after_a_rate_in_a_pause_begins_at_that_rate(
    open_window: OpenWindow,
    launch: Launch,  # noqa: F811
    qtbot: QtBot,
) -> None:
    window = open_window(launch())
    wait_for_steps(qtbot, window)
    view = view_of(window)
    session = view.session
    view.control.training.pause.click()
    wait(qtbot, lambda: view.control.training.pause.text() == "Resume")
    session.send_rate(Proposal("hold", 0.02), None, None)
    wait(qtbot, lambda: session.rate_to_come((0, 0)) == 0.02)
    view.control.schedule.click()
    dialog = window.scheduling.dialog
    assert dialog is not None
    start = dialog.form.fields["start"].control
    assert isinstance(start, QLineEdit)
    assert start.placeholderText() == "the rate to come (0.02)"
    dialog.put(Draft("linear", {"end": "0.005"}, "40", "follow"))
    wait(qtbot, lambda: dialog.summary.text().startswith("Linear 0.02 → 0.005"))
    dialog.submit()
    wait(qtbot, lambda: session.rate_to_come((0, 0)) == 0.02 and len(session.log.pending) == 2)
    view.control.training.pause.click()
    wait(qtbot, lambda: dialog.outcome.text.startswith("Applied at step"))
    (began,) = [m for m in session.model.markers if m.kind == "rate"]
    wait(qtbot, lambda: (session.model.state.step or 0) > began.step + 5)
    used = session.model.lr(0, 0)
    assert used is not None
    effective = dict(zip(used.step.tolist(), used.value.tolist(), strict=True))
    for t in range(5):
        assert effective[began.step + t] == pytest.approx(0.02 - 0.015 * t / 40, rel=1e-12)
