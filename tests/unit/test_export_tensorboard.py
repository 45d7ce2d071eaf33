"""Event files of a run, read back by TensorBoard's own reader; and parts of a run."""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.record.export import ExportError, export_csv
from lrmonitor.record.export_tensorboard import export_tensorboard
from lrmonitor.record.foreign.reader import read_log
from lrmonitor.record.reader import RunReader
from lrmonitor.record.span import StepRange
from tests.helpers.recorded import T0, Recorded


def read(run: Recorded) -> RunReader:
    reader = RunReader(run.folder)
    reader.poll()
    return reader


def board(folder: Path) -> Any:
    """TensorBoard's reader, which keeps every event."""
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = module.EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    return found.Reload()


STEPS = [1, 2, 127, 128, 16383, 16384, 2**31, 2**40]
VALUES = [1.0, 0.1, -2.5, math.inf, 1e300, 1e-50, 0.0, 3.0]


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=0)
    points = [(s, T0 + n / 3, v) for n, (s, v) in enumerate(zip(STEPS, VALUES, strict=True))]
    run.points(0, points)
    run.declare(3, "a metric, with ü and " + "x" * 200, "metric", None)
    run.points(3, [(5, T0, math.nan)])
    folder = tmp_path / "board" / "run1"
    assert export_tensorboard(read(run), folder) == len(STEPS) + 3
    found = board(folder)
    assert set(found.Tags()["scalars"]) == {
        "loss", "lr", "scheduled[0.0]", "a metric, with ü and " + "x" * 200,
    }  # fmt: skip
    loss = found.Scalars("loss")
    assert [event.step for event in loss] == STEPS
    assert [event.wall_time for event in loss] == [time for _, time, _ in points]
    expected = [struct.unpack("<f", struct.pack("<f", v))[0] if v < 1e300 or v == math.inf
                else math.inf for v in VALUES]  # fmt: skip
    assert [event.value for event in loss] == expected
    assert math.isnan(found.Scalars("a metric, with ü and " + "x" * 200)[0].value)


def test_our_own_reader_reads_it_too(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=40_000)
    export_tensorboard(read(run), tmp_path / "board")
    reader = read_log(tmp_path / "board")
    reader.poll()
    loss = reader.ranks[0].by_name["loss"]
    assert loss.step.tolist() == list(range(1, 40_001))
    assert loss.value[-1] == pytest.approx(1 / 40_000, rel=1e-7)
    assert [e for e in reader.ranks[0].events if e["event"] == "log_problem"] == []


def test_a_folder_with_event_files_is_refused(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=3)
    export_tensorboard(read(run), tmp_path / "board")
    with pytest.raises(ExportError, match="holds event files already"):
        export_tensorboard(read(run), tmp_path / "board")
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        export_tensorboard(read(run), tmp_path / "file")
    with pytest.raises(ExportError, match="no rank 7"):
        export_tensorboard(read(run), tmp_path / "other", rank=7)
    assert len(list((tmp_path / "board").iterdir())) == 1


@pytest.mark.parametrize(
    ("span", "steps"),
    [
        ("3:5", [3, 4, 5]),
        (":2", [1, 2]),
        ("9:", [9, 10]),
        ("4:4", [4]),
        ("20:30", [20]),
    ],
)
def test_a_part_of_a_run(tmp_path: Path, span: str, steps: list[int]) -> None:
    run = Recorded(tmp_path)
    run.training(steps=10)
    text = io.StringIO()
    export_csv(read(run), text, None, StepRange.parse(span))
    rows = [line.split(",") for line in text.getvalue().splitlines()[1:]]
    assert [int(row[0]) for row in rows] == steps
    # The rate changed last in step 1: what was in force is told.
    assert rows[0][3] == "0.001"


@pytest.mark.parametrize("text", ["", ":", "5", "a:b", "5:3", "-1:4", "1:2:3", f"1:{2**63}"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"range|begins|beyond"):
        StepRange.parse(text)
