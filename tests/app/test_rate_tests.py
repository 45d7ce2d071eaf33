"""The range test and the trial of rates in the window, on run folders in the state it is about."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPointF, QSignalBlocker, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.find_rate import FindRateDialog
from lrmonitor.app.dialogs.rate_test import RateTestDialog
from lrmonitor.app.dialogs.rewind import RewindDialog
from lrmonitor.app.dialogs.try_rates import TryRatesDialog, factors
from lrmonitor.app.format import format_count, format_rate
from lrmonitor.app.panels.journal import JournalPanel
from lrmonitor.app.window import MainWindow
from lrmonitor.link.messages import CommandError
from lrmonitor.model.state import Phase
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.app.rate_tests import ladder, only_noise, range_test, trial
from tests.conftest import Isolated


class Shown:
    """A window on a run, one of the dialogs, and what was sent: nothing gets to a training."""

    def __init__(self, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
        self.window = window
        assert window.view is not None
        self.session = window.view.session
        self.sent: list[Any] = []
        monkeypatch.setattr(self.session.commander, "send", self.sent.append)

    def find(self) -> FindRateDialog:
        """Open the range test by its key."""
        QTest.keyClick(
            self.window,
            Qt.Key.Key_T,
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
        )
        (dialog,) = self.window.findChildren(FindRateDialog)
        return dialog

    def compare(self) -> TryRatesDialog:
        """Open the trial by its key."""
        QTest.keyClick(self.window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
        (dialog,) = self.window.findChildren(TryRatesDialog)
        return dialog


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains, in this process."""
    return RunFolder(isolated.runs, created=time.time() - 12).launch().register().train(300)


@pytest.fixture
def shown(
    folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shown]:
    """The window; its dialog is closed in the end."""
    found = Shown(open_window(folder.path), monkeypatch)
    yield found
    for dialog in found.window.findChildren(RateTestDialog):
        dialog.reject()


def cancelled(folder: RunFolder, id: str) -> None:
    """A command was withdrawn before it took effect."""
    folder.event(
        "acknowledgement", id=id, status="cancelled", step=None, reason="", warning=None, groups=[]
    )


def cells(dialog: RateTestDialog) -> list[list[str]]:
    """The texts of the table."""
    table = dialog.table
    found = []
    for i in range(table.rowCount()):
        items = [table.item(i, j) for j in range(table.columnCount())]
        found.append(["" if item is None else item.text() for item in items])
    return found


def click(button: Any) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_range_test_is_asked_for_as_typed(shown: Shown) -> None:
    dialog = shown.find()
    assert dialog.focusWidget() is dialog.begin
    assert "300 steps" in dialog.cost.text()
    dialog.begin.selectAll()
    QTest.keyClicks(dialog.begin, "nothing")
    click(dialog.start)
    assert not shown.sent
    assert dialog.said.tone == "bad"
    dialog.begin.selectAll()
    QTest.keyClicks(dialog.begin, "20")
    click(dialog.start)
    assert not shown.sent
    assert "above the beginning" in dialog.said.text
    dialog.begin.selectAll()
    QTest.keyClicks(dialog.begin, "1e-6")
    dialog.sweeps.selectAll()
    QTest.keyClicks(dialog.sweeps, "2")
    assert "200 steps" in dialog.cost.text()
    click(dialog.start)
    (command,) = shown.sent
    assert (command.start, command.stop, command.steps, command.sweeps) == (1e-6, 10.0, 100, 2)
    assert command.by.via == "window"
    assert not dialog.start.isEnabled()
    assert dialog.said.text == ""


def test_it_is_followed_and_its_suggestion_applied(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    dialog = shown.find()
    test = range_test(folder, sweeps=2, of=3, done=55)
    qtbot.waitUntil(lambda: dialog.bar.value() > 100)
    assert dialog.where.text().startswith("Sweep 2 of 3 · Step ")
    assert not dialog.table.isVisible()
    assert not dialog.apply.isEnabled()
    click(dialog.stop)
    assert shown.sent[-1].target == test.id
    shown.sent.clear()

    test.end("cancelled")
    qtbot.waitUntil(lambda: dialog.said.tone == "good")
    assert "everything was put back" in dialog.where.text()
    assert dialog.start.isEnabled()
    rows = cells(dialog)
    assert [row[0] for row in rows] == [
        "lrmonitor",
        "Its lower end, safer",
        "Valley (fastai)",
        "Minimum ÷ 10",
        "Steepest",
        "Slide (fastai)",
    ]
    assert dialog.reading is not None
    assert dialog.reading.rate is not None
    assert 0.3 / 30 < dialog.reading.rate < 0.3 / 5
    assert len(dialog.reading.rates) == 1, "the sweep that was cut short is not read"
    assert dialog.chosen == dialog.reading.rate
    click(dialog.apply)
    (command,) = shown.sent
    assert (command.mode, command.optimizer, command.group) == ("hold", 0, None)
    assert command.value == float(f"{dialog.reading.rate:.2g}")
    assert command.note == "LR finder"
    # Another row, and "set".
    item = dialog.table.item(2, 0)
    assert item is not None
    box = dialog.table.visualItemRect(item)
    viewport = dialog.table.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPointF(box.center()).toPoint())
    assert dialog.chosen == dialog.rates[2]
    dialog.mode.setFocus()
    QTest.keyClick(dialog.mode, Qt.Key.Key_Down)
    click(dialog.apply)
    assert shown.sent[-1].mode == "set"


def test_a_trial_of_lower_rates_follows_where_asked(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    dialog = shown.find()
    assert not dialog.then_try.isChecked()
    QTest.keyClick(dialog.then_try, Qt.Key.Key_Space)
    assert f"{format_count(1300)} steps" in dialog.cost.text()
    click(dialog.start)
    (swept,) = shown.sent
    # Nothing gets to a training here: the record is written as the probe would.
    range_test(folder, id=swept.id).end()
    qtbot.waitUntil(lambda: len(shown.sent) == 2)
    command = shown.sent[1]
    assert (command.kind, len(command.rates), command.steps) == ("trial", 5, 200)
    assert command.rates[0] == pytest.approx(0.5 / 26, rel=0.3)
    assert dialog.reading is not None
    test = ladder(folder, command.id, command.rates, (1.0, 0.4, 0.9, 1.4, 1.8))
    qtbot.waitUntil(lambda: len(dialog.tried) == 5)
    # While rates are tried, the sweeps' word is not offered as the answer.
    assert dialog.said.text == ""
    assert dialog.chosen is None
    assert "suggested" not in dialog.plot.accessibleName()
    test.end()
    qtbot.waitUntil(lambda: dialog.choice is not None)
    assert dialog.choice is not None
    assert dialog.choice.rate == command.rates[1] == dialog.chosen
    assert dialog.said.tone == "good"
    assert "of the 5 rates that were tried" in dialog.said.text
    best = format_rate(command.rates[1], 2)
    assert dialog.plot.accessibleName().endswith(f"suggested rate {best}")
    assert dialog.apply.text() == f"&Apply {best}"
    assert dialog.rates[:2] == [dialog.choice.rate, dialog.choice.low]
    # Each rate that was tried, with what it came to; the suggestion's own stands above them.
    rows = cells(dialog)
    assert [row[0] for row in rows][:8] == [
        "lrmonitor",
        "Its lower end, safer",
        *["Tried"] * 4,
        "The sweeps alone",
        "Valley (fastai)",
    ]
    assert [row[1] for row in rows[2:6]] == [
        format_rate(rate, 2) for rate in reversed(command.rates) if rate != command.rates[1]
    ]
    reached = [row[3] for row in rows[:6]]
    assert reached.pop(1) == ""
    assert [round(float(loss), 1) for loss in reached] == [0.4, 1.8, 1.4, 0.9, 1.0]
    assert not dialog.table.isColumnHidden(3)
    # One that was tried can be applied too.
    dialog.table.selectRow(4)
    click(dialog.apply)
    assert shown.sent.pop().value == float(rows[4][1])
    assert len(shown.sent) == 2
    dialog.reject()
    # Seen again, with the sweeps that it followed on.
    qtbot.waitUntil(lambda: not shown.window.findChildren(FindRateDialog))
    shown.window.actions_table.find_rate.trigger()
    (again,) = shown.window.findChildren(FindRateDialog)
    qtbot.waitUntil(lambda: again.choice is not None)
    assert again.chosen == command.rates[1]


def test_a_rate_that_broke_in_the_trial_cannot_be_applied(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    range_test(folder).end()
    rates = (0.02, 0.006, 0.002)
    ladder(folder, "cccc", rates, (math.inf, 0.9, 1.4)).end()
    dialog = shown.find()
    qtbot.waitUntil(lambda: dialog.choice is not None)
    assert dialog.chosen == 0.006
    assert cells(dialog)[3] == ["Tried", "0.02", "×20", "the loss broke"]
    dialog.table.selectRow(3)
    assert not dialog.apply.isEnabled()
    # Something is drawn of all of it, the one that broke at the top.
    assert "tried 0.02: broke" in dialog.plot.accessibleName()
    assert not dialog.plot.grab().isNull()


def test_a_trial_that_was_cut_short_leaves_the_word_to_the_sweeps(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    range_test(folder).end()
    ladder(folder, "cccc", (0.02, 0.006), (1.0, 0.9), done=20).end("cancelled")
    dialog = shown.find()
    qtbot.waitUntil(lambda: dialog.said.tone == "good")
    assert dialog.choice is None
    assert dialog.reading is not None
    assert dialog.chosen == dialog.reading.rate
    assert cells(dialog)[0][0] == "The sweeps alone"
    assert dialog.said.text.endswith("The trial was cut short: that is of the sweeps alone.")


def trial_asked_for(shown: Shown, folder: RunFolder, qtbot: QtBot) -> FindRateDialog:
    """The sweeps are over, and the trial that is to follow has not begun."""
    dialog = shown.find()
    dialog.then_try.setChecked(True)
    click(dialog.start)
    range_test(folder, id=shown.sent[0].id).end()
    qtbot.waitUntil(lambda: len(shown.sent) == 2)
    by = {"who": "person", "via": "window", "name": "ann"}
    folder.event("command", id=shown.sent[1].id, command="trial", args={}, by=by)
    return dialog


def test_a_trial_that_is_refused_after_the_sweeps(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    dialog = trial_asked_for(shown, folder, qtbot)
    folder.refused(shown.sent[1].id, "the training ends in 20 steps.")
    qtbot.waitUntil(lambda: dialog.said.tone == "warn")
    assert dialog.said.text == "The rates were not tried: the training ends in 20 steps."
    assert cells(dialog)[0][0] == "lrmonitor"
    assert dialog.table.isColumnHidden(3)
    # What the sweeps said counts again.
    qtbot.waitUntil(lambda: dialog.chosen is not None)
    assert "suggested" in dialog.plot.accessibleName()


def test_a_trial_that_is_withdrawn_before_it_begins(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    dialog = trial_asked_for(shown, folder, qtbot)
    qtbot.waitUntil(lambda: dialog.table.rowCount() > 0)
    assert dialog.chosen is None
    cancelled(folder, shown.sent[1].id)
    qtbot.waitUntil(lambda: dialog.chosen is not None)


def test_sweeps_with_which_the_run_ends_are_not_followed(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    dialog = shown.find()
    dialog.then_try.setChecked(True)
    click(dialog.start)
    with QSignalBlocker(shown.window.ticker):  # both are seen in one look
        range_test(folder, id=shown.sent[0].id).end()
        folder.exited(0)
    qtbot.waitUntil(lambda: shown.session.over)
    qtbot.waitUntil(lambda: "suggested" in dialog.plot.accessibleName())
    assert len(shown.sent) == 1


def test_stopped_before_it_began_a_test_leaves_the_run_in_its_pause(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    folder.event("paused", step=folder.step)
    qtbot.waitUntil(lambda: shown.session.model.state.phase is Phase.PAUSED)
    dialog = shown.find()
    click(dialog.start)
    by = {"who": "person", "via": "window", "name": "ann"}
    folder.event("command", id=shown.sent[0].id, command="range_test", args={}, by=by)
    assert dialog._waits.isActive()
    qtbot.waitUntil(dialog.stop.isVisible)
    click(dialog.stop)
    cancelled(folder, shown.sent[0].id)
    qtbot.waitUntil(lambda: not dialog._waiting())
    assert not dialog._waits.isActive()
    assert [one.kind for one in shown.sent] == ["range_test", "cancel"]


def test_a_state_that_is_not_kept_any_more_is_not_replaced_by_another(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    for number, step in ((1, 1), (2, 100), (3, 200)):
        folder.event("snapshot", id=number, step=step, bytes=10**6, seconds=0.01, why="auto")
    range_test(folder).end()
    dialog = shown.find()
    qtbot.waitUntil(lambda: dialog.origin.count() == 4)
    dialog.origin.setCurrentIndex(dialog.origin.findData(100))
    shown.window.asking.rewind()
    (rewind,) = shown.window.findChildren(RewindDialog)
    rewind.table.selectRow(1)
    assert (one := rewind.chosen) is not None
    assert one.step == 100
    folder.event("snapshots_dropped", ids=[2], why="room")
    qtbot.waitUntil(lambda: rewind.table.rowCount() == 2)
    assert not rewind.table.selectedItems()
    assert not rewind.back.isEnabled()
    folder.event("snapshot", id=4, step=300, bytes=10**6, seconds=0.01, why="auto")
    qtbot.waitUntil(lambda: rewind.table.rowCount() == 3)
    assert not rewind.table.selectedItems()
    rewind.table.selectRow(0)
    assert rewind.back.isEnabled()
    qtbot.waitUntil(lambda: dialog.origin.findData(300) >= 0)
    assert dialog.origin.currentData() == 100
    click(dialog.apply)
    assert (shown.sent[-1].kind, shown.sent[-1].to) == ("rewind", 100)


def rewound(folder: RunFolder) -> None:
    """Two snapshots; the run went back to the first of them, and has trained since."""
    for number, step in ((1, 1), (2, 200)):
        folder.event("snapshot", id=number, step=step, bytes=10**6, seconds=0.01, why="auto")
    folder.event("rewound", id="r", step=folder.step, to=1, rng=False, scale=1 / 3)
    folder.train(20)


def test_what_was_trained_too_fast_is_begun_anew_with_the_rate_that_was_found(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    rewound(folder)
    dialog = shown.find()
    click(dialog.start)
    (command,) = shown.sent
    range_test(folder, id=command.id, effective=0.19).end()
    qtbot.waitUntil(lambda: dialog.said.tone == "good")
    rate = dialog.chosen
    assert rate is not None
    assert "it has trained at 0.19" in dialog.said.text
    origins = [dialog.origin.itemText(i) for i in range(dialog.origin.count())]
    assert origins == ["From here on", "Back at step 1"], "not one of a course that was left"
    assert dialog.origin.currentData() == 1
    assert dialog.apply.text().replace("&", "").startswith("Go back, apply ")
    click(dialog.apply)
    sent = shown.sent[-1]
    held = float(f"{rate:.2g}")
    assert (sent.kind, sent.to, sent.mode, sent.rate) == ("rewind", 1, "hold", held)
    assert (sent.optimizer, sent.group, sent.rng) == (0, None, False)
    folder.event("command", id=sent.id, command="rewind", args=sent.args(), by={})
    folder.event(
        "acknowledgement",
        id=sent.id,
        status="applied",
        step=folder.step,
        groups=[
            {"optimizer": 0, "group": 0, "scheduled": 0.6, "previous": 0.19, "effective": held}
        ],
    )
    qtbot.waitUntil(lambda: dialog.said.text.startswith("Rewound after step "))
    assert dialog.origin.currentData() is None, "once is enough"
    dialog.origin.setFocus()
    QTest.keyClick(dialog.origin, Qt.Key.Key_Down)
    QTest.keyClick(dialog.origin, Qt.Key.Key_Up)
    click(dialog.apply)
    assert shown.sent[-1].kind == "lr"


def test_nobody_is_sent_back_without_need(shown: Shown, folder: RunFolder, qtbot: QtBot) -> None:
    rewound(folder)
    dialog = shown.find()
    click(dialog.start)
    range_test(folder, id=shown.sent[0].id, effective=1e-3).end()
    qtbot.waitUntil(lambda: dialog.said.tone == "good")
    assert dialog.origin.isVisible()
    assert dialog.origin.currentData() is None
    assert "went back" not in dialog.said.text


def test_a_rewind_offers_the_rate_that_was_found(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    rewound(folder)
    range_test(folder, effective=0.19).end()
    qtbot.waitUntil(lambda: shown.session.model.rate_tests.going is None)
    qtbot.waitUntil(lambda: bool(shown.session.model.rate_tests.all))
    shown.window.asking.rewind()
    (dialog,) = shown.window.findChildren(RewindDialog)
    how, rate = dialog.onward.currentData()
    assert (how, rate) == ("hold", pytest.approx(0.02, rel=0.5))
    assert "as the range test found" in dialog.onward.currentText()
    assert not dialog.typed.isVisible()
    dialog.onward.setFocus()
    QTest.keyClick(dialog.onward, Qt.Key.Key_End)
    assert dialog.onward.currentData() == ("hold", None)
    assert dialog.typed.isVisible()
    assert not dialog.back.isEnabled(), "no rate is typed yet"
    QTest.keyClicks(dialog.typed, "0.03")
    click(dialog.back)
    sent = shown.sent[-1]
    assert (sent.kind, sent.to, sent.rate, sent.scale) == ("rewind", 1, 0.03, None)


def test_a_converged_model_is_refused(shown: Shown, folder: RunFolder, qtbot: QtBot) -> None:
    range_test(folder, only_noise).end()
    dialog = shown.find()
    qtbot.waitUntil(lambda: dialog.said.tone == "warn")
    assert dialog.said.text.startswith("No usable descent")
    assert cells(dialog)[0][1] == "none"
    assert dialog.chosen is None
    assert not dialog.apply.isEnabled()


def test_what_was_not_put_back_is_said(shown: Shown, folder: RunFolder, qtbot: QtBot) -> None:
    range_test(folder).end(restored=False, warnings=["the buffer running_mean"])
    dialog = shown.find()
    qtbot.waitUntil(lambda: dialog.said.tone == "bad")
    assert "running_mean" in dialog.said.text


def test_a_refusal_of_the_training_is_said(shown: Shown, folder: RunFolder, qtbot: QtBot) -> None:
    dialog = shown.find()
    click(dialog.start)
    (command,) = shown.sent
    by = {"who": "person", "via": "window", "name": "ann"}
    folder.event("command", id=command.id, command="range_test", args={}, by=by)
    folder.refused(command.id, "the test takes 300 steps, and the training ends in 20")
    qtbot.waitUntil(lambda: dialog.said.tone == "bad")
    assert dialog.said.text == "Refused: the test takes 300 steps, and the training ends in 20."
    shown.session.sending.clear()
    dialog.refresh()
    assert dialog.start.isEnabled()


def test_a_process_that_ends_amid_a_test(shown: Shown, folder: RunFolder, qtbot: QtBot) -> None:
    range_test(folder, sweeps=1, done=70)
    dialog = shown.find()
    qtbot.waitUntil(lambda: dialog.stop.isEnabled())
    folder.event("ended")
    folder.exited(0)
    qtbot.waitUntil(lambda: not dialog.stop.isEnabled())
    assert "the process ended" in dialog.where.text()


def test_a_trial_is_asked_for_followed_and_applied(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    dialog = shown.compare()
    dialog.factors.selectAll()
    QTest.keyClicks(dialog.factors, "zero")
    click(dialog.start)
    assert not shown.sent
    assert "Zero is no factor" in dialog.said.text
    dialog.factors.selectAll()
    QTest.keyClicks(dialog.factors, "÷3 1 3")
    click(dialog.start)
    (command,) = shown.sent
    assert (command.factors, command.steps, command.legs) == ((1 / 3, 1.0, 3.0), 100, 4)
    shown.session.sending.clear()

    test = trial(folder, (-1e-3, -3e-3, -5e-3))
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 3)
    assert dialog.chosen is None, "nothing is recommended while it goes on"
    test.end()
    qtbot.waitUntil(lambda: dialog.said.tone == "good")
    assert dialog.said.text == "×3 reaches a lower loss, by more than noise."
    assert [row[0] for row in cells(dialog)] == ["÷3 = 3.33e-4", "×1 = 0.001", "×3 = 0.003"]
    # Slopes that fall, with a minus sign as wide as the digits.
    assert all(row[1][0] == row[2][0] == "\N{MINUS SIGN}" for row in cells(dialog))
    assert dialog.chosen == pytest.approx(3e-3)
    click(dialog.apply)
    assert (shown.sent[-1].mode, shown.sent[-1].value) == ("hold", 0.003)


def test_rates_that_are_alike_are_said_to_be(shown: Shown, folder: RunFolder, qtbot: QtBot) -> None:
    trial(folder, (-3e-4, -3e-4, -3e-4)).end()
    dialog = shown.compare()
    qtbot.waitUntil(lambda: bool(dialog.said.text))
    assert dialog.said.text == "No clear difference: keep ×1."
    assert dialog.said.tone == "quiet"
    assert dialog.chosen == pytest.approx(1e-3)


def test_an_undetermined_finding_offers_a_trial(
    isolated: Isolated, open_window: OpenWindow, qtbot: QtBot
) -> None:
    def flat(step: int) -> float:
        return 2.3 + 0.05 * ((step * 7919) % 101 / 50 - 1)

    folder = RunFolder(isolated.runs, created=time.time() - 40).launch().register()
    folder.train(1000, loss=flat)
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    told = view.session.diagnosis
    qtbot.waitUntil(
        lambda: any(one.finding.cause == "undetermined" for one in told.told), timeout=30_000
    )
    window.docks.show("findings")
    panel = view._findings()
    assert panel is not None
    (found,) = [one.finding for one in told.told if one.finding.cause == "undetermined"]
    panel.choose(found.id)
    assert panel.trial.isVisible()
    click(panel.trial)
    (dialog,) = window.findChildren(TryRatesDialog)
    assert dialog.isVisible()
    dialog.reject()


def test_factors_as_people_write_them() -> None:
    assert factors("÷3 ×1 ×3") == (1 / 3, 1.0, 3.0)
    assert factors("1/3, 1, 3") == (1 / 3, 1.0, 3.0)
    assert factors("0.5;x2 /4") == (0.5, 2.0, 0.25)
    for text in ("a", "0", "-1", "1/0", "inf", "nan"):
        with pytest.raises(CommandError):
            factors(text)


def test_results_are_seen_again_also_once_the_run_is_over(
    folder: RunFolder, open_window: OpenWindow, qtbot: QtBot
) -> None:
    first = range_test(folder)
    first.end()
    range_test(folder, only_noise, id="cccc").end()
    rates = trial(folder, (-1e-3, -3e-3, -5e-3))
    rates.end()
    folder.exited(0)
    window = open_window(folder.path)
    assert window.session is not None
    qtbot.waitUntil(lambda: window.session is not None and window.session.over)
    # By the menu, any of them.
    window.actions_table.tests.aboutToShow.emit()
    (third, _, one) = window.actions_table.tests.actions()
    assert third.text() == f"Rate trial after step {format_count(rates.begun)}"
    assert one.text() == "Range test after step 300"
    one.trigger()
    (dialog,) = window.findChildren(FindRateDialog)
    assert dialog.test is not None
    assert dialog.test.id == first.id
    assert dialog.said.tone == "good"
    assert dialog.table.isVisible()
    for hidden in (dialog.start, dialog.apply, dialog.stop, dialog.begin):
        assert not hidden.isVisible(), "nothing can be asked for any more"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.trying.dialog is None
    # By its key, the newest of its kind.
    qtbot.waitUntil(lambda: not window.findChildren(FindRateDialog))
    window.actions_table.find_rate.trigger()
    (dialog,) = window.findChildren(FindRateDialog)
    assert dialog.said.tone == "warn"
    dialog.reject()
    # By its row in the journal.
    window.docks.show("journal")
    journal = window.docks.widget("journal")
    assert isinstance(journal, JournalPanel)
    at = next(n for n, row in enumerate(journal.table.rows) if row.test == rates.id)
    qtbot.waitUntil(lambda: journal.view.viewport().height() > 40)
    journal.view.choose(at)
    box = journal.view.visualRect(journal.table.index(at, 4))
    pos = box.center()
    QTest.mouseClick(journal.view.viewport(), Qt.MouseButton.LeftButton, pos=pos)
    QTest.mouseDClick(journal.view.viewport(), Qt.MouseButton.LeftButton, pos=pos)
    (compared,) = window.findChildren(TryRatesDialog)
    assert len(cells(compared)) == 3
    compared.reject()


def test_enter_does_what_belongs_to_where_one_is(
    shown: Shown, folder: RunFolder, qtbot: QtBot
) -> None:
    range_test(folder).end()
    dialog = shown.find()
    qtbot.waitUntil(lambda: dialog.said.tone == "good")
    assert dialog.sweeps.value() == 3
    dialog.table.setFocus()
    QTest.keyClick(dialog.table, Qt.Key.Key_Return)
    assert shown.sent[-1].mode == "hold"
    dialog.steps.setFocus()
    QTest.keyClick(dialog.steps, Qt.Key.Key_Return)
    assert shown.sent[-1].steps == dialog.steps.value()
    assert dialog.isVisible()
