"""A training script that runs under lrmonitor, and commands given to it over its connection."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lrmonitor.link.client import Connection, LinkError, connect
from lrmonitor.link.messages import Acknowledgement, Command, PauseCommand, ResumeCommand
from lrmonitor.record.reader import RankReader, RunReader
from tests.helpers.both import lrmonitor, read_rank
from tests.helpers.launch import TIMEOUT, only_run, os_environ_with, run_words
from tests.helpers.wait import wait_until


class Live:
    """A run that goes on."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], pipe: Connection) -> None:
        self.folder = folder
        self.process = process
        self._pipe = pipe

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
        stderr = self.process.communicate(timeout=TIMEOUT)[1].decode()
        assert self.process.returncode == 0, stderr
        rank = read_rank(self.folder)
        assert [e for e in rank.events if e["event"] == "probe_error"] == []
        return rank, stderr

    def events(self, name: str) -> list[dict[str, Any]]:
        """What it has recorded so far of that name."""
        reader = RunReader(self.folder)
        reader.poll()
        return [e for rank in reader.ranks.values() for e in rank.events if e["event"] == name]


@contextmanager
def live(*words: str | Path, env: Mapping[str, str] | None = None) -> Iterator[Live]:
    """Start a script under lrmonitor, and wait until it takes commands and has made 5 steps."""
    process = subprocess.Popen(
        run_words(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os_environ_with(env),
    )
    try:
        folder = only_run()

        def dialled() -> Connection | None:
            assert process.poll() is None, process.communicate()[1].decode()
            try:
                return connect(folder.name)
            except LinkError:
                return None

        pipe = wait_until(dialled, TIMEOUT, what="its endpoint")
        assert pipe is not None
        with pipe:
            found = Live(folder, process, pipe)
            wait_until(lambda: found.step >= 5, TIMEOUT, what="step 5")
            yield found
    finally:
        if process.poll() is None:
            lrmonitor("stop", "latest", "--kill")
            process.communicate(timeout=TIMEOUT)
