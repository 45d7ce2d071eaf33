"""Guards in real training processes: what they leave out is left out to the bit, and nothing else
is touched."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import (
    GuardCommand,
    ResumeCommand,
    RewindCommand,
    SnapshotCommand,
    StepCommand,
)
from tests.helpers.both import SCRIPTS, lrmonitor
from tests.helpers.launch import TIMEOUT
from tests.helpers.live import Alone, Forks, Live, live
from tests.helpers.wait import wait_until

SCRIPT = SCRIPTS / "guarded.py"
AHEAD = 40
"""Steps from now to the first bad one: enough that nothing is told too late, and that it is known
what losses are usual."""


class Plan:
    """What the script does, told while it runs."""

    def __init__(self, tmp_path: Path, variant: str) -> None:
        self.out, self.file, self.variant = tmp_path / "out.json", tmp_path / "plan", variant

    @property
    def words(self) -> tuple[Path, str, Path, Path]:
        """Its command line."""
        return SCRIPT, self.variant, self.out, self.file

    def tell(self, run: Live, *bad: str, last: int = 20) -> tuple[int, ...]:
        """Bad batches every ten steps from `AHEAD` steps on; their steps. It ends `last` steps
        after the last of them."""
        first = run.step + AHEAD
        steps = tuple(first + 10 * i for i in range(len(bad)))
        kinds = {str(n): kind for n, kind in zip(steps, bad, strict=True)}
        told = {"bad": kinds, "last": max(steps, default=first) + last}
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(told))
        part.rename(self.file)
        return steps

    def found(self) -> dict[int, str]:
        """The state after each step."""
        return {int(n): one for n, one in json.loads(self.out.read_text())["hashes"].items()}

    def skipping(self, alone: Alone) -> dict[int, str]:
        """The same of the script alone, which leaves the bad steps out itself."""
        out = self.out.with_name("plain.json")
        alone(SCRIPT, self.variant, out, self.file, "skip")
        return {int(n): one for n, one in json.loads(out.read_text())["hashes"].items()}


def acted(events: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    """(step, kind, what was done) of each guard that acted."""
    return [(e["step"], e["on"], e["then"]) for e in events if e["event"] == "guard"]


def all_on(run: Live) -> None:
    """Switch all guards on."""
    for kind in ("non-finite", "spike", "gradient"):
        answer = run.do(GuardCommand(on=kind))
    assert [one["on"] for one in answer.detail["guards"]] == ["non-finite", "spike", "gradient"]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "variant",
    [
        "foreach",
        "accumulate",
        "below-zero",
        pytest.param("sgd", marks=SLOW),
        pytest.param("fused", marks=SLOW),
    ],
)
def test_a_step_left_out_is_one_that_the_script_leaves_out_itself(
    variant: str, tmp_path: Path, forked: Forks, alone: Alone
) -> None:
    plan = Plan(tmp_path, variant)
    with forked(*plan.words) as run:
        all_on(run)
        steps = plan.tell(run, "nan", "spike", "gradient", "large")
        rank, _ = run.finish()
    kinds = ("non-finite", "spike", "non-finite", "gradient")
    assert acted(rank.events) == [(n, k, "skip") for n, k in zip(steps, kinds, strict=True)]
    found = plan.found()
    assert found == plan.skipping(alone)
    assert all(found[n] == found[n - 1] for n in steps)
    loss = rank.by_name["loss"]
    assert loss.step.tolist() == list(found), "a step is missing"
    assert math.isnan(loss.value.tolist()[steps[0] - 1]), "what was left out is hidden"
    events = [e for e in rank.events if e["event"] == "guard"]
    assert [e["what"] for e in events] == ["loss", "loss", "gradient", "gradient norm"]
    assert events[1]["value"] == loss.value.tolist()[steps[1] - 1] > events[1]["bound"]


def test_of_two_optimizers_each_is_guarded(tmp_path: Path, forked: Forks, alone: Alone) -> None:
    plan = Plan(tmp_path, "two")
    with forked(*plan.words) as run:
        all_on(run)
        (bad,) = plan.tell(run, "spike")
        rank, _ = run.finish()
    assert plan.found() == plan.skipping(alone)
    told = [(e["step"], e["optimizer"]) for e in rank.events if e["event"] == "guard"]
    assert told == [(bad, 0), (bad, 1)]


@pytest.mark.parametrize("variant", ["scaler", pytest.param("scaler-fused", marks=SLOW)])
def test_what_a_scaler_leaves_out_is_no_guards(
    variant: str, tmp_path: Path, forked: Forks, alone: Alone
) -> None:
    plan = Plan(tmp_path, variant)
    with forked(*plan.words) as run:
        all_on(run)
        _, spike = plan.tell(run, "nan", "spike")
        rank, _ = run.finish()
    assert [n for n, _, _ in acted(rank.events)] == [spike - (variant == "scaler")]
    assert len([e for e in rank.events if e["event"] == "step_skipped"]) == 1
    found = plan.found()
    assert found[spike] != found[spike - 1], "the scaler itself goes on"
    assert found == plan.skipping(alone)


def test_paused_before_the_step(tmp_path: Path, forked: Forks) -> None:
    plan = Plan(tmp_path, "foreach")
    with forked(*plan.words) as run:
        run.do(GuardCommand(on="non-finite", then="pause"))
        first, second = plan.tell(run, "nan", "nan")
        for bad, command in ((first, ResumeCommand()), (second, StepCommand())):
            wait_until(lambda: run.status()["paused"], TIMEOUT, what="the pause")
            assert run.step == bad - 1
            kept = run.do(SnapshotCommand())
            assert kept.step == bad - 1
            assert run.do(command).step == (bad - 1 if command.kind == "resume" else bad)
        assert run.do(RewindCommand(to=first - 1)).step == second
        run.resume()
        rank, _ = run.finish()
    paused = [e["step"] for e in rank.events if e["event"] == "paused"]
    assert paused == [first - 1, second - 1, second]
    found = plan.found()
    assert found[first] == found[first - 1] == found[second]


def test_rewound_before_the_step_and_on_at_a_third(tmp_path: Path, forked: Forks) -> None:
    plan = Plan(tmp_path, "foreach")
    with forked(*plan.words) as run:
        answer = run.do(GuardCommand(on="non-finite", then="rewind", scale=1 / 3))
        assert answer.warning is not None
        assert "every 100 steps" in answer.warning
        (bad,) = plan.tell(run, "nan")
        rank, _ = run.finish()
    (rewound,) = [e for e in rank.events if e["event"] == "rewound"]
    assert acted(rank.events) == [(bad, "non-finite", "rewind")]
    found = plan.found()
    assert found[bad] == found[rewound["to"]] != found[bad - 1]
    (asked,) = [e for e in rank.events if e.get("command") == "rewind"]
    assert asked["by"] == {"who": "guard", "via": "probe", "name": "non-finite"}
    lr, scheduled = rank.by_name["lr[0.0]"], rank.by_name["scheduled[0.0]"]
    after = dict(zip(lr.step.tolist(), lr.value.tolist(), strict=True))
    plain_rate = dict(zip(scheduled.step.tolist(), scheduled.value.tolist(), strict=True))
    assert after[bad + 1] == pytest.approx(plain_rate[bad + 1] / 3, rel=1e-12)


def test_at_most_so_many_times(tmp_path: Path, forked: Forks) -> None:
    plan = Plan(tmp_path, "sgd")
    with forked(*plan.words) as run:
        run.do(GuardCommand(on="non-finite", then="rewind", at_most=1))
        run.do(GuardCommand(on="spike", at_most=2))
        steps = plan.tell(run, "spike", "spike", "spike", "nan", "nan")
        rank, _ = run.finish()
    assert [(n, k) for n, k, _ in acted(rank.events)] == [
        (steps[0], "spike"),
        (steps[1], "spike"),
        (steps[3], "non-finite"),
    ]
    reasons = [e["reason"] for e in rank.events if e["event"] == "guards" and "reason" in e]
    assert reasons == [
        "spike has acted 2 times, as often as it may",
        "non-finite has acted once, as often as it may",
    ]
    found = plan.found()
    assert found[steps[2]] != found[steps[2] - 1]
    assert found[steps[4]] != found[steps[4] - 1]


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("careless", "does not look whether a parameter has"),
        pytest.param("lbfgs", "stepped with a closure", marks=SLOW),
    ],
)
def test_refused(variant: str, words: str, tmp_path: Path) -> None:
    plan = Plan(tmp_path, variant)
    with live(*plan.words) as run:
        assert words in run.refused(GuardCommand(on="spike"))
        assert run.refused(GuardCommand(then="off")) == "no guard is on"
        plan.tell(run)
        rank, _ = run.finish()
    assert acted(rank.events) == []


def test_the_verb(tmp_path: Path) -> None:
    plan = Plan(tmp_path, "sgd")
    with live(*plan.words) as run:

        def verb(*words: str) -> Mapping[str, Any]:
            done = lrmonitor("guard", "latest", *words, "--json")
            assert done.returncode == 0, done.stderr
            found: Mapping[str, Any] = json.loads(done.stdout)
            return found

        verb()
        told = verb("--on", "spike", "--bound", "12", "--times", "2", "--at-most", "3")
        assert told["status"] == "applied"
        spike = {"on": "spike", "then": "skip", "bound": 12.0, "times": 2.0, "at_most": 3}
        assert told["guards"] == [
            {"on": "non-finite", "then": "skip", "at_most": 10, "acted": 0},
            {**spike, "acted": 0},
        ]
        assert lrmonitor("guard", "latest", "--off", "--on", "gradient").returncode == 3
        said = lrmonitor("guard", "latest", "--off", "--on", "non-finite").stdout
        assert "a spike of the loss (above 12 × noise and 2 ×) skip the step" in said
        plan.tell(run, "spike")
        wait_until(lambda: run.events("guard"), TIMEOUT, what="the guard")
        run.finish()
    listed = verb("--list")
    assert listed == {"guards": [], "acted": {"non-finite": 0, "spike": 1, "gradient": 0}}
    assert lrmonitor("guard", "latest", "--off").returncode == 4
