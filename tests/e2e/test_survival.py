"""What may die without harm to a training: its client, its terminal, its disk and its folder."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

from tests.helpers.launch import (
    TIMEOUT,
    Terminal,
    alive,
    children,
    event,
    events,
    of_script,
    only_run,
    run_words,
)
from tests.helpers.wait import wait_until

PRINTING = """
import sys
print("ready", flush=True)
for line in open(sys.argv[1]):
    print("heard", line, end="", flush=True)
"""


class Training:
    """A script that prints each line it is told through a fifo, until it is told no more."""

    def __init__(self, folder: Path) -> None:
        self.fifo = folder / "fifo"
        os.mkfifo(self.fifo)
        script = folder / "s.py"
        script.write_text(PRINTING)
        self.words = run_words(script, self.fifo)
        self._file = -1

    def tell(self, line: str) -> None:
        """Have it print a line. Fails at once when nobody reads."""
        if self._file < 0:
            self._file = os.open(self.fifo, os.O_WRONLY)
        os.write(self._file, line.encode() + b"\n")

    def end(self) -> None:
        """Have it end."""
        os.close(self._file)
        self._file = -1


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path)


def finish(training: Training) -> Path:
    """Go on, end, and see that all is recorded; the run's folder."""
    folder = only_run()
    assert alive(event(folder, "started")["pid"])
    assert alive(event(folder, "starting")["pid"])
    for word in ("one", "two", "three"):
        training.tell(word)
    log = folder / "console.log"
    wait_until(lambda: log.read_bytes().endswith(b"heard one\nheard two\nheard three\n"))
    training.end()
    assert event(folder, "exited")["code"] == 0
    return folder


class TestTheClient:
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
    def test_dies(self, training: Training, tmp_path: Path, number: int) -> None:
        with (tmp_path / "out").open("wb") as out:
            client = subprocess.Popen(training.words, stdout=out, stderr=subprocess.DEVNULL)
        training.tell("zero")
        wait_until(lambda: b"zero" in (tmp_path / "out").read_bytes())
        client.send_signal(number)
        assert client.wait(TIMEOUT) == -number
        finish(training)
        # What the output was redirected to gets all of it too.
        text = b"ready\nheard zero\nheard one\nheard two\nheard three\n"
        wait_until(lambda: (tmp_path / "out").read_bytes() == text)

    def test_dies_with_the_pipes_it_had(self, training: Training) -> None:
        client = subprocess.Popen(
            training.words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE
        )
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        training.tell("zero")
        client.kill()
        for file in (client.stdin, client.stdout, client.stderr):
            assert file is not None
            file.close()
        client.wait(TIMEOUT)
        finish(training)

    def test_is_killed_with_all_of_its_process_group(self, training: Training) -> None:
        client = subprocess.Popen(
            training.words,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        training.tell("zero")
        os.killpg(client.pid, signal.SIGKILL)
        client.wait(TIMEOUT)
        finish(training)

    def test_is_killed_before_the_script_begins(self, training: Training) -> None:
        client = subprocess.Popen(training.words, stderr=subprocess.PIPE)
        assert client.stderr is not None
        with client.stderr:
            client.kill()
            client.stderr.read()
        client.wait(TIMEOUT)


class TestTheTerminal:
    @pytest.mark.parametrize("first", ["the shell", "the terminal"])
    def test_dies(self, training: Training, first: str) -> None:
        shell = ("sh", "-c", shlex.join(training.words) + "; echo never")
        with Terminal(shell) as terminal:
            terminal.expect(b"ready")
            training.tell("zero")
            terminal.expect(b"heard zero")
            if first == "the shell":
                terminal.process.kill()
                terminal.process.wait(TIMEOUT)
            else:
                os.close(terminal.master)
                terminal.master = -1
                terminal.process.wait(TIMEOUT)
        finish(training)

    def test_dies_with_the_client_as_its_leader(self, training: Training) -> None:
        with Terminal(training.words) as terminal:
            terminal.expect(b"ready")
            os.close(terminal.master)
            terminal.master = -1
            assert terminal.process.wait(TIMEOUT) == -signal.SIGHUP
        finish(training)

    def test_dies_while_it_is_stopped(self, training: Training) -> None:
        """Output waits for a terminal that shows nothing more, and then is no more."""
        with Terminal(training.words) as terminal:
            terminal.expect(b"ready")
            for _ in range(200):
                training.tell("x" * 4000)
            wait_until(lambda: (only_run() / "console.log").stat().st_size > 200 * 4000)
        finish(training)


class TestTheSupervisor:
    def test_does_not_mind_signals_meant_for_others(self, training: Training) -> None:
        client = subprocess.Popen(
            training.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        training.tell("zero")
        pid = event(only_run(), "starting")["pid"]
        for name in ("HUP", "INT", "QUIT", "TSTP", "TTIN", "TTOU", "USR1", "USR2", "PIPE"):
            os.kill(pid, signal.Signals["SIG" + name])
        finish(training)
        assert client.wait(TIMEOUT) == 0

    def test_passes_its_own_termination_on(self, training: Training) -> None:
        client = subprocess.Popen(
            training.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        training.tell("zero")
        folder = only_run()
        os.kill(event(folder, "starting")["pid"], signal.SIGTERM)
        assert client.wait(TIMEOUT) == -signal.SIGTERM
        assert event(folder, "exited")["signal"] == "SIGTERM"
        assert event(folder, "signalled") | {"time": 0} == {
            "time": 0,
            "event": "signalled",
            "signal": "SIGTERM",
            "by": "system",
        }

    def test_killed_is_told(self, training: Training) -> None:
        client = subprocess.Popen(training.words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        training.tell("zero")
        folder = only_run()
        log = folder / "console.log"
        wait_until(lambda: log.exists() and b"zero" in log.read_bytes())
        os.kill(event(folder, "starting")["pid"], signal.SIGKILL)
        _, stderr = client.communicate(timeout=TIMEOUT)
        assert client.returncode == 1
        assert b"the supervisor was killed" in stderr
        # Its pipes are gone with it, so the script ends when it next prints.
        training.tell("one")
        wait_until(lambda: not alive(event(folder, "started")["pid"]))


class TestTheDisk:
    def test_is_full_for_good(self, tmp_path: Path) -> None:
        script = tmp_path / "s.py"
        script.write_text("for i in range(30_000): print('%06d' % i)\nprint('end')")
        size = 30_000 * 7 + 4
        done = subprocess.run(
            run_words(script),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        )
        assert done.returncode == 0
        assert len(done.stdout) == size
        assert of_script(done.stderr) == b""
        folder = only_run()
        assert (folder / "console.log").stat().st_size == 50_000
        lost = event(folder, "lost")
        assert lost["bytes"] == size - 50_000
        assert "console.log" in lost["reason"]
        assert event(folder, "exited")["code"] == 0

    def test_is_full_for_a_while(self, training: Training) -> None:
        client = subprocess.Popen(
            training.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        training.tell("zero")
        folder = only_run()
        log = folder / "console.log"
        wait_until(lambda: log.exists() and b"zero" in log.read_bytes())
        supervisor = event(folder, "starting")["pid"]
        before = resource.prlimit(supervisor, resource.RLIMIT_FSIZE)
        # As small as this, not even the supervisor's own lines can be written.
        resource.prlimit(supervisor, resource.RLIMIT_FSIZE, (10, before[1]))
        training.tell("lost")
        training.tell("lost too")
        training.end()
        assert client.wait(TIMEOUT) == 0
        assert "exited" not in {e["event"] for e in events(folder)}
        resource.prlimit(supervisor, resource.RLIMIT_FSIZE, before)
        assert event(folder, "exited")["code"] == 0
        assert log.read_bytes() == b"ready\nheard zero\n"
        assert event(folder, "lost")["bytes"] == len(b"heard lost\nheard lost too\n")

    def test_the_folder_is_deleted(self, training: Training, tmp_path: Path) -> None:
        out = tmp_path / "out"
        with out.open("wb") as file:
            client = subprocess.Popen(training.words, stdout=file, stderr=subprocess.PIPE)
        training.tell("zero")
        wait_until(lambda: b"zero" in out.read_bytes())
        shutil.rmtree(only_run())
        for word in ("one", "two"):
            training.tell(word)
        training.end()
        _, stderr = client.communicate(timeout=TIMEOUT)
        assert client.returncode == 0
        assert of_script(stderr) == b""
        assert out.read_bytes() == b"ready\nheard zero\nheard one\nheard two\n"


TRAINING = """
import os, sys, torch
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
losses = []
print("ready", flush=True)
while True:
    loss = model(torch.randn(8, 4)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if len(losses) == 50:
        print("fifty", flush=True)
    if os.path.exists(sys.argv[1]):
        break
torch.save(losses, sys.argv[2])
"""


class TestTheRecordOfATraining:
    """The whole history is there, whoever was killed meanwhile."""

    @pytest.mark.parametrize("victim", ["nobody", "client", "terminal"])
    def test_is_whole(self, tmp_path: Path, victim: str) -> None:
        torch = pytest.importorskip("torch")
        script, stop, saved = tmp_path / "s.py", tmp_path / "stop", tmp_path / "losses"
        script.write_text(TRAINING)
        words = run_words(script, stop, saved)
        with Terminal(("sh", "-c", shlex.join(words) + "; cat")) as terminal:
            terminal.expect(b"fifty")
            if victim == "client":
                os.kill(children(terminal.process.pid)[0], signal.SIGKILL)
            elif victim == "terminal":
                terminal.close()
            stop.touch()
            folder = only_run()
            assert event(folder, "exited") | {"time": 0} == {
                "time": 0,
                "event": "exited",
                "code": 0,
                "signal": None,
                "registered": True,
            }
        losses = torch.load(saved)
        assert recorded(folder, "loss") == list(enumerate(losses, 1))

    def test_of_a_killed_training_all_but_the_last_moment_is_there(self, tmp_path: Path) -> None:
        pytest.importorskip("torch")
        script = tmp_path / "s.py"
        script.write_text(
            TRAINING.replace('print("fifty"', 'print("fifty", time.time()').replace(
                "import os", "import os, time"
            )
        )
        client = subprocess.Popen(
            run_words(script, tmp_path / "never", "-"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        fifty = float(client.stdout.readline().split()[1])
        folder = only_run()
        wait_until(lambda: time.time() > fifty + 0.3)
        os.kill(event(folder, "started")["pid"], signal.SIGKILL)
        killed = time.time()
        client.communicate(timeout=TIMEOUT)
        assert client.returncode == -signal.SIGKILL
        assert event(folder, "exited")["signal"] == "SIGKILL"
        steps = [step for step, _ in recorded(folder, "loss")]
        assert steps == list(range(1, len(steps) + 1))
        assert killed - last_time(folder, "loss") < 0.2


def series(folder: Path, name: str) -> list[tuple[int, float, float]]:
    """The records (step, time, value) of a series of rank 0, read by its format alone."""
    rank = folder / "ranks" / "0"
    lines = (rank / "events.jsonl").read_text().splitlines()
    found = next(e for e in map(json.loads, lines) if e["event"] == "series" and e["name"] == name)
    data = (rank / "series" / f"{found['series']}.f64").read_bytes()
    return list(struct.iter_unpack("<qdd", data[: len(data) // 24 * 24]))


def recorded(folder: Path, name: str) -> list[tuple[int, float]]:
    """The steps and values of a series of rank 0."""
    return [(step, value) for step, _, value in series(folder, name)]


def last_time(folder: Path, name: str) -> float:
    """When the last record of a series was made."""
    return series(folder, name)[-1][1]
