"""Starts training scripts in processes that are forked from one that has imported torch already.

Importing torch takes longer than all that these scripts do. As a program, `python -m
tests.helpers.starter SOCKET` forks a process for each script that it is told of; it is run twice:
plainly, and by `lrmonitor run`, where each such process is a rank of that run.

Plain processes can be given what was recorded under lrmonitor, to be done once more (replay.py).
"""

from __future__ import annotations

import fcntl
import json
import os
import runpy
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.helpers.wait import PATIENCE

Rates = dict[str, dict[int, float]]
"""By "optimizer.group": the rate at each step of the main optimizer."""


@dataclass(frozen=True)
class Move:
    """Between two steps, after the main optimizer's step `step`: keep the state, put one back."""

    step: int
    keep: str | None = None
    """The name that the present state is kept under."""
    back: str | None = None
    """The name of the state that is put back after that."""
    rng: bool = False
    """Whether the random number generators are put back as well."""


@dataclass(frozen=True)
class Record:
    """What was done to a training."""

    rates: Rates = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    left_out: tuple[tuple[int, int], ...] = ()
    """Steps that had no effect: the optimizer's number, and the main optimizer's step."""
    last: int = 0
    """The number of the optimizer that steps last in each iteration."""

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


SERVER = "tests.helpers.starter"


class Starter:
    """Such a program, and what is asked of it."""

    def __init__(self, command: Sequence[str], address: Path, log: Path) -> None:
        """`command` runs a module, whose name and arguments are added to it."""
        with socket.socket(socket.AF_UNIX) as listener, open(log, "wb") as stream:
            listener.bind(str(address))
            listener.listen()
            listener.settimeout(60 * PATIENCE)
            self._process = subprocess.Popen(
                [*command, SERVER, str(address)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parents[2],
            )
            self._connection = listener.accept()[0]
        self._lines = self._connection.makefile("r")

    def __enter__(self) -> Starter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._connection.close()
        self._process.wait()

    def start(
        self,
        module: str,
        *words: str | Path,
        record: Record | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python -m module words...`, in a terminal (its stdin is one); `record` is what is
        done once more in it."""
        told = {"module": module, "words": [str(word) for word in words]}
        done = None if record is None else record.told()
        self._send({**told, "record": done, "env": dict(env or {})})

    def wait(self, timeout: float = 60.0 * PATIENCE) -> int:
        """Wait for the end of what was started first of all that runs; its exit code."""
        self._connection.settimeout(timeout)
        self._send({})
        return int(self._lines.readline())

    def _send(self, request: dict[str, Any]) -> None:
        self._connection.sendall(json.dumps(request).encode() + b"\n")


def main(address: str) -> int:
    """Serve requests until there are no more; in a forked process, the script's exit code."""
    import torch._dynamo
    import torch.utils.data  # noqa: F401

    running: list[int] = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        for line in connection.makefile("r"):
            request = json.loads(line)
            if request:
                child = os.fork()
                if child == 0:
                    return _run(request)
                running.append(child)
            else:
                status = os.waitpid(running.pop(0), 0)[1]
                connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    return 0


def _run(request: dict[str, Any]) -> int:
    os.environ.update(request["env"])
    terminal, stdin = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.dup2(stdin, 0)
    if request["record"] is not None:
        from tests.helpers import replay

        replay.install(request["record"])
    sys.argv = [request["module"], *request["words"]]
    runpy.run_module(request["module"], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
