from __future__ import annotations

import json
import math
import os
import shutil
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import RankReader, RunReader, Series, read_run_json
from tests.helpers.recorded import T0, Point, Recorded


def gone(reader: RunReader) -> bool:
    """Whether the folder is gone now (asked anew each time, which a type checker would not)."""
    return reader.gone


def test_reads_what_there_is_and_follows(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    reader = RunReader(run.folder)
    assert reader.poll()
    assert reader.info == run.info
    assert reader.ranks == {}
    assert not reader.poll()

    run.supervisor("starting", pid=1)
    run.training(steps=3)
    run.client("note", text="hello")
    assert reader.poll()
    loss = reader.ranks[0].by_name["loss"]
    assert loss.step.tolist() == [1, 2, 3]
    assert loss.value.tolist() == [1, 1 / 2, 1 / 3]
    assert loss.time.tolist() == [T0 + 0.1 * n for n in (1, 2, 3)]
    assert (loss.step.dtype.name, loss.time.dtype.name) == ("int64", "float64")
    assert [e["event"] for e in reader.supervisor] == ["starting"]
    assert [e["event"] for e in reader.ranks[0].events][:2] == ["environment", "optimizer"]
    assert reader.clients[0]["text"] == "hello"
    assert reader.clients[0]["client"] == "cli-1"
    assert not reader.poll()

    run.points(0, [(4, T0 + 1, 7.0)])
    assert reader.poll()
    assert loss.value[-1] == 7.0
    assert len(loss) == 4


def test_series_know_what_they_are(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training()
    reader = RunReader(run.folder)
    reader.poll()
    info = reader.ranks[0].by_name["scheduled[0.0]"].info
    assert (info.series, info.kind, info.optimizer, info.group) == (2, "scheduled_lr", 0, 0)
    assert info.recorded == "changes"


def test_views_are_not_copies_and_stay_valid(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=5)
    reader = RunReader(run.folder)
    reader.poll()
    loss = reader.ranks[0].by_name["loss"]
    early = loss.value
    assert np.shares_memory(early, loss.value)
    with pytest.raises(ValueError, match="read-only"):
        early[0] = 1.0
    run.points(0, ((n, T0, 0.0) for n in range(6, 5000)))
    reader.poll()
    assert early.tolist() == [1 / n for n in range(1, 6)]
    assert loss.value[:5].tolist() == early.tolist()


def test_a_partial_record_waits_for_its_end(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=2)
    whole = struct.pack("<qdd", 3, T0, 0.25)
    run.raw(0, whole[:11])
    reader = RunReader(run.folder)
    reader.poll()
    loss = reader.ranks[0].by_name["loss"]
    assert len(loss) == 2
    run.raw(0, whole[11:20])
    assert not reader.poll()
    run.raw(0, whole[20:])
    assert reader.poll()
    assert (loss.step[-1], loss.value[-1]) == (3, 0.25)


def test_a_torn_line_waits_and_a_corrupt_one_is_counted(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.event("environment", pid=1)
    path = run.folder / "ranks" / "0" / "events.jsonl"
    with open(path, "a", encoding="utf-8") as file:
        file.write('{"time": 1, "eve')
    reader = RunReader(run.folder)
    reader.poll()
    assert len(reader.ranks[0].events) == 1
    with open(path, "a", encoding="utf-8") as file:
        file.write('nt": "paused"}\n{"time": oops}\n\x00\x00\n[1, 2]\n')
    run.event("resumed")
    assert reader.poll()
    assert [e["event"] for e in reader.ranks[0].events] == ["environment", "paused", "resumed"]
    assert reader.corrupt == 3


def test_a_file_that_no_event_declares_is_read_too(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training()
    run.points(7, [(1, T0, 5.0)])
    (run.folder / "ranks" / "0" / "series" / "notes.txt").write_text("not a series")
    (run.folder / "ranks" / "0" / "series" / "x.f64").write_text("nor this")
    reader = RunReader(run.folder)
    reader.poll()
    stranger = reader.ranks[0].by_name["series 7"]
    assert stranger.value.tolist() == [5.0]
    run.declare(7, "accuracy", "metric", optimizer=None)
    reader.poll()
    assert reader.ranks[0].by_name["accuracy"] is stranger
    assert "series 7" not in reader.ranks[0].by_name
    assert sorted(reader.ranks[0].series) == [0, 1, 2, 7]


def test_a_metric_does_not_take_the_name_of_the_loss(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.declare(0, "loss", "metric", optimizer=None)
    run.declare(1, "loss", "loss")
    run.declare(2, "loss", "metric", optimizer=None)
    reader = RunReader(run.folder)
    reader.poll()
    assert reader.ranks[0].by_name["loss"].info.series == 1


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"series": -1, "name": "x"},
        {"series": "0", "name": "x"},
        {"series": 0, "name": ""},
        {"series": 0},
        {"series": True, "name": "x"},
    ],
)
def test_a_declaration_that_makes_no_sense_is_ignored(tmp_path: Path, event: object) -> None:
    run = Recorded(tmp_path)
    assert isinstance(event, dict)
    run.event("series", **event)
    reader = RunReader(run.folder)
    reader.poll()
    assert reader.ranks[0].series == {}


def test_a_file_that_shrank_is_read_again(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=10)
    reader = RunReader(run.folder)
    reader.poll()
    rank = reader.ranks[0]
    loss = rank.by_name["loss"]
    run.series_file(0).write_bytes(b"")
    run.points(0, [(1, T0, 3.0), (2, T0, 4.0)])
    before = rank.version
    assert reader.poll()
    assert loss.value.tolist() == [3.0, 4.0]
    assert rank.version > before
    run.points(0, [(3, T0, 5.0)])
    reader.poll()
    assert loss.value.tolist() == [3.0, 4.0, 5.0]


def test_files_that_vanish_leave_what_was_read(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=4)
    reader = RunReader(run.folder)
    reader.poll()
    run.series_file(0).unlink()
    reader.poll()
    assert len(reader.ranks[0].by_name["loss"]) == 4
    assert not gone(reader)
    shutil.rmtree(run.folder)
    assert reader.poll()
    assert gone(reader)
    assert not reader.poll()
    assert len(reader.ranks[0].by_name["loss"]) == 4


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    reader = RunReader(tmp_path / "20231114-221320-abcd")
    assert reader.poll()
    assert gone(reader)
    Recorded(tmp_path).training()
    assert reader.poll()
    assert not gone(reader)
    assert reader.info["name"] == "digits"
    assert len(reader.ranks[0].by_name["loss"]) == 10


def test_only_numbers_are_ranks(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training()
    for name in ("x", "01", "-1", "1.tmp", "²"):
        (run.folder / "ranks" / name).mkdir()
    run.event("environment", rank=10)
    run.event("environment", rank=2)
    reader = RunReader(run.folder)
    reader.poll()
    assert list(reader.ranks) == [0, 2, 10]


def test_the_last_points_alone(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=100)
    reader = RunReader(run.folder, last=7)
    reader.poll()
    loss = reader.ranks[0].by_name["loss"]
    assert loss.step.tolist() == list(range(94, 101))
    run.points(0, ((n, T0, 0.0) for n in range(101, 121)))
    reader.poll()
    assert loss.step.tolist() == list(range(94, 121))
    run.points(0, [(121, T0, 0.5), (122, T0, 0.25)])
    assert reader.poll()
    assert loss.step.tolist() == list(range(116, 123))  # of more than 28 the last 7
    assert loss.value.tolist() == [0.0] * 5 + [0.5, 0.25]
    run.points(0, ((n, T0, 0.0) for n in range(123, 20_121)))
    assert reader.poll()
    assert loss.step.tolist() == list(range(20_114, 20_121))
    run.series_file(0).write_bytes(b"")
    run.points(0, [(1, T0, 3.0)])
    reader.poll()
    assert loss.step.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "has no run.json"),
        ("", "damaged"),
        ("{", "damaged"),
        ("[]", "not one of lrmonitor's"),
        ("{}", "not one of lrmonitor's"),
        ('{"format": "1"}', "not one of lrmonitor's"),
        ('{"format": 2}', "newer lrmonitor"),
    ],
)
def test_run_json_that_cannot_be_read(tmp_path: Path, text: str | None, problem: str) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    info, why = read_run_json(tmp_path)
    assert info is None
    assert problem in (why or "")
    reader = RunReader(tmp_path)
    reader.poll()
    assert reader.problem == why is not None
    (tmp_path / "run.json").write_text(json.dumps({"format": 1, "id": "x"}))
    again = RunReader(tmp_path)
    for each in (reader, again):
        assert each.poll()
        assert each.problem is None
        assert each.info["id"] == "x"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training()
    run.series_file(0).chmod(0)
    reader = RunReader(run.folder)
    reader.poll()
    assert len(reader.ranks[0].by_name["loss"]) == 0
    run.series_file(0).chmod(0o600)
    reader.poll()
    assert len(reader.ranks[0].by_name["loss"]) == 10


points = st.tuples(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.floats(allow_nan=False)
)


@given(st.lists(st.lists(points, max_size=40), max_size=12), st.data())
def test_however_it_is_cut_everything_arrives(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[list[Point]], data: st.DataObject
) -> None:
    """Bytes that come in any portions give the same columns, bit by bit."""
    run = Recorded(tmp_path_factory.mktemp("run"))
    run.declare(0, "loss", "loss")
    reader = RunReader(run.folder)
    everything = b"".join(struct.pack("<qdd", *p) for chunk in chunks for p in chunk)
    written = 0
    while written < len(everything):
        size = data.draw(st.integers(1, 500))
        run.raw(0, everything[written : written + size])
        written += size
        reader.poll()
        assert len(reader.ranks[0].by_name["loss"]) == min(written, len(everything)) // 24
    reader.poll()
    loss = reader.ranks[0].by_name["loss"]
    expected = [p for chunk in chunks for p in chunk]
    assert loss.step.tolist() == [p[0] for p in expected]
    assert loss.time.tolist() == [p[1] for p in expected]
    assert loss.value.tolist() == [p[2] for p in expected]
    steps = [p[0] for p in expected]
    assert loss.ascending == (steps == sorted(steps))


def test_nan_keeps_its_bits(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.declare(0, "loss", "loss")
    run.points(0, [(1, T0, math.nan), (2, T0, -0.0), (3, T0, -math.inf)])
    reader = RunReader(run.folder)
    reader.poll()
    value = reader.ranks[0].by_name["loss"].value
    assert math.isnan(value[0])
    assert math.copysign(1, value[1]) == -1
    assert value[2] == -math.inf


def test_growing_is_cheap_on_average(tmp_path: Path) -> None:
    series = Series(SeriesInfo(0, "loss", "loss", 0, None, "each"))
    records = np.zeros(100, np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")]))
    bases = set()
    for _ in range(2000):
        series.extend(records)
        bases.add(series.value.__array_interface__["data"][0])
    assert len(series) == 200_000
    assert len(bases) < 15


def test_an_idle_poll_is_cheap(tmp_path: Path) -> None:
    """A window polls 30 times a second: tens of files must cost it next to nothing."""
    run = Recorded(tmp_path)
    run.training()
    for index in range(3, 53):
        run.declare(index, f"metric {index}", "metric", optimizer=None)
        run.points(index, [(1, T0, 1.0)])
    reader = RunReader(run.folder)
    reader.poll()
    took = []
    for _ in range(20):
        begin = time.perf_counter()
        assert not reader.poll()
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.005


def test_a_rank_can_be_read_alone(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training()
    rank = RankReader(run.folder / "ranks" / "0", 0)
    assert rank.poll()
    assert repr(rank.by_name["loss"]) == "<Series 'loss', 10 points>"
