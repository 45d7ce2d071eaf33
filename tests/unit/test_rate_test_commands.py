"""Range tests and trials: commands, legs, rates, and what the record's readers make of them."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lrmonitor.diagnosis.source import RowSource
from lrmonitor.link import first_test
from lrmonitor.link.messages import (
    Author,
    CommandError,
    RangeTestCommand,
    TrialCommand,
    parse_command,
)
from lrmonitor.model import journal
from lrmonitor.model.journal_rows import JournalRows
from lrmonitor.probe.overrides import Override, Overrides
from lrmonitor.probe.signals import Signals
from lrmonitor.probe.swept import Leg, sweep, times
from lrmonitor.probe.testing import check, legs_of, states_of
from lrmonitor.record.reader import RunReader
from tests.app.folders import RunFolder
from tests.conftest import Isolated


@pytest.mark.parametrize(
    ("command", "args", "words"),
    [
        ("range_test", {"start": 1.0, "stop": 1.0}, "above the beginning"),
        ("range_test", {"start": 0}, "freeze"),
        ("range_test", {"start": -1.0}, "below 0"),
        ("range_test", {"start": 1e-300, "stop": 1e4}, "at most 1000"),
        ("range_test", {"stop": "10"}, "must be a number"),
        ("range_test", {"stop": 10**400}, "too large"),
        ("range_test", {"steps": 1}, "from 2 to"),
        ("range_test", {"steps": 10**9}, "from 2 to"),
        ("range_test", {"sweeps": 0}, "from 1 to 20"),
        ("range_test", {"same": True, "group": 1}, "all groups"),
        ("range_test", {"group": 1, "optimizer": "all"}, "one optimizer"),
        ("range_test", {"then": "stop"}, "go, pause"),
        ("range_test", {"bound": 1}, "true or false"),
        ("trial", {"factors": [1.0]}, "2 to 12"),
        ("trial", {"factors": [1.0, 1.0]}, "the same"),
        ("trial", {"factors": [1.0, 0]}, "freeze"),
        ("trial", {"factors": 3}, "2 to 12"),
        ("trial", {"legs": 0}, "from 1 to 100"),
        ("trial", {"steps": 5, "legs": 6}, "from 1 to 5"),
        ("trial", {"sweeps": 1}, "unknown field"),
        ("trial", {"rates": [0.1]}, "2 to 12 rates"),
        ("trial", {"rates": 0.1}, "2 to 12 rates"),
        ("trial", {"rates": [0.1, 0.1]}, "the same"),
        ("trial", {"rates": [0.1, 2000]}, "at most 1000"),
        ("trial", {"rates": [0.1, -1]}, "below 0"),
        ("trial", {"same": True}, "for rates"),
        ("trial", {"rates": [0.1, 0.2], "same": True, "group": 1}, "all groups"),
        ("trial", {"rates": [0.1, 0.2], "same": 1}, "true or false"),
    ],
)
def test_commands_that_cannot_be_meant(command: str, args: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        parse_command({"type": "command", "id": "a", "command": command, "args": args, "by": {}})


def test_commands_come_over_the_wire_as_they_are() -> None:
    swept = RangeTestCommand(start=1e-6, stop=2, steps=50, sweeps=3, optimizer=1, then="pause")
    tried = TrialCommand(factors=(0.5, 2.0), steps=30, legs=3, optimizer="all")
    below = TrialCommand(rates=(0.1, 0.03), same=True, steps=30, legs=3, then="pause")
    for command in (swept, tried, below):
        assert parse_command(command.to_json()) == command
    by = Author(via="launch")
    environ = {first_test.VARIABLE: first_test.text(swept)}
    found = first_test.command(environ, by)
    assert (found, first_test.command({}, by)) == (
        RangeTestCommand(**{**vars(swept), "by": by}),
        None,
    )
    for told in ("{", "[]", '{"id": "a"}', '{"id": "a", "args": {"steps": 1}}'):
        with pytest.raises(CommandError):
            first_test.command({first_test.VARIABLE: told}, by)


def test_legs_share_the_steps_in_turn() -> None:
    legs = legs_of(TrialCommand(factors=(0.5, 1.0, 2.0), steps=7, legs=3))
    assert [(leg.which, leg.steps) for leg in legs] == [
        *((0, 3), (1, 3), (2, 3)),
        *((0, 2), (1, 2), (2, 2)),
        *((0, 2), (1, 2), (2, 2)),
    ]
    assert [leg.number for leg in legs] == list(range(9))
    assert states_of(TrialCommand(factors=(0.5, 1.0, 2.0), steps=7, legs=3)) == 4
    assert states_of(TrialCommand(factors=(0.5, 1.0, 2.0), steps=7, legs=1)) == 1
    assert states_of(TrialCommand(rates=(0.5, 0.2), steps=7, legs=2)) == 3
    assert states_of(RangeTestCommand(sweeps=5)) == 1


def test_the_rates_of_a_sweep_and_of_a_candidate() -> None:
    leg = Leg(0, 0, 5)
    own = Overrides({1: Override("hold", 0.5)}, tick=7)
    swept = sweep(own, 3, {0: 1.0, 2: 0.1}, leg, (1e-4, 1.0))
    found = []
    for leg.done in range(7):
        found.append([swept.effective(j, 0.3) for j in range(3)])
    rates = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1.0, 1.0]
    assert np.allclose(found, [[r, 0.5, r * 0.1] for r in rates], rtol=1e-12, atol=0)
    assert (found[0][0], found[4][0]) == (1e-4, 1.0)
    assert (swept.tick, swept.until) == (7, math.inf)
    held = sweep(own, 3, {0: 1.0, 2: 0.1}, leg, (1 / 3, 1 / 3))
    for leg.done in range(7):
        assert [held.effective(j, 0.3) for j in range(3)] == [1 / 3, 0.5, 1 / 3 * 0.1]
    tried = times(own, 3, [0, 1], 3.0)
    assert [tried.effective(j, 0.3) for j in range(3)] == [3 * 0.3, 1.5, 0.3]


class Known:
    """What a check asks of an optimizer."""

    number, name, reads_first, count = 0, "SGD", False, 2

    def __init__(self, rates: tuple[float, float], reason: str | None = None) -> None:
        self.reason, self._rates = reason, rates
        self.groups = [type("Group", (), {"effective": rate})() for rate in rates]

    def values(self) -> list[float]:
        """The scheduled rates."""
        return list(self._rates)


@pytest.mark.parametrize(
    ("command", "left", "words"),
    [
        (RangeTestCommand(optimizer=1), None, "there is no optimizer 1"),
        (RangeTestCommand(group=2), None, "there is no group 2"),
        (RangeTestCommand(stop=900.0), None, "would come to 1800"),
        (TrialCommand(factors=(1.0, 1e6)), None, "at most 1000"),
        (
            RangeTestCommand(steps=50, sweeps=2),
            100,
            "takes 100 steps, and the training ends in 100",
        ),
        (TrialCommand(rates=(1.0, 900.0)), None, "would come to 1800"),
        (TrialCommand(), 1, "the training ends in 1"),
    ],
)
def test_refused(command: Any, left: int | None, words: str) -> None:
    known: Any = Known((0.1, 0.2))
    with pytest.raises(Exception, match=words):
        check(command, [known], left)


def test_not_refused() -> None:
    known: Any = Known((0.1, 0.2))
    check(RangeTestCommand(steps=50, sweeps=2), [known], 101)
    check(RangeTestCommand(), [known], -5)  # it trains beyond what was taken for its end
    check(RangeTestCommand(), [], None)  # before the first step
    zero: Any = Known((0.0, 0.2))
    check(RangeTestCommand(same=True), [zero], None)
    check(RangeTestCommand(group=1), [zero], None)
    with pytest.raises(Exception, match="no ratio to keep"):
        check(RangeTestCommand(), [zero], None)


@pytest.fixture
def handled() -> Iterator[list[str]]:
    """What the handlers of two signals have done; they are those of the process again after."""
    said: list[str] = []

    def noting(number: int, frame: object) -> None:
        said.append("noted")

    def raising(number: int, frame: object) -> None:
        said.append("raises")
        raise KeyboardInterrupt

    before = [signal.signal(signal.SIGUSR1, noting), signal.signal(signal.SIGUSR2, raising)]
    try:
        yield said
    finally:
        signal.signal(signal.SIGUSR1, before[0])
        signal.signal(signal.SIGUSR2, before[1])


def test_what_a_signal_handler_raises_is_told_before_it_goes_its_way(handled: list[str]) -> None:
    signals = Signals(lambda: handled.append("told"))
    own = signal.getsignal(signal.SIGUSR1)
    signals.watch()
    signal.raise_signal(signal.SIGUSR1)
    with pytest.raises(KeyboardInterrupt) as caught:
        signal.raise_signal(signal.SIGUSR2)
    assert handled == ["noted", "raises", "told"]
    names = [entry.name for entry in caught.traceback]
    assert names == ["test_what_a_signal_handler_raises_is_told_before_it_goes_its_way", "raising"]
    # One that the script sets meanwhile is left.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signals.leave()
    assert signal.getsignal(signal.SIGUSR1) is own
    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
    signal.raise_signal(signal.SIGUSR1)
    assert handled[-1] == "noted"


def test_the_diagnosis_sees_nothing_of_a_test(isolated: Isolated) -> None:
    run = RunFolder(isolated.runs, created=1e9).launch(False).register()
    run.declare("val_loss", "metric", None, None)
    run.declare("test[1].loss", "test_loss", 0, None)
    reader = RunReader(run.path)
    for step in range(1, 31):
        run.step, run.now = step, 1e9 + step
        if step == 11:
            run.event("test_began", step=10)
        if 10 < step <= 20:
            run.add("test[1].loss", 1e6)
            run.add("val_loss", 1e6)
        else:
            run.add("loss", 1.0)
            run.add("val_loss", 2.0)
        if step == 20:
            run.event("test_ended", step=20)
    reader.poll()
    source = RowSource(reader.ranks[0])
    chunk = source.take()
    assert chunk.step.tolist() == [*range(1, 11), *range(21, 31)]
    assert chunk.val is not None
    assert set(chunk.val.tolist()) == {2.0}
    assert source.validation is not None
    assert source.validation.info.name == "val_loss"


PLAN = {"start": 1e-7, "stop": 10.0, "steps": 100, "sweeps": 2, "same": False, "bound": True}
ENDED = {"test": 1, "kind": "range", "why": "bound", "from": 10, "steps": 150, "restored": True}


def entry(time: float, name: str, **fields: Any) -> journal.JournalEntry:
    """An event as the journal takes it."""
    found = journal.entry("rank 0", {"time": time, "event": name, **fields})
    assert found is not None
    return found


def test_a_test_is_one_row_of_the_journal() -> None:
    by = {"who": "person", "via": "cli", "name": "ann"}
    args = RangeTestCommand(sweeps=2).args()
    rows = JournalRows()
    rows.take([entry(1.0, "command", id="a", command="range_test", args=args, by=by)])
    (row,) = rows.rows
    assert (row.kind, row.what, row.who) == ("rate", "Range test", "ann (cli)")
    assert row.text == "1e-7 to 10 in 100 steps, 2 times"
    begun = entry(2.0, "test_began", id="a", test=1, kind="range", step=10, plan=PLAN)
    rows = JournalRows()
    rows.take(
        [
            entry(1.0, "command", id="a", command="range_test", args=args, by=by),
            begun,
            entry(3.0, "test_ended", id="a", step=160, **ENDED),
            entry(3.0, "acknowledgement", id="a", status="applied", step=160, reason=None),
        ]
    )
    (row,) = rows.rows
    assert (row.step, row.result, row.tone) == (160, "Applied", "good")
    assert row.text == (
        "Range test over after 150 steps, ended early: the loss rose far above where it began; all "
        "of it put back"
    )
    assert row.tells(2.0, "test")
    assert begun.text == "Range test of 1e-7 to 10 in 100 steps, 2 times"
    plan = {"factors": [0.5, 2.0], "steps": 40, "legs": 4}
    tried = entry(2.0, "test_began", id="b", test=2, kind="trial", step=10, plan=plan)
    assert tried.text == "Rate trial of ×0.5, ×2, 40 steps each"
    plan = {"rates": [0.1, 0.03], "steps": 40, "legs": 4}
    tried = entry(2.0, "test_began", id="b", test=2, kind="ladder", step=10, plan=plan)
    assert tried.text == "Rate trial of 0.1, 0.03, 40 steps each"
    assert journal.entry("rank 0", {"time": 1.0, "event": "test_leg", "step": 3}) is None
