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

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrmonitor.link.messages import (
    Acknowledgement,
    LrCommand,
    PauseCommand,
    ResumeCommand,
)
from lrmonitor.record.reader import RankReader, RunReader
from lrmonitor.schedules.ramp import between
from lrmonitor.schedules.waves import Cosine
from lrmonitor.schedules.wire import from_json
from tests.helpers.commander import Commander
from tests.helpers.launch import TIMEOUT
from tests.helpers.starter import Rates, Record, Starter
from tests.helpers.starting import Launcher
from tests.helpers.styles import NO_OPTIMIZER, Outcome, outcome

MODULES = "tests.fixtures.training.wild"
NO_RATE = (
    "the rate cannot be set: the script steps no torch optimizer; its learning rate is its own "
    "variable, which lrmonitor cannot reach (each backward pass counts as a step)"
)
"""Why commands about the rate are refused where the optimizer is none of torch's."""

NOT_COMPARED = "yes, but not compared: the script's own hooks would be compiled into the step"
CALM = 20
"""Steps that a script makes before the first command, and at least between some of them."""


COMPILER = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))),
    reason="torch.compile needs a C++ compiler, and there is none here",
)


def compiling(folder: Path) -> dict[str, str]:
    """The environment of scripts that share what they compile, below a folder."""
    cache = {"TORCHINDUCTOR_CACHE_DIR": str(folder / "cache")}
    return {**cache, "TORCHINDUCTOR_COMPILE_THREADS": "1"}


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
        _check(rank)
    return reader.ranks


def read_rank(folder: Path, number: int) -> RankReader:
    """What one of a run's training processes has recorded, nothing of which is a fault. Of the
    others some may do what is one."""
    reader = RunReader(folder)
    reader.poll()
    rank = reader.ranks[number]
    assert rank.corrupt == 0
    _check(rank)
    return rank


def _check(rank: RankReader) -> None:
    faults = ("probe_error", "lost", "rate_rewritten")
    assert [e for e in rank.events if e["event"] in faults] == []


def drive(c: Commander, rate: float, refuses: str | None) -> int:
    """Pause, one step, hold, another step, follow, scale, resume, a schedule that is gone into on a
    ramp and over by itself, hold and follow on ramps; the last step made while no override had been
    in force. With `refuses`, rates are refused for that reason."""
    c.wait(CALM)
    a = c.applied(PauseCommand())
    assert c.paused()
    assert c.one_step() == a + 1
    if refuses is not None:
        for refused in (
            LrCommand(mode="hold", value=rate, optimizer="all"),
            LrCommand(mode="hold", value=rate, ramp=8, optimizer="all"),
            LrCommand(mode="plan", plan=_plan(rate), optimizer="all"),
        ):
            answer = c.do(refused)
            assert (answer.status, answer.reason) == ("refused", refuses)
        b = c.applied(ResumeCommand())
        c.wait(b + 2 * CALM)
        return b
    hold, at = c.with_a_step(LrCommand(mode="hold", value=rate, optimizer="all"))
    assert (hold.status, at) == ("applied", a + 2), hold
    assert c.one_step() == a + 3
    follow, at = c.with_a_step(LrCommand(mode="follow", optimizer="all"))
    assert (follow.status, at) == ("applied", a + 4), follow
    scale, at = c.with_a_step(LrCommand(mode="scale", value=0.25, optimizer="all"))
    assert (scale.status, at) == ("applied", a + 5), scale
    assert c.applied(ResumeCommand()) == a + 5
    c.wait(a + CALM)
    for command in (
        LrCommand(mode="plan", plan=_plan(rate), ramp=4, optimizer="all"),
        LrCommand(mode="hold", value=rate, ramp=8, optimizer="all"),
        LrCommand(mode="follow", ramp=6, optimizer="all"),
    ):
        step = c.applied(command)
        c.wait(step + CALM)
    return a


def _plan(rate: float) -> Cosine:
    """A schedule that is over by itself."""
    return Cosine(start=2 * rate, end=rate / 4, length=12, then="follow")


def in_force(
    rank: RankReader, address: str, scheduled: list[float], single: bool
) -> dict[int, float]:
    """What the commands in the record make of the scheduled rates of a group; rounded to single
    precision where the rate is kept in such a tensor."""
    optimizer, group = map(int, address.split("."))
    overrides: dict[int, dict[str, Any]] = {}
    for event in rank.events:
        if event["event"] not in ("rates", "rates_settled"):
            continue
        for one in event["overrides"]:
            if (one["optimizer"], one["group"]) == (optimizer, group):
                overrides[event["step"] + (event["event"] == "rates_settled")] = one
    found: dict[int, float] = {}
    override: dict[str, Any] = {"kind": "none"}
    for n, rate in enumerate(scheduled, 1):
        override = overrides.get(n, override)
        wanted = of_override(override, n, rate)
        found[n] = float(np.float32(wanted)) if single else wanted
    return found


def of_override(override: dict[str, Any], step: int, scheduled: float) -> float:
    """The rate that a recorded override makes of the scheduled one."""
    kind, value = override["kind"], override.get("value")
    if kind == "plan":
        plan, t = from_json(override["plan"]), step - override["from"]
        wanted = scheduled if plan.then == "follow" and plan.over(t) else plan.rate(t)
    elif kind == "hold":
        assert value is not None
        wanted = value
    else:
        wanted = value * scheduled if kind == "scale" and value is not None else scheduled
    ramp = override.get("ramp")
    if ramp is None:
        return float(wanted)
    return between(ramp["start"], wanted, step - ramp["from"], ramp["steps"])


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
        assert recorded[address] == in_force(
            rank, address, scheduled, address in truth.get("single", ())
        )
    assert sorted(n for n in rank.by_name if n.startswith("lr[")) == [
        f"lr[{address}]" for address in sorted(truth["lr"])
    ]
    check_norms(rank, truth)
    return recorded


def check_norms(rank: RankReader, truth: dict[str, Any]) -> None:
    """Gradient norms and update ratios, of the steps that were sampled, are what the script found:
    it adds up in double precision, the probe in the precision of the weights."""
    for number, found in truth["norms"].items():
        for kind, key in (("grad_norm", "gradient"), ("update_ratio", "ratio")):
            if not found[key]:
                continue
            series = rank.by_name[kind if number == "0" else f"{kind}[{number}]"]
            sampled = [n for n in series.step.tolist() if n <= len(found[key])]
            assert sampled
            expected = [found[key][n - 1] for n in sampled]
            assert series.value.tolist()[: len(sampled)] == pytest.approx(expected, rel=1e-4)


def trial(
    plainly: Starter,
    under_lrmonitor: Launcher,
    tmp_path: Path,
    name: str,
    *,
    rate: float = 3e-4,
    refuses: str | None = None,
    words: Sequence[str] = (),
    plain_words: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    code: int = 0,
    plain_code: int | None = None,
    patience: float = TIMEOUT,
) -> Trial:
    """Put a style to the test; all of it holds when this returns.

    `rate` is held for two steps; `refuses` is the reason that commands about the rate are refused
    with; `words` are more arguments of the script, `plain_words` those it has without lrmonitor;
    `env` is for the runs without; `code` is what it ends with when it is stopped, `plain_code`
    what without lrmonitor; `patience` is how long anything may take, in seconds.
    """
    module, file = f"{MODULES}.{name}", tmp_path / "watched.json"
    with under_lrmonitor.script(["-m", module, file, *words], tmp_path / "log.txt") as script:
        try:
            with Commander(script.folder.name, script.rank, patience) as c:
                calm = drive(c, rate, refuses)
            ended = script.stop()
            log = script.log.read_text(errors="replace")
            assert ended == code
        except BaseException:
            print(script.log.read_text(errors="replace")[-4000:])
            raise
    truth = json.loads(file.read_text())
    rank = read_rank(script.folder, script.rank)
    (stopping,) = [e for e in rank.events if e["event"] == "stopping"]
    assert stopping["how"] == "raise_signal"
    recorded = check_record(rank, truth)
    assert bool(recorded) == (refuses is None)
    check_pauses(rank)

    steps, weights = len(truth["loss"]["0"]), len(truth["weights"])

    def alone(file: Path, rates: Rates | None) -> dict[str, Any]:
        more = words if plain_words is None else plain_words
        record = None if rates is None else Record(rates)
        plainly.start(module, file, *more, str(steps), record=record, env=env)
        assert plainly.wait(2 * patience) == (code if plain_code is None else plain_code)
        told: dict[str, Any] = json.loads(file.read_text())
        return told

    undisturbed = alone(tmp_path / "plain.json", None)
    assert undisturbed["lr"] == truth["lr"], "the schedule was disturbed"
    assert_same(undisturbed, truth, weights if refuses is not None else calm)
    if refuses is None:
        assert undisturbed["weights"][weights - 1] != truth["weights"][-1]
        again = alone(tmp_path / "again.json", recorded)
        assert again["lr"] == truth["lr"]
        assert_same(again, truth, weights)
    found = outcome(
        norms="yes"
        if truth["norms"]
        else "yes, but not compared: the script's own hooks would be compiled into the step"
    )
    if refuses is not None:
        reason = refuses.removeprefix("the rate cannot be set: ")
        found = outcome(
            rate=f"no: {reason}",
            norms="no: for the same reason",
            ramp=NO_OPTIMIZER,
            schedule=NO_OPTIMIZER,
        )
    return Trial(truth, script.folder, rank, found, log, c.told)


def assert_same(one: dict[str, Any], other: dict[str, Any], steps: int) -> None:
    """Losses and weights are the same bits, step by step."""
    assert steps >= CALM
    assert one["weights"][:steps] == other["weights"][:steps]
    for number, losses in one["loss"].items():
        assert losses[:steps] == other["loss"][number][:steps]
