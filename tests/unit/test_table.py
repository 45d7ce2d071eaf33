"""The curves of a run as rows."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lrmonitor.model.run import RunModel
from lrmonitor.model.table import RunTable
from tests.helpers.recorded import T0, Recorded


@pytest.fixture
def run(tmp_path: Path) -> Recorded:
    """A run with one optimizer; its series: 0 loss, 1 rate, 2 scheduled rate, 3 a metric."""
    run = Recorded(tmp_path)
    run.event("environment", pid=1, rank=0)
    run.optimizer()
    for number, (name, kind, group) in enumerate(
        [("loss", "loss", None), ("lr", "lr", 0), ("s", "scheduled_lr", 0)]
    ):
        run.event("series", series=number, name=name, kind=kind, optimizer=0, group=group)
    run.event("series", series=3, name="accuracy", kind="metric")
    return run


def taken(run: Recorded) -> tuple[RunModel, RunTable]:
    model = RunModel(run.folder)
    model.poll()
    table = RunTable(model)
    assert table.take()
    return model, table


def test_values_stand_at_their_steps(run: Recorded) -> None:
    run.points(0, [(step, T0 + step, 1 / step) for step in range(1, 7)])
    run.points(1, [(1, T0, 0.1), (4, T0, 0.05)])
    run.points(3, [(3, T0, 0.5), (3, T0, 0.6)])
    _, table = taken(run)
    assert len(table) == 6
    assert [column.kind for column in table.columns] == ["loss", "lr", "scheduled_lr", "metric"]
    assert [table.step(row) for row in range(6)] == [1, 2, 3, 4, 5, 6]
    assert table.time(2) == T0 + 3
    assert [table.value(row, 0) for row in range(6)] == [1 / step for step in range(1, 7)]
    # A rate holds until it changes; a metric has no value but where it was logged (the last one).
    assert [table.value(row, 1) for row in range(6)] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05]
    assert [table.value(row, 2) for row in range(6)] == [None] * 6
    assert [table.value(row, 3) for row in range(6)] == [None, None, 0.6, None, None, None]
    assert [table.find(step) for step in (-1, 1, 3.5, 6, 7, math.inf)] == [0, 0, 3, 5, 6, 6]


def test_rows_are_added_and_begin_anew(run: Recorded) -> None:
    run.points(0, [(1, T0, 1.0)])
    model, table = taken(run)
    run.points(0, [(2, T0, 0.5)])
    model.poll()
    assert not table.take()
    assert len(table) == 2
    run.event("series", series=4, name="f1", kind="metric")
    model.poll()
    assert table.take()
    assert [column.name for column in table.columns][-2:] == ["accuracy", "f1"]
    (run.folder / "ranks" / "0" / "series" / "0.f64").write_bytes(b"")
    run.points(0, [(1, T0, 7.0)])
    model.poll()
    assert table.take()
    assert (len(table), table.value(0, 0)) == (1, 7.0)


def test_several_groups_and_optimizers_are_told_apart(run: Recorded) -> None:
    run.optimizer(groups=2)
    run.optimizer(1, main=False)
    run.event("series", series=4, name="lr[0.1]", kind="lr", optimizer=0, group=1)
    run.event("series", series=5, name="lr[1.0]", kind="lr", optimizer=1, group=0)
    run.event("series", series=6, name="loss[1]", kind="loss", optimizer=1, group=None)
    run.points(0, [(1, T0, 1.0)])
    _, table = taken(run)
    told = [(one.kind, one.optimizer, one.group) for one in table.columns]
    assert told == [
        ("loss", None, None),
        ("loss", 1, None),
        ("lr", 0, 0),
        ("lr", 0, 1),
        ("lr", 1, 0),
        ("scheduled_lr", 0, 0),
        ("metric", None, None),
    ]


def test_steps_that_were_counted_anew(run: Recorded) -> None:
    run.points(0, [(step, T0 + at, float(at)) for at, step in enumerate([1, 2, 3, 1, 2])])
    run.points(3, [(2, T0, 0.5), (1, T0, 0.25)])
    _, table = taken(run)
    assert [table.step(row) for row in range(5)] == [1, 2, 3, 1, 2]
    assert [table.value(row, 3) for row in range(5)] == [0.25, 0.5, None, 0.25, 0.5]
    assert table.find(3) == 2
    assert table.find(4) == 5


def test_a_run_without_anything_and_one_with_metrics_alone(run: Recorded, tmp_path: Path) -> None:
    empty = Recorded(tmp_path, "20231114-221320-none")
    model = RunModel(empty.folder)
    model.poll()
    table = RunTable(model)
    table.take()
    assert (len(table), table.columns, table.find(3)) == (0, [], 0)
    run.points(3, [(10, T0, 0.5), (20, T0, 0.6)])
    _, table = taken(run)
    assert [table.step(row) for row in range(len(table))] == [10, 20]
    assert [table.value(row, 3) for row in range(2)] == [0.5, 0.6]
