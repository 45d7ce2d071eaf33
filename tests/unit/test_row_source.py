"""Rows for a diagnosis, taken piece by piece from a run that grows."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.diagnosis import source as source_module
from lrmonitor.diagnosis.source import Columns, RowSource, SourceError, read_rows
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import POINT, RankReader, RunReader, Series
from tests.app.folders import RunFolder
from tests.conftest import Isolated


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run of one optimizer whose validation loss is logged."""
    folder = RunFolder(isolated.runs, created=1e9).launch(False).register()
    folder.declare("val_loss", "metric", None, None)
    return folder


def grow(folder: RunFolder, steps: int) -> None:
    """Steps with a rate that halves every ten, and a validation loss every seven."""
    for _ in range(steps):
        folder.step += 1
        step = folder.step
        folder.add("loss", 1.0 / step)
        folder.add("lr[0.0]", 0.5 ** (step // 10))
        if step % 7 == 0:
            folder.add("val_loss", 2.0 / step)


def same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Equal, nan for nan."""
    assert one is not None
    assert other is not None
    return bool(np.array_equal(one, other, equal_nan=True))


def test_pieces_are_the_whole(folder: RunFolder) -> None:
    reader = RunReader(folder.path)
    source: RowSource | None = None
    pieces = []
    for size in (1, 9, 1, 30, 64, 3):
        grow(folder, size)
        reader.poll()
        source = source or RowSource(reader.ranks[0])
        pieces.append(source.take())
    whole = read_rows(reader, Columns())
    assert [len(piece) for piece in pieces] == [1, 9, 1, 30, 64, 3]
    for name in ("step", "loss", "lr", "time"):
        assert same(np.concatenate([getattr(p, name) for p in pieces]), getattr(whole, name))
    assert whole.lr is not None
    assert whole.lr.tolist() == [0.5 ** (step // 10) for step in range(1, 109)]
    assert whole.val is not None
    assert {int(s) for s in whole.step[np.isfinite(whole.val)]} == set(range(7, 109, 7))
    assert same(np.concatenate([piece.val for piece in pieces]), whole.val)


def recorded(loss: list[int], rate: list[int], norm: list[int]) -> RankReader:
    """A process that recorded these series, by the steps of their values, in this order."""
    rank = RankReader(Path("nowhere"), 0)
    kinds = {"loss": loss, "lr": rate, "grad_norm": norm}
    for number, (kind, steps) in enumerate(kinds.items()):
        group = 0 if kind == "lr" else None
        series = Series(SeriesInfo(number, kind, kind, 0, group, "each"))
        points = np.zeros(len(steps), POINT)
        points["step"], points["value"] = steps, np.arange(len(steps)) + 100 * number
        series.extend(points)
        rank.series[number] = series
    return rank


STEPS = st.lists(st.integers(1, 30), max_size=40)
"""In any order: as of a training that is rewound all the time."""


@given(
    loss=STEPS.filter(len) | st.integers(1, 60).map(lambda n: list(range(1, n + 1))),
    rate=STEPS | st.just(list(range(1, 61))),
    norm=STEPS | st.just(list(range(1, 61))),
    looked=st.integers(1, 100),
)
def test_how_much_is_looked_at_in_one_go_makes_no_difference(
    loss: list[int], rate: list[int], norm: list[int], looked: int
) -> None:
    whole = RowSource(recorded(loss, rate, norm)).take()
    with patch.object(source_module, "LOOKED", looked):
        other = RowSource(recorded(loss, rate, norm)).take()
    for name in ("step", "loss", "lr", "grad_norm"):
        assert same(getattr(whole, name), getattr(other, name))


def test_values_of_each_row_are_those_of_their_steps() -> None:
    steps = [*range(1, 40), *range(20, 50)]
    whole = RowSource(recorded(steps, steps, steps)).take()
    assert whole.lr is not None
    assert whole.grad_norm is not None
    assert whole.lr.tolist() == [100.0 + i for i in range(len(steps))]
    assert whole.grad_norm.tolist() == [200.0 + i for i in range(len(steps))]


def test_a_piece_costs_no_more_of_a_long_run() -> None:
    steps = list(range(1, 400_001))
    source = RowSource(recorded(steps, steps, steps[::7]))
    source.take(10)
    tracemalloc.start()
    try:
        assert len(source.more(1000)) == 1000
        assert tracemalloc.get_traced_memory()[1] < 100_000  # a look at all takes 400,000 bytes
    finally:
        tracemalloc.stop()


def test_what_comes_a_moment_later_is_waited_for(folder: RunFolder) -> None:
    grow(folder, 5)
    reader = RunReader(folder.path)
    reader.poll()
    source = RowSource(reader.ranks[0])
    assert len(source.take(wait=True)) == 0
    folder.step += 1
    folder.add("loss", 0.1)
    reader.poll()  # its rate is written a moment later
    assert source.take(wait=True).step.tolist() == [1, 2, 3, 4, 5]
    folder.add("lr[0.0]", 0.25)
    reader.poll()
    taken = source.take(wait=True)
    assert taken.step.tolist() == [6]
    assert taken.lr is not None
    assert taken.lr.tolist() == [0.25]
    assert len(source.take()) == 0


def test_a_value_that_comes_too_late_belongs_to_the_next_row(folder: RunFolder) -> None:
    grow(folder, 8)
    reader = RunReader(folder.path)
    reader.poll()
    source = RowSource(reader.ranks[0])
    source.take()
    folder.add("val_loss", 0.7, step=8)
    grow(folder, 2)
    reader.poll()
    taken = source.take()
    assert taken.val is not None
    assert taken.val[0] == 0.7
    assert math.isnan(taken.val[1])


def test_at_most_so_many(folder: RunFolder) -> None:
    grow(folder, 100)
    reader = RunReader(folder.path)
    reader.poll()
    source = RowSource(reader.ranks[0])
    assert [len(source.take(40)) for _ in range(4)] == [40, 40, 20, 0]


def test_more_is_of_what_was_there_when_it_was_taken(folder: RunFolder) -> None:
    grow(folder, 100)
    reader = RunReader(folder.path)
    reader.poll()
    source = RowSource(reader.ranks[0])
    assert len(source.take(40, wait=True)) == len(source.more(40)) == 0
    grow(folder, 10)
    reader.poll()
    assert len(source.take(40, wait=True)) == 40
    assert [len(source.more(40)) for _ in range(3)] == [40, 20, 0]
    assert len(source.take(wait=True)) == 10


def test_a_run_that_went_back_has_the_rates_of_its_second_time(folder: RunFolder) -> None:
    for step, rate in ((1, 0.1), (50, 0.01), (20, 0.1), (60, 0.001)):
        folder.step = step
        folder.add("lr[0.0]", rate)
    folder._last.clear()
    for step in [*range(1, 56), *range(20, 70)]:
        folder.add("loss", 1.0, step=step)
    reader = RunReader(folder.path)
    reader.poll()
    rows = read_rows(reader, Columns())
    assert rows.lr is not None
    expected = [0.1] * 49 + [0.01] * 6 + [0.1] * 40 + [0.001] * 10
    assert rows.lr.tolist() == expected


def test_a_series_of_another_place_may_be_the_validation_loss(isolated: Isolated) -> None:
    folder = RunFolder(isolated.runs, created=1e9).launch(False).register().train(20)
    other = RunFolder(isolated.runs, "other", created=1e9).launch(False).register()
    other.declare("eval_loss", "metric", None, None)
    other.train(20)
    other.add("eval_loss", 0.5)
    reader, second = RunReader(folder.path), RunReader(other.path)
    reader.poll()
    second.poll()
    printed = second.ranks[0].by_name["eval_loss"]
    source = RowSource(reader.ranks[0], others=lambda: [printed])
    taken = source.take()
    assert source.validation is printed
    assert taken.val is not None
    assert taken.val[-1] == 0.5


def test_without_a_loss_there_is_nothing_yet(isolated: Isolated) -> None:
    folder = RunFolder(isolated.runs, created=1e9).launch(False).register()
    reader = RunReader(folder.path)
    reader.poll()
    source = RowSource(reader.ranks[0])
    assert source.loss is None or len(source.take()) == 0
    with pytest.raises(SourceError, match="--loss 'cost': there is"):
        RowSource(reader.ranks[0], Columns(loss="cost")).take()
