"""A training script that is steered: rewound, guarded, its rates tested, all in one run; then all
of it is done once more without lrmonitor, and must come out the same."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from lrmonitor.link.messages import (
    GuardCommand,
    RangeTestCommand,
    RewindCommand,
    SnapshotCommand,
    TrialCommand,
)
from lrmonitor.link.test_commands import TestCommand as RateTest
from lrmonitor.record.reader import RankReader
from tests.helpers.commander import Commander
from tests.helpers.programs import Program, redone
from tests.helpers.starter import Move, Rates, Record, Starter
from tests.helpers.starting import Launcher, Script
from tests.helpers.styles import CLOSURE, NO_LBFGS, NO_OPTIMIZER, Outcome
from tests.helpers.wait import wait_until
from tests.helpers.wild import CALM, MODULES, NO_RATE, at_each_step, read_rank

WAYS = ("rewind", "guard", "range", "trial")
"""How a script is steered, in this order."""

TESTS: dict[str, RateTest] = {
    "range": RangeTestCommand(start=1e-6, stop=1e-3, steps=9, bound=False),
    "trial": TrialCommand(factors=(0.5, 2.0), steps=5, legs=2),
}

TIMES = 3
"""How often the guard acts: its bound is one that every second value is above."""

BETWEEN = 10
"""Steps between one thing that is done and the next."""


class Steered:
    """One script that runs, and what was done to it."""

    def __init__(self, program: Program, script: Script, c: Commander) -> None:
        self.moves: list[Move] = []
        self.outcome: Outcome = {}
        self._program = program
        self._script = script
        self._c = c

    def rewind(self) -> None:
        """Take a snapshot, go on, go back."""
        begin = self._c.applied(SnapshotCommand())
        self._c.wait(begin + BETWEEN)
        answer = self._c.do(RewindCommand())
        assert (answer.status, answer.detail.get("to")) == ("applied", begin), answer
        assert answer.step is not None
        self.moves += [Move(begin, keep="snapshot"), Move(answer.step, back="snapshot")]
        self.outcome |= {"snapshot": "yes", "rewind": "yes"}

    def guard(self) -> None:
        """Have a guard act; where steps are made with a closure it is refused."""
        if self._program.closure:
            refused(self._c, GuardCommand(on="non-finite"), "stepped with a closure")
            self.outcome["guard"] = CLOSURE
            return
        self._c.applied(GuardCommand(on="non-finite"))
        self._c.applied(GuardCommand(on="spike", bound=0.01, times=1.0, at_most=TIMES))
        wait_until(lambda: len(acted(self._rank())) == TIMES, self._program.patience, "the guard")
        self.outcome["guard"] = "yes"

    def test(self, kind: str) -> None:
        """Make a test of rates; LBFGS refuses."""
        if self._program.name == "lbfgs":
            refused(self._c, TESTS[kind], "LBFGS evaluates its closure several times")
            self.outcome[kind] = NO_LBFGS
            return
        answer = self._c.do(TESTS[kind])
        assert (answer.status, answer.detail.get("restored")) == ("applied", True), answer
        self.outcome[kind] = "yes"

    def _rank(self) -> RankReader:
        return read_rank(self._script.folder, self._script.rank)


def steered(
    launcher: Launcher, program: Program, plainly: Starter, tmp_path: Path, ways: Sequence[str]
) -> Outcome:
    """Start a script, steer it in these ways, and stop it; all of it holds when this returns."""
    file, log = tmp_path / "watched.json", tmp_path / "log.txt"
    words: list[str | Path] = ["-m", f"{MODULES}.{program.name}", file, *program.words]
    with launcher.script(words, log) as script:
        with Commander(script.folder.name, script.rank, program.patience) as c:
            one = Steered(program, script, c)
            c.wait(CALM)
            for way in ways:
                if way in TESTS:
                    one.test(way)
                else:
                    getattr(one, way)()
                c.wait(c.step() + BETWEEN)
        code = script.stop()
    truth: dict[str, Any] = json.loads(file.read_text())
    rank = read_rank(script.folder, script.rank)
    assert all(math.isfinite(loss) for losses in truth["loss"].values() for loss in losses)
    check_moves(one.moves, truth)
    check_tests(rank, truth, [way for way in ways if one.outcome.get(way) == "yes"])
    told = acted(rank)
    assert len(told) == (TIMES if one.outcome.get("guard") == "yes" else 0)
    record = Record(
        rates=used(rank, truth),
        moves=(*one.moves, *moves_of_tests(rank)),
        left_out=tuple((e["optimizer"], e["step"]) for e in told),
        last=program.last,
    )
    redone(plainly, program, tmp_path, truth, record, code)
    return one.outcome


def check_moves(moves: Sequence[Move], truth: dict[str, Any]) -> None:
    """The weights at the step of the rewind are those at the step of the snapshot."""
    if not moves:
        return
    weights, (begin, to) = truth["weights"], (move.step for move in moves)
    assert weights[to - 1] == weights[begin - 1]
    assert weights[to - 2] != weights[begin - 1]
    assert weights[to] != weights[to - 1], "it does not learn any more"


def check_tests(rank: RankReader, truth: dict[str, Any], ways: Sequence[str]) -> None:
    """The weights at the last step of a test are those before its first one, and the losses of its
    steps are kept apart; each loss is the one that the script computed."""
    weights, losses = truth["weights"], truth["loss"]["0"]
    found = tests_of(rank)
    assert [begun["kind"] for begun, _ in found] == [way for way in ways if way in TESTS]
    apart: set[int] = set()
    for begun, ended in found:
        begin, to = begun["step"], ended["step"]
        assert (ended["restored"], ended["from"]) == (True, begin), ended
        assert "warnings" not in begun
        assert to - begin >= 9
        assert weights[to - 1] == weights[begin - 1]
        assert weights[to - 2] != weights[begin - 1]
        assert weights[to] != weights[to - 1], "it does not learn any more"
        apart.update(range(begin + 1, to + 1))
        of_test = rank.by_name[f"test[{begun['test']}].loss"]
        assert of_test.value.tolist() == losses[begin:to]
    own = [loss for step, loss in enumerate(losses, 1) if step not in apart]
    assert rank.by_name["loss"].value.tolist() == own
    for event in rank.events:
        if event["event"] == "snapshot":
            assert "warnings" not in event


def unsteered(launcher: Launcher, program: Program, tmp_path: Path) -> Outcome:
    """Start a script that steps no torch optimizer: all is refused, and it trains on."""
    words: list[str | Path] = [
        "-m",
        f"{MODULES}.{program.name}",
        tmp_path / "watched.json",
    ]
    why = NO_RATE.removeprefix("the rate cannot be set: ")
    commands = (SnapshotCommand(), RewindCommand(), GuardCommand(on="non-finite"), *TESTS.values())
    with launcher.script(words, tmp_path / "log.txt") as script:
        with Commander(script.folder.name, script.rank, program.patience) as c:
            c.wait(CALM)
            for command in commands:
                refused(c, command, why)
            c.wait(c.step() + BETWEEN)
        script.stop()
    return dict.fromkeys(("snapshot", *WAYS), NO_OPTIMIZER)


def refused(c: Commander, command: Any, why: str) -> None:
    """Give a command that is refused for that reason."""
    answer = c.do(command)
    assert answer.status == "refused", answer
    assert why in str(answer.reason)


def acted(rank: RankReader) -> list[dict[str, Any]]:
    """What was recorded of each step that a guard left out."""
    return [e for e in rank.events if e["event"] == "guard"]


def used(rank: RankReader, truth: dict[str, Any]) -> Rates:
    """The rates that were recorded of each step, those of tests of rates included."""
    steps = len(truth["loss"]["0"])
    found: Rates = {}
    for address in truth["lr"]:
        found[address] = at_each_step(rank, f"lr[{address}]", steps)
        for begun, ended in tests_of(rank):
            series = f"test[{begun['test']}].lr[{address}]"
            rates = at_each_step(rank, series, ended["step"])
            found[address].update({n: v for n, v in rates.items() if n > begun["step"]})
    return found


def tests_of(rank: RankReader) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What was recorded of each test of rates as it began and ended."""
    begun = [e for e in rank.events if e["event"] == "test_began"]
    ended = [e for e in rank.events if e["event"] == "test_ended"]
    return list(zip(begun, ended, strict=True))


def moves_of_tests(rank: RankReader) -> list[Move]:
    """How the state went to and fro in tests of rates, as they promise it: a sweep begins where the
    test did; a candidate's next turn begins where its last one ended."""
    moves = []
    for begun, ended in tests_of(rank):
        number = begun["test"]
        base = f"{number}"
        moves.append(Move(begun["step"], keep=base))
        kept: set[str] = set()
        for leg, after in pairwise(ended["legs"]):
            if begun["kind"] == "range":
                moves.append(Move(leg["last"], back=base))
                continue
            mine, other = (f"{number}.{one['candidate']}" for one in (leg, after))
            kept.add(mine)
            moves.append(Move(leg["last"], keep=mine, back=other if other in kept else base))
        moves.append(Move(ended["step"], back=base, rng=True))
    return moves
