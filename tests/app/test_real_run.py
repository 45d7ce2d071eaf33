"""The window on a real training in a real process: what a person would do, from first to last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.runview import RunView
from lrmonitor.app.window import MainWindow
from lrmonitor.model.state import Phase
from tests.app.conftest import OpenWindow

SCRIPT = """\
import sys
import time

import torch

torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4000)
inputs = torch.randn(64, 8)
targets = inputs.sum(dim=1, keepdim=True)
step = 0
while True:
    if "--ends" in sys.argv and step == 60:
        sys.exit(7)
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step < 4000:
        scheduler.step()
    step += 1
    time.sleep(0.004)
"""

DEAF = """\
import signal
import time

signal.signal(signal.SIGINT, signal.SIG_IGN)
"""

TIMEOUT = 30_000

Launch = Callable[..., Path]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts a script detached; its folder. What still runs after the test is killed."""
    pids: list[int] = []

    def start(text: str = SCRIPT, *words: str) -> Path:
        script = tmp_path / "train.py"
        script.write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "lrmonitor", "run", "--detach", "--json", str(script), *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        told = json.loads(done.stdout)
        pids.append(told["pid"])
        return Path(told["folder"])

    yield start
    gone = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            process.kill()
            gone.append(process)
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(gone, timeout=10)


def view_of(window: MainWindow) -> RunView:
    """The open run's view."""
    assert window.view is not None
    return window.view


def wait(qtbot: QtBot, found: Callable[[], bool]) -> None:
    """Wait while the window goes on."""
    qtbot.waitUntil(found, timeout=TIMEOUT)


def phase(window: MainWindow) -> Phase:
    """The state that the window shows."""
    return view_of(window).session.model.state.phase


def wait_for_steps(qtbot: QtBot, window: MainWindow, count: int = 20) -> None:
    """Wait until that many more steps are seen."""
    model = view_of(window).session.model
    before = model.state.step or 0
    wait(qtbot, lambda: (model.state.step or 0) >= before + count)


def type_rate(window: MainWindow, text: str) -> None:
    """Type a rate into the field and press Enter."""
    field = view_of(window).control.entry.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def wait_for_outcome(qtbot: QtBot, window: MainWindow, *words: str) -> str:
    """Wait until the outcome line has all these words; what it says."""
    outcome = view_of(window).control.outcome
    wait(qtbot, lambda: all(word in outcome.text for word in words))
    return outcome.text


def test_a_session_from_the_first_rate_to_stop(
    open_window: OpenWindow, launch: Launch, qtbot: QtBot
) -> None:
    window = open_window(launch())
    view = view_of(window)
    model, control = view.session.model, view.control
    wait_for_steps(qtbot, window)
    assert control.readout.requested.text() == "script's schedule"

    # A rate is typed; it is in effect at a step that is named, and stays under the schedule.
    type_rate(window, "3e-3")
    told = wait_for_outcome(qtbot, window, "Applied at step", "→ 0.003")
    (mark,) = [m for m in model.markers if m.kind == "rate"]
    assert f"step {mark.step}" in told.replace("\u202f", "")
    wait_for_steps(qtbot, window)
    rates = model.lr(0, 0)
    assert rates is not None
    assert (rates.step[-1], rates.value[-1]) == (mark.step, 3e-3)
    wait(qtbot, lambda: control.readout.effective.text() == "0.003")
    assert control.readout.requested.text() == "hold 0.003"
    scheduled = model.scheduled(0, 0)
    assert scheduled is not None
    assert len(scheduled) > len(rates)
    assert view.plots is not None
    wait(qtbot, lambda: view.plots is not None and len(view.plots.loss.mark_lines.marks) == 1)

    # The ×2 button multiplies what is held.
    control.entry.factors.buttons[2.0].click()
    wait_for_outcome(qtbot, window, "Applied", "→ 0.006")

    # Release goes back to the schedule.
    control.release.click()
    wait_for_outcome(qtbot, window, "Applied", "script's schedule")
    wait_for_steps(qtbot, window)
    wait(qtbot, lambda: control.readout.requested.text() == "script's schedule")
    assert rates.value[-1] == pytest.approx(scheduled.value[-1], rel=1e-2)

    # Pause; a rate waits; one step applies it; resume.
    control.training.pause.click()
    wait(qtbot, lambda: phase(window) is Phase.PAUSED)
    held_at = model.state.step
    assert held_at is not None
    type_rate(window, "1e-3")
    wait_for_outcome(qtbot, window, "Pending…", "once training goes on")
    wait(qtbot, control.training.step.isEnabled)
    control.training.step.click()
    told = wait_for_outcome(qtbot, window, "Applied at step", "→ 0.001")
    assert f"step {held_at + 1}:" in told.replace("\u202f", "")
    wait(qtbot, lambda: model.state.step == held_at + 1)
    assert phase(window) is Phase.PAUSED
    wait(qtbot, lambda: control.training.pause.text() == "Resume")
    control.training.pause.click()
    wait(qtbot, lambda: phase(window) is Phase.RUNNING)
    wait_for_steps(qtbot, window)

    # Stop, which is confirmed.
    control.training.stop.click()
    assert window.question is not None
    QTest.mouseClick(window.question.answers["yes"], Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: phase(window) is Phase.STOPPED)
    wait(qtbot, lambda: not control.entry.field.isEnabled())
    assert not model.state.live
    assert window.close()


def test_a_refusal_is_shown_with_its_reason(
    open_window: OpenWindow, launch: Launch, qtbot: QtBot
) -> None:
    zero = SCRIPT.replace(
        "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4000)",
        "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)",
    )
    assert zero != SCRIPT
    window = open_window(launch(zero))
    wait_for_steps(qtbot, window)
    view_of(window).control.entry.set_mode("set")
    type_rate(window, "1e-3")
    wait_for_outcome(qtbot, window, "Refused: ")
    assert view_of(window).control.outcome.tone == "bad"


def test_two_windows_on_one_run(open_window: OpenWindow, launch: Launch, qtbot: QtBot) -> None:
    folder = launch()
    one, two = open_window(folder), open_window(folder)
    wait_for_steps(qtbot, one)
    wait_for_steps(qtbot, two)
    type_rate(one, "2e-3")
    wait_for_outcome(qtbot, two, "Applied at step", "→ 0.002")
    type_rate(two, "5e-3")
    wait_for_outcome(qtbot, one, "Applied at step", "0.002 → 0.005")
    wait(qtbot, lambda: view_of(one).control.readout.requested.text() == "hold 0.005")
    view_of(one).control.training.pause.click()
    wait(qtbot, lambda: phase(two) is Phase.PAUSED)
    wait(qtbot, lambda: view_of(two).control.training.pause.text() == "Resume")
    view_of(two).control.training.pause.click()
    wait(qtbot, lambda: phase(one) is Phase.RUNNING)


def test_the_bar_below_tells_what_a_real_training_uses(
    open_window: OpenWindow, launch: Launch, qtbot: QtBot
) -> None:
    window = open_window(launch())
    wait_for_steps(qtbot, window)
    bar = window.status
    # PyTorch alone takes more than 100 MiB; the process trains, on one thread, and sleeps.
    wait(qtbot, lambda: bar.isVisible() and "–" not in bar.cores.text())
    memory = float(bar.memory.text().split()[1])
    assert memory > 100 or "GiB" in bar.memory.text()
    wait(qtbot, lambda: 0.0 < float(bar.cores.text().split()[1]) < 2.0)
    wait(qtbot, lambda: bar.step.text() == "Last step  less than 1 s ago")


def test_a_run_that_fails_and_one_that_is_killed(
    open_window: OpenWindow, launch: Launch, qtbot: QtBot
) -> None:
    failing = open_window(launch(SCRIPT, "--ends"))
    wait(qtbot, lambda: phase(failing) is Phase.FAILED)
    header = view_of(failing).header
    # It is told by the notice where the run ended in sight, else in the head.
    wait(qtbot, lambda: "exit code 7" in header.word.toolTip())
    told = (view_of(failing).notices.text, header.sentence.whole)
    assert sum("exit code 7" in words for words in told) == 1, told
    assert view_of(failing).session.model.state.step == 60
    killed = open_window(launch())
    wait_for_steps(qtbot, killed)
    pid = view_of(killed).session.model.state.pid
    assert pid is not None
    os.kill(pid, 9)
    wait(qtbot, lambda: phase(killed) is Phase.KILLED)
    assert view_of(killed).plots is not None


def test_a_window_that_closes_harms_nothing(
    open_window: OpenWindow, launch: Launch, qtbot: QtBot
) -> None:
    folder = launch()
    first = open_window(folder)
    wait_for_steps(qtbot, first)
    type_rate(first, "3e-3")
    wait_for_outcome(qtbot, first, "Applied at step")
    first.close()
    assert first.question is not None
    QTest.mouseClick(first.question.answers["leave"], Qt.MouseButton.LeftButton)
    assert not first.isVisible()
    again = open_window(folder)
    wait_for_steps(qtbot, again)
    wait_for_outcome(qtbot, again, "Applied at step")
    assert view_of(again).control.readout.requested.text() == "hold 0.003"


def test_stop_it_on_closing_ends_the_run_and_the_window(
    open_window: OpenWindow, launch: Launch, qtbot: QtBot
) -> None:
    window = open_window(launch())
    wait_for_steps(qtbot, window)
    model = view_of(window).session.model
    window.close()
    assert window.question is not None
    with qtbot.waitSignal(window.finished, timeout=TIMEOUT):
        QTest.mouseClick(window.question.answers["stop"], Qt.MouseButton.LeftButton)
    assert model.state.phase is Phase.STOPPED


def test_a_script_that_ignores_ctrl_c_is_terminated(
    open_window: OpenWindow, launch: Launch, qtbot: QtBot
) -> None:
    window = open_window(launch(DEAF + SCRIPT))
    wait_for_steps(qtbot, window)
    ladder = view_of(window).control.training
    window.ask_stop("interrupt")
    assert window.question is not None
    QTest.mouseClick(window.question.answers["yes"], Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: ladder.terminate.isVisible())
    assert "still runs" in ladder.ladder.text
    ladder.terminate.click()
    assert window.question is not None
    QTest.mouseClick(window.question.answers["yes"], Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: phase(window) is Phase.KILLED)
    assert view_of(window).session.model.state.signal == "SIGTERM"
