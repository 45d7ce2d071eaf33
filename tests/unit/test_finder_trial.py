"""Comparing rates that were tried."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrmonitor.finder import Candidate, Comparison, TrialError, compare

Floats = npt.NDArray[np.float64]
STEPS = 60


def line(slope: float, drop: float = 0.0, noise: float = 0.05, seed: int = 0) -> Floats:
    """A loss that begins at 1, drops at once and then goes on with a slope."""
    draw = np.random.default_rng(seed)
    loss = 1 - drop + slope * np.arange(STEPS) + noise * draw.standard_normal(STEPS)
    loss[0] += drop
    return np.asarray(loss)


def tried(**losses: Floats) -> Comparison:
    """By names like down3, one, up3."""
    factors = {"down3": 1 / 3, "one": 1.0, "up3": 3.0}
    return compare([Candidate(factors[k], [v]) for k, v in losses.items()])


def test_the_one_that_falls_faster_is_recommended() -> None:
    found = tried(down3=line(-0.001, seed=1), one=line(-0.003, seed=2), up3=line(-0.009, seed=3))
    assert found.recommended == 3.0
    assert found.clear
    slow, same, fast = found.tried
    assert slow.low < -0.001 < slow.high
    assert same.low < -0.003 < same.high
    assert fast.low < fast.slope < fast.high < same.low


def test_no_difference_keeps_the_rate() -> None:
    found = tried(down3=line(-0.002, seed=1), one=line(-0.002, seed=2), up3=line(-0.002, seed=3))
    assert (found.recommended, found.clear) == (1.0, False)
    assert found.reason == "no clear difference: keep ×1."


def test_noise_rarely_recommends_another() -> None:
    wrong = sum(
        tried(
            down3=line(-0.002, noise=0.3, seed=3 * s),
            one=line(-0.002, noise=0.3, seed=3 * s + 1),
            up3=line(-0.002, noise=0.3, seed=3 * s + 2),
        ).recommended
        != 1.0
        for s in range(100)
    )
    assert wrong <= 4


def test_a_drop_alone_is_no_reason_for_a_lower_rate() -> None:
    """It leaves its noise floor at once, and then falls more slowly: the greedy choice is wrong."""
    found = tried(
        down3=line(-0.0005, drop=0.25, seed=1), one=line(-0.003, seed=2), up3=line(-0.002, seed=3)
    )
    assert found.tried[0].reached < found.tried[1].reached, "it is lower at the end"
    assert found.recommended == 1.0
    assert "at once" in found.reason


def test_a_lower_rate_that_falls_on_is_recommended() -> None:
    found = tried(down3=line(-0.004, drop=0.1, seed=1), one=line(0.002, seed=2))
    assert found.recommended == pytest.approx(1 / 3)


def test_a_rate_that_breaks_is_never_recommended() -> None:
    exploding = line(-0.01)
    exploding[40:] = np.geomspace(1, 1e12, 20)
    spoilt = line(-0.01)
    spoilt[55] = math.nan
    for broken in (exploding, spoilt):
        found = tried(one=line(-0.002, seed=1), up3=broken)
        assert found.recommended == 1.0
        assert found.tried[1].broke
        assert found.clear
    found = tried(down3=line(-0.001, seed=1), one=spoilt, up3=exploding)
    assert found.recommended == pytest.approx(1 / 3)
    assert "broke at ×1" in found.reason
    found = tried(one=spoilt, up3=exploding)
    assert found.recommended is None
    assert "lower ones" in found.reason


def test_too_short_says_so() -> None:
    found = tried(one=line(0)[:10], up3=line(0))
    assert found.recommended is None
    assert "too short" in found.reason


def test_without_the_rate_itself_the_nearest_is_what_others_are_measured_against() -> None:
    found = compare([Candidate(0.5, [line(0, seed=1)]), Candidate(8.0, [line(0, seed=2)])])
    assert found.recommended == 0.5


def test_constants() -> None:
    found = tried(one=np.zeros(STEPS), up3=np.zeros(STEPS))
    assert (found.recommended, found.clear) == (1.0, False)
    found = tried(one=np.ones(STEPS), up3=np.zeros(STEPS))
    assert (found.recommended, found.clear) == (3.0, True)


@pytest.mark.parametrize("scale", [2.0**-30, 2.0, 2.0**30])
def test_a_scale_changes_nothing_but_the_slopes(scale: float) -> None:
    losses = {"down3": line(-0.001, 0.2), "one": line(-0.003, seed=1), "up3": line(-0.01, seed=2)}
    one, other = tried(**losses), tried(**{k: scale * v for k, v in losses.items()})
    assert (one.recommended, one.clear, one.reason) == (
        other.recommended,
        other.clear,
        other.reason,
    )
    assert [scale * t.slope for t in one.tried] == [t.slope for t in other.tried]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, STEPS - 1), max_size=8))
def test_how_it_was_cut_into_legs_changes_nothing(cuts: list[int]) -> None:
    losses = {1 / 3: line(-0.001, seed=1), 1.0: line(-0.004, seed=2)}
    whole = compare([Candidate(k, [v]) for k, v in losses.items()])
    legs = compare([Candidate(k, np.split(v, sorted(cuts))) for k, v in losses.items()])
    assert whole == legs


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40),
        min_size=2,
        max_size=4,
    )
)
def test_any_losses_are_answered(losses: list[list[float]]) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        found = compare([Candidate(2.0**i, [np.array(x)]) for i, x in enumerate(losses)])
    assert found.reason
    if found.recommended is not None:
        chosen = next(t for t in found.tried if t.factor == found.recommended)
        assert not chosen.broke


def test_what_is_no_trial_is_said() -> None:
    with pytest.raises(TrialError):
        compare([Candidate(1.0, [line(0)])])
    with pytest.raises(TrialError):
        compare([Candidate(1.0, [line(0)]), Candidate(1.0, [line(0)])])
    for factor in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(TrialError):
            Candidate(factor, [])
