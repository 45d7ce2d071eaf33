"""Ways to start a training script under lrmonitor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lrmonitor.link.messages import StopCommand
from lrmonitor.model.stop import stop_run
from lrmonitor.record.reader import RankReader, RunReader
from tests.helpers.commander import Commander
from tests.helpers.launch import TIMEOUT, Terminal, only_run, os_environ_with, run_words
from tests.helpers.starter import Starter

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Script:
    """A script that runs: its run, its rank, where its output is, and how to stop it."""

    folder: Path
    rank: int
    log: Path
    stop: Callable[[], int]
    """Stop it as a person would; the exit code."""
    wait: Callable[[], int]
    """Wait for its end; the exit code."""


def module_of(script: Path) -> str:
    """The name by which `python -m` finds a script of this repository."""
    return ".".join(script.relative_to(ROOT).with_suffix("").parts)


class Launcher(Protocol):
    """A way to start a script."""

    def script(self, words: Sequence[str | Path], log: Path) -> AbstractContextManager[Script]:
        """A script that runs; ended if need be. `words` are what would follow `python`."""


@contextlib.contextmanager
def watched(
    words: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`lrmonitor run --no-window` with these words, its output in a file; ended if need be."""
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            run_words(*words),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os_environ_with(env),
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            with contextlib.suppress(Exception):
                stop_run(only_run(), "kill", timeout=TIMEOUT)
            process.kill()
            process.wait()


class Started:
    """Starts each script by a `lrmonitor run` of its own."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = env

    @contextlib.contextmanager
    def script(self, words: Sequence[str | Path], log: Path) -> Iterator[Script]:
        """A script that runs; ended if need be. `words` are what would follow `python`."""
        with watched(words, log, self._env) as process:
            folder = only_run()

            def stop() -> int:
                ended = stop_run(folder, timeout=TIMEOUT)
                assert ended.ended, ended.sentence
                return process.wait(TIMEOUT)

            yield Script(folder, 0, log, stop, lambda: process.wait(TIMEOUT))


class InTerminal:
    """Starts a script under lrmonitor in a terminal, and looks at what it shows there."""

    def __init__(self) -> None:
        self.seen = ""

    @contextlib.contextmanager
    def script(self, words: Sequence[str | Path], log: Path) -> Iterator[Script]:
        """The script, running."""
        codes: list[int] = []
        with Terminal(run_words(*words), cwd=ROOT, columns=80) as terminal:
            reader = threading.Thread(target=lambda: codes.append(terminal.wait()))
            reader.start()
            folder = only_run()

            def wait() -> int:
                reader.join()
                self.seen = terminal.seen.decode()
                return codes[0]

            def stop() -> int:
                assert stop_run(folder, timeout=TIMEOUT).ended
                return wait()

            yield Script(folder, 0, folder / "console.log", stop, wait)


class Forked:
    """Starts each script as a rank of one run (see tests/helpers/starter.py)."""

    def __init__(self, starter: Starter, folder: Path, runtime: str, log: Path) -> None:
        """`runtime` is where the endpoints are."""
        self._starter = starter
        self.folder = folder
        self.runtime = runtime
        self._log = log

    def run(self, script: Path, *words: object) -> RankReader:
        """Run a script of this repository to its good end; what it has recorded."""
        before = set(self.folder.glob("ranks/*"))
        self._starter.start(module_of(script), *map(str, words))
        assert self._starter.wait() == 0, self._log.read_text(errors="replace")[-4000:]
        (made,) = set(self.folder.glob("ranks/*")) - before
        reader = RunReader(self.folder)
        reader.poll()
        rank = reader.ranks[int(made.name)]
        assert rank.corrupt == 0
        return rank

    @contextlib.contextmanager
    def script(self, words: Sequence[str | Path], log: Path) -> Iterator[Script]:
        """A script that runs; ended if need be. `words` are what would follow `python`."""
        rank = len(list(self.folder.glob("ranks/*")))
        dash_m, module, *rest = words
        assert dash_m == "-m"
        self._starter.start(str(module), *rest)
        left = [self._starter.wait]

        def wait() -> int:
            return left.pop()()

        def stop() -> int:
            with Commander(self.folder.name, rank) as c:
                assert c.do(StopCommand()).status == "applied"
            return wait()

        try:
            yield Script(self.folder, rank, self._log, stop, wait)
        finally:
            if left:
                with contextlib.suppress(Exception):
                    told = RunReader(self.folder)
                    told.poll()
                    os.kill(told.ranks[rank].events[0]["pid"], signal.SIGKILL)
                left.pop()()
