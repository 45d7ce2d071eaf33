from __future__ import annotations

import mmap
import sys

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.record import columns
from lrmonitor.record.columns import Column


@given(st.lists(st.integers(0, 5000), max_size=12))
def test_a_column_holds_what_was_appended(sizes: list[int]) -> None:
    column: Column[np.int64] = Column(np.int64)
    early = []
    for size in sizes:
        column.append(np.arange(len(column), len(column) + size))
        early.append(column.view)
    assert len(column) == sum(sizes)
    for view in early:
        assert view.tolist() == list(range(len(view)))


def test_a_view_is_no_copy_cannot_be_written_and_outlives_the_column() -> None:
    column: Column[np.float64] = Column(np.float64)
    column.append(np.ones(10))
    view = column.view
    assert np.shares_memory(view, column.view)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 2.0
    column.clear()
    assert len(column) == 0
    column.append(np.zeros(10))
    assert view.tolist() == [1.0] * 10


@pytest.mark.skipif(sys.platform == "win32", reason="its room is doubled there")
def test_a_large_column_is_not_moved_as_it_grows() -> None:
    column: Column[np.float64] = Column(np.float64)
    column.append(np.ones(40_000))
    first = column.view
    for _ in range(20):
        column.append(np.ones(100_000))
    assert np.shares_memory(first, column.view)  # 16 MB later it stands where it stood
    assert column.view.sum() == 2_040_000


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such range")
def test_room_takes_no_memory_before_it_is_written() -> None:
    before = psutil.Process().memory_info().rss
    columns: list[Column[np.float64]] = [Column(np.float64) for _ in range(30)]
    for column in columns:
        column.append(np.ones(40_000))
    held = sum(column.view.nbytes for column in columns)
    assert psutil.Process().memory_info().rss - before < held + (4 << 20)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_where_addresses_are_limited_none_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1 << 33, 1 << 33))
    assert columns._reserved(1 << 20) is None


def test_without_addresses_its_room_is_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refused)
    column: Column[np.int64] = Column(np.int64)
    moved = 0
    for at in range(0, 400_000, 1000):
        before = column.view
        column.append(np.arange(at, at + 1000))
        moved += bool(len(before)) and not np.shares_memory(before, column.view)
    assert (column.view == np.arange(400_000)).all()
    assert moved < 12
    assert columns._reserved(1 << 20) is None


@pytest.mark.parametrize("count", [3000, 20_000])
def test_memory_is_the_same_whether_pages_come_together_or_one_by_one(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: Column[np.int64] = Column(np.int64)
    single: Column[np.int64] = Column(np.int64)
    for at in range(0, 300_000, count):
        together.append(np.arange(at, at + count))
    monkeypatch.setattr(columns, "_POPULATE", 9999)  # no system knows it
    for at in range(0, 300_000, count):
        single.append(np.arange(at, at + count))
    assert (together.view == single.view).all()
    assert count < columns._AT_ONCE // 8 or columns._POPULATE is None


def test_numbers_of_any_size_have_a_range() -> None:
    kind = np.dtype([("low", np.float64), ("lost", np.uint32), ("at", np.uint8)])
    column: Column[np.void] = Column(kind)
    column.append(np.zeros(100_000, kind))
    before = column.view
    column.append(np.ones(100_000, kind))
    assert np.shares_memory(before, column.view), "it was copied"
    assert column.view["lost"].sum() == 100_000
