"""`lrmonitor run` with its window, which is a process of its own and ends no other."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lrmonitor.launch.window import missing_display
from tests.helpers.launch import LRMONITOR, TIMEOUT, alive, event, of_script, only_run
from tests.helpers.wait import wait_until

SCRIPT = "import sys\nfor line in sys.stdin: print('heard', line, end='', flush=True)\nsys.exit(3)"


class Client:
    """A client with its window, offscreen, and a script that prints what it is told."""

    def __init__(self, folder: Path) -> None:
        script = folder / "s.py"
        script.write_text(SCRIPT)
        self.process = subprocess.Popen(
            [*LRMONITOR, "run", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.stderr = self.process.stderr
        self.said = b""
        (self.window,) = wait_until(self._windows, what="the window's process")

    def tell(self, line: bytes) -> bytes:
        """Have the script print a line; what came."""
        self.stdin.write(line + b"\n")
        return self.stdout.readline()

    def until(self, text: bytes) -> None:
        """Read stderr up to a line with that text."""
        while text not in (line := self.stderr.readline()):
            assert line, self.said
            self.said += line
        self.said += line

    def end(self) -> int:
        """The client's return code; the rest of stderr is kept."""
        if not self.stderr.closed:
            self.said += self.stderr.read()
        code = self.process.wait(TIMEOUT)
        for file in (self.stdin, self.stdout, self.stderr):
            file.close()
        return code

    def _windows(self) -> list[psutil.Process]:
        found = []
        for process in psutil.Process(self.process.pid).children():
            # The supervisor leaves its parent while we look.
            with contextlib.suppress(psutil.Error):
                if "window" in process.cmdline():
                    found.append(process)
        return found


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    client = Client(tmp_path)
    yield client
    if client.window.is_running():
        client.window.kill()
    client.process.kill()
    client.end()


def test_outlasts_the_training(client: Client) -> None:
    assert client.tell(b"one") == b"heard one\n"
    client.stdin.close()
    client.until(b"ended with code 3")
    client.until(b"the window is still open")
    assert client.process.poll() is None
    client.process.send_signal(signal.SIGINT)
    assert client.end() == 3
    wait_until(lambda: not client.window.is_running())
    assert of_script(client.said) == b""


def test_killed_leaves_the_training_alone(client: Client) -> None:
    assert client.tell(b"one") == b"heard one\n"
    client.window.kill()
    client.until(b"the window is closed, the script goes on here")
    assert client.tell(b"two") == b"heard two\n"
    client.stdin.close()
    assert client.end() == 3


def test_lives_on_when_the_client_is_killed(client: Client) -> None:
    assert client.tell(b"one") == b"heard one\n"
    client.process.kill()
    client.process.wait(TIMEOUT)
    assert client.tell(b"two") == b"heard two\n"
    assert alive(client.window.pid)
    client.stdin.close()
    assert event(only_run(), "exited")["code"] == 3


def test_an_interrupt_is_for_the_script(client: Client) -> None:
    assert client.tell(b"one") == b"heard one\n"
    client.process.send_signal(signal.SIGINT)
    client.until(b"killed by SIGINT")
    assert client.window.is_running()
    client.window.terminate()
    assert client.end() == -signal.SIGINT


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, True),
        ({"DISPLAY": ":0"}, False),
        ({"WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"QT_QPA_PLATFORM": "offscreen"}, False),
        ({"QT_QPA_PLATFORM": "xcb"}, True),
        ({"QT_QPA_PLATFORM": "vnc:size=100x100"}, False),
    ],
)
def test_whether_there_is_a_display(
    environ: dict[str, str], missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert missing_display(environ) == missing
