from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.decimate import minmax, non_finite, visible

points = st.lists(
    st.tuples(
        st.integers(0, 3),  # how far the next step is
        st.floats(-100, 100) | st.sampled_from([math.nan, math.inf, -math.inf]),
    ),
    min_size=1,
    max_size=300,
)


def columns_of(items: list[tuple[int, float]]) -> tuple[npt.NDArray[np.int64], npt.NDArray]:  # type: ignore[type-arg]
    gaps, values = zip(*items, strict=True)
    return np.cumsum(gaps, dtype=np.int64), np.array(values, np.float64)


@given(points, st.integers(-5, 400), st.integers(0, 400), st.integers(1, 40))
def test_extremes_of_the_visible_range_are_exact(
    items: list[tuple[int, float]], lo: int, width: int, columns: int
) -> None:
    step, value = columns_of(items)
    hi = lo + width
    x, y = minmax(step, value, lo, hi, columns)
    part = visible(step, lo, hi)
    seen = value[part]
    finite = seen[np.isfinite(seen)]
    # Every point drawn is one that is there.
    there = set(zip(step[part].tolist(), value[part].tolist(), strict=True))
    drawn = [(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True) if not math.isnan(b)]
    assert set(drawn) <= there
    # No extreme is lost.
    assert (len(finite) == 0) == (len(drawn) == 0)
    if len(finite):
        assert max(b for _, b in drawn) == finite.max()
        assert min(b for _, b in drawn) == finite.min()
    # In order, and few.
    assert (np.diff(x) >= 0).all()
    assert len(x) <= 2 * columns + 4
    assert not np.isinf(y).any()


def test_every_spike_stays_visible() -> None:
    step = np.arange(1_000_000)
    value = np.zeros(1_000_000)
    spikes = [0, 123_456, 500_000, 999_999]
    value[spikes] = [9, -7, 1e9, 3]
    x, y = minmax(step, value, 0, 1e6, 1000)
    assert {(a, b) for a, b in zip(x, y, strict=True) if b} == {(s, value[s]) for s in spikes}
    assert len(x) <= 2004


def test_few_points_come_back_with_gaps_for_infinities() -> None:
    x, y = minmax(np.array([1, 2, 3]), np.array([1.0, math.inf, 2.0]), 0, 5, 10)
    assert x.tolist() == [1, 2, 3]
    assert y[[0, 2]].tolist() == [1, 2]
    assert math.isnan(y[1])


def test_a_point_beyond_each_edge_is_kept() -> None:
    step = np.arange(0, 100, 10)
    x, _ = minmax(step, step.astype(float), 25, 44, 10)
    assert x.tolist() == [20, 30, 40, 50]


def test_a_block_of_nan_breaks_the_line() -> None:
    value = np.zeros(1024)
    value[256:512] = np.nan
    x, y = minmax(np.arange(1024), value, 0, 1023, 16)
    assert np.isnan(y[(x >= 256) & (x < 512)]).all()


def test_blocks_do_not_move_with_the_range() -> None:
    rng = np.random.default_rng(0)
    step, value = np.arange(100_000), rng.normal(size=100_000)
    x1, _ = minmax(step, value, 10_000, 60_000, 500)
    x2, _ = minmax(step, value, 10_011, 60_011, 500)
    inside = (x1 > 10_300) & (x1 < 59_700)
    assert set(x1[inside]) == set(x2[(x2 > 10_300) & (x2 < 59_700)])


def test_nothing_stays_nothing() -> None:
    x, y = minmax(np.empty(0, np.int64), np.empty(0), 0, 1, 10)
    assert len(x) == len(y) == 0


@given(points, st.integers(0, 300), st.integers(0, 300), st.integers(1, 20))
def test_non_finite_values_are_told(
    items: list[tuple[int, float]], lo: int, width: int, columns: int
) -> None:
    step, value = columns_of(items)
    hi = lo + width
    bad = step[~np.isfinite(value) & (step >= lo) & (step <= hi)]
    told = non_finite(step, value, lo, hi, columns)
    assert set(told) <= set(bad)
    assert (len(told) == 0) == (len(bad) == 0)
    assert len(told) <= columns + 1 or len(told) == len(bad)
    if len(bad):
        assert told[0] == bad[0]
        # Nothing bad is further than a column from what is told.
        nearest = np.abs(bad[:, None] - told[None, :]).min(axis=1)
        assert nearest.max() <= max(width / columns, 0) + 1e-9


@pytest.mark.parametrize("columns", [0, -3])
def test_at_least_one_column(columns: int) -> None:
    x, _ = minmax(np.arange(100), np.arange(100.0), 0, 99, columns)
    assert len(x) >= 2
