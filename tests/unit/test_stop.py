"""The ladder that ends a run, on real processes without a probe."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from lrmonitor.link.messages import Author, PauseCommand
from lrmonitor.model.command import NotLive, send_command
from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase
from lrmonitor.model.stop import StopStep, stop_run
from tests.conftest import Isolated
from tests.helpers.recorded import Recorded

ANN = Author(who="person", via="cli", name="ann")

OBEDIENT = "import time; print('up', flush=True); time.sleep(600)"
DEAF_TO_INTERRUPT = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""
DEAF_CHILD = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {DEAF!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print("up", flush=True)
time.sleep(600)
"""

GONE_BEFORE_IT_ANSWERS = """
import os, signal, time
from lrmonitor.link.server import Server

class Handler:
    def submit(self, command, reply):
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            time.sleep(1)

    def status(self):
        return {}

signal.signal(signal.SIGINT, signal.SIG_DFL)
server = Server("20231114-221320-abcd", 0, "unused", Handler())
print("up", flush=True)
time.sleep(600)
"""


class Script:
    """A process that is recorded as a run's script; a thread does what its supervisor would."""

    def __init__(self, run: Recorded, code: str) -> None:
        self.run = run
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"up\n"
        now = time.time()
        run.supervisor("starting", now, pid=os.getpid())
        born = psutil.Process(self.process.pid).create_time()
        run.supervisor("started", now, pid=self.process.pid, started=born)
        self.children = psutil.Process(self.process.pid).children(recursive=True)
        self._waiter = threading.Thread(target=self._supervise)
        self._waiter.start()

    def close(self) -> None:
        for process in self.children:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process.poll() is None:
            self.process.kill()
        self._waiter.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _supervise(self) -> None:
        code = self.process.wait()
        name = signal.Signals(-code).name if code < 0 else None
        self.run.supervisor(
            "exited", time.time(), code=None if name else code, signal=name, registered=False
        )


@contextlib.contextmanager
def script(isolated: Isolated, code: str) -> Iterator[Script]:
    running = Script(Recorded(isolated.runs), code)
    try:
        yield running
    finally:
        running.close()


def test_one_that_is_gone_before_it_answers_was_interrupted(isolated: Isolated) -> None:
    with script(isolated, GONE_BEFORE_IT_ANSWERS) as s:
        result = stop_run(s.run.folder, by=ANN, timeout=20)
        assert s.process.wait(10) == -signal.SIGINT
    (step,) = result.steps
    assert (step.how, step.by, step.pids) == ("interrupt", "SIGINT", ())
    assert result.sentence.startswith("Interrupted by SIGINT, before it could answer. ")


def test_interrupt_is_ctrl_c(isolated: Isolated) -> None:
    told: list[StopStep] = []
    with script(isolated, OBEDIENT) as s:
        result = stop_run(s.run.folder, by=ANN, timeout=20, progress=told.append)
        assert s.process.wait(10) == -signal.SIGINT
    assert result.ended
    assert result.state.phase is Phase.STOPPED
    assert "as asked to stop by ann (cli)" in result.state.sentence
    assert result.steps == tuple(told)
    (step,) = result.steps
    assert (step.how, step.by, step.pids) == ("interrupt", "SIGINT", (s.process.pid,))
    assert result.sentence.startswith(f"SIGINT sent to process {s.process.pid}. ")


def test_what_was_done_is_in_the_record(isolated: Isolated) -> None:
    with script(isolated, OBEDIENT) as s:
        stop_run(s.run.folder, "terminate", by=ANN, timeout=20)
    model = RunModel(s.run.folder)
    model.poll()
    assert (model.state.phase, model.state.label) == (Phase.KILLED, "terminated")
    (entry,) = [e for e in model.journal if e.event == "stop"]
    assert entry.text == f"SIGTERM sent to process {s.process.pid} by ann (cli)"


def test_one_rung_is_not_climbed_further_unasked(isolated: Isolated) -> None:
    with script(isolated, DEAF_TO_INTERRUPT) as s:
        result = stop_run(s.run.folder, by=ANN, timeout=0.3)
        assert not result.ended
        assert s.process.poll() is None
        assert result.sentence.endswith("still running 0.3 s later; terminate is the next step.")


def test_escalation_goes_as_far_as_it_must(isolated: Isolated) -> None:
    with script(isolated, DEAF_TO_INTERRUPT) as s:
        result = stop_run(s.run.folder, by=ANN, escalate=True, timeout=0.5)
        assert s.process.wait(10) == -signal.SIGTERM
    assert [step.how for step in result.steps] == ["interrupt", "terminate"]
    assert result.ended


def test_kill_ends_what_is_deaf(isolated: Isolated) -> None:
    with script(isolated, DEAF) as s:
        result = stop_run(s.run.folder, by=ANN, escalate=True, timeout=0.3)
        assert s.process.wait(10) == -signal.SIGKILL
    assert [step.by for step in result.steps] == ["SIGINT", "SIGTERM", "SIGKILL"]
    assert result.state.phase is Phase.KILLED
    assert "as asked to kill by ann (cli)" in result.state.sentence


def test_a_deaf_child_is_not_left_behind(isolated: Isolated) -> None:
    """The script ends at SIGTERM, its child does not: the next rung finds it all the same."""
    with script(isolated, DEAF_CHILD) as s:
        (child,) = s.children
        result = stop_run(s.run.folder, "terminate", by=ANN, escalate=True, timeout=0.5)
        assert result.ended
        assert [step.how for step in result.steps] == ["terminate", "kill"]
        assert set(result.steps[0].pids) == {s.process.pid, child.pid}
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_reused_pid_is_never_signalled(isolated: Isolated) -> None:
    with script(isolated, OBEDIENT) as s:
        run = Recorded(isolated.runs, "20250101-000000-aaaa")
        run.supervisor("started", time.time() - 900, pid=s.process.pid, started=time.time() - 900)
        for how in ("interrupt", "terminate", "kill"):
            with pytest.raises(NotLive, match="is over"):
                stop_run(run.folder, how, by=ANN)
        assert s.process.poll() is None


def test_a_run_that_is_over(isolated: Isolated) -> None:
    run = Recorded(isolated.runs)
    run.supervisor("exited", code=0, signal=None, registered=False)
    with pytest.raises(NotLive, match=f"run {run.id} is over: The script ended"):
        stop_run(run.folder)


def test_a_run_of_another_machine(isolated: Isolated) -> None:
    run = Recorded(isolated.runs, host="tower")
    run.supervisor("started", time.time(), pid=os.getpid(), started=time.time())
    with pytest.raises(NotLive, match="tower"):
        stop_run(run.folder)


def test_an_unknown_rung(isolated: Isolated) -> None:
    with pytest.raises(ValueError, match="'bribe' is not one of interrupt, terminate, kill"):
        stop_run(isolated.runs, "bribe")


def test_a_record_that_cannot_be_written_does_not_keep_a_run_alive(isolated: Isolated) -> None:
    with script(isolated, OBEDIENT) as s:
        (s.run.folder / "clients").write_text("in the way")
        result = stop_run(s.run.folder, "kill", by=ANN, timeout=20)
        assert result.ended


def test_commands_to_a_script_that_has_not_trained_yet(isolated: Isolated) -> None:
    with (
        script(isolated, OBEDIENT) as s,
        pytest.raises(NotLive, match="cannot be commanded yet: The script runs"),
    ):
        send_command(s.run.folder, PauseCommand(by=ANN))
