"""The smoothed curve of a series that grows is `ema` of all its values, wherever it is asked."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.picture import Picture
from lrmonitor.model.smoothed import Smoothed
from lrmonitor.model.smoothing import ema, weight_of
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series

_RECORD = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])

Floats = npt.NDArray[np.float64]


class Growing:
    """A series and its smoothed curve."""

    def __init__(self, weight: float) -> None:
        self.series = Series(SeriesInfo(0, "loss", "loss", 0))
        self.picture = Picture(self.series)
        self.smoothed = Smoothed(self.picture, weight)

    def add(self, value: Floats, step: npt.NDArray[np.int64] | None = None) -> None:
        count = len(self.series)
        records = np.zeros(len(value), _RECORD)
        records["step"] = np.arange(count, count + len(value)) if step is None else step
        records["value"] = value
        self.series.extend(records)
        self.picture.follow()
        self.smoothed.follow()


def wanted(value: Floats, weight: float) -> Floats:
    return np.where(np.isfinite(value), ema(value, weight), np.nan)


@given(
    st.lists(st.floats(-1e3, 1e3) | st.sampled_from([math.nan, math.inf, -math.inf]), max_size=300),
    st.lists(st.integers(0, 300), max_size=6),
    st.sampled_from([1, 2, 3, 30, 1000, 100_000]),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_any_stretch_is_the_models_average_whatever_the_pieces(
    values: list[float], cuts: list[int], span: int, ends: tuple[float, float]
) -> None:
    value = np.array(values, np.float64)
    weight = weight_of(span)
    growing = Growing(weight)
    bounds = [*sorted(min(cut, len(value)) for cut in cuts), len(value)]
    for begin, end in zip([0, *bounds], bounds, strict=False):
        growing.add(value[begin:end])
    first, last = sorted(round(end * len(value)) for end in ends)
    found = growing.smoothed.at(first, last)
    scale = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    np.testing.assert_allclose(
        found, wanted(value, weight)[first:last], rtol=1e-12, atol=1e-12 * scale
    )


@pytest.mark.parametrize("span", [1, 30, 1000])
@pytest.mark.parametrize("holes", [False, True])
def test_a_long_curve_is_drawn_from_the_averages_extremes(span: int, holes: bool) -> None:
    rng = np.random.default_rng(span)
    value = np.sin(np.arange(200_000) / 3000) + rng.normal(size=200_000)
    if holes:
        value[rng.integers(0, len(value), 300)] = np.nan
        value[70_000:90_000] = np.inf
    weight = weight_of(span)
    growing = Growing(weight)
    for end in (1, 31, 1024, 20_000, 200_000):
        growing.add(value[len(growing.series) : end])
    smooth = wanted(value, weight)
    for low, high in ((0, 220_000), (1234, 190_001), (60_000, 80_000), (5000, 5300)):
        x, y = growing.smoothed.drawn(low, high, 250)
        assert len(x) <= 510
        assert (np.diff(x) >= 0).all()
        there = ~np.isnan(y)
        np.testing.assert_allclose(y[there], smooth[x[there].astype(int)], rtol=1e-12, atol=1e-12)
        seen = smooth[max(low, 0) : high + 1]
        drawn = y[there & (x >= low) & (x <= high)]
        # Exact but for the up to 31 points at either edge that are in no whole block.
        blocks = seen[32:-32]
        assert drawn.min() <= np.nanmin(blocks) + 1e-12
        assert drawn.max() >= np.nanmax(blocks) - 1e-12
        if len(seen) < 16_000:
            assert drawn.min() == pytest.approx(np.nanmin(seen), rel=1e-12)
            assert drawn.max() == pytest.approx(np.nanmax(seen), rel=1e-12)
    x, y = growing.smoothed.drawn(0, 220_000, 250)
    gap = np.isnan(y) & (x > 70_000) & (x < 90_000)
    assert gap.any() == holes  # the curve does not feign an average


def test_a_curve_that_went_back_is_smoothed_on_and_drawn_in_two_lines() -> None:
    step = np.concatenate((np.arange(50_000), np.arange(20_000, 60_000)))
    growing = Growing(weight_of(30))
    growing.add(np.arange(90_000.0), step)
    x, y = growing.smoothed.drawn(0, 60_000, 250)
    (gap,) = np.flatnonzero(np.isnan(x)).tolist()
    assert (x[gap - 1], x[gap + 1]) == (49_999, 20_000)
    smooth = ema(np.arange(90_000.0), weight_of(30))
    assert y[gap - 1] == pytest.approx(smooth[49_999], rel=1e-12)
    assert y[-1] == pytest.approx(smooth[-1], rel=1e-12)


def test_a_series_that_was_read_again_is_smoothed_anew() -> None:
    growing = Growing(weight_of(30))
    growing.add(np.full(500, 7.0))
    growing.series.clear()
    growing.add(np.ones(600))
    assert growing.smoothed.at(0, 600).tolist() == pytest.approx([1.0] * 600)


def test_it_is_held_at_the_ends_of_blocks_only() -> None:
    growing = Growing(weight_of(30))
    growing.add(np.ones(100_000))
    smoothed = growing.smoothed
    held = sum(
        column.view.nbytes
        for column in (smoothed._mean, smoothed._count, smoothed._step, smoothed._value)
    )
    assert held + smoothed._pyramid.memory < 1.7 * 100_000


@pytest.mark.parametrize("told", [0, 1, 2], ids=["before", "meanwhile", "after"])
def test_it_begins_anew_where_the_training_was_rewound(told: int) -> None:
    values = np.concatenate((np.full(1000, 1e6), np.linspace(2.0, 1.0, 3000)))
    growing = Growing(0.9)
    for n, (begin, end) in enumerate(((0, 600), (600, 1010), (1010, 4000))):
        if n >= told:
            growing.picture.cuts = (999,)  # steps are counted from 0 here
        growing.add(values[begin:end])
    whole = np.concatenate((ema(values[:1000], 0.9), ema(values[1000:], 0.9)))
    assert growing.smoothed.at(0, 4000) == pytest.approx(whole, rel=1e-12)
    assert growing.smoothed.at(1500, 1600) == pytest.approx(whole[1500:1600], rel=1e-12)
    x, y = growing.smoothed.drawn(900, 1100, 50)
    assert np.isnan(x).sum() == 1
    assert set(y[x > 999.5] < 3) == {True}
    assert growing.picture.drawn(0, 4000, 100).count == 4000
