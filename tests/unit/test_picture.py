"""What is drawn of a series: pieces, neighbours, ranges, against the plain definition."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.picture import MOST_PIECES, Picture
from lrmonitor.model.pieces import Pieces
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series

_RECORD = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])

points = st.lists(
    st.tuples(
        st.integers(0, 3) | st.integers(-60, 3),  # how far the next step is
        st.floats(-100, 100) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0]),
    ),
    max_size=300,
)


def records(items: list[tuple[int, float]]) -> npt.NDArray[np.void]:
    found = np.zeros(len(items), _RECORD)
    found["step"] = np.cumsum([gap for gap, _ in items]) if items else []
    found["value"] = [value for _, value in items]
    return found


def series(given: npt.NDArray[np.void]) -> Series:
    found = Series(SeriesInfo(0, "loss", "loss", 0))
    found.extend(given)
    return found


@given(points, st.lists(st.integers(0, 300), max_size=4))
def test_pieces_ascend_and_are_as_long_as_can_be(
    items: list[tuple[int, float]], cuts: list[int]
) -> None:
    step = records(items)["step"].copy()
    pieces = Pieces()
    for end in sorted(min(cut, len(step)) for cut in cuts):
        pieces.update(step[:end])
    pieces.update(step)
    found = pieces.meeting(-math.inf, math.inf)
    assert [begin for begin, _ in found] == [0, *(end for _, end in found[:-1])][: len(found)]
    assert sum(end - begin for begin, end in found) == len(step)
    for begin, end in found:
        assert (np.diff(step[begin:end]) >= 0).all()
        assert begin == 0 or step[begin] < step[begin - 1]


@given(
    points,
    st.integers(-50, 400),
    st.integers(1, 400),
    st.integers(1, 40),
    st.booleans(),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_the_picture_is_of_what_is_there(
    items: list[tuple[int, float]], low: int, width: int, columns: int, log: bool, cuts: list[int]
) -> None:
    given = records(items)
    source = series(given[:0])
    picture = Picture(source)
    ends = [*sorted(min(cut, len(given)) for cut in cuts), len(given)]
    for begin, end in zip([0, *ends], ends, strict=False):
        source.extend(given[begin:end])
        picture.follow()
    high = low + width
    drawn = picture.drawn(low, high, columns, log)
    step, value = given["step"], given["value"]
    inside = (step >= low) & (step <= high)
    good = np.isfinite(value) & ((value > 0) | (not log))
    seen = value[inside & good]
    assert drawn.range == ((seen.min(), seen.max()) if len(seen) else None)
    assert drawn.count == inside.sum()
    there = set(zip(step.tolist(), value.tolist(), strict=True))
    lines = zip(drawn.x.tolist(), drawn.y.tolist(), strict=True)
    assert {(x, y) for x, y in lines if not math.isnan(y)} <= there
    bad = step[inside & ~good]
    assert set(drawn.unplaced.tolist()) <= set(bad.tolist())
    assert (np.diff(drawn.unplaced) > 0).all()
    if len(bad):
        nearest = np.abs(bad[:, None] - drawn.unplaced[None, :]).min(axis=1)
        assert nearest.max() <= 2 * width / columns
    # Between two gaps the steps ascend: no line goes back.
    for line in np.split(drawn.x, np.flatnonzero(np.isnan(drawn.x))):
        assert (np.diff(line[~np.isnan(line)]) >= 0).all()


def test_a_run_that_went_back_is_two_lines() -> None:
    step = np.concatenate((np.arange(1, 5001), np.arange(3000, 8001)))
    given = np.zeros(len(step), _RECORD)
    given["step"], given["value"] = step, np.where(np.arange(len(step)) < 5000, 1.0, 2.0)
    picture = Picture(series(given))
    picture.follow()
    drawn = picture.drawn(0, 10_000, 200)
    (gap,) = np.flatnonzero(np.isnan(drawn.x)).tolist()
    assert (drawn.y[:gap] == 1.0).all()
    assert (drawn.y[gap + 1 :] == 2.0).all()
    assert (drawn.x[0], drawn.x[gap - 1]) == (1, 5000)
    assert (drawn.x[gap + 1], drawn.x[-1]) == (3000, 8000)
    late = picture.drawn(6000, 7000, 200)
    assert not np.isnan(late.x).any()


def test_a_point_beyond_each_edge_is_drawn_and_does_not_count() -> None:
    given = np.zeros(10, _RECORD)
    given["step"], given["value"] = np.arange(0, 100, 10), np.arange(10.0)
    picture = Picture(series(given))
    picture.follow()
    drawn = picture.drawn(25, 44, 10)
    assert drawn.x.tolist() == [20, 30, 40, 50]
    assert drawn.range == (3.0, 4.0)
    between = picture.drawn(31, 39, 10)
    assert between.x.tolist() == [30, 40]
    assert between.range is None


def test_steps_that_begin_again_all_the_time_make_one_line() -> None:
    given = np.zeros(200 * MOST_PIECES, _RECORD)
    given["step"] = np.tile(np.arange(100), 2 * MOST_PIECES)
    given["value"] = 1.0
    given["value"][777] = 9.0
    source = series(given)
    picture = Picture(source)
    picture.follow()
    drawn = picture.drawn(0, 100, 50)
    assert (np.diff(drawn.x) >= 0).all()
    assert drawn.x[int(drawn.y.argmax())] == 77
    more = given[:1].copy()
    more["value"] = 20.0
    source.extend(more)
    picture.follow()
    assert picture.drawn(0, 100, 50).range == (1.0, 20.0)


def test_a_series_that_was_read_again_is_drawn_anew() -> None:
    given = np.zeros(5000, _RECORD)
    given["step"], given["value"] = np.arange(5000), 1.0
    source = series(given)
    picture = Picture(source)
    picture.follow()
    given["value"] = 2.0
    source.clear()
    source.extend(given)
    picture.follow()
    assert picture.drawn(0, 5000, 10).range == (2.0, 2.0)


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 900), min_size=2, max_size=12),
    st.integers(3, 80),
    st.sampled_from([0, 1, 40]),
    st.floats(0, 1),
    st.booleans(),
)
def test_of_one_that_grows_the_end_is_what_it_would_be_if_all_was_looked_up(
    seed: int, sizes: list[int], columns: int, far: int, start: float, log: bool
) -> None:
    random = np.random.default_rng(seed)
    count = sum(sizes)
    given = np.zeros(count, _RECORD)
    given["step"] = np.cumsum(random.integers(0 if far else 1, far + 2, count))
    if far == 40:
        given["step"][random.integers(0, count) :] += 1000
    given["value"] = random.normal(1.0, 1.0, count)
    given["value"][random.integers(0, count, count // 40)] = np.nan
    low, high = int(start * given["step"][count // 2]), int(given["step"][-1]) + 10
    grown = series(given[:0])
    known = Picture(grown)
    for end in np.cumsum(sizes).tolist():
        grown.extend(given[len(grown) : end])
        known.follow()
        fresh = Picture(grown)
        fresh.follow()
        found, wanted = (one.drawn(low, high, columns, log) for one in (known, fresh))
        np.testing.assert_array_equal(found.x, wanted.x)
        np.testing.assert_array_equal(found.y, wanted.y)
        np.testing.assert_array_equal(found.unplaced, wanted.unplaced)
        assert (found.range, found.count) == (wanted.range, wanted.count)


def test_of_one_that_grows_most_is_not_looked_up_again() -> None:
    grown = series(records([(1, math.sin(turn)) for turn in range(50_000)]))
    known = Picture(grown)
    looked_up = []
    sample = known.pyramid.points_of

    def count(step: npt.NDArray[np.int64], first: int, last: int, *rest: object) -> object:
        looked_up.append(last - first)
        return sample(step, first, last, *rest)  # type: ignore[arg-type]

    known.pyramid.points_of = count  # type: ignore[assignment, method-assign]
    for _ in range(20):
        more = records([(1, math.cos(turn)) for turn in range(300)])
        more["step"] += grown.step[-1]
        grown.extend(more)
        known.follow()
        known.drawn(0, 100_000, 500)
    assert looked_up[0] > 50_000
    assert max(looked_up[1:]) < 1000


def test_of_one_that_becomes_sparse_as_it_grows_all_is_drawn() -> None:
    grown = series(records([(1, math.sin(turn)) for turn in range(200_000)]))
    known = Picture(grown)
    for turn in range(200):
        more = records([(1500, math.cos(turn))])
        more["step"] += grown.step[-1]
        grown.extend(more)
        known.follow()
        found = known.drawn(0, 600_000, 1000)
    fresh = Picture(grown)
    fresh.follow()
    np.testing.assert_array_equal(found.x, fresh.drawn(0, 600_000, 1000).x)
