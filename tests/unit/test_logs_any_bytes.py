"""Whatever bytes are in a log: reading it never raises, and reading it in parts tells the same."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrmonitor.record.foreign import tfrecord
from lrmonitor.record.foreign.base import ForeignLog, NotALog
from lrmonitor.record.foreign.csvlog import CsvLog
from lrmonitor.record.foreign.jsonllog import JsonlLog
from lrmonitor.record.foreign.lightning import LightningLog
from lrmonitor.record.foreign.reader import LogReader, read_log
from lrmonitor.record.foreign.tensorboard import TensorBoardLog
from lrmonitor.record.foreign.trainer_state import TrainerStateLog
from tests.unit.test_logs_csv import columns
from tests.unit.test_logs_tensorboard import scalar

WORDS = st.sampled_from(
    [b"step", b"loss", b"lr", b",", b";", b"\t", b"\n", b"\r\n", b'"', b"1", b"2", b"0.5", b"nan",
     b"1e999", b"-", b"{", b"}", b'"step"', b":", b"[", b"]", b"#", b"\xff", b"\0", b"log_history",
     b"99999999999999999999", b"null", b"true"]
)  # fmt: skip
TEXT = st.one_of(st.binary(max_size=200), st.lists(WORDS, max_size=60).map(b"".join))
EVENTS = st.lists(
    st.one_of(
        st.binary(max_size=40).map(tfrecord.framed),
        st.integers(1, 100).map(lambda n: tfrecord.framed(scalar("loss", n, n / 2))),
        st.binary(max_size=20),
    ),
    max_size=8,
).map(b"".join)
KINDS: list[tuple[type[ForeignLog], str]] = [
    (CsvLog, "a.csv"), (JsonlLog, "a.jsonl"), (TrainerStateLog, "trainer_state.json"),
    (TensorBoardLog, "events.tfevents.1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), KINDS)
@settings(max_examples=150, deadline=None)
@given(first=TEXT | EVENTS, then=TEXT | EVENTS)
def test_reading_never_raises(kind: type[ForeignLog], name: str, first: bytes, then: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(first)
        os.utime(path, (1e9, 1e9))
        with contextlib.suppress(NotALog):
            read_log(path).poll()
        reader = LogReader(kind(path))
        reader.poll()
        with open(path, "ab") as file:
            file.write(then)
        reader.poll()
        path.write_bytes(then)
        reader.poll()
        reader.poll()
        for series in reader.ranks[0].series.values():
            assert series.ascending


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_settings_of_any_bytes(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "metrics.csv").write_bytes(b"step,loss\n1,0.5\n")
        (Path(folder) / "hparams.yaml").write_bytes(data)
        reader = LogReader(LightningLog(Path(folder)))
        reader.poll()
        assert columns(reader) == {"loss": [(1, 0.5)]}


CELLS = st.sampled_from(["", "1", "2.5", "nan_", "x", "7", "-3", "1e5", "null"])


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=40),
    cuts=st.lists(st.integers(1, 400), max_size=8),
)
def test_a_table_read_in_parts_is_that_read_at_once(
    rows: list[tuple[str, str, str]], cuts: list[int]
) -> None:
    text = "a,loss,b\n" + "".join(",".join(row) + "\n" for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        whole, grown = Path(folder) / "whole.csv", Path(folder) / "grown.csv"
        whole.write_text(text)
        at_once = LogReader(CsvLog(whole))
        at_once.poll()
        grown.touch()
        in_parts = LogReader(CsvLog(grown))
        edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
        for begin, end in itertools.pairwise(edges):
            with open(grown, "a") as file:
                file.write(text[begin:end])
            in_parts.poll()
        assert {n: _plain(v) for n, v in columns(in_parts).items()} == {
            n: _plain(v) for n, v in columns(at_once).items()
        }
        assert set(in_parts.log.left_out) == set(at_once.log.left_out)


def _plain(points: list[tuple[int, float]]) -> list[tuple[int, str]]:
    return [(step, repr(value)) for step, value in points]
