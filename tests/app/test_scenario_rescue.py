"""A training at a ruinous rate, put right in the window: alarm, rewind, range test, schedule."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.find_rate import FindRateDialog
from lrmonitor.app.dialogs.rewind import RewindDialog
from lrmonitor.model.state import Phase
from lrmonitor.resources import resource_path
from tests.app.conftest import OpenWindow
from tests.app.test_launching import end_all  # noqa: F401  a fixture
from tests.app.test_scenario import CTRL, KEY, Person

pytest.importorskip("torch")

SHIFT = Qt.KeyboardModifier.ShiftModifier

GOOD = 0.02
"""A good rate for the demo: of those that were tried, the best are 0.02 to 0.045."""

EPOCHS = 60

SEED = 0

LEFT_ALONE = 2.30
"""Training loss of the last epoch with nobody at the window, at thirty times that rate."""

LAST = 5
"""Epochs over which a training's end is told: each shows other variants of the digits, and what one
epoch says of the loss is off by about 0.008 (one standard error; rates that differ by a factor of
three end 0.03 apart)."""

LONG = 900_000
"""Milliseconds for all of the epochs: two trainings and the window share the cores."""


def picture(name: str, widget: QWidget) -> None:
    """For the README's tour: saved where `LRMONITOR_PICTURES` says, if it says."""
    folder = os.environ.get("LRMONITOR_PICTURES")
    if folder:
        QApplication.processEvents()
        widget.grab().save(str(Path(folder) / f"{name}.png"))


@pytest.fixture
def beside() -> Iterator[subprocess.Popen[str]]:
    """The demo as it comes, with as many epochs and the same seed, beside the one in the window."""
    script = resource_path("examples", "digits.py")
    words = [sys.executable, str(script), "--epochs", str(EPOCHS), "--seed", str(SEED)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def epochs(printed: str) -> tuple[list[float], list[float]]:
    """The training loss and the accuracy (per cent) of each epoch, as the demo prints them."""
    losses = [float(one) for one in re.findall(r"\d  loss ([\d.]+)", printed)]
    accuracies = [float(one) for one in re.findall(r"accuracy ([\d.]+)%", printed)]
    assert len(losses) == len(accuracies) == EPOCHS
    return losses, accuracies


def ended_at(losses: list[float]) -> float:
    """The training loss that it ended with."""
    return statistics.fmean(losses[-LAST:])


def go_back(person: Person) -> None:
    """Rewind to the first step, and on at a third of the rate."""
    model, count = person.model, len(person.model.snapshots.rewound)
    person.press(KEY.Key_B, CTRL | SHIFT)
    (rewind,) = [one for one in person.window.findChildren(RewindDialog) if one.isVisible()]
    last = rewind.table.model().index(rewind.table.rowCount() - 1, 0)
    person.click(rewind.table.viewport(), rewind.table.visualRect(last).center())
    assert rewind.chosen is not None
    assert rewind.chosen.step == 1
    assert rewind.onward.currentData() == ("scale", pytest.approx(1 / 3))
    picture("rescue-rewind", rewind)
    person.click(rewind.back)
    person.wait(lambda: len(model.snapshots.rewound) > count)


def lower(dialog: FindRateDialog) -> QModelIndex:
    """The row of the suggestion's lower end."""
    (row,) = [
        i
        for i in range(dialog.table.rowCount())
        if (item := dialog.table.item(i, 0)) is not None and "lower end" in item.text()
    ]
    return dialog.table.model().index(row, 0)


def find(person: Person) -> FindRateDialog:
    """The range test, with the trial of rates that follows on it; once both are over."""
    model, window = person.model, person.window
    person.press(KEY.Key_T, CTRL | SHIFT)
    (dialog,) = [one for one in window.findChildren(FindRateDialog) if one.isVisible()]
    before = len(model.rate_tests.all)
    box = dialog.then_try
    person.click(box, QPoint(8, box.height() // 2))
    assert box.isChecked()
    person.click(dialog.start)
    person.wait(lambda: len(model.rate_tests.all) == before + 2)
    person.wait(lambda: model.rate_tests.going is None)
    for test in model.rate_tests.all[before:]:
        assert (test.why, test.restored) in (("done", True), ("bound", True))
    person.wait(lambda: dialog.choice is not None)
    return dialog


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("end_all")
def test_the_demo_at_thirty_times_a_good_rate_is_rescued(
    open_window: OpenWindow,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    beside: subprocess.Popen[str],
) -> None:
    monkeypatch.delenv("LRMONITOR_SNAPSHOTS")  # as it is outside of the tests
    window = open_window()
    person = Person(window, qtbot)
    script = Path(resource_path("examples", "digits.py"))
    person.start_script(script, f"--lr {30 * GOOD} --epochs {EPOCHS} --seed {SEED}")
    model = person.model
    person.wait(lambda: bool(model.snapshots.kept))

    # The alarm: nothing is learnt.
    alert = person.view.alert
    person.wait(alert.isVisible)
    told = alert.told
    assert told is not None
    assert (told.finding.kind, told.finding.severity) == ("plateau", "warning")

    picture("rescue-alarm", window)

    # Back to the first step, and on at a third of the rate.
    go_back(person)
    person.wait(lambda: (0, 0) in model.overrides)
    assert model.overrides[0, 0].value == pytest.approx(1 / 3)
    person.wait_for_steps(200)

    # Is that right now? What a third of a ruinous rate does to a network is a matter of luck, and
    # units that it kills do not come back. So once more to the first step, and held there: the
    # range test, and the trial that follows on it, begin from that very state.
    person.press(KEY.Key_Space)
    person.wait_for_phase(Phase.PAUSED)
    go_back(person)
    dialog = find(person)
    assert dialog.choice is not None
    assert dialog.choice.rate is not None
    assert dialog.choice.low is not None
    assert dialog.origin.currentData() is None, "nothing was trained since"
    # Nearly all of the run is still to come, so it is the safe end of what is suggested: what is
    # fastest in 200 steps is mostly too fast for thousands.
    rate = dialog.choice.low
    person.click(dialog.table.viewport(), dialog.table.visualRect(lower(dialog)).center())
    assert dialog.chosen == rate
    assert GOOD / 2 < rate < 5 * GOOD
    picture("rescue-find", dialog)
    person.click(dialog.apply)
    person.wait(lambda: "after the pause" in dialog.said.text)
    dialog.reject()
    person.wait_for_phase(Phase.PAUSED)
    person.press(KEY.Key_Space)
    held = float(f"{rate:.2g}")
    person.wait(lambda: model.overrides[0, 0].value == held)
    person.wait_for_phase(Phase.RUNNING)
    again = model.state.step

    # A cosine over the rest of the epochs, drawn before it is applied.
    person.press(KEY.Key_L, CTRL | SHIFT)
    schedule = window.scheduling.dialog
    assert schedule is not None
    end = schedule.form.fields["end"].control
    assert isinstance(end, QLineEdit)
    person.replace(end, "1e-4")
    person.replace(schedule.length, "rest")
    plots = person.view.plots
    assert plots is not None
    person.wait(lambda: plots.ahead.wish is not None and plots.ahead.wish.plan is not None)
    person.wait(lambda: schedule.summary.text().startswith("Cosine now → 1e-4"))
    picture("rescue-schedule", window)
    person.click(schedule.apply)
    person.wait(lambda: schedule.outcome.text.startswith("Applied at step"))
    schedule.reject()

    # What is left alone ends where it began, and reads one digit in ten. This one has lost epochs
    # to the ruinous rate and to the tests, and ends better than the demo does as it comes.
    qtbot.waitUntil(lambda: model.state.phase is Phase.ENDED, timeout=LONG)
    losses, accuracies = epochs((person.view.session.folder / "console.log").read_text("utf-8"))
    printed, _ = beside.communicate()
    others, _ = epochs(printed)
    rescued, as_it_comes = ended_at(losses), ended_at(others)
    words = f"on from step {again} at {held}: loss {rescued:.4f}, as it comes {as_it_comes:.4f}"
    print(f"{words}; reads {accuracies[-1]} %")
    assert losses[0] > 2
    assert rescued < LEFT_ALONE / 4
    assert rescued < as_it_comes
    assert accuracies[0] < 20
    assert accuracies[-1] > 95
    marks = [one.kind for one in model.markers if one.kind in ("rewound", "test")]
    assert marks == ["rewound", "rewound", "test", "test"]
    # Beside a spike of the first steps all else is low: a logarithmic scale shows both.
    person.press(KEY.Key_L)
    assert plots.loss.log
    # The list of runs looks about once a second.
    person.wait(lambda: not any(line.live for line in window.runs.roster.lines.values()))
    picture("rescue-end", window)
    assert window.close()
