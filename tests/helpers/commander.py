"""Commands to a run that trains, given without a program between, and waited for."""

from __future__ import annotations

from lrmonitor.link import paths
from lrmonitor.link.client import Connection, connect
from lrmonitor.link.messages import Acknowledgement, Command, StepCommand
from tests.helpers.launch import TIMEOUT
from tests.helpers.wait import wait_until


class Commander:
    """Gives commands to a rank of a run, without a program between.

    Everything is waited for as long as `patience` says, in seconds."""

    def __init__(self, run_id: str, rank: int = 0, patience: float = TIMEOUT) -> None:
        """Waits for the rank to train."""
        file = paths.endpoint_file(run_id, rank)
        wait_until(file.exists, patience, f"rank {rank} to train")
        self._run, self._rank, self._patience = run_id, rank, patience
        self._connection = self._connect()
        self.told: list[Acknowledgement] = []

    def _connect(self) -> Connection:
        return connect(self._run, self._rank, timeout=self._patience)

    def __enter__(self) -> Commander:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def step(self) -> int:
        """The latest step."""
        return int(self._connection.status(self._patience)["step"])

    def paused(self) -> bool:
        """Whether it is paused."""
        return bool(self._connection.status(self._patience)["paused"])

    def wait(self, step: int) -> None:
        """Wait for a step."""
        wait_until(lambda: self.step() >= step, self._patience, f"step {step}")

    def do(self, command: Command) -> Acknowledgement:
        """Give a command; its final answer."""
        answer = self._connection.request(command, self._patience)
        assert answer.final, answer
        self.told.append(answer)
        return answer

    def applied(self, command: Command) -> int:
        """Give a command that can be carried out; the step it was."""
        answer = self.do(command)
        assert answer.status == "applied", answer
        assert answer.step is not None
        return answer.step

    def one_step(self) -> int:
        """While paused: make one step; its number."""
        made = self.applied(StepCommand())
        assert self.paused()
        return made

    def with_a_step(self, command: Command) -> tuple[Acknowledgement, int]:
        """While paused: a command, then one step, which is the first to use it."""
        with self._connect() as other:
            other.send(command)
            answer = other.receive(self._patience)
            assert answer is not None
            made = self.one_step()
            while not answer.final:
                answer = other.receive(self._patience)
                assert answer is not None
        self.told.append(answer)
        return answer, made
