"""A range test and the rungs below it: which rates are tried, and which of them is chosen."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from lrmonitor.cli import find_lr
from lrmonitor.finder import Candidate, Sweep, choose, rungs
from lrmonitor.finder.ladder import RATIO, RUNGS, STEPS
from lrmonitor.finder.reading import MARGIN
from tests.unit.test_finder_reading import LR, curve

Floats = npt.NDArray[np.float64]
SWEEPS = [Sweep(LR, curve(seed=i)) for i in range(3)]
RATES = rungs(SWEEPS)


def trained(end: float, noise: float = 0.05, seed: int = 0, steps: int = 200) -> list[Floats]:
    """Losses of a candidate that falls from 2.3 to `end`, in two turns."""
    draw = np.random.default_rng(100 + seed).standard_normal(steps)
    loss = end + (2.3 - end) * np.exp(-np.arange(steps) / 30) + noise * draw
    return [loss[: steps // 2], loss[steps // 2 :]]


def tried(*ends: float, noise: float = 0.05) -> list[Candidate]:
    """One of each rung, the highest first."""
    return [
        Candidate(rate, trained(end, noise, seed=i))
        for i, (rate, end) in enumerate(zip(RATES, ends, strict=True))
    ]


def test_the_rungs_go_down_from_below_the_rate_that_broke() -> None:
    ends = [float(s.usable().lr[-1]) for s in SWEEPS]
    assert len(RATES) == RUNGS
    assert RATES[0] == pytest.approx(sorted(ends)[1] / MARGIN)
    assert np.divide(RATES[:-1], RATES[1:]) == pytest.approx(RATIO)


def test_the_verb_tells_what_a_trial_takes() -> None:
    assert (find_lr.RUNGS, find_lr.STEPS) == (RUNGS, STEPS)


def test_a_sweep_that_never_broke_counts_to_its_end() -> None:
    """Also where its loss tells nothing: a flat start is what a trial is for."""
    flat = Sweep(LR, 1.4 + 0.03 * np.random.default_rng(0).standard_normal(len(LR)))
    assert rungs([flat])[0] == pytest.approx(10 / MARGIN)


def test_sweeps_that_break_at_once_have_no_rungs() -> None:
    broken = Sweep(LR, np.where(np.arange(100) < 5, 1.0, math.nan))
    assert rungs([broken]) == rungs([broken, SWEEPS[0]]) == ()
    assert rungs([broken, *SWEEPS[:2]]) != ()


def test_the_rung_that_reached_the_lowest_loss_is_chosen() -> None:
    found = choose(SWEEPS, tried(1.2, 0.8, 0.5, 0.9, 1.5))
    assert found.rate == RATES[2]
    assert found.reason == ""
    assert found.low == pytest.approx(RATES[2] / math.sqrt(RATIO))
    assert found.high == pytest.approx(RATES[2] * math.sqrt(RATIO))
    assert [t.factor for t in found.tried] == sorted(RATES)


def test_rungs_that_are_no_worse_widen_the_interval() -> None:
    found = choose(SWEEPS, tried(0.5, 0.5, 0.5, 0.9, 0.5, noise=0.2))
    assert found.rate in (*RATES[:3], RATES[4])
    if found.rate != RATES[4]:
        assert found.low == pytest.approx(RATES[2] / math.sqrt(RATIO)), "0.9 parts them"
        assert found.high == pytest.approx(RATES[0] * math.sqrt(RATIO))


def test_a_rung_that_breaks_is_out() -> None:
    candidates = tried(0.2, 0.8, 0.9, 1.1, 1.5)
    candidates[0] = Candidate(RATES[0], [np.append(trained(0.2)[0], math.nan)])
    assert choose(SWEEPS, candidates).rate == RATES[1]
    every = [Candidate(rate, [np.full(30, math.nan)]) for rate in RATES]
    broken = choose(SWEEPS, every)
    assert broken.rate is None
    assert "broke at every rate" in broken.reason


def test_a_converged_model_is_refused() -> None:
    """Of a hundred whose rungs only add noise, or harm, none has a rate."""
    for seed in range(100):
        noise = np.random.default_rng(seed)
        sweep = Sweep(LR, 0.5 + 0.05 * noise.standard_normal(len(LR)))
        losses = 0.5 + np.array([0.2, 0.05, 0, 0, 0])[:, None] + 0.05 * noise.standard_normal(
            (RUNGS, 200)
        )  # fmt: skip
        pairs = zip(rungs([sweep]), losses, strict=True)
        found = choose([sweep], [Candidate(rate, [loss]) for rate, loss in pairs])
        assert found.rate is None
        assert found.reason.startswith("no usable descent")


def test_too_few_steps_say_nothing() -> None:
    found = choose(SWEEPS, [Candidate(rate, [np.ones(8)]) for rate in RATES])
    assert found.rate is None
    assert "at least 16 steps" in found.reason


@pytest.mark.parametrize("scale", [2.0**-20, 2.0**20])
def test_a_scale_changes_nothing(scale: float) -> None:
    one = choose(SWEEPS, tried(1.2, 0.8, 0.5, 0.9, 1.5))
    scaled = [Candidate(c.factor, [scale * leg for leg in c.legs]) for c in tried(1.2, 0.8, 0.5,
              0.9, 1.5)]  # fmt: skip
    other = choose([Sweep(s.lr, scale * s.loss) for s in SWEEPS], scaled)
    assert (one.rate, one.low, one.high) == (other.rate, other.low, other.high)
