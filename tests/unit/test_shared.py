"""Columns that share what they have in common."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.record.shared import Pool, SharedColumn

Floats = npt.NDArray[np.float64]

COLUMNS = 4
NUMBERS = (0.0, -0.0, 1.0, float("nan"), -float("nan"))
"""Few, so that columns agree for a while; some are equal but not alike, or alike but not equal."""


def bits(numbers: Floats) -> list[int]:
    """What they are, to the bit."""
    found: list[int] = np.ascontiguousarray(numbers).view(np.uint64).tolist()
    return found


def grown(pool: Pool[np.float64], *parts: list[float]) -> SharedColumn[np.float64]:
    """A column of these."""
    column = pool.column()
    for part in parts:
        column.append(np.array(part))
    return column


_appended = st.tuples(
    st.integers(0, COLUMNS - 1), st.lists(st.sampled_from(NUMBERS), max_size=6), st.integers(0, 3)
)
_cleared = st.tuples(st.integers(0, COLUMNS - 1), st.none(), st.just(0))


@given(st.lists(_appended | _cleared, max_size=40))
def test_each_holds_what_was_appended_to_it(
    deeds: list[tuple[int, list[float] | None, int]],
) -> None:
    pool = Pool(np.float64)
    columns = [pool.column() for _ in range(COLUMNS)]
    expected: list[list[int]] = [[] for _ in columns]
    views: list[tuple[Floats, list[int]]] = []
    for at, numbers, again in deeds:
        if numbers is None:
            columns[at].clear()
            expected[at] = []
        else:
            # Every second number of a larger array: as a field of records is laid out.
            part = np.repeat(np.array(numbers, np.float64), 2)[::2]
            for one in [at, *range(again)]:  # several columns go on alike
                columns[one].append(part)
                expected[one] = expected[one] + bits(part)
        views += [(columns[at].view, expected[at])]
        for column, numbers_of in zip(columns, expected, strict=True):
            assert len(column) == len(numbers_of)
            assert bits(column.view) == numbers_of
    for view, held in views:
        assert bits(view) == held


def test_what_is_alike_is_held_once_whoever_is_ahead() -> None:
    pool = Pool(np.float64)
    one, two = grown(pool, [1.0, 2.0, 3.0]), grown(pool, [1.0, 2.0])
    assert np.shares_memory(one.view, two.view)
    two.append(np.array([3.0, 4.0, 5.0]))
    one.append(np.array([4.0]))
    assert np.shares_memory(one.view, two.view)
    assert one.view.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert two.view.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_those_that_part_from_others_together_stay_together() -> None:
    pool = Pool(np.float64)
    loss = grown(pool, [1.0, 2.0, 3.0, 4.0])
    rates = [grown(pool, [1.0], [2.0, 9.0]), grown(pool, [1.0, 2.0], [9.0, 10.0])]
    assert np.shares_memory(rates[0].view, rates[1].view)
    assert not np.shares_memory(rates[0].view, loss.view)
    assert rates[1].view.tolist() == [1.0, 2.0, 9.0, 10.0]
    assert np.shares_memory(grown(pool, [1.0, 2.0, 9.0]).view, rates[0].view)


def test_a_view_cannot_be_written() -> None:
    view = grown(Pool(np.float64), [1.0]).view
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 2.0


def test_what_no_column_needs_any_more_is_let_go_of() -> None:
    pool = Pool(np.float64)
    one, two = grown(pool, [1.0, 2.0]), grown(pool, [1.0, 3.0])
    lines = [weakref.ref(one._line), weakref.ref(two._line)]
    two.append(np.array([4.0]))
    one.clear()
    gc.collect()
    assert lines[0]() is None
    assert lines[1]() is not None
    assert two.view.tolist() == [1.0, 3.0, 4.0]
    assert grown(pool, [1.0, 2.0]).view.tolist() == [1.0, 2.0]
