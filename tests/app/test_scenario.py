"""A new user's way through the window, on real trainings, with the keyboard and the mouse alone.

Keys go to the widget that has the focus, or to one that was clicked first; clicks go to where a
button is on the screen. No handler is called, nothing of the window is told what to do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.new_run import NewRunDialog
from lrmonitor.app.panels.console import ConsolePanel
from lrmonitor.app.panels.groups import GroupsPanel
from lrmonitor.app.panels.grouptable import EFFECTIVE
from lrmonitor.app.panels.journal import JournalPanel
from lrmonitor.app.runview import RunView
from lrmonitor.app.window import MainWindow
from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase
from tests.app.conftest import OpenWindow
from tests.app.test_launching import end_all  # noqa: F401  a fixture

pytest.importorskip("torch")

TIMEOUT = 60_000
KEY = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
PLAIN = Qt.KeyboardModifier.NoModifier

TWO_GROUPS = """\
import argparse
import time

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--steps", type=int, default=100_000)
args = parser.parse_args()

torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(
    [{"params": [model.weight]}, {"params": [model.bias], "lr": args.lr / 5}], lr=args.lr
)
inputs = torch.randn(64, 8)
targets = inputs.sum(dim=1, keepdim=True)
for step in range(args.steps):
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    time.sleep(0.005)
"""

CRASHES = """\
import torch

torch.set_num_threads(1)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)


def batch(step):
    return torch.randn(8, 4 if step < 40 else 3)


for step in range(100):
    loss = model(batch(step)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


class Person:
    """Looks at a window, waits for what is to be seen, and uses the keyboard and the mouse."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window = window
        self._qtbot = qtbot
        self._activate(window)

    @property
    def view(self) -> RunView:
        """The open run's view."""
        assert self.window.view is not None
        return self.window.view

    @property
    def model(self) -> RunModel:
        """What the window knows of the open run."""
        return self.view.session.model

    def wait(self, found: Callable[[], bool]) -> None:
        """Wait while the window goes on."""
        self._qtbot.waitUntil(found, timeout=TIMEOUT)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = PLAIN) -> None:
        """Press a key, wherever the focus is."""
        QTest.keyClick(self._focus(), key, modifier)

    def type(self, text: str) -> None:
        """Type, wherever the focus is, and wherever the first key brings it."""
        for letter in text:
            QTest.keyClicks(self._focus(), letter)

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Click on the middle of a widget that can be seen and used."""
        self.wait(lambda: widget.isVisible() and widget.isEnabled())
        assert not widget.visibleRegion().isEmpty(), f"{widget} cannot be seen"
        self._activate(widget.window())
        left = Qt.MouseButton.LeftButton
        QTest.mouseClick(widget, left, PLAIN, at or widget.rect().center())

    def replace(self, field: QWidget, text: str) -> None:
        """Click into a field and type something else."""
        self.click(field)
        self.press(KEY.Key_A, CTRL)
        self.type(text)

    def wait_for_steps(self, count: int = 20) -> None:
        """Wait until that many more steps are seen."""
        before = self.model.state.step or 0
        self.wait(lambda: (self.model.state.step or 0) >= before + count)

    def wait_for_phase(self, phase: Phase) -> None:
        """Wait for a state of the run."""
        self.wait(lambda: self.model.state.phase is phase)

    def wait_for_outcome(self, *words: str) -> None:
        """Wait until what is said of the last change has all these words."""
        outcome = self.view.control.outcome
        self.wait(lambda: all(word in outcome.text for word in words))
        assert outcome.isVisible()

    def rate_changes(self) -> list[str]:
        """What the journal's table tells of changes of the rate."""
        journal = self.window.docks.widget("journal")
        assert isinstance(journal, JournalPanel)
        journal.refresh()
        return [row.text for row in journal.table.rows if row.kind == "rate"]

    def new_run_dialog(self) -> NewRunDialog:
        """The New run dialog, when it is in front and knows the Pythons."""
        dialog = self.window.launcher.new_dialog
        assert dialog is not None
        self._activate(dialog)
        self.wait(lambda: not dialog.form.interpreters.busy)
        return dialog

    def start_script(self, script: Path, arguments: str) -> None:
        """Start it by Ctrl+N."""
        self.press(KEY.Key_N, CTRL)
        dialog = self.new_run_dialog()
        self.type(str(script))
        self.replace(dialog.form.arguments, arguments)
        self.wait(dialog.start.isEnabled)
        self.press(KEY.Key_Return)
        self.wait(lambda: self.window.view is not None)

    def stop(self) -> None:
        """Stop the open run, and confirm it."""
        self.press(KEY.Key_Period, CTRL)
        self.answer_yes()
        self.wait_for_phase(Phase.STOPPED)

    def answer_yes(self) -> None:
        """Give the default answer to the question that comes up."""
        self.wait(lambda: self.window.question is not None and self.window.question.isVisible())
        assert self.window.question is not None
        self._activate(self.window.question)
        self.press(KEY.Key_Return)

    def _activate(self, window: QWidget) -> None:
        """What a desktop does with a window that comes up, is clicked or is come back to."""
        window.activateWindow()
        self.wait(window.isActiveWindow)

    def _focus(self) -> QWidget:
        if QApplication.activeWindow() is None:
            self._activate(self.window)
        focus = QApplication.focusWidget()
        assert focus is not None, "keys would go nowhere"
        return focus


def shows_curves(person: Person) -> bool:
    """Whether there are plots, with the run's loss and rate in them."""
    plots, loss, rates = person.view.plots, person.model.loss(), person.model.lr(0, 0)
    if plots is None or loss is None or rates is None:
        return False
    return plots.isVisible() and len(loss) > 10 and len(rates) > 0


@pytest.mark.usefixtures("end_all")
def test_the_demo_from_the_first_start_to_a_second_run(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    person = Person(window, qtbot)
    assert window.start is not None
    person.click(window.start.choices["demo"])
    person.wait(lambda: window.view is not None)
    person.wait(lambda: shows_curves(person))
    first = person.view.session.folder

    # A rate is typed without looking for a field: it is in effect at a step that is named.
    control = person.view.control
    person.type("5e-3")
    assert control.entry.field.text() == "5e-3"
    person.press(KEY.Key_Return)
    person.wait_for_outcome("Applied at step", "→ 0.005")
    person.wait_for_steps()
    assert control.readout.requested.text() == "hold 0.005"

    # Undone by the usual keys: the script's schedule again.
    person.press(KEY.Key_Z, CTRL)
    person.wait_for_outcome("Applied at step", "The weights are not undone.")
    person.wait(lambda: control.readout.requested.text() == "script's schedule")

    # Another one, with the reason.
    person.replace(control.entry.note, "less noise")
    person.replace(control.entry.field, "0.008")
    person.press(KEY.Key_Return)
    person.wait_for_outcome("Applied at step", "→ 0.008", "less noise")

    # Pause, one step, go on.
    person.click(control.training.pause)
    person.wait_for_phase(Phase.PAUSED)
    held = person.model.state.step
    assert held is not None
    person.click(control.training.step)
    person.wait(lambda: person.model.state.step == held + 1)
    assert person.model.state.phase is Phase.PAUSED
    person.click(control.training.pause)
    person.wait_for_phase(Phase.RUNNING)
    person.wait_for_steps()

    # A note of what was seen, in the journal.
    journal = window.docks.widget("journal")
    assert isinstance(journal, JournalPanel)
    person.click(journal.write_note)
    person.type("the loss is calm")
    person.press(KEY.Key_Return)
    person.wait(lambda: any("the loss is calm" in row.text for row in journal.table.rows))
    before = person.rate_changes()
    assert len(before) == 3

    # The window is closed, the training is left.
    person.press(KEY.Key_W, CTRL)
    with qtbot.waitSignal(window.finished, timeout=TIMEOUT):
        person.answer_yes()
    assert not window.isVisible()

    # A window that is opened later lists it first; all that was recorded is there.
    window = open_window()
    person = Person(window, qtbot)
    person.wait(lambda: first in window.runs.roster.lines)
    person.press(KEY.Key_Down)
    person.press(KEY.Key_Return)
    person.wait(lambda: window.view is not None)
    person.wait(lambda: shows_curves(person))
    assert person.view.session.folder == first
    person.wait_for_steps()
    person.wait(lambda: person.view.control.readout.requested.text() == "hold 0.008")
    loss = person.model.loss()
    assert loss is not None
    assert loss.step[0] == 1
    assert len(loss) == loss.step[-1]
    assert person.rate_changes() == before
    person.stop()

    # Once more, with another rate from the start and for one epoch.
    person.press(KEY.Key_E, CTRL | ALT)
    dialog = person.new_run_dialog()
    assert dialog.form.targets["script"].text().endswith("digits.py")
    person.replace(dialog.form.arguments, "--lr 0.004 --epochs 1")
    person.click(dialog.start)
    person.wait(lambda: person.view.session.folder != first)
    person.wait_for_phase(Phase.ENDED)
    rates, loss = person.model.lr(0, 0), person.model.loss()
    assert rates is not None and loss is not None  # noqa: PT018
    assert (rates.value[0], len(loss)) == (0.004, math.ceil(1437 * 8 / 32))
    assert window.close()


@pytest.mark.usefixtures("end_all")
def test_one_group_and_a_second_run(open_window: OpenWindow, tmp_path: Path, qtbot: QtBot) -> None:
    script = tmp_path / "train.py"
    script.write_text(TWO_GROUPS)
    window = open_window()
    person = Person(window, qtbot)
    person.start_script(script, "--lr 0.05")
    person.wait(lambda: shows_curves(person))
    first = person.view.session.folder

    # The second group's rate is typed into its row; the first one's stays.
    person.click(person.view.control.target.table)
    groups = window.docks.widget("groups")
    assert isinstance(groups, GroupsPanel)
    person.wait(lambda: groups.view.isVisible() and len(groups.table.rows) == 2)
    cell = groups.view.visualRect(groups.table.index(1, EFFECTIVE)).center()
    person.click(groups.view.viewport(), cell)
    person.type("2e-3")
    person.press(KEY.Key_Return)
    person.wait_for_outcome("Applied at step", "→ 0.002", "hold 0.002 for group 1,")
    person.wait(lambda: [row.override for row in groups.table.rows][1] == "hold 0.002")
    assert set(person.model.overrides) == {(0, 1)}
    person.wait_for_steps()
    person.stop()

    # Re-run: the dialog is filled in; only the rate is another.
    person.press(KEY.Key_E, CTRL | ALT)
    dialog = person.new_run_dialog()
    assert dialog.form.targets["script"].text() == str(script)
    assert dialog.form.arguments.text() == "--lr 0.05"
    person.replace(dialog.form.arguments, "--lr 0.03 --steps 60")
    person.press(KEY.Key_Return)
    person.wait(lambda: person.view.session.folder != first)
    person.wait_for_phase(Phase.ENDED)
    told = json.loads((person.view.session.folder / "run.json").read_text())
    assert told["argv"][1:] == ["--lr", "0.03", "--steps", "60"]
    rates = [person.model.lr(0, group) for group in (0, 1)]
    assert [None if one is None else one.value[0] for one in rates] == [0.03, 0.006]
    assert window.close()


@pytest.mark.usefixtures("end_all")
def test_a_script_that_crashes_shows_why(
    open_window: OpenWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    script = tmp_path / "crashes.py"
    script.write_text(CRASHES)
    window = open_window()
    person = Person(window, qtbot)
    person.start_script(script, "")
    person.wait_for_phase(Phase.FAILED)
    notices = person.view.notices
    person.wait(lambda: "RuntimeError: mat1 and mat2 shapes cannot be multiplied" in notices.text)
    assert person.model.state.step == 40
    assert person.view.header.word.text() == "Crashed"
    assert "RuntimeError" not in person.view.header.sentence.whole, "told twice"
    person.click(notices.show_error)
    console = window.docks.widget("console")
    assert isinstance(console, ConsolePanel)
    person.wait(console.view.isVisible)
    line = console.view.cursorForPosition(console.view.viewport().rect().bottomLeft())
    seen = console.view.toPlainText()[: line.position()]
    assert "in <module>" in seen
    assert 'crashes.py", line 13' in console.view.toPlainText()
    assert window.close()
