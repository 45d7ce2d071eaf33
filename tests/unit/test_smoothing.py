from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model import smoothing
from lrmonitor.model.smoothing import ema

values = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf])
weights = st.floats(0, 0.9999) | st.sampled_from([0.0, 1e-300, 1e-9, 0.6, 0.99])


def brute(series: list[float], weight: float) -> list[float]:
    """The definition, with the correction computed without cancellation."""
    mean, mass, result = 0.0, 0.0, []
    for value in series:
        if math.isfinite(value):
            mean = weight * mean + (1 - weight) * value
            mass = weight * mass + (1 - weight)
        result.append(mean / mass if mass else math.nan)
    return result


@given(st.lists(values, max_size=80), weights)
def test_equals_the_definition(series: list[float], weight: float) -> None:
    expected = brute(series, weight)
    scale = max((abs(v) for v in series if math.isfinite(v)), default=1.0)
    np.testing.assert_allclose(ema(series, weight), expected, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("weight", [0.3, 0.9, 0.999, 0.99999])
def test_equals_the_definition_across_chunks(weight: float) -> None:
    rng = np.random.default_rng(1)
    series = rng.normal(size=3 * smoothing.CHUNK + 17)
    series[rng.integers(0, len(series), 500)] = np.nan
    series[smoothing.CHUNK - 3 : 2 * smoothing.CHUNK + 3] = np.inf  # a chunk without a value
    expected = brute(series.tolist(), weight)
    np.testing.assert_allclose(ema(series, weight), expected, rtol=1e-9, atol=1e-9)


def test_first_value_stands_as_it_is() -> None:
    assert ema([5.0, 5.0, 5.0], 0.999) == pytest.approx([5.0, 5.0, 5.0], rel=1e-12)


def test_non_finite_values_do_not_enter() -> None:
    smooth = ema([math.nan, 1.0, math.inf, math.nan, 3.0], 0.5)
    assert math.isnan(smooth[0])
    assert smooth[1:].tolist() == pytest.approx([1.0, 1.0, 1.0, (0.25 + 1.5) / 0.75])


def test_nothing_stays_nothing() -> None:
    assert ema([], 0.9).shape == (0,)


def test_input_is_left_alone() -> None:
    series = np.arange(5.0)
    series.flags.writeable = False
    assert ema(series, 0.0) is not series
    ema(series, 0.9)
    assert series.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("weight", [1.0, -0.1, 2.0, math.nan])
def test_other_weights_are_errors(weight: float) -> None:
    with pytest.raises(ValueError, match="smoothing weight"):
        ema([1.0], weight)


def test_other_shapes_are_errors() -> None:
    with pytest.raises(ValueError, match="shape"):
        ema(np.zeros((2, 2)), 0.5)


@pytest.mark.benchmark
@pytest.mark.parametrize("weight", [0.6, 0.99, 0.9999])
def test_a_million_points_take_less_than_50_ms(weight: float) -> None:
    series = np.random.default_rng(0).normal(size=1_000_000)
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        ema(series, weight)
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.05
