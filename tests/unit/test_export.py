from __future__ import annotations

import csv
import io
import math
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.record import export
from lrmonitor.record.export import ExportError, export_csv
from lrmonitor.record.reader import RunReader
from tests.helpers.recorded import T0, Point, Recorded


def read(run: Recorded) -> RunReader:
    reader = RunReader(run.folder)
    reader.poll()
    return reader


def table(run: Recorded, rank: int | None = None) -> str:
    text = io.StringIO()
    export_csv(read(run), text, rank)
    return text.getvalue()


def test_the_plain_case(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=3)
    run.points(1, [(3, T0 + 0.3, 3e-4)])
    assert table(run) == (
        "step,time,loss,lr,scheduled[0.0]\n"
        f"1,{T0 + 0.1!r},1.0,0.001,0.001\n"
        f"2,{T0 + 0.2!r},0.5,,\n"
        f"3,{T0 + 0.1 * 3!r},{1 / 3!r},0.0003,\n"
    )


def test_columns_of_everything_in_their_order(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.optimizer(0, "SGD", 1, main=False)
    run.optimizer(1, "AdamW", 2)
    declared = [
        ("zeta", "metric", None, None),
        ("scheduled[1.1]", "scheduled_lr", 1, 1),
        ("loss[0]", "loss", 0, None),
        ("lr[0.0]", "lr", 0, 0),
        ("parts[1]", "parts", 1, None),
        ("loss", "loss", 1, None),
        ("lr[1.1]", "lr", 1, 1),
        ("scheduled[0.0]", "scheduled_lr", 0, 0),
        ("scheduled[1.0]", "scheduled_lr", 1, 0),
        ("lr[1.0]", "lr", 1, 0),
        ("acc, top 5", "metric", None, None),
        ("step", "step", 1, None),
    ]
    for index, (name, kind, optimizer, group) in enumerate(declared):
        run.declare(index, name, kind, optimizer, group)
        run.points(index, [(index + 1, T0 + index, float(index))])
    rows = list(csv.reader(io.StringIO(table(run))))
    assert rows[0] == [
        "step", "time", "loss", "lr",
        "loss[0]",
        "lr[0.0]", "lr[1.1]",
        "scheduled[0.0]", "scheduled[1.0]", "scheduled[1.1]",
        "acc, top 5", "parts[1]", "zeta",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [str(n) for n in range(1, 13)]
    by_name = {rows[0][i]: [r for r in rows[1:] if r[i]] for i in range(2, 13)}
    assert [r[0] for r in by_name["loss"]] == ["6"]
    assert [r[0] for r in by_name["lr"]] == ["10"]
    # The step series tells only that there was a step.
    assert rows[12] == ["12", repr(T0 + 11), *[""] * 11]


def test_loss_and_rate_columns_are_always_there(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    assert table(run) == "step,time,loss,lr\n"
    run.declare(0, "accuracy", "metric", None)
    run.points(0, [(5, T0, 0.5)])
    assert table(run) == f"step,time,loss,lr,accuracy\n5,{T0!r},,,0.5\n"


def test_a_run_without_an_optimizer(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.event("no_optimizer", reason="none was seen")
    run.declare(0, "loss", "loss", None)
    run.points(0, [(1, T0, 2.0)])
    assert table(run) == f"step,time,loss,lr\n1,{T0!r},2.0,\n"


def test_what_is_not_finite(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.declare(0, "loss", "loss")
    run.points(0, [(1, T0, math.nan), (2, T0, math.inf), (3, T0, -math.inf), (4, T0, -0.0)])
    assert [line.split(",")[2] for line in table(run).splitlines()[1:]] == [
        "nan",
        "inf",
        "-inf",
        "-0.0",
    ]


def test_of_two_values_at_a_step_the_last_counts(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.declare(0, "accuracy", "metric", None)
    run.points(0, [(2, T0, 1.0), (2, T0 + 1, 2.0), (1, T0 + 2, 3.0), (2, T0 + 3, 4.0)])
    # Out of order too: rows are by step, and the time is the earliest value's.
    assert table(run) == f"step,time,loss,lr,accuracy\n1,{T0 + 2!r},,,3.0\n2,{T0!r},,,4.0\n"


def test_time_is_that_of_the_loss(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.declare(0, "loss", "loss")
    run.declare(1, "lr[0.0]", "lr", group=0)
    run.declare(2, "accuracy", "metric", None)
    run.points(0, [(1, T0 + 5, 1.0)])
    run.points(1, [(1, T0 + 3, 0.1), (2, T0 + 8, 0.2)])
    run.points(2, [(1, T0 + 2, 0.5), (2, T0 + 7, 0.6)])
    assert [line.split(",")[1] for line in table(run).splitlines()[1:]] == [
        repr(T0 + 5),
        repr(T0 + 7),
    ]


def test_a_metric_that_bears_a_columns_name_is_told_apart(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=1)
    for index, name in enumerate(["loss", "step", "log:loss"], 3):
        run.declare(index, name, "metric", None)
        run.points(index, [(1, T0, float(index))])
    header = table(run).splitlines()[0].split(",")
    assert len(set(header)) == len(header)
    assert header[:5] == ["step", "time", "loss", "lr", "scheduled[0.0]"]
    assert set(header[5:]) == {"log:loss", "log:step", "log:log:loss"}


def test_ranks(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    for rank in (0, 2):
        run.declare(0, "loss", "loss", rank=rank)
        run.points(0, [(1, T0, float(rank))], rank=rank)
    assert table(run).endswith(",0.0,\n")
    assert table(run, 2).endswith(",2.0,\n")
    with pytest.raises(ExportError, match=r"no rank 1 \(recorded: 0, 2\)"):
        table(run, 1)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Recorded(tmp_path / "home")
    run.training(steps=2)
    target = tmp_path / "out.csv"
    target.write_text("old")
    assert export_csv(read(run), target) == 2
    assert target.read_text() == table(run)

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "write_csv", fail)
    with pytest.raises(ExportError, match="No space left"):
        export_csv(read(run), target)
    assert target.read_text() == table_of(target)
    assert [p.name for p in tmp_path.glob("*out*")] == ["out.csv"]
    assert list(tmp_path.glob(".*")) == []


def table_of(path: Path) -> str:
    text = path.read_text()
    assert text.startswith("step,time,loss,lr")
    return text


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    run = Recorded(tmp_path / "home")
    run.training()
    reader = read(run)
    with pytest.raises(ExportError, match="is a folder"):
        export_csv(reader, tmp_path)
    with pytest.raises(ExportError, match="cannot be written: No such file"):
        export_csv(reader, tmp_path / "nowhere" / "out.csv")


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    run = Recorded(tmp_path / "home")
    run.training()
    real, link, pipe = tmp_path / "real.csv", tmp_path / "link.csv", tmp_path / "pipe"
    link.symlink_to(real)
    export_csv(read(run), link)
    assert link.is_symlink()
    assert real.read_text() == table(run)
    os.mkfifo(pipe)
    got: list[str] = []
    thread = threading.Thread(target=lambda: got.append(pipe.read_text()))
    thread.start()
    export_csv(read(run), pipe)
    thread.join(10)
    assert got == [table(run)]
    assert pipe.is_fifo()


value = st.floats(-10, 10) | st.sampled_from([math.nan, math.inf, -math.inf])
column = st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1e9), value), max_size=40)


@given(st.lists(column, min_size=1, max_size=4), st.integers(1, 7))
def test_equals_the_plain_way(
    tmp_path_factory: pytest.TempPathFactory, columns: list[list[Point]], rows: int
) -> None:
    """Against a dictionary of rows, with blocks of any size."""
    run = Recorded(tmp_path_factory.mktemp("home"))
    names = ["loss", "lr", "a", "b"][: len(columns)]
    kinds = ["loss", "lr", "metric", "metric"]
    expected: dict[int, dict[str, str]] = {}
    earliest: dict[int, float] = {}
    for index, (name, points) in enumerate(zip(names, columns, strict=True)):
        group = 0 if kinds[index] == "lr" else None
        run.declare(index, name, kinds[index], 0 if index < 2 else None, group)
        run.points(index, points)
        first: set[int] = set()
        for step, when, v in points:
            expected.setdefault(step, {})[name] = repr(v)
            if step not in first:  # a value's time: the first of its series at that step
                first.add(step)
                earliest[step] = min(earliest.get(step, math.inf), when)
            if name == "loss":
                expected[step]["time"] = repr(when)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_ROWS", rows)
        got = list(csv.DictReader(io.StringIO(table(run))))
    assert [row["step"] for row in got] == [str(step) for step in sorted(expected)]
    for row in got:
        want = expected[int(row["step"])]
        assert {k: row[k] for k in names} == {k: want.get(k, "") for k in names}
        assert row["time"] == want.get("time", repr(earliest[int(row["step"])]))


@pytest.mark.benchmark
def test_a_million_steps_take_seconds(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.declare(0, "loss", "loss")
    run.declare(1, "lr[0.0]", "lr", group=0)
    records = np.zeros(1_000_000, np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")]))
    records["step"] = np.arange(1, 1_000_001)
    records["time"] = T0 + np.arange(1_000_000) / 1000
    records["value"] = np.random.default_rng(0).normal(size=1_000_000)
    for index in (0, 1):
        run.raw(index, records.tobytes())
    begin = time.perf_counter()
    assert export_csv(read(run), tmp_path / "out.csv") == 1_000_000
    assert time.perf_counter() - begin < 15
