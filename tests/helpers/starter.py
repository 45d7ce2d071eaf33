"""Starts training scripts in processes that are forked from one that has imported torch already.

Importing torch takes longer than all that these scripts do. As a program, `python -m
tests.helpers.starter SOCKET` forks a process for each script that it is told of; it is run twice:
plainly, and by `lrmonitor run`, where each such process is a rank of that run.

Plain processes can be given rates that were recorded under lrmonitor: each is put into its group
for the duration of the step it was recorded for, by a mechanism of its own. If the losses and
weights come out bit by bit as they did under lrmonitor, then those rates, in those steps, are what
the optimizers used.
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
from pathlib import Path
from types import TracebackType
from typing import Any

Rates = dict[str, dict[int, float]]
"""By "optimizer.group": the rate at each step of the main optimizer."""

SERVER = "tests.helpers.starter"


class Starter:
    """Such a program, and what is asked of it."""

    def __init__(self, command: Sequence[str], address: Path, log: Path) -> None:
        """`command` runs a module, whose name and arguments are added to it."""
        with socket.socket(socket.AF_UNIX) as listener, open(log, "wb") as stream:
            listener.bind(str(address))
            listener.listen()
            listener.settimeout(60)
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
        rates: Rates | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python -m module words...`, in a terminal (its stdin is one)."""
        told = {"module": module, "words": [str(word) for word in words]}
        self._send({**told, "rates": rates, "env": dict(env or {})})

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for the end of what was started first of all that runs; its exit code."""
        self._connection.settimeout(timeout)
        self._send({})
        return int(self._lines.readline())

    def _send(self, request: dict[str, Any]) -> None:
        self._connection.sendall(json.dumps(request).encode() + b"\n")


class _Replay:
    """torch's step hooks; optimizers are numbered in the order of their first steps."""

    def __init__(self, rates: dict[str, dict[str, float]]) -> None:
        self._rates = rates
        self._numbers: dict[int, int] = {}
        self._step = 0
        self._outer: Any = None
        self._saved: list[Any] = []

    def before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Put the recorded rates."""
        if self._outer is not None:
            return
        self._outer = optimizer
        number = self._numbers.setdefault(id(optimizer), len(self._numbers))
        at = str(self._step + (number == 0))
        self._saved = [group["lr"] for group in optimizer.param_groups]
        for j, group in enumerate(optimizer.param_groups):
            rate = self._rates[f"{number}.{j}"].get(at)
            if rate is None or rate == float(group["lr"]):
                continue
            if isinstance(group["lr"], float):
                group["lr"] = rate
            else:  # a tensor, which compiled steps hold on to
                self._saved[j] = float(group["lr"])
                group["lr"].fill_(rate)

    def after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Put the script's own rates back."""
        if self._outer is not optimizer:
            return
        self._outer = None
        self._step += self._numbers[id(optimizer)] == 0
        for group, rate in zip(optimizer.param_groups, self._saved, strict=True):
            if isinstance(rate, float) and not isinstance(group["lr"], float):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


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
    if request["rates"] is not None:
        from torch.optim import optimizer

        replay = _Replay(request["rates"])
        optimizer.register_optimizer_step_pre_hook(replay.before)
        optimizer.register_optimizer_step_post_hook(replay.after)
    sys.argv = [request["module"], *request["words"]]
    runpy.run_module(request["module"], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
