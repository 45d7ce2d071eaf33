"""When a sweep of the rate ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.schedules.bound import FIRST, Bound


def ended(losses: list[float]) -> int | None:
    """The index of the loss at which the test ended."""
    bound = Bound()
    return next((i for i, loss in enumerate(losses) if bound.add(loss)), None)


def swept(level: float, noise: float, n: int = 60) -> list[float]:
    """A loss that falls, and explodes in the last fifth."""
    draw = np.random.default_rng(3)
    share = np.arange(n) / n
    rise = np.where(share > 0.8, np.expm1(60 * (share - 0.8)), 0.0)
    clean = level - 5 * noise * share + rise * noise
    return [float(x) for x in clean + noise * draw.standard_normal(n)]


@pytest.mark.parametrize("level", [-100.0, -1.0, 0.0, 2.3, 1e6])
def test_it_ends_in_the_rise_wherever_the_losses_are(level: float) -> None:
    at = ended(swept(level, 0.1))
    assert at is not None
    assert 48 < at < 59


@pytest.mark.parametrize("scale", [2.0**-40, 0.5, 2.0**40])
def test_the_scale_does_not_matter(scale: float) -> None:
    losses = swept(-1.0, 0.1)
    assert ended([scale * x for x in losses]) == ended(losses)


def test_too_few_to_know() -> None:
    assert ended([2.0] * 3 + [50.0] * 2) is None


def test_one_odd_batch_is_not_the_rate() -> None:
    losses = swept(1.0, 0.1)[:40]
    losses[20] = 1e3
    assert ended(losses) is None


def test_a_loss_that_is_not_finite_ends_it_at_once() -> None:
    for odd in (math.nan, math.inf, -math.inf):
        assert ended([odd]) == 0
        assert ended([*swept(1.0, 0.1)[:20], odd]) == 20


def test_a_constant_loss_never_ends_it() -> None:
    assert ended([1.0] * 100) is None


def test_a_loss_that_moves_by_its_rounding_alone_never_ends_it() -> None:
    """As one that had come to its floor did."""
    floor = 1.5155975e-13
    assert ended([floor] * 40 + [floor * (1 + 1.5e-4)] * 40) is None
    assert ended([floor] * 40 + [floor * 2] * 2) == 41


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=80))
def test_any_float_is_answered(losses: list[float]) -> None:
    bound = Bound()
    for i, loss in enumerate(losses):
        ends = bound.add(loss)
        assert ends or math.isfinite(loss)
        assert not ends or not math.isfinite(loss) or i >= FIRST
