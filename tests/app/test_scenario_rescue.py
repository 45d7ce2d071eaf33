"""A training at a ruinous rate, put right in the window: alarm, rewind, range test, schedule."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
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
"""The demo's own rate."""

EPOCHS = 40

SEED = 0

LAST = 5
"""Epochs at the end whose mean is compared: their rate is next to 0, and the mean of five is steadier
than one."""

LEFT_ALONE = 2.30
"""The training loss of the last epoch with nobody at the window, at thirty times the demo's rate."""


def picture(name: str, widget: QWidget) -> None:
    """For the README's tour: saved where `LRMONITOR_PICTURES` says, if it says."""
    folder = os.environ.get("LRMONITOR_PICTURES")
    if folder:
        QApplication.processEvents()
        widget.grab().save(str(Path(folder) / f"{name}.png"))


@contextmanager
def default(script: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo as it comes, with as many epochs and the same seed, beside the one in the window."""
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
    person.wait(lambda: (0, 0) in model.overrides)


def find(person: Person) -> FindRateDialog:
    """The range test, with the trial of rates that follows on it; once both are over."""
    model, window = person.model, person.window
    person.press(KEY.Key_T, CTRL | SHIFT)
    (dialog,) = [one for one in window.findChildren(FindRateDialog) if one.isVisible()]
    before = len(model.rate_tests.all)
    if not dialog.then_try.isChecked():
        dialog.then_try.setFocus()
        person.press(KEY.Key_Space)
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
def test_the_demo_at_thirty_times_its_rate_is_rescued(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
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
    told = person.view.session.diagnosis.told[0].finding
    assert (told.kind, told.severity) == ("plateau", "warning")

    picture("rescue-alarm", window)

    # Back to the first step, and on at a third of the rate. Which rate is right? The range test
    # and the trial that follows on it say. What a third of a ruinous rate does to a network is a
    # matter of luck: where it is lost again, nothing can be told there, and one goes back once more.
    rate = None
    for _ in range(3):
        go_back(person)
        dialog = find(person)
        assert dialog.choice is not None
        rate = dialog.choice.rate
        if rate is not None:
            break
        dialog.reject()
    assert rate is not None
    assert GOOD / 2 < rate < 10 * GOOD

    # The weights keep the harm of the rate that it was found at (units that it has killed do not
    # come back), so it is not only applied, but the run goes back to where that began.
    if dialog.origin.currentData() is None:
        dialog.origin.setFocus()
        person.press(KEY.Key_End)
    assert dialog.origin.currentData() == 1
    picture("rescue-find", dialog)
    back = len(model.snapshots.rewound)
    person.click(dialog.apply)
    person.wait(lambda: dialog.said.text.startswith("Rewound after step"))
    assert len(model.snapshots.rewound) == back + 1
    assert model.snapshots.target == 1
    assert model.overrides[0, 0].value == float(f"{rate:.2g}")
    dialog.reject()

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
    # to the ruinous rate and to the tests, and ends better than the demo does at its own rate and
    # schedule in all of its epochs.
    person.wait_for_phase(Phase.ENDED)
    losses, accuracies = epochs((person.view.session.folder / "console.log").read_text("utf-8"))
    printed, _ = beside.communicate()
    others, _ = epochs(printed)
    assert losses[0] > 2
    assert losses[-1] < LEFT_ALONE / 4
    assert fmean(losses[-LAST:]) < fmean(others[-LAST:])
    assert accuracies[0] < 20
    assert accuracies[-1] > 95
    marks = [one.kind for one in model.markers if one.kind in ("rewound", "test")]
    assert marks[:3] == ["rewound", "test", "test"]
    assert marks[-1] == "rewound"
    # The list of runs looks about once a second.
    person.wait(lambda: not any(line.live for line in window.runs.roster.lines.values()))
    picture("rescue-end", window)
    assert window.close()
