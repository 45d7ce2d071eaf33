"""A curve of a long run is left as it was drawn while what comes would not be seen in it, and only
so long: compared with one that is drawn anew each time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lrmonitor.app.plots.curves import LossCurve, RateCurve, Span
from lrmonitor.app.plots.metrics import MetricCurve
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series

COUNT = 200_000
HIGH = 400_000
COLUMNS = 1000
COLUMN = HIGH / COLUMNS
PIXELS = COLUMNS / 1.5
AWAY = HIGH / PIXELS / 3
ROOM = 0.001

Curve = LossCurve | RateCurve | MetricCurve
Make = Callable[[Series], Curve]


def series() -> Series:
    return Series(SeriesInfo(0, "loss", "loss", 0, None))


def grow(made: Series, value: np.ndarray, first: int | None = None) -> None:
    if first is None:
        first = int(made.step[-1]) + 1 if len(made) else 1
    records = np.empty(len(value), [("step", "<i8"), ("time", "<f8"), ("value", "<f8")])
    records["step"] = np.arange(first, first + len(value))
    records["time"] = 0.0
    records["value"] = value
    made.extend(records)


def noisy(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1.0, 2.0, count)


def falling(first: int, count: int) -> np.ndarray:
    return 1.0 + np.cos(np.pi * np.arange(first, first + count) / HIGH)


def draw(
    curve: Curve, log: bool, newest: int, view: tuple[int, int] = (0, HIGH)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lost = curve.refresh(Span(*view, COLUMNS, newest, pixels=PIXELS), log)
    line = {LossCurve: "raw", RateCurve: "item", MetricCurve: "line"}[type(curve)]
    return *getattr(curve, line).points(), lost


def loss(made: Series) -> LossCurve:
    return LossCurve(made, 50)


def rate(made: Series) -> RateCurve:
    return RateCurve(made, False)


MAKE: list[Make] = [loss, MetricCurve, rate]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("make", MAKE)
def test_a_curve_that_is_kept_ends_where_a_new_one_would(make: Make, log: bool) -> None:
    data = series()
    moving = make is rate
    grow(data, falling(1, COUNT) if moving else noisy(COUNT))
    kept = make(data)
    drawn: list[np.ndarray] = []
    for turn in range(200):
        some = falling(int(data.step[-1]) + 1, 37) if moving else noisy(37, turn)
        grow(data, some)
        newest = int(data.step[-1])
        x, y, _ = draw(kept, log, newest)
        if not drawn or drawn[-1] is not x:
            drawn.append(x)
        fresh, level, _ = draw(make(data), log, newest)
        assert fresh[-1] == newest
        assert newest - AWAY <= x[-1] <= newest
        last = y[x >= x[-1] - COLUMN]
        room = ROOM * (level.max() - level.min())
        more = level[fresh > x[-1]]
        assert (more >= last.min() - room).all()
        assert (more <= last.max() + room).all()
    assert 20 < len(drawn) < 120  # in 200 turns


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("value", [9.0, 0.01, np.nan, np.inf, 0.0, -1.0])
@pytest.mark.parametrize("make", MAKE)
def test_what_stands_out_is_drawn_at_once(make: Make, value: float, log: bool) -> None:
    data = series()
    grow(data, np.full(COUNT, 1.0) if make is rate else noisy(COUNT))
    kept = make(data)
    draw(kept, log, COUNT)
    grow(data, np.array([value]))
    x, y, lost = draw(kept, log, COUNT + 1)
    if np.isfinite(value) and (value > 0 or not log):
        shown = np.log10(value) if log else value
        assert (COUNT + 1, pytest.approx(shown)) in list(zip(x.tolist(), y.tolist(), strict=True))
    elif not log and make is rate:
        assert np.isnan(y[x == COUNT + 1]).all() or not np.isfinite(y[x == COUNT + 1]).any()
    else:
        assert COUNT + 1 in lost


def test_a_rate_that_is_recorded_where_it_changes_is_carried_on() -> None:
    data = series()
    grow(data, np.array([0.1]))
    kept = rate(data)
    for newest in range(1000, 3000, 50):
        x, _, _ = draw(kept, False, newest)
        assert newest - AWAY <= x[-1] <= newest
    grow(data, np.array([0.1001]), first=2999)
    x, y, _ = draw(kept, False, 3000)
    assert (x[-1], y[-1]) == (3000, 0.1001)


def test_steps_that_go_back_are_drawn_at_once() -> None:
    data = series()
    grow(data, noisy(COUNT))
    kept = loss(data)
    draw(kept, False, COUNT)
    grow(data, np.array([1.5]), first=COUNT // 2)
    x, y, _ = draw(kept, False, COUNT)
    assert (x[-1], y[-1]) == (COUNT // 2, 1.5)


def test_another_view_is_drawn_anew() -> None:
    data = series()
    grow(data, noisy(COUNT))
    kept = loss(data)
    x, y, _ = draw(kept, False, COUNT)
    grow(data, np.array([1.5]))
    other, level, _ = draw(kept, True, COUNT)
    assert other[-1] == COUNT + 1
    assert level.max() < 0.31 < y.max()
    kept.begin_anew_after((COUNT // 4,))
    x, y, _ = draw(kept, True, COUNT)
    assert np.isnan(x).any()


@pytest.mark.parametrize("make", MAKE)
def test_a_run_that_was_resumed_is_seen_as_it_comes_into_view(make: Make) -> None:
    data, low, high = series(), 150_000, 250_000
    grow(data, noisy(COUNT))
    grow(data, np.array([1.5]), first=100_000)
    kept = make(data)
    for turn in range(60):
        newest = int(data.step[-1])
        x, _, _ = draw(kept, False, newest, (low, high))
        assert newest < low or np.isclose(x[-1], newest, atol=AWAY / 4)
        grow(data, noisy(1000, turn) * 0.1 + 1.4)


@pytest.mark.parametrize("make", MAKE)
def test_what_stands_out_of_the_piece_that_goes_on_is_drawn_at_once(make: Make) -> None:
    data = series()
    grow(data, np.append(noisy(COUNT), 1e4))
    grow(data, np.full(3, 1.5), first=COUNT // 2)
    kept = make(data)
    draw(kept, False, int(data.step[-1]))
    grow(data, np.array([9000.0]))
    x, y, _ = draw(kept, False, int(data.step[-1]))
    assert (data.step[-1], 9000.0) in list(zip(x.tolist(), y.tolist(), strict=True))


@pytest.mark.parametrize("make", MAKE)
def test_the_greatest_number_that_there_is_fits_a_logarithmic_axis(make: Make) -> None:
    data = series()
    grow(data, np.append(noisy(COUNT), np.finfo(float).max))
    kept = make(data)
    draw(kept, True, COUNT + 1)
    grow(data, np.array([5.0]))
    x, _, _ = draw(kept, True, COUNT + 2)
    assert x[-1] >= COUNT + 1


def test_a_constant_is_kept_on_a_logarithmic_axis() -> None:
    data = series()
    grow(data, np.full(COUNT, 0.02))
    kept = loss(data)
    x, _, _ = draw(kept, True, COUNT)
    for _ in range(5):
        grow(data, np.full(10, 0.02))
        assert draw(kept, True, int(data.step[-1]))[0] is x


@pytest.mark.parametrize("make", MAKE)
def test_at_rest_it_is_drawn_to_its_end(make: Make) -> None:
    data = series()
    grow(data, np.full(COUNT, 1.0) if make is rate else noisy(COUNT))
    kept = make(data)
    draw(kept, False, COUNT)
    grow(data, np.ones(50) if make is rate else noisy(50) * 0.1 + 1.4)
    assert draw(kept, False, COUNT + 50)[0][-1] == COUNT
    assert draw(kept, False, COUNT + 50)[0][-1] == COUNT + 50


def test_each_of_a_few_values_has_its_dot() -> None:
    data = series()
    kept = MetricCurve(data)
    for step in (1, 1000, 1001, 1002):
        grow(data, np.array([1.5]), first=step)
        draw(kept, False, step)
        assert len(kept.dots.points()[0]) == len(data)


def test_a_rate_that_is_low_is_seen_to_jump_beside_one_that_was_high() -> None:
    data = series()
    grow(data, np.append(np.ones(COUNT // 2), np.full(COUNT // 2, 1e-4)))
    kept = rate(data)
    draw(kept, False, COUNT)
    grow(data, np.array([6e-4]))
    x, y, _ = draw(kept, False, COUNT + 1)
    assert (x[-1], y[-1]) == (COUNT + 1, 6e-4)
