"""What stands on the plots' common axis, and throughput."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.axis import EPOCH, RELATIVE, STEP, WALL, Axis, Epochs, Placed
from lrmonitor.model.throughput import Throughput
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series

POINT = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])


def made(points: list[tuple[int, float, float]]) -> Series:
    """A series of these steps, times and values."""
    series = Series(SeriesInfo(3, "loss", "loss", 0))
    series.extend(np.array(points, POINT))
    return series


def test_on_the_axis_of_the_steps_a_series_is_itself() -> None:
    series = made([(1, 5.0, 0.5)])
    placed = Placed(series, Axis(STEP))
    assert placed.series is series
    assert not placed.update()


@pytest.mark.parametrize(("kind", "expected"), [(RELATIVE, [0, 1500]), (WALL, [0, 1500])])
def test_time_in_milliseconds(kind: str, expected: list[int]) -> None:
    series = made([(1, 10.0, 0.5), (2, 11.5, 0.25)])
    placed = Placed(series, Axis(kind, start=10.0))
    assert placed.update()
    assert placed.series.step.tolist() == expected
    assert placed.series.value.tolist() == [0.5, 0.25]
    assert placed.series.info == series.info
    assert np.shares_memory(placed.series.time, series.time)
    assert np.shares_memory(placed.series.value, series.value)
    series.extend(np.array([(3, 12.0, 0.125)], POINT))
    assert placed.update()
    assert len(placed.series) == 3
    series.clear()
    placed.update()
    assert len(placed.series) == 0


def test_epochs_and_the_one_that_goes_on() -> None:
    epochs = Epochs()
    for step in (0, 10, 10, 30):
        epochs.began(step)
    axis = Axis(EPOCH, epochs=epochs)
    series = made([(step, float(step), 0.0) for step in (0, 5, 10, 20, 30, 40, 50, 70)])
    placed = Placed(series, axis)
    placed.update()
    found = placed.series.step / axis.unit
    assert found.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0]
    epochs.began(40)
    assert placed.update()
    assert (placed.series.step / axis.unit).tolist()[5:] == [3.0, 4.0, 6.0]
    assert axis.at(35, 0.0) == 2.5 * axis.unit


def test_no_such_axis() -> None:
    with pytest.raises(ValueError, match="no axis"):
        Axis("hours")


@given(
    gaps=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=5),
)
def test_throughput_does_not_depend_on_how_it_came(gaps: list[float], cuts: list[int]) -> None:
    times = np.cumsum(gaps).tolist()
    points = [(i + 1, t, 0.0) for i, t in enumerate(times)]
    whole = Throughput()
    whole.update(made(points))
    series, parts = made([]), Throughput()
    at = 0
    for cut in [*sorted(cuts), len(points)]:
        series.extend(np.array(points[at:cut], POINT))
        at = max(at, cut)
        parts.update(series)
    assert parts.series.step.tolist() == whole.series.step.tolist()
    assert parts.series.value.tolist() == whole.series.value.tolist()
    # Each tells of the time since the one before, and nothing is left out between them.
    step, time, value = (getattr(whole.series, name) for name in ("step", "time", "value"))
    before = [(1, times[0]), *zip(step.tolist(), time.tolist(), strict=True)]
    for (s0, t0), s1, t1, v in zip(before, step, time, value, strict=False):
        assert t1 - t0 >= 1.0 - 1e-9  # the sums of times are rounded
        assert v == pytest.approx((s1 - s0) / (t1 - t0))


def test_throughput_begins_anew_where_steps_go_back() -> None:
    series = made([(1, 0.0, 0), (10, 1.0, 0), (5, 2.0, 0), (15, 3.0, 0), (25, 4.0, 0)])
    found = Throughput()
    assert found.update(series)
    assert found.series.step.tolist() == [10, 15, 25]
    assert found.series.value.tolist() == [9.0, 10.0, 10.0]
    assert not found.update(series)
    assert not found.update(None)
    assert len(found.series) == 0
