"""The plots' arithmetic: ticks, ranges, sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.app.plots.holds import Holds
from lrmonitor.app.plots.ranges import StepWindow, grow_values
from lrmonitor.app.plots.sampling import (
    as_log,
    log_range,
    one_per_column,
    rate_steps,
    straightened,
    value_range,
    with_holds,
)
from lrmonitor.app.plots.sweep_plot import word_left
from lrmonitor.app.plots.ticks import linear_ticks, log_ticks, tick_labels
from lrmonitor.model.picture import Part, Picture
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series


@given(st.floats(-1e4, 1e4), st.floats(1e-2, 1e6), st.integers(2, 12))
def test_linear_ticks_are_round_inside_and_about_as_many(
    low: float, span: float, count: int
) -> None:
    ticks = linear_ticks(low, low + span, count)
    assert len(ticks) <= count + 2
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)
    if len(ticks) > 1:
        step = ticks[1] - ticks[0]
        mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert min(abs(mantissa - k) for k in (1, 2, 5, 10)) < 1e-6


def test_ticks_of_an_impossible_range_are_none() -> None:
    assert linear_ticks(1.0, 1.0, 5) == []
    assert linear_ticks(0.0, math.nan, 5) == []
    assert log_ticks(0.0, math.inf, 5) == []


def test_no_line_crosses_out_the_word_of_another() -> None:
    assert word_left(100, 60, [100], 0, 400) == 105
    assert word_left(100, 60, [100, 130], 0, 400) == 35
    assert word_left(130, 30, [100, 130], 0, 400) == 135
    assert word_left(380, 60, [380], 0, 400) == 315
    # Between two lines that are near it there is no free side: beside its own it stays.
    assert word_left(100, 60, [70, 100, 130], 0, 400) == 105


def test_an_axis_has_two_numbers_at_least() -> None:
    assert linear_ticks(-3, 45, 2) == [0, 20, 40]
    assert len(linear_ticks(0.4, 0.99, 2)) >= 2
    assert linear_ticks(0, 10, 1) == [0, 10]


def test_log_ticks_are_decades_then_halves_then_even() -> None:
    assert log_ticks(-6, 0, 6) == [-6, -5, -4, -3, -2, -1, 0]
    labels = tick_labels(log_ticks(-4, -2.5, 6), True)
    assert labels == ["1e-4", "2e-4", "5e-4", "1e-3", "2e-3"]
    # In a low plot fewer of them, which can be read.
    assert tick_labels(log_ticks(-4, -1.9, 2), True) == ["1e-4", "3e-4", "1e-3", "3e-3", "1e-2"]
    assert tick_labels(log_ticks(-4.3, -1.4, 2), True) == ["1e-4", "1e-3", "1e-2"]
    near = log_ticks(math.log10(8e-4), math.log10(1e-3), 4)
    assert tick_labels(near, True) == ["8e-4", "8.5e-4", "9e-4", "9.5e-4", "1e-3"]


def test_labels() -> None:
    assert tick_labels([0.0, 0.5], False) == ["0", "0.5"]
    assert tick_labels([8e-4, 1e-3], False, rates=True) == ["8e-4", "1e-3"]
    # Rates that stand below each other are written alike, also where they are far apart.
    assert tick_labels([-6, -4, -2, 0], True, rates=True) == ["1e-6", "1e-4", "1e-2", "1"]
    assert tick_labels([-0.002, 0.0, 0.002], False) == ["−0.002", "0", "0.002"]
    assert tick_labels([200000.0, 2_500_000.0], False) == ["200\u202fk", "2.5\u202fM"]
    assert tick_labels([1000.0, 1500.0, 12000.0], False) == ["1000", "1500", "12000"]


def test_labels_have_the_digits_that_tell_them_apart() -> None:
    near = [math.log10(v) for v in (0.0199, 0.01995, 0.02)]
    assert tick_labels(near, True, rates=True) == ["0.0199", "0.01995", "0.02"]
    assert tick_labels([100000.0, 100001.0], False) == ["100\u202fk", "100.001\u202fk"]


def test_a_window_moves_only_when_data_leaves_it() -> None:
    window = StepWindow()
    assert window.advanced(10) is window
    grown = window.advanced(21)
    assert grown.low == 0
    assert grown.high > 21
    assert grown.advanced(grown.high) is grown


def test_a_zoomed_window_keeps_its_width_and_the_newest_step() -> None:
    window = StepWindow(0, 1100).zoomed(0.1, around=300, newest=1000)
    assert window.high - window.low == pytest.approx(110)
    assert window.low <= 1000 <= window.high
    later = window.advanced(2000)
    assert later.high - later.low == pytest.approx(110)
    assert later.low <= 2000 <= later.high


def test_a_moved_window_stays_until_told_to_follow() -> None:
    window = StepWindow(900, 1000, True, False).panned(-500)
    assert (window.low, window.high, window.follow) == (400, 500, False)
    assert window.advanced(5000) is window
    back = window.following(True, 5000)
    assert back.low <= 5000 <= back.high


def test_zooming_out_ends_at_the_whole_run() -> None:
    window = StepWindow(500, 600, True, False)
    for _ in range(40):
        window = window.zoomed(1.5, 550, 1000)
    assert window.whole
    assert window.low == 0
    assert window.high == pytest.approx(1100)


def test_zooming_in_ends_at_a_few_steps() -> None:
    window = StepWindow(0, 1000, False, False)
    for _ in range(80):
        window = window.zoomed(0.5, 500, 1000)
    assert window.high - window.low == pytest.approx(4)


def test_values_move_in_quanta() -> None:
    shown = grow_values(None, (1.0, 2.0))
    assert shown[0] < 1.0 < 2.0 < shown[1]
    assert grow_values(shown, (1.1, 1.9)) == shown
    assert grow_values(shown, (1.0, 3.0)) != shown
    assert grow_values(shown, (1.0, 1.1)) != shown
    assert grow_values(shown, None) == shown
    assert grow_values(None, None) == (0.0, 1.0)
    low, high = grow_values(None, (1.0, 1.001), least=0.1)
    assert low < 0.95 < 1.05 < high
    assert grow_values((low, high), (1.0, 1.002), least=0.1) == (low, high)


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3))
def test_data_is_always_inside(low: float, span: float) -> None:
    shown = grow_values(None, (low, low + span))
    assert shown[0] < low
    assert shown[1] > low + span
    assert grow_values(shown, (low, low + span)) == shown


def test_a_rate_is_a_staircase_with_vertical_jumps() -> None:
    step = np.array([1, 5, 9], np.int64)
    value = np.array([1.0, 0.5, 0.1])
    x, y = rate_steps(step, value, 0, 20, 12)
    assert x.tolist() == [1, 5, 5, 9, 9, 12]
    assert y.tolist() == [1, 1, 0.5, 0.5, 0.1, 0.1]


def test_the_rate_in_force_before_the_window_reaches_into_it() -> None:
    step = np.array([1, 50], np.int64)
    x, y = rate_steps(step, np.array([1.0, 0.5]), 20, 30, 100)
    assert x.tolist() == [1, 50]
    assert y.tolist() == [1, 1]
    assert rate_steps(np.empty(0, np.int64), np.empty(0), 0, 10, 10)[0].tolist() == []


def test_logarithms_leave_out_what_has_none() -> None:
    found = as_log(np.array([10.0, 0.0, -1.0, math.inf, math.nan]))
    assert found[0] == 1.0
    assert np.isnan(found[1:]).all()
    assert value_range(found) == (1.0, 1.0)
    assert value_range(found[1:]) is None
    assert log_range((0.01, 100.0)) == (-2.0, 2.0)
    assert log_range(None) is None


def test_marks_are_reduced_to_one_a_column() -> None:
    step = np.arange(100000.0)
    kept = one_per_column(step, 0, 100000, 100)
    assert len(kept) <= 101
    assert one_per_column(step[:5], 0, 100, 100).tolist() == [0, 1, 2, 3, 4]


def test_a_held_rate_among_many_changes_is_drawn_level() -> None:
    """A schedule that moves each step, held from step 500 to 900 and from 1200 on."""
    moving = np.concatenate((np.arange(1, 501), np.arange(900, 1201)))
    step = moving.astype(np.int64)
    value = 1.0 - step / 2000.0
    value[499] = 0.1
    value[-1] = 0.05
    records = np.zeros(len(step), [("step", "<i8"), ("time", "<f8"), ("value", "<f8")])
    records["step"], records["value"] = step, value
    picture = Picture(Series(SeriesInfo(0, "lr[0.0]", "lr")))
    picture.series.extend(records[:300])
    picture.follow()
    holds, everything = Holds(), Part(0, len(step), 0, len(step))
    assert len(holds.of(picture, Part(0, 300, 0, 300), 20.0)) == 0
    picture.series.extend(records[300:])
    picture.follow()
    found = holds.of(picture, everything, 20.0)
    assert step[found].tolist() == [500]
    points = picture.points(everything, 50.0)
    sampled = points.step.astype(np.float64), points.value
    x, y = with_holds(*sampled, step, value, found, 2000, 2000)
    assert np.all(np.diff(x) >= 0)
    at_900 = y[x == 900]
    assert at_900[0] == 0.1  # the old value up to the jump
    assert at_900[-1] == value[500]
    assert not np.any((x > 500) & (x < 900))
    assert (x[-1], y[-1]) == (2000.0, 0.05)


def test_a_line_is_straightened_where_nothing_is_lost() -> None:
    x = np.arange(2000.0)
    y = np.cos(x / 900)
    y[1000:] += 5.0  # a jump
    y[700:720] = np.nan  # a gap
    few, drawn = straightened(x, y, 1e-3)
    assert len(few) < 500
    assert few[0] == 0.0
    assert few[-1] == 1999.0
    assert {999.0, 1000.0} <= set(few)  # the jump stays upright
    kept = ~np.isnan(y)
    assert np.isnan(drawn).any()
    assert (
        np.abs(np.interp(x[kept], few[~np.isnan(drawn)], drawn[~np.isnan(drawn)]) - y[kept]).max()
        < 1e-3
    )


def test_a_short_line_and_points_at_one_step_are_left_alone() -> None:
    x, y = np.arange(200.0), np.zeros(200)
    assert len(straightened(x, y, 1.0)[0]) == 200
    same = np.zeros(1000)
    assert len(straightened(same, np.arange(1000.0), 1.0)[0]) == 1000
