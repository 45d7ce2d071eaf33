"""Values of the script's loggers as series: names, what is one series, what is left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrmonitor.diagnosis.source import Columns, read_rows
from lrmonitor.model.run import RunModel
from lrmonitor.probe import mirror
from lrmonitor.probe.steps import Steps
from lrmonitor.record.create import create_run
from lrmonitor.record.reader import RankReader, RunReader

torch = pytest.importorskip("torch")


class Run:
    """A process's probe, and what it has recorded."""

    def __init__(self, home: Path) -> None:
        self.folder = create_run(
            home, name="logs", kind="started", script="s.py", argv=["s.py"], command=["s.py"],
            cwd="/", python="python", env={},
        )  # fmt: skip
        self.steps = Steps(self.folder)
        self.mirror = self.steps.mirror

    def take(self, kind: str, *pairs: tuple[Any, Any], which: str = "") -> None:
        """A logger is given values."""
        self.mirror.take(kind, which, list(pairs))

    def read(self) -> RankReader:
        """All that was recorded; it ends the recording."""
        assert self.steps.session is not None
        self.steps.finish()
        reader = RunReader(self.folder)
        reader.poll()
        assert [e for e in reader.ranks[0].events if e["event"] == "probe_error"] == []
        return reader.ranks[0]

    def points(self) -> dict[str, list[tuple[int, float]]]:
        """All values by series and step."""
        return {
            series.info.name: list(zip(series.step.tolist(), series.value.tolist(), strict=True))
            for series in self.read().series.values()
        }


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Run]:
    """A process that trains."""
    found = Run(tmp_path)
    yield found
    found.steps.finish()


def test_values_are_numbers_only(one: Run) -> None:
    one.steps.register()
    values = {
        "float": 0.1, "int": 3, "nan": math.nan, "array": np.array([2.5]), "numpy": np.float32(0.1),
        "tensor": torch.tensor([[4.0]]), "graph": torch.ones(1, requires_grad=True).sum(),
    }  # fmt: skip
    no_numbers = {
        "flag": True, "text": "0.5", "none": None, "large": 10**400, "two": torch.ones(2),
        "arrays": np.ones(3), "complex": 1j, "what": torch.tensor(True), "objects": np.array(["a"]),
        "complex tensor": torch.tensor(1j), "image": object(), "list": [1.0],
    }  # fmt: skip
    one.take("W&B", *values.items(), *no_numbers.items(), (7, 1.0))
    found = one.points()
    assert math.isnan(found.pop("nan")[0][1])
    assert found == {
        "float": [(0, 0.1)], "int": [(0, 3.0)], "array": [(0, 2.5)],
        "numpy": [(0, float(np.float32(0.1)))], "tensor": [(0, 4.0)], "graph": [(0, 1.0)],
    }  # fmt: skip


def test_what_is_logged_before_the_training_begins(one: Run) -> None:
    for number in range(mirror.EARLY + 10):
        one.take("TensorBoard", ("val/loss", number), which="runs/a")
    assert not (one.folder / "ranks").exists()
    one.steps.register()
    one.steps.step = 5
    one.take("TensorBoard", ("val/loss", -1.0), which="runs/a")
    assert one.points() == {"val/loss": [*((0, float(n)) for n in range(mirror.EARLY)), (5, -1.0)]}


@pytest.mark.parametrize(
    "tag", ["loss", "lr", "grad_norm", "update_ratio", "step[0]", "lr[0.1]", "loss[1]", "parts[0]"]
)
def test_the_names_of_lrmonitors_own_series_stay_its_own(one: Run, tag: str) -> None:
    one.steps.register()
    one.take("Trainer", (tag, 1.0))
    assert set(one.points()) == {f"{tag} (Trainer)"}


def test_counters_are_left_out(one: Run) -> None:
    one.steps.register()
    one.take("W&B", ("epoch", 1), ("trainer/global_step", 5), ("train.step", 3), ("stepwise", 2))
    assert set(one.points()) == {"stepwise"}


def test_two_loggers_of_the_same_values_make_one_series(one: Run) -> None:
    one.steps.register()
    expected = {}
    for step in range(5):
        one.steps.step = step
        value = math.nan if step == 2 else 1 / (step + 3)
        one.take("TensorBoard", ("val/loss", float(np.float32(value))), which="runs/a")
        one.take("W&B", ("val/loss", value))
        expected[step] = float(np.float32(value))
    (found,) = one.points().values()
    assert len(found) == 5
    assert dict(found) == pytest.approx(expected, rel=0, abs=0, nan_ok=True)


def test_loggers_that_differ_have_series_of_their_own(one: Run) -> None:
    one.steps.register()
    for step in range(4):
        one.steps.step = step
        one.take("TensorBoard", ("loss", 1.0), ("accuracy", 0.0), which="runs/a/train")
        one.take("TensorBoard", ("loss", 1.0 + step), ("accuracy", 0.5), which="runs/a/val")
        one.take("W&B", ("accuracy", float(step)))
    found = one.points()
    assert found == {
        "loss (TensorBoard)": [(step, 1.0) for step in range(4)],
        "val/loss": [(step, 1.0 + step) for step in range(4)],
        "accuracy": [(step, 0.0) for step in range(4)],
        "val/accuracy": [(step, 0.5) for step in range(4)],
        # At step 0 it was the same as TensorBoard's.
        "accuracy (W&B)": [(step, float(step)) for step in range(1, 4)],
    }


def test_a_series_of_lrmonitors_log_keeps_its_name(one: Run) -> None:
    one.steps.log(None, {"score": 1.0})
    one.take("MLflow", ("score", 2.0))
    assert one.points() == {"score": [(0, 1.0)], "score (MLflow)": [(0, 2.0)]}


def test_too_many_values_are_left_out_and_told(one: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(mirror, "time", lambda: now)
    one.steps.register()
    many = int(mirror.AT_ONCE)
    for start in range(0, 2 * many, 100):
        one.take("W&B", *(("a", float(n)) for n in range(start, start + 100)))
    now += 0.5
    one.take("W&B", *(("a", -1.0) for _ in range(many)))
    rank = one.read()
    expected = [*map(float, range(many)), *[-1.0] * int(mirror.A_SECOND / 2)]
    assert rank.by_name["a"].value.tolist() == expected
    told = [e["values"] for e in rank.events if e["event"] == "values_left_out"]
    assert sum(told) == 3 * many - len(expected)


def test_too_many_series_are_left_out_and_told(one: Run) -> None:
    one.steps.register()
    one.take("W&B", *((f"layer {n}", 1.0) for n in range(mirror.SERIES + 44)))
    rank = one.read()
    assert len(rank.series) == mirror.SERIES
    assert sum(e["values"] for e in rank.events if e["event"] == "values_left_out") == 44


def test_what_lrmonitor_records_itself_is_the_last(one: Run) -> None:
    one.steps.register()
    one.take("Trainer", ("loss", 1.0), ("learning_rate", 0.1), ("eval_loss", 2.0))
    one.steps.log(None, {"lr of mine": 1.0})
    one.read()
    model = RunModel(one.folder)
    model.poll()
    names = [series.info.name for series in model.metrics()]
    assert names == ["eval_loss", "lr of mine", "loss (Trainer)", "learning_rate"]


def test_a_diagnosis_takes_the_logged_validation_before_the_observed_one(one: Run) -> None:
    session = one.steps.register()
    assert session is not None
    loss = session.writer.series("loss", "loss", 0)
    observed = session.writer.series("eval loss (observed)", "metric", source="evaluation")
    for step in range(1, 5):
        loss.add(step, 1.0 * step, 0.5)
        observed.add(step, 1.0 * step, 2.0)
    one.steps.step = 3
    one.take("TensorBoard", ("val/loss", 3.0))
    one.read()
    reader = RunReader(one.folder)
    reader.poll()
    rows = read_rows(reader, Columns())
    assert rows.val is not None
    assert [value for value in rows.val.tolist() if not math.isnan(value)] == [3.0]
    rows = read_rows(reader, Columns(val="eval loss (observed)"))
    assert rows.val is not None
    assert rows.val.tolist() == [2.0] * 4
