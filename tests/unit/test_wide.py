"""A view that moves shows the same as one that is worked out for itself."""

from __future__ import annotations

import numpy as np
import pytest

from lrmonitor.model.picture import Drawn, Picture
from lrmonitor.model.wide import WideDrawn, WideLine
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series

COLUMNS = 300


def series(value: np.ndarray) -> Series:
    made = Series(SeriesInfo(0, "loss", "loss", 0, None))
    grow(made, value)
    return made


def grow(made: Series, value: np.ndarray) -> None:
    first = int(made.step[-1]) + 1 if len(made) else 1
    records = np.empty(len(value), [("step", "<i8"), ("time", "<f8"), ("value", "<f8")])
    records["step"] = np.arange(first, first + len(value))
    records["time"] = records["step"]
    records["value"] = value
    made.extend(records)


def noisy(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    value = random.normal(1.0, 0.1, count)
    value[random.integers(0, count, 20)] = 9.0
    value[random.integers(0, count, 20)] = np.nan
    return value


def inside(x: np.ndarray, y: np.ndarray, low: float, high: float) -> set[tuple[float, float]]:
    seen = (x >= low) & (x <= high) & ~np.isnan(y)
    return set(zip(x[seen].tolist(), y[seen].tolist(), strict=True))


@pytest.mark.parametrize("log", [False, True])
def test_spikes_and_gaps_are_there_wherever_the_view_moves(log: bool) -> None:
    loss = series(noisy(200_000))
    picture = Picture(loss)
    picture.follow()
    wide = WideDrawn(picture)
    for low in range(20_000, 120_000, 700):
        high = low + 40_000
        found = wide.drawn(low, high, COLUMNS, log)
        steps, values = loss.step, loss.value
        spikes = steps[(values == 9.0) & (steps >= low) & (steps <= high)]
        lost = steps[np.isnan(values) & (steps >= low) & (steps <= high)]
        assert {(float(s), 9.0) for s in spikes} <= inside(found.x, found.y, low, high)
        assert len(found.unplaced) > 0 or not len(lost)
        assert all(np.abs(found.unplaced - s).min() <= 2 * 40_000 / COLUMNS for s in lost)
        assert ((found.unplaced >= low) & (found.unplaced <= high)).all()
        assert found.x[0] < low < high < found.x[-1]  # the line reaches both edges
        assert found.count == high - low + 1
        assert found.range is not None
        assert found.range[1] == np.nanmax(values[low - 1 : high])
        assert np.diff(found.x).max() <= 4 * 40_000 / COLUMNS


def test_what_is_recorded_meanwhile_is_seen() -> None:
    loss = series(noisy(50_000))
    picture = Picture(loss)
    wide, alone = WideDrawn(picture), Picture(loss)
    for turn in range(40):
        grow(loss, noisy(500, turn))
        picture.follow()
        alone.follow()
        low = 20_000 + 600 * turn  # comes up to the newest and beyond
        found, wanted = (
            wide.drawn(low, low + 30_000, COLUMNS),
            alone.drawn(low, low + 30_000, COLUMNS),
        )
        assert found.count == wanted.count
        assert found.x[-1] == wanted.x[-1] or found.x[-1] > low + 30_000
        assert found.range is not None
        assert wanted.range is not None
        assert found.range[1] == wanted.range[1]


def test_a_view_that_is_asked_for_again_is_what_was_found() -> None:
    picture = Picture(series(noisy(50_000)))
    picture.follow()
    wide = WideDrawn(picture)
    assert wide.drawn(10, 40_000, COLUMNS) is wide.drawn(10, 40_000, COLUMNS)
    assert wide.drawn(10, 40_000, COLUMNS) is not wide.drawn(10, 40_000, COLUMNS, log=True)


def test_steps_that_go_back_are_worked_out_for_each_view() -> None:
    loss = series(noisy(20_000))
    records = np.empty(20_000, [("step", "<i8"), ("time", "<f8"), ("value", "<f8")])
    records["step"], records["time"], records["value"] = np.arange(10_000, 30_000), 0.0, 5.0
    loss.extend(records)
    picture, alone = Picture(loss), Picture(loss)
    picture.follow()
    alone.follow()
    wide = WideDrawn(picture)
    for low in range(1000, 9000, 500):
        found, wanted = wide.drawn(low, low + 12_000, 200), alone.drawn(low, low + 12_000, 200)
        np.testing.assert_array_equal(found.x, wanted.x)
        np.testing.assert_array_equal(found.y, wanted.y)


def test_a_line_is_made_for_more_than_is_seen_once_it_moves() -> None:
    picture = Picture(series(noisy(50_000)))
    picture.follow()
    made: list[tuple[int, int, float]] = []

    def make(
        low: int, high: int, columns: int, log: bool, share: float
    ) -> tuple[np.ndarray, np.ndarray]:
        made.append((low, high, share))
        x = np.arange(low - 5, high + 6, 10.0)
        return x, x

    line = WideLine(picture, make)
    for low in range(10_000, 14_000, 100):
        x, _ = line.line(low, low + 10_000, 250, False)
        assert x[0] <= low
        assert x[-1] >= low + 10_000
        assert len(x) <= 1003
    assert made == [(10_000, 20_000, 1.0), (5_100, 25_100, 2.0)]


@pytest.mark.parametrize("log", [False, True])
def test_a_view_that_is_zoomed_shows_what_stands_out_at_every_width(log: bool) -> None:
    loss = series(noisy(200_000))
    picture, alone = Picture(loss), Picture(loss)
    picture.follow()
    alone.follow()
    wide = WideDrawn(picture)
    steps, values = loss.step, loss.value
    width = 160_000.0
    for factor in [0.9] * 60 + [1 / 0.9] * 60:
        width *= factor
        low, high = round(100_000 - width / 2), round(100_000 + width / 2)
        found, wanted = (one.drawn(low, high, COLUMNS, log) for one in (wide, alone))
        spikes = steps[(values == 9.0) & (steps >= low) & (steps <= high)]
        assert {(float(s), 9.0) for s in spikes} <= inside(found.x, found.y, low, high)
        lost = steps[np.isnan(values) & (steps >= low) & (steps <= high)]
        assert all(np.abs(found.unplaced - s).min() <= 2.5 * width / COLUMNS for s in lost)
        assert found.count == wanted.count
        assert found.range is not None
        assert wanted.range is not None
        # But for the blocks at either edge, of which a part is out of view.
        assert found.range[1] == wanted.range[1]
        assert found.range[0] <= np.nanmin(values[low + width_of(width) : high - width_of(width)])
        # Neither coarser nor finer than what is worked out for this view alone, by more than an
        # eighth beyond a power of two.
        assert len(found.x) <= 2.3 * len(wanted.x)
        assert len(found.x) >= len(wanted.x) / 2.3
        assert found.x[0] <= low < high <= found.x[-1]


def width_of(width: float) -> int:
    """Steps of a block and a bit."""
    return round(2 * width / COLUMNS)


def test_what_is_zoomed_is_worked_out_once_for_twice_the_width() -> None:
    picture = Picture(series(noisy(200_000)))
    picture.follow()
    wide = WideDrawn(picture)
    times, drawn = 0, picture.drawn

    def counted(low: int, high: int, columns: int, log: bool = False) -> Drawn:
        nonlocal times
        times += 1
        return drawn(low, high, columns, log)

    picture.drawn = counted  # type: ignore[method-assign]
    for half in (40_000.0 * 0.9**notch for notch in range(40)):
        wide.drawn(round(100_000 - half), round(100_000 + half), COLUMNS)
    # From 267 values a column to 4, six powers of two: one each, and the first.
    assert 6 <= times <= 8


@pytest.mark.parametrize(
    "views",
    [
        [(0, 3600), (20, 3620), *((1800 - half, 1800 + half) for half in (1200, 600, 150, 20, 5))],
        [(0, 100_000), (1, 1500), (700, 800)],
        [(5000, 90_000), (0, 50_000), (1, 1500)],
    ],
)
def test_a_short_run_in_a_wide_view_is_whole_once_it_is_zoomed(
    views: list[tuple[int, int]],
) -> None:
    picture, alone = (Picture(series(noisy(3600))) for _ in range(2))
    picture.follow()
    alone.follow()
    wide = WideDrawn(picture)
    for low, high in views:
        found, wanted = (one.drawn(low, high, 1000) for one in (wide, alone))
        assert len(found.x) >= len(wanted.x) / 2.3
        if high - low <= 1000:
            assert inside(found.x, found.y, low, high) == inside(wanted.x, wanted.y, low, high)
