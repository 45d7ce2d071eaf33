"""Running lrmonitor for tests, in pipes or in a terminal, and reading what it recorded."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from tests.helpers.wait import PATIENCE, wait_until

LRMONITOR = (sys.executable, "-m", "lrmonitor")
TIMEOUT = 60.0 * PATIENCE


def os_environ_with(env: Mapping[str, str] | None) -> dict[str, str]:
    """This process's environment with these variables as well."""
    return {**os.environ, **(env or {})}


def run_words(*words: str | Path) -> list[str]:
    """The command line of `lrmonitor run --no-window` with these words after it."""
    return [*LRMONITOR, "run", "--no-window", *map(str, words)]


def run(
    *words: str | Path,
    input: bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> subprocess.CompletedProcess[bytes]:
    """Run a script under lrmonitor to its end, its streams being pipes."""
    return subprocess.run(
        run_words(*words),
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        cwd=cwd,
        env=os_environ_with(env),
        timeout=timeout,
        check=False,
    )


def plain(
    *words: str | Path,
    input: bytes | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> subprocess.CompletedProcess[bytes]:
    """The same without lrmonitor: `python` with these words after it."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        cwd=cwd,
        env=os_environ_with(env),
        timeout=timeout,
        check=False,
    )


def of_script(stderr: bytes) -> bytes:
    """The script's part of stderr: all lines but lrmonitor's own."""
    lines = stderr.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"lrmonitor: "))


def only_run(runs: Path | None = None) -> Path:
    """The folder of the only run there is, waited for."""
    home = runs or Path(os.environ["LRMONITOR_RUNS"])
    (folder,) = wait_until(lambda: [path.parent for path in home.glob("*/run.json")], what="a run")
    return folder


def events(folder: Path) -> list[dict[str, Any]]:
    """The supervisor's events so far, a torn last line left out."""
    try:
        text = (folder / "supervisor.jsonl").read_text()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def event(folder: Path, name: str) -> dict[str, Any]:
    """The first supervisor's event of that name, waited for."""
    return wait_until(
        lambda: next((e for e in events(folder) if e["event"] == name), {}), what=f"event {name}"
    )


def alive(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def children(pid: int) -> list[int]:
    """The pids of the process's children."""
    return [process.pid for process in psutil.Process(pid).children()]


class Terminal:
    """A real terminal, and a process that leads the session in it."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        rows: int = 24,
        columns: int = 80,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        """Start the words with the terminal on each stream for which no descriptor is given."""
        self.master, slave = os.openpty()
        self.seen = b""
        self._searched = 0
        self.resize(rows, columns)

        def control() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            list(words),
            stdin=slave if stdin is None else stdin,
            stdout=slave if stdout is None else stdout,
            stderr=slave if stderr is None else stderr,
            cwd=cwd,
            env={**os.environ, "TERM": "dumb", **(env or {})},
            start_new_session=True,
            preexec_fn=control,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def resize(self, rows: int, columns: int) -> None:
        """Change the size, as dragging the window's edge does."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def attributes(self) -> list[Any]:
        """The terminal's modes."""
        return termios.tcgetattr(self.master)

    def expect(self, text: bytes, timeout: float = TIMEOUT) -> bytes:
        """Read until the text is shown after what was expected before; what came up to its end."""
        limit = time.monotonic() + timeout
        while (at := self.seen.find(text, self._searched)) < 0:
            assert self._read(limit - time.monotonic()), f"no {text!r} in {self.seen!r}"
        found = self.seen[self._searched : at + len(text)]
        self._searched = at + len(text)
        return found

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Show all there is until the process has ended; its return code as `Popen` gives it."""
        limit = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < limit, f"it goes on: {self.seen!r}"
            self._read(0.02)
        while self._read(0.05):
            pass
        return self.process.wait()

    def close(self) -> None:
        """Take the terminal away and kill the process that leads the session, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def _read(self, timeout: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], max(0.0, timeout))
        if not ready:
            return False
        try:
            data = os.read(self.master, 1 << 16)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.seen += data
        return bool(data)
