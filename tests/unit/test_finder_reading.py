"""Reading range tests: curves whose answer is known, noise that has none, and any numbers."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrmonitor.finder import Sweep, SweepError, read, rules
from lrmonitor.finder.sweep import averaged, centred

Floats = npt.NDArray[np.float64]
LR = np.geomspace(1e-8, 10, 100)


def curve(edge: float = 0.3, noise: float = 0.05, seed: int = 0, fall: float = 1.5) -> Floats:
    """Losses of a sweep: flat at 2.3, falling towards the edge, exploding beyond it."""
    draw = np.random.default_rng(seed)
    towards = fall / (1 + (edge / 10 / LR) ** 1.5)
    rise = np.where(edge < LR, np.expm1(np.minimum(4 * np.log(LR / edge), 60)), 0.0)
    return np.asarray(2.3 - towards + rise + noise * draw.standard_normal(len(LR)))


def test_the_rate_is_well_below_where_training_breaks() -> None:
    for seed in range(5):
        found = read([Sweep(LR, curve(seed=seed))])
        assert found.rate is not None
        assert found.low is not None
        assert found.high is not None
        assert 0.3 / 30 < found.rate < 0.3 / 5
        assert found.low < found.rate < found.high < 0.3
        assert found.reason == ""
        assert not found.open_end


def test_a_loss_that_falls_up_to_where_it_breaks_leaves_a_wider_margin() -> None:
    """As a variational bound does: no floor tells how far below that training still gains."""
    falling = 2.3 - 1.5 * np.clip(np.log10(LR / 1e-3) / 3, 0, None)
    loss = np.where(LR > 1, 100.0, falling + 0.01 * np.random.default_rng(0).standard_normal(100))
    sweep = Sweep(LR, loss)
    found = read([sweep])
    assert found.rate == pytest.approx(sweep.usable().lr[-1] / 26)


def test_several_sweeps_give_their_median_and_their_spread() -> None:
    sweeps = [Sweep(LR, curve(edge, seed=i)) for i, edge in enumerate((0.1, 0.3, 3.0))]
    found = read(sweeps)
    alone = [read([s]).rate for s in sweeps]
    assert found.rate == pytest.approx(sorted(alone)[1])  # type: ignore[type-var]
    assert found.low is not None
    assert found.high is not None
    assert found.low < min(x for x in alone if x)
    assert max(x for x in alone if x) < found.high
    assert found.rates == pytest.approx(alone)


def test_noise_has_no_rate() -> None:
    """At most one in a hundred, of heavy tails as well."""
    draw = np.random.default_rng(1)
    answers = [
        read([Sweep(LR, loss)]).rate
        for _ in range(100)
        for loss in (
            2.3 + 0.1 * draw.standard_normal(100),
            np.exp(draw.standard_normal(100)),
            -3 + draw.standard_t(3, 100),
        )
    ]
    assert sum(x is not None for x in answers) <= 3


def test_a_converged_model_is_refused_also_where_it_then_breaks() -> None:
    for seed in range(10):
        found = read([Sweep(LR, curve(fall=0.0, seed=seed))])
        assert found.rate is None
        assert found.reason.startswith("no usable descent")
        assert len(found.lr) == len(found.loss) > 50, "the curve is drawn all the same"


def test_a_sweep_that_breaks_at_once_says_so() -> None:
    loss = np.full(100, math.nan)
    loss[:5] = 1.0
    found = read([Sweep(LR, loss)])
    assert found.rate is None
    assert "begin lower" in found.reason
    assert "too few steps" in read([Sweep(LR[:10], np.ones(10))]).reason


def test_one_of_three_sweeps_that_broke_is_left_out() -> None:
    broken = np.full(100, math.nan)
    sweeps = [Sweep(LR, curve(seed=1)), Sweep(LR, broken), Sweep(LR, curve(seed=2))]
    found = read(sweeps)
    assert found.rate is not None
    assert len(found.rates) == 2


def test_an_end_without_a_rise_is_told() -> None:
    assert read([Sweep(LR[:80], curve(edge=5.0)[:80])]).open_end


@pytest.mark.parametrize("scale", [2.0**-30, 4.0, 2.0**30])
def test_a_scale_changes_nothing(scale: float) -> None:
    for loss in (curve(), curve() - 5, curve(fall=0.0)):
        one, other = read([Sweep(LR, loss)]), read([Sweep(LR, scale * loss)])
        assert (one.rate, one.low, one.high, one.fall) == (
            other.rate,
            other.low,
            other.high,
            other.fall,
        )
        assert one.reason == other.reason


def test_a_shift_changes_nothing_that_matters() -> None:
    one, other = read([Sweep(LR, curve())]), read([Sweep(LR, curve() - 100)])
    assert one.rate == pytest.approx(other.rate)


def test_constant_losses_are_refused() -> None:
    assert read([Sweep(LR, np.zeros(100))]).rate is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(
            st.one_of(
                st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf, 1e300])
            ),
            min_size=0,
            max_size=60,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_losses_are_answered(losses: list[list[float]]) -> None:
    found = read([Sweep(LR[: len(x)], np.array(x)) for x in losses])
    assert (found.rate is None) == bool(found.reason)
    if found.rate is not None and found.low is not None and found.high is not None:
        assert 0 < found.low < found.rate < found.high < math.inf


def test_a_long_sweep_says_the_same_and_takes_no_longer() -> None:
    lr = np.geomspace(1e-8, 10, 100_000)
    loss = np.interp(np.log(lr), np.log(LR), curve(noise=0.0))
    loss += 0.05 * np.random.default_rng(0).standard_normal(len(lr))
    found = read([Sweep(lr, loss)])
    assert found.rate is not None
    assert len(found.lr) <= 500
    assert found.rate == pytest.approx(read([Sweep(LR, curve())]).rate, rel=0.6)


def test_what_is_no_sweep_is_said() -> None:
    for lr, loss in (([1e-3, 1e-2], [1.0]), ([1e-2, 1e-3], [1.0, 1.0]), ([0.0, 1.0], [1.0, 1.0])):
        with pytest.raises(SweepError):
            Sweep(np.array(lr), np.array(loss))
    with pytest.raises(SweepError):
        read([])
    with pytest.raises(SweepError, match="same rates"):
        read([Sweep(LR, curve()), Sweep(2 * LR, curve())])


def test_smoothing_has_no_bias() -> None:
    level = np.full(50, 3.0)
    assert averaged(level) == pytest.approx(level)
    assert centred(level, 2.5) == pytest.approx(level)
    line = np.arange(50.0)
    assert centred(line, 2.5)[15:-15] == pytest.approx(line[15:-15])


def test_the_rules_of_others_on_a_curve_worked_out_by_hand() -> None:
    lr = np.geomspace(1e-8, 10, 10)
    loss = np.array([3.0, 3.1, 2.9, 2.5, 1.5, 1.0, 0.9, 2.0, 5.0, 9.0])
    # The longest falling subsequence ends at 0.9 (index 6) and has 6 members: from 0, at 2 + 1.
    assert rules.valley(lr, loss) == lr[3]
    assert rules.minimum(lr, loss) == pytest.approx(1e-3)
    assert rules.steepest(lr, loss) == lr[3]  # from 2.5 to 1.5
    assert rules.slide(lr, loss) is None  # needs 16 points
    long = np.concatenate((np.full(30, 2.0), 2.0 + np.arange(1, 11) ** 2))
    # Slopes are 0 up to index 28; that of index 29 is the first to differ from one 15 before.
    assert rules.slide(np.arange(1.0, 41.0), long) == 15.0


def test_the_rules_of_others_leave_out_both_ends() -> None:
    lr, _ = rules.trimmed(Sweep(LR, np.arange(100.0)))
    assert (lr[0], lr[-1]) == (LR[10], LR[94])
    odd = np.arange(100.0)
    odd[60] = math.nan
    assert len(rules.trimmed(Sweep(LR, odd))[0]) == 45
    assert len(rules.trimmed(Sweep(LR[:3], np.ones(3)))[0]) == 0
