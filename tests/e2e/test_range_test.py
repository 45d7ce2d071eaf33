"""Range tests and trials in real training processes: all of it is taken back, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import LrCommand, RangeTestCommand, TrialCommand
from lrmonitor.record.reader import RankReader
from tests.e2e.test_rewind import KINDS, SCRIPT, truth, undisturbed
from tests.helpers.live import Alone, Forks
from tests.helpers.wild import at_each_step

START, STOP = 1e-6, 0.5
SWEEP = 12
FACTORS = (1 / 3, 1.0, 3.0)

IN_CI = ("sgd", "adam", "tensor-rate", "scaler", "two", "average")
"""Kinds that are enough for each change of the code."""


def made_of(rank: RankReader) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What was recorded of each test as it began and ended; everything was put back."""
    begun = [e for e in rank.events if e["event"] == "test_began"]
    ended = [e for e in rank.events if e["event"] == "test_ended"]
    found = list(zip(begun, ended, strict=True))
    for number, (first, last) in enumerate(found, 1):
        assert first["test"] == last["test"] == number
        assert (last["restored"], last["from"]) == (True, first["step"]), last
    return found


def legs(ended: dict[str, Any], which: str) -> list[tuple[int, int, int, str]]:
    """Number, first and last step, and end of each leg."""
    return [(one[which], one["first"], one["last"], one["why"]) for one in ended["legs"]]


def in_turn(begin: int, counts: list[tuple[int, int]]) -> list[tuple[int, int, int, str]]:
    """Legs of so many steps one after another."""
    found = []
    for which, count in counts:
        found.append((which, begin + 1, begin + count, "end"))
        begin += count
    return found


@pytest.mark.parametrize(
    "variant",
    [
        one if one in IN_CI else pytest.param(one, marks=pytest.mark.slow)
        for one in KINDS
        if one != "lbfgs"
    ],
)
def test_all_is_put_back_and_the_run_goes_on(
    variant: str, tmp_path: Path, forked: Forks, alone: Alone
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, variant, out, last) as run:
        sweeps = RangeTestCommand(start=START, stop=STOP, steps=SWEEP, sweeps=2, bound=False)
        swept = run.do(sweeps)
        run.go_on(3)
        tried = run.do(TrialCommand(factors=FACTORS, steps=7, legs=2))
        run.go_on(8)
        last.write_text("0")
        rank, _ = run.finish()
    (begun, ended), (begun_trial, ended_trial) = made_of(rank)
    begin, to = begun["step"], ended["step"]
    first, end_of_trial = begun_trial["step"], ended_trial["step"]
    assert (swept.step, tried.step) == (to, end_of_trial)
    assert (to - begin, end_of_trial - first) == (2 * SWEEP, 21)
    assert legs(ended, "sweep") == in_turn(begin, [(0, SWEEP), (1, SWEEP)])
    turns = [(0, 4), (1, 4), (2, 4), (0, 3), (1, 3), (2, 3)]
    assert legs(ended_trial, "candidate") == in_turn(first, turns)

    found = truth(out)
    hashes, end = found["hashes"], max(found["hashes"])
    last.write_text(str(end))
    assert hashes[to] == hashes[begin + SWEEP] == hashes[begin]
    assert hashes[to - 1] != hashes[begin]
    assert hashes[end_of_trial] == hashes[first + 4] == hashes[first + 8] == hashes[first]
    wanted = undisturbed(alone, tmp_path, variant, last, begin, to, "", first, end_of_trial)
    out_of_it = [n for n in hashes if not (begin < n <= to or first < n <= end_of_trial)]
    assert [hashes[n] for n in out_of_it] == [wanted["hashes"][n] for n in out_of_it]
    assert found["rates"][end] == wanted["rates"][end]

    # The record of the run has gaps there, and the tests have series of their own.
    assert rank.by_name["loss"].step.tolist() == [n for n in out_of_it if n]
    exact = 1e-6 if variant == "tensor-rate" else 1e-12
    losses, rates = rank.by_name["test[1].loss"], rank.by_name["test[1].lr[0.0]"]
    assert losses.info.test == rates.info.test == 1
    assert losses.step.tolist() == rates.step.tolist() == list(range(begin + 1, to + 1))
    sweep = [START * (STOP / START) ** (i / (SWEEP - 1)) for i in range(SWEEP)]
    assert rates.value.tolist() == pytest.approx(sweep * 2, rel=exact)
    used = at_each_step(rank, "test[2].lr[0.0]", end_of_trial)
    scheduled = {n: found["rates"][n] for n in used}
    factors = [FACTORS[which] for which, count in turns for _ in range(count)]
    assert list(used.values()) == pytest.approx(
        [k * scheduled[n] for k, n in zip(factors, used, strict=True)], rel=exact
    )
    own = at_each_step(rank, "lr[0.0]", end)
    assert own[to + 1] == pytest.approx(found["rates"][to + 1], rel=exact)
    assert not any(begin < n <= to for n in rank.by_name["lr[0.0]"].step.tolist())


def test_rates_are_held_in_a_trial_of_rates(tmp_path: Path, forked: Forks) -> None:
    """Whatever the script's schedule does, and beside what a person scales."""
    out, last = tmp_path / "out.json", tmp_path / "last"
    rates = (1 / 30, 0.001)
    with forked(SCRIPT, "drawn", out, last) as run:
        run.do(LrCommand(mode="scale", value=2.0))
        run.do(TrialCommand(rates=rates, steps=4, legs=2))
        run.go_on(3)
        last.write_text("0")
        rank, _ = run.finish()
    ((began, over),) = made_of(rank)
    assert began["kind"] == over["kind"] == "ladder"
    assert began["plan"] == {"rates": list(rates), "same": False, "steps": 4, "legs": 2}
    used = at_each_step(rank, "test[1].lr[0.0]", over["step"])
    assert list(used.values()) == [rates[which] for which in (0, 0, 1, 1) * 2]
    hashes = truth(out)["hashes"]
    assert hashes[began["step"]] == hashes[over["step"]]


def test_a_script_that_draws_its_batches_goes_on_as_if_there_had_been_no_test(
    tmp_path: Path,
    forked: Forks,
    alone: Alone,
) -> None:
    """What a person holds is multiplied in a trial, and held again after it."""
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "drawn", out, last) as run:
        run.do(RangeTestCommand(start=START, stop=STOP, steps=8, sweeps=2, bound=False))
        run.go_on(10)
        held = run.do(LrCommand(mode="hold", value=0.02, ramp=4)).step
        assert held is not None
        run.go_on(5)
        run.do(TrialCommand(factors=(0.5, 3.0), steps=4, legs=2))
        run.go_on(3)
        last.write_text("0")
        rank, _ = run.finish()
    (begun, ended), (began, over) = made_of(rank)
    begin, to = begun["step"], ended["step"]
    hashes = truth(out)["hashes"]
    last.write_text(str(held))
    wanted = undisturbed(alone, tmp_path, "drawn", last)["hashes"]
    shift = to - begin
    assert all(hashes[n] == wanted[n] for n in range(1, begin + 1))
    assert all(hashes[n] == wanted[n - shift] for n in range(to, held))
    assert [one["effective"] for one in began["rates"]] == [0.02]
    used = at_each_step(rank, "test[2].lr[0.0]", over["step"])
    assert list(used.values()) == pytest.approx([0.01, 0.01, 0.06, 0.06] * 2, rel=1e-12)
    own = rank.by_name["lr[0.0]"]
    assert (own.step[-1], own.value[-1]) == (held + 3, 0.02)
    assert not [e for e in rank.events if e["event"] == "rates_settled" and e["step"] > held + 3]
