"""A training script that runs under lrmonitor, and commands given to it over its connection."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from lrmonitor.link.client import Connection, LinkError, connect
from lrmonitor.link.messages import Acknowledgement, Command, PauseCommand, ResumeCommand
from lrmonitor.record.reader import RankReader, RunReader
from tests.helpers.both import lrmonitor
from tests.helpers.launch import TIMEOUT, only_run, os_environ_with, run_words
from tests.helpers.starting import Launcher, module_of
from tests.helpers.wait import wait_until

Forks = Callable[..., AbstractContextManager["Live"]]
"""What the fixture `forked` gives."""
Alone = Callable[..., None]
"""What the fixture `alone` gives."""


class Live:
    """A run that goes on."""

    def __init__(
        self,
        folder: Path,
        pipe: Connection,
        wait: Callable[[], tuple[int, str]],
        rank: int = 0,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`wait` waits for its end, and gives its exit code and what it wrote to stderr; `check`
        fails where it has ended, if that can be seen."""
        self.folder = folder
        self.check = check
        self._pipe = pipe
        self._wait = wait
        self._rank = rank

    def status(self) -> dict[str, Any]:
        """What it answers about itself."""
        return self._pipe.status()

    @property
    def step(self) -> int:
        """The step that it has reached."""
        return int(self.status()["step"])

    def ask(self, command: Command, timeout: float = TIMEOUT) -> Acknowledgement:
        """Give a command; its last answer."""
        return self._pipe.request(command, timeout)

    def do(self, command: Command) -> Acknowledgement:
        """Give a command, which must be applied."""
        answer = self.ask(command)
        assert answer.status == "applied", answer
        return answer

    def refused(self, command: Command) -> str:
        """Give a command, which must be refused; why."""
        answer = self.ask(command)
        assert answer.status == "refused", answer
        assert answer.reason
        return answer.reason

    def go_on(self, steps: int) -> int:
        """Let it make at least so many steps more; the step it has reached."""
        goal = self.step + steps
        wait_until(lambda: self.step >= goal, TIMEOUT, what=f"step {goal}")
        return self.step

    def paused(self) -> int:
        """Pause it; after which step."""
        step = self.do(PauseCommand()).step
        assert step is not None
        return step

    def resume(self) -> None:
        """Let it go on."""
        self.do(ResumeCommand())

    def finish(self) -> tuple[RankReader, str]:
        """Wait for its end, which must be a good one; what it recorded, and its stderr."""
        code, stderr = self._wait()
        assert code == 0, stderr
        rank = self._read()
        assert rank.corrupt == 0
        assert [e for e in rank.events if e["event"] == "probe_error"] == []
        return rank, stderr

    def another(self) -> Connection:
        """Another connection, for a command that is not waited for."""
        return connect(self.folder.name, self._rank)

    def until_testing(self) -> None:
        """Wait until a test goes on."""
        wait_until(lambda: self._pipe.status()["test"], TIMEOUT, what="a test")

    def events(self, name: str) -> list[dict[str, Any]]:
        """What it has recorded so far of that name."""
        return [e for e in self._read().events if e["event"] == name]

    def _read(self) -> RankReader:
        reader = RunReader(self.folder)
        reader.poll()
        return reader.ranks[self._rank]


@contextmanager
def live_in(launcher: Launcher, script: Path, *words: str | Path, log: Path) -> Iterator[Live]:
    """The same as `live`, of a script of this repository that is started in another way."""
    with launcher.script(["-m", module_of(script), *words], log) as started:

        def wait() -> tuple[int, str]:
            return started.wait(), f"see {started.log}"

        with reached(started.folder, wait, started.rank) as found:
            yield found


@contextmanager
def reached(
    folder: Path,
    wait: Callable[[], tuple[int, str]],
    rank: int = 0,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Live]:
    """A run once it takes commands and has made 5 steps; `check` is called while it does not."""

    def dialled() -> Connection | None:
        check()
        try:
            return connect(folder.name, rank)
        except LinkError:
            return None

    pipe = wait_until(dialled, TIMEOUT, what="its endpoint")
    assert pipe is not None
    with pipe:
        found = Live(folder, pipe, wait, rank, check)
        wait_until(lambda: found.step >= 5, TIMEOUT, what="step 5")
        yield found


@contextmanager
def live(*words: str | Path, env: Mapping[str, str] | None = None) -> Iterator[Live]:
    """Start a script under lrmonitor, and wait until it takes commands and has made 5 steps."""
    process = subprocess.Popen(
        run_words(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os_environ_with(env),
    )

    def wait() -> tuple[int, str]:
        stderr = process.communicate(timeout=TIMEOUT)[1].decode()
        return process.returncode, stderr

    def check() -> None:
        assert process.poll() is None, process.communicate()[1].decode()

    try:
        with reached(only_run(), wait, check=check) as found:
            yield found
    finally:
        if process.poll() is None:
            lrmonitor("stop", "latest", "--kill")
            process.communicate(timeout=TIMEOUT)
