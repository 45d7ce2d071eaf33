"""The figures of docs/steering.md about range tests that have a target, on the kept numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lrmonitor.finder import read
from tests.benchmarks.finder.cases import PARTS
from tests.benchmarks.finder.figures import OURS, interval, measured, row, rules, stages
from tests.benchmarks.finder.generate import (
    LADDER,
    RESULTS,
    ends,
    name,
    read_back,
    short,
    sweeps,
)
from tests.benchmarks.finder.training import fresh, whole

pytestmark = pytest.mark.benchmark

SETUPS = {"developed": 8, "fresh": 6, "new": 6}
SEEDS = 5
CONVERGED = 20
"""Setups whose rungs were measured on a converged model."""
THREE = "ours, three sweeps"
MISSED = "missed on tasks that nothing was set on, see How good the suggestion is in steering.md"
XFAIL = pytest.mark.xfail(reason=MISSED, strict=True)
RUNGS_MISSED = "missed on tasks of development, see How good the suggestion is in steering.md"
RUNGS_XFAIL = pytest.mark.xfail(reason=RUNGS_MISSED, strict=True)
BOTH = pytest.mark.parametrize("part", ["developed", pytest.param("fresh", marks=XFAIL)])


@pytest.mark.parametrize("part", SETUPS)
def test_there_are_enough_cases(part: str) -> None:
    cases = measured(part, LADDER)
    assert len({case.setup for case in cases}) >= SETUPS[part]
    assert len(cases) >= SEEDS * SETUPS[part]


@pytest.mark.parametrize("part", ["developed", "new", pytest.param("fresh", marks=RUNGS_XFAIL)])
def test_the_rungs_reach_nearly_the_best_of_the_grid(part: str) -> None:
    found = row(LADDER, part)
    print(found)
    assert found.reached >= 0.95


@BOTH
def test_our_rate_reaches_nearly_the_best_of_the_grid(part: str) -> None:
    found = row(THREE, part)
    print(found)
    assert found.reached >= 0.95


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("rule", [THREE, LADDER])
def test_our_rate_never_does_harm(rule: str, part: str) -> None:
    assert row(rule, part).harmful == 0


def test_no_other_range_test_does_as_well() -> None:
    for at in (0, 1):
        ours = row(THREE, "developed", at)
        for rule in rules("developed"):
            if rule not in OURS:
                print(row(rule, "developed", at))
                assert row(rule, "developed", at).reached < ours.reached, rule


def test_the_interval_holds_rates_that_train() -> None:
    both, low, high = interval("developed")
    print(both, low, high)
    assert min(low, high) >= 0.75


def test_a_converged_model_is_refused() -> None:
    told = stages()["converged"]
    assert len(told) >= CONVERGED
    assert all(three for _, _, three, gain, _ in told if not gain)
    assert sum(not one for _, one, _, gain, _ in told if not gain) <= 1  # 19 of the 20


def test_the_rungs_refuse_a_converged_model() -> None:
    told = [rungs for *_, gain, rungs in stages()["converged"] if not gain and rungs is not None]
    assert len(told) >= CONVERGED
    assert all(told)


def test_the_kept_numbers_are_what_training_gives() -> None:
    """One case, trained anew: its start, a sweep and its reading, the end at the suggested rate."""
    case = next(c for c in measured("developed") if c.setup.name == "denoiser-sgd")
    known = json.loads((RESULTS / f"{case.name}.json").read_text("utf-8"))
    state = fresh(case.setup, case.seed)
    assert short(whole(case.setup, state.model)) == pytest.approx(known["start"], rel=1e-3)
    again = sweeps(case, state, 1)
    for one, kept in zip(again, known["sweeps"], strict=True):
        both = min(len(one), len(kept), 60)
        assert np.array(one[:both]) == pytest.approx(np.array(kept[:both]), rel=1e-2)
    rate = read(read_back(known["sweeps"])).rate
    assert rate is not None
    end, told = ends(case, state, rate)[-1], known["reached"][name(rate)][-1]
    assert end == pytest.approx(told, rel=0.05)
