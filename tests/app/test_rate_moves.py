"""A rate that is moved over shows what one shows that is drawn there for the first time."""

from __future__ import annotations

import numpy as np
import pytest

from lrmonitor.app.plots.curves import RateCurve, Span
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series

_RECORD = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])


def add(series: Series, step: np.ndarray, value: np.ndarray) -> None:
    records = np.empty(len(step), _RECORD)
    records["step"], records["time"], records["value"] = step, step, value
    series.extend(records)


def recorded(every: int) -> Series:
    """A rate that changes every so many steps, by jumps."""
    series = Series(SeriesInfo(1, "lr[0.0]", "lr", 0, 0))
    step = np.arange(1, 60_000, every)
    add(series, step, 1e-3 * (1.2 + np.sin(step / 3000)) * np.where(step % 7000 < 3500, 1.0, 0.3))
    return series


def held(curve: RateCurve, places: np.ndarray) -> np.ndarray:
    """What the drawn line shows at these places."""
    x, y = curve.item.points()
    return np.asarray(y[np.searchsorted(x, places, side="right") - 1])


@pytest.mark.parametrize("every", [1, 400])
@pytest.mark.parametrize("log", [False, True])
def test_moving_over_a_rate(every: int, log: bool) -> None:
    series = recorded(every)
    moved = RateCurve(series, scheduled=False)
    for low in [*range(10_000, 50_000, 900), *range(50_000, 20_000, -1100)]:
        span = Span(low, low + 12_000, 800, 60_500)
        if low % 9 == 0:  # the training goes on meanwhile
            last = int(series.step[-1])
            add(series, np.array([last + every]), np.array([2e-3]))
        alone = RateCurve(series, scheduled=False)
        lost = moved.refresh(span, log)
        assert lost.tolist() == alone.refresh(span, log).tolist()
        assert moved.range is not None
        assert moved.range == pytest.approx(alone.range, rel=0.02)
        places = np.linspace(low + 40, min(low + 11_900, 59_000), 57)
        apart = np.abs(held(moved, places) - held(alone, places))
        room = alone.range[1] - alone.range[0] if alone.range else 0.0
        assert np.quantile(apart, 0.9) <= 0.02 * room


def test_the_newest_rate_is_carried_on_while_the_view_stands_still() -> None:
    series = Series(SeriesInfo(1, "lr[0.0]", "lr", 0, 0))
    add(series, np.array([1, 100]), np.array([1e-3, 5e-4]))
    curve = RateCurve(series, scheduled=False)
    for newest in (200, 300, 900):
        curve.refresh(Span(0, 1000, 800, newest), False)
        x, y = curve.item.points()
        assert (x[-1], y[-1]) == (newest, 5e-4)
