"""The pyramid against the plain definition, whatever the values, the pieces and the steps."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.pyramid import BLOCK, Pyramid

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LENGTHS = st.integers(0, 3000) | st.sampled_from([BLOCK - 1, BLOCK, 4 * BLOCK, 16 * BLOCK, 8192])
KINDS = ["noise", "few levels", "falling", "all nan", "holes", "mostly nan", "not positive"]


def values(kind: str, count: int, seed: int) -> Floats:
    """Values of one kind: where nan and infinities stand is as random as they are."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=count)
    if kind == "few levels":
        found = np.round(found)
    elif kind == "falling":
        found = np.linspace(5.0, -5.0, count)
    elif kind == "all nan":
        found[:] = np.nan
    elif kind == "holes":
        for at in rng.integers(0, max(count, 1), 4).tolist():
            found[at : at + int(rng.integers(1, 500))] = rng.choice([np.nan, np.inf, -np.inf])
    elif kind == "mostly nan":
        found[rng.random(count) < 0.99] = np.nan
    elif kind == "not positive":
        found[rng.random(count) < 0.995] *= -1
        found = np.where(rng.random(count) < 0.5, -np.abs(found), found)
    return found


def steps(count: int, seed: int) -> Ints:
    """Ascending steps: one by one, with repeats, or dense here and sparse there."""
    rng = np.random.default_rng(seed)
    gaps = [np.ones(count), rng.integers(0, 3, count), 10.0 ** rng.integers(0, 4, count)]
    gaps.append(np.where(np.arange(count) < count // 2, 1, 500))
    return np.cumsum(gaps[seed % len(gaps)]).astype(np.int64)


def grown(value: Floats, seed: int) -> Pyramid:
    """A pyramid that was given the values bit by bit."""
    rng = np.random.default_rng(seed)
    pyramid = Pyramid()
    for end in np.sort(rng.integers(0, len(value) + 1, seed % 5)).tolist():
        pyramid.update(value[:end])
    pyramid.update(value)
    return pyramid


def placed(value: Floats, positive: bool) -> npt.NDArray[np.bool_]:
    return np.isfinite(value) & ((value > 0) | (not positive))


cases = given(
    kind=st.sampled_from(KINDS),
    count=LENGTHS,
    seed=st.integers(0, 1000),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    columns=st.integers(1, 300),
    positive=st.booleans(),
)


@cases
def test_extremes_of_any_range_are_exact(
    kind: str, count: int, seed: int, ends: tuple[float, float], columns: int, positive: bool
) -> None:
    value = values(kind, count, seed)
    pyramid = grown(value, seed)
    first, last = sorted(round(end * count) for end in ends)
    part = value[first:last]
    part = part[placed(part, positive)]
    wanted = (part.min(), part.max()) if len(part) else None
    assert pyramid.extremes(first, last, positive) == wanted
    assert pyramid.lost() == int((~np.isfinite(value)).sum())
    assert pyramid.all_positive() == bool(placed(value, True).all())


@cases
def test_what_is_drawn_holds_every_columns_extremes(
    kind: str, count: int, seed: int, ends: tuple[float, float], columns: int, positive: bool
) -> None:
    value, step = values(kind, count, seed), steps(count, seed)
    pyramid = grown(value, seed)
    first, last = sorted(round(end * count) for end in ends)
    extent = float(step[last - 1] - step[first]) if last > first else 0.0
    width = max(extent, 1.0) / columns
    index = pyramid.sample(step, first, last, width, positive)
    assert ((index >= first) & (index < last)).all()
    assert (np.diff(index) > 0).all()
    assert len(index) <= 6 * columns + 64
    shown, part = value[index], value[first:last]
    good, there = placed(shown, positive), placed(part, positive)
    assert good.any() == there.any()
    # However the range is cut into parts of a few columns, no extreme is hidden further away.
    reach = 2 * width
    for at in np.flatnonzero(there)[:: max(there.sum() // 40, 1)].tolist():
        near = good & (np.abs(step[index] - step[first + at]) <= reach)
        assert near.any()
        assert shown[near].min() <= part[at] <= shown[near].max()


@cases
def test_values_without_a_place_are_told(
    kind: str, count: int, seed: int, ends: tuple[float, float], columns: int, positive: bool
) -> None:
    value, step = values(kind, count, seed), steps(count, seed)
    pyramid = grown(value, seed)
    first, last = sorted(round(end * count) for end in ends)
    extent = float(step[last - 1] - step[first]) if last > first else 0.0
    width = max(extent, 1.0) / columns
    told = pyramid.unplaced(step, first, last, width, positive)
    bad = first + np.flatnonzero(~placed(value[first:last], positive))
    assert set(told.tolist()) <= set(bad.tolist())
    assert (np.diff(told) > 0).all()
    assert len(told) <= columns + 2
    assert (len(told) == 0) == (len(bad) == 0)
    if len(bad):
        assert told[0] == bad[0]
        before = np.searchsorted(told, bad, side="right") - 1
        assert (step[bad] - step[told[before]] <= 2 * width).all()


@pytest.mark.parametrize("count", [1_000_000, 1_000_001, 999_999])
def test_one_value_among_a_million_stands_out(count: int) -> None:
    rng = np.random.default_rng(count)
    value = rng.normal(size=count)
    spikes = rng.integers(0, count, 20)
    value[spikes[:10]] = 50.0
    value[spikes[10:]] = np.nan
    step = np.arange(1, count + 1)
    pyramid = Pyramid()
    pyramid.update(value)
    for _ in range(50):
        first, last = np.sort(rng.integers(0, count, 2)).tolist()
        width = (last - first) / 1000
        index = pyramid.sample(step, first, last, width)
        assert len(index) <= 2100
        inside = [at for at in spikes[:10].tolist() if first <= at < last]
        for at in inside:
            near = np.abs(index - at) <= 2 * width
            assert value[index[near]].max() == 50.0
        lost = {at for at in spikes[10:].tolist() if first <= at < last}
        told = pyramid.unplaced(step, first, last, width)
        assert set(told.tolist()) <= lost
        assert all(np.abs(told - at).min() <= width for at in lost)


def test_a_block_without_a_value_is_one_gap() -> None:
    value = np.zeros(1024)
    value[256:512] = np.nan
    pyramid = Pyramid()
    pyramid.update(value)
    index = pyramid.sample(np.arange(1024), 0, 1024, 64.0)
    gap = index[(index >= 256) & (index < 512)]
    assert len(gap)
    assert np.isnan(value[gap]).all()


def test_blocks_do_not_move_with_the_range() -> None:
    rng = np.random.default_rng(0)
    step, value = np.arange(100_000), rng.normal(size=100_000)
    pyramid = Pyramid()
    pyramid.update(value)
    one = pyramid.sample(step, 10_000, 60_000, 100.0)
    two = pyramid.sample(step, 10_011, 60_011, 100.0)
    middle = [set(i[(i > 10_300) & (i < 59_700)].tolist()) for i in (one, two)]
    assert middle[0] == middle[1]


def test_what_was_drawn_before_does_not_change_what_is_drawn() -> None:
    rng = np.random.default_rng(1)
    count = 300_000
    step, value = np.arange(count), rng.normal(size=count)
    value[rng.integers(0, count, 50)] = np.nan
    moving = Pyramid()
    low = 100_000
    for end in range(200_000, count, 500):
        moving.update(value[:end])
        low = max(low + int(rng.integers(-9_000, 9_000)), 0)
        width = 50.0 if rng.random() < 0.9 else 200.0
        high, positive = min(low + 90_000, end), bool(rng.random() < 0.3)
        fresh = Pyramid()
        fresh.update(value[:end])
        found = moving.points(step, low, high, width, positive)
        assert found.index.tolist() == fresh.sample(step, low, high, width, positive).tolist()
        assert found.step.tolist() == step[found.index].tolist()
        assert np.array_equal(found.value, value[found.index], equal_nan=True)
        told = moving.unplaced(step, low, high, width, positive).tolist()
        assert told == fresh.unplaced(step, low, high, width, positive).tolist()


def test_the_levels_take_little_beside_the_values() -> None:
    pyramid = Pyramid()
    pyramid.update(np.zeros(1 << 20))
    assert pyramid.memory < 1.4 * (1 << 20)
    assert math.isclose(pyramid.memory / (1 << 20), 4 / 3, abs_tol=0.01)


def test_appending_looks_at_what_is_new_only() -> None:
    value = np.ones(200_000)
    pyramid = Pyramid()
    pyramid.update(value[:150_000])
    value[:100_000] = 7.0  # as no column does; who looked again would see it
    pyramid.update(value)
    assert pyramid._levels[0].high.max() == 1.0
