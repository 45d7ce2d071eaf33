"""A training style put to the test: started under lrmonitor, commanded, and compared.

A script of tests/fixtures/training/wild notes what it does itself. What must hold for each:

- every loss that was recorded is the one that the script computed;
- every scheduled rate is the one that the script would have used without lrmonitor;
- every effective rate is what the commands asked for at exactly the steps they were acknowledged
  for, and is what the optimizer used: the same script without lrmonitor, given those rates, ends
  with the same bits in its losses and weights, at every step;
- until the first command, losses and weights are bit by bit those of the script without lrmonitor;
- while it is paused no step is made; one step makes one; a stop ends it as Ctrl-C does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrmonitor.link import paths
from lrmonitor.link.client import Connection, connect
from lrmonitor.link.messages import (
    Acknowledgement,
    Command,
    LrCommand,
    PauseCommand,
    ResumeCommand,
    StepCommand,
    StopCommand,
)
from lrmonitor.model.stop import stop_run
from lrmonitor.record.reader import RankReader, RunReader
from tests.helpers.launch import TIMEOUT, only_run, os_environ_with, run_words
from tests.helpers.starter import Rates, Starter
from tests.helpers.styles import Outcome, outcome
from tests.helpers.wait import wait_until

ROOT = Path(__file__).parents[2]
MODULES = "tests.fixtures.training.wild"
CALM = 20
"""Steps that a script makes before the first command, and at least between some of them."""


@dataclass
class Trial:
    """What came of it."""

    truth: dict[str, Any]
    folder: Path
    rank: RankReader
    outcome: Outcome
    log: str
    told: list[Acknowledgement] = field(default_factory=list)

    def events(self, name: str) -> list[dict[str, Any]]:
        """The recorded events of that name."""
        return [e for e in self.rank.events if e["event"] == name]

    def values(self, name: str) -> list[float]:
        """A series that is recorded where it changes, at each step."""
        return list(at_each_step(self.rank, name, len(self.truth["loss"]["0"])).values())


def at_each_step(rank: RankReader, name: str, steps: int) -> dict[int, float]:
    """A series that is recorded where it changes, by step from 1 on."""
    series = rank.by_name[name]
    changes = dict(zip(series.step.tolist(), series.value.tolist(), strict=True))
    found: dict[int, float] = {}
    for n in range(1, steps + 1):
        if n in changes or n - 1 in found:
            found[n] = changes[n] if n in changes else found[n - 1]
    return found


def read_ranks(folder: Path) -> dict[int, RankReader]:
    """What a run's training processes have recorded, nothing of which is a fault."""
    reader = RunReader(folder)
    reader.poll()
    assert reader.corrupt == 0
    for rank in reader.ranks.values():
        faults = ("probe_error", "lost", "rate_rewritten")
        assert [e for e in rank.events if e["event"] in faults] == []
    return reader.ranks


class Started:
    """Starts each script by a `lrmonitor run` of its own."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = env

    @contextlib.contextmanager
    def script(self, words: list[str | Path], log: Path) -> Iterator[Script]:
        """A script that runs; ended if need be. `words` are what would follow `python`."""
        with watched(words, log, self._env) as process:
            folder = only_run()

            def stop() -> int:
                ended = stop_run(folder, timeout=TIMEOUT)
                assert ended.ended, ended.sentence
                return process.wait(TIMEOUT)

            yield Script(folder, 0, log, stop)


class Forked:
    """Starts each script as a rank of one run (see tests/helpers/starter.py)."""

    def __init__(self, starter: Starter, folder: Path, runtime: str, log: Path) -> None:
        """`runtime` is where the endpoints are."""
        self._starter = starter
        self._folder = folder
        self.runtime = runtime
        self._log = log

    @contextlib.contextmanager
    def script(self, words: list[str | Path], log: Path) -> Iterator[Script]:
        """A script that runs; ended if need be. `words` are what would follow `python`."""
        rank = len(list(self._folder.glob("ranks/*")))
        dash_m, module, *rest = words
        assert dash_m == "-m"
        self._starter.start(str(module), *rest)
        left = [self._starter.wait]

        def stop() -> int:
            with Commander(self._folder.name, rank) as c:
                assert c.do(StopCommand()).status == "applied"
            return left.pop()()

        try:
            yield Script(self._folder, rank, self._log, stop)
        finally:
            if left:
                with contextlib.suppress(Exception):
                    told = RunReader(self._folder)
                    told.poll()
                    os.kill(told.ranks[rank].events[0]["pid"], signal.SIGKILL)
                left.pop()()


@dataclass(frozen=True)
class Script:
    """A script that runs: its run, its rank, where its output is, and how to stop it."""

    folder: Path
    rank: int
    log: Path
    stop: Callable[[], int]
    """Stop it as a person would; the exit code."""


@contextlib.contextmanager
def watched(
    words: list[str | Path], log: Path, env: Mapping[str, str] | None = None
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


class Commander:
    """Gives commands to a rank of a run, without a program between."""

    def __init__(self, run_id: str, rank: int = 0, patience: float = TIMEOUT) -> None:
        """Waits for the rank to train."""
        file = paths.endpoint_file(run_id, rank)
        wait_until(file.exists, patience, f"rank {rank} to train")
        self._run, self._rank = run_id, rank
        self._connection = self._connect()
        self.told: list[Acknowledgement] = []

    def _connect(self) -> Connection:
        return connect(self._run, self._rank, timeout=TIMEOUT)

    def __enter__(self) -> Commander:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def step(self) -> int:
        """The latest step."""
        return int(self._connection.status(TIMEOUT)["step"])

    def paused(self) -> bool:
        """Whether it is paused."""
        return bool(self._connection.status(TIMEOUT)["paused"])

    def wait(self, step: int) -> None:
        """Wait for a step."""
        wait_until(lambda: self.step() >= step, TIMEOUT, f"step {step}")

    def do(self, command: Command) -> Acknowledgement:
        """Give a command; its final answer."""
        answer = self._connection.request(command, TIMEOUT)
        assert answer.final, answer
        self.told.append(answer)
        return answer

    def applied(self, command: Command) -> int:
        """Give a command that can be carried out; the step it was."""
        answer = self.do(command)
        assert answer.status == "applied", answer
        assert answer.step is not None
        return answer.step

    def with_a_step(self, command: Command) -> tuple[Acknowledgement, int]:
        """While paused: a command, then one step, which is the first to use it."""
        with self._connect() as other:
            other.send(command)
            answer = other.receive(TIMEOUT)
            assert answer is not None
            made = self.applied(StepCommand())
            while not answer.final:
                answer = other.receive(TIMEOUT)
                assert answer is not None
        self.told.append(answer)
        return answer, made


def drive(c: Commander, rate: float, refuses: str | None) -> int:
    """Pause, one step, hold, another step, follow, scale, resume, follow; the last step made while
    no override had been in force. With `refuses`, rates are refused for that reason."""
    c.wait(CALM)
    a = c.applied(PauseCommand())
    assert c.paused()
    assert c.applied(StepCommand()) == a + 1
    assert c.paused()
    if refuses is not None:
        answer = c.do(LrCommand(mode="hold", value=rate, optimizer="all"))
        assert (answer.status, answer.reason) == ("refused", refuses)
        b = c.applied(ResumeCommand())
        c.wait(b + 2 * CALM)
        return b
    hold, at = c.with_a_step(LrCommand(mode="hold", value=rate, optimizer="all"))
    assert (hold.status, at) == ("applied", a + 2), hold
    assert c.applied(StepCommand()) == a + 3
    follow, at = c.with_a_step(LrCommand(mode="follow", optimizer="all"))
    assert (follow.status, at) == ("applied", a + 4), follow
    scale, at = c.with_a_step(LrCommand(mode="scale", value=0.25, optimizer="all"))
    assert (scale.status, at) == ("applied", a + 5), scale
    assert c.applied(ResumeCommand()) == a + 5
    c.wait(a + CALM)
    step = c.applied(LrCommand(mode="follow", optimizer="all"))
    c.wait(step + CALM)
    return a


def in_force(rank: RankReader, address: str, scheduled: list[float]) -> dict[int, float]:
    """What the commands in the record make of the scheduled rates of a group."""
    optimizer, group = map(int, address.split("."))
    overrides: dict[int, tuple[str, Any]] = {}
    for event in rank.events:
        if event["event"] != "rates":
            continue
        for one in event["overrides"]:
            if (one["optimizer"], one["group"]) == (optimizer, group):
                overrides[event["step"]] = one["kind"], one["value"]
    found: dict[int, float] = {}
    kind, value = "none", None
    for n, rate in enumerate(scheduled, 1):
        kind, value = overrides.get(n, (kind, value))
        found[n] = rate if kind == "none" else value if kind == "hold" else value * rate
    return found


def check_pauses(rank: RankReader) -> None:
    """No step was made between a pause and what ended it."""
    loss = rank.by_name["loss"]
    times = dict(zip(loss.step.tolist(), loss.time.tolist(), strict=True))
    paused = [e for e in rank.events if e["event"] == "paused"]
    resumed = [e for e in rank.events if e["event"] == "resumed"]
    assert len(paused) == len(resumed) > 1
    for begin, end in zip(paused, resumed, strict=True):
        assert begin["step"] == end["step"]
        assert times[begin["step"]] <= begin["time"] <= end["time"] <= times[begin["step"] + 1]


def check_record(rank: RankReader, truth: dict[str, Any]) -> Rates:
    """Losses, scheduled and effective rates are as the script says; the effective ones."""
    steps = list(range(1, len(truth["loss"]["0"]) + 1))
    for number, losses in truth["loss"].items():
        series = rank.by_name["loss" if number == "0" else f"loss[{number}]"]
        assert series.step.tolist() == steps
        assert series.value.tolist() == losses
    recorded: Rates = {}
    for address, scheduled in truth["lr"].items():
        of_schedule = at_each_step(rank, f"scheduled[{address}]", len(steps))
        assert list(of_schedule.values()) == scheduled
        recorded[address] = at_each_step(rank, f"lr[{address}]", len(steps))
        assert recorded[address] == in_force(rank, address, scheduled)
    assert sorted(n for n in rank.by_name if n.startswith("lr[")) == [
        f"lr[{address}]" for address in sorted(truth["lr"])
    ]
    return recorded


def trial(
    plainly: Starter,
    under_lrmonitor: Started | Forked,
    tmp_path: Path,
    name: str,
    *,
    rate: float = 3e-4,
    refuses: str | None = None,
) -> Trial:
    """Put a style to the test; all of it holds when this returns. `rate` is held for two steps;
    `refuses` is the reason that commands about the rate are refused with.
    """
    module, file = f"{MODULES}.{name}", tmp_path / "watched.json"
    with under_lrmonitor.script(["-m", module, file], tmp_path / "log.txt") as script:
        try:
            with Commander(script.folder.name, script.rank) as c:
                calm = drive(c, rate, refuses)
            code = script.stop()
            log = script.log.read_text(errors="replace")
            assert code == 0
        except BaseException:
            print(script.log.read_text(errors="replace")[-4000:])
            raise
    truth = json.loads(file.read_text())
    rank = read_ranks(script.folder)[script.rank]
    (stopping,) = [e for e in rank.events if e["event"] == "stopping"]
    assert stopping["how"] == "raise_signal"
    recorded = check_record(rank, truth)
    assert bool(recorded) == (refuses is None)
    check_pauses(rank)

    steps = len(truth["weights"])
    undisturbed = alone(plainly, module, tmp_path / "plain.json", steps, None)
    assert undisturbed["lr"] == truth["lr"], "the schedule was disturbed"
    assert_same(undisturbed, truth, steps if refuses is not None else calm)
    if refuses is None:
        assert undisturbed["weights"][-1] != truth["weights"][-1]
        again = alone(plainly, module, tmp_path / "again.json", steps, recorded)
        assert again["lr"] == truth["lr"]
        assert_same(again, truth, steps)
    found = (
        outcome()
        if refuses is None
        else outcome(rate=f"no: {refuses.removeprefix('the rate cannot be set: ')}")
    )
    return Trial(truth, script.folder, rank, found, log, c.told)


def alone(
    plainly: Starter, module: str, file: Path, steps: int, rates: Rates | None
) -> dict[str, Any]:
    """What a script notes without lrmonitor."""
    plainly.start(module, file, str(steps), rates=rates)
    assert plainly.wait() == 0
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def assert_same(one: dict[str, Any], other: dict[str, Any], steps: int) -> None:
    """Losses and weights are the same bits, step by step."""
    assert steps >= CALM
    assert one["weights"][:steps] == other["weights"][:steps]
    for number, losses in one["loss"].items():
        assert losses[:steps] == other["loss"][number][:steps]
