"""Logs of Hugging Face's and Lightning's trainers, as these wrote them (tests/fixtures/logs)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from lrmonitor.record.foreign.lightning import LightningLog, plain_settings
from lrmonitor.record.foreign.reader import LogReader, read_log
from lrmonitor.record.foreign.trainer_state import TrainerStateLog
from tests.unit.test_logs_csv import columns, told

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"
STATE = "trainer_state.json"


def read(path: Path) -> LogReader:
    reader = read_log(path)
    reader.poll()
    return reader


@pytest.mark.parametrize("below", ["", "checkpoint-30", f"checkpoint-30/{STATE}"])
def test_a_hugging_face_run(below: str) -> None:
    reader = read(LOGS / "huggingface" / below)
    assert isinstance(reader.log, TrainerStateLog)
    found = columns(reader)
    assert [step for step, _ in found["loss"]] == list(range(2, 31, 2))
    assert [step for step, _ in found["eval_loss"]] == [10, 20, 30]
    roles = reader.roles
    assert (roles.loss, roles.rates, roles.validation) == ("loss", ("learning_rate",),
                                                           ("eval_loss",))  # fmt: skip
    assert roles.metrics[0] == "grad_norm"
    assert roles.metrics[-1] == "epoch"
    assert reader.info["settings"]["max_steps"] == "30"
    assert told(reader) == []


def test_a_run_is_followed_from_checkpoint_to_checkpoint(tmp_path: Path) -> None:
    shutil.copytree(LOGS / "huggingface" / "checkpoint-10", tmp_path / "checkpoint-10")
    reader = read(tmp_path)
    assert [step for step, _ in columns(reader)["loss"]] == [2, 4, 6, 8, 10]
    series = reader.ranks[0].by_name["loss"]
    assert not reader.poll()
    shutil.copytree(LOGS / "huggingface" / "checkpoint-30", tmp_path / "checkpoint-30")
    assert reader.poll()
    assert [step for step, _ in columns(reader)["loss"]] == list(range(2, 31, 2))
    assert reader.ranks[0].by_name["loss"] is series
    assert told(reader) == []


def test_a_state_that_is_rewritten(tmp_path: Path) -> None:
    path = tmp_path / STATE
    entries = [{"step": n, "loss": 1 / n, "epoch": n / 2} for n in range(1, 6)]
    path.write_text(json.dumps({"log_history": entries[:2]}, indent=2))
    reader = read(tmp_path)
    path.write_text(json.dumps({"log_history": entries}, indent=2)[:60])  # in the midst of it
    reader.poll()
    assert len(columns(reader)["loss"]) == 2
    path.write_text(json.dumps({"log_history": entries}, indent=2))
    assert reader.poll()
    assert len(columns(reader)["loss"]) == 5
    assert told(reader) == []
    path.write_text(json.dumps({"log_history": [{"step": 1, "loss": 9.0}]}))
    assert reader.poll()
    assert columns(reader)["loss"] == [(1, 9.0)]
    assert "its history is another one now" in told(reader)[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n "log_history": [{"st', "it is no JSON, or only a part of it is there"),
        ('{\n "log_history": 3\n}', "it has no log_history"),
        ('[\n "log_history"\n]', "it has no log_history"),
    ],
)
def test_a_state_that_is_none(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / STATE).write_text(text)
    reader = read(tmp_path)
    reader.poll()
    assert [t for t in told(reader) if says in t]
    assert columns(reader) == {}


def test_entries_that_are_none(tmp_path: Path) -> None:
    history = [3, {"step": 1, "loss": "high"}, {"step": 2, "loss": 0.5}, {"step": 3, "loss": 0.4}]
    (tmp_path / STATE).write_text(json.dumps({"log_history": history}))
    reader = read(tmp_path)
    assert columns(reader)["loss"] == [(2, 0.5), (3, 0.4)]
    assert told(reader) == [
        f"{STATE}: entry 2 of log_history: 'high' in column 'loss' is no number"
    ]


@pytest.mark.parametrize("below", ["", "lightning_logs", "lightning_logs/version_0"])
def test_a_lightning_run(below: str) -> None:
    reader = read(LOGS / "lightning" / below)
    assert isinstance(reader.log, LightningLog)
    found = columns(reader)
    assert [step for step, _ in found["train_loss"]] == list(range(30))
    assert [step for step, _ in found["val_loss"]] == [9, 19, 29]
    assert {value for _, value in found["lr-SGD"]} == {0.05, 0.025, 0.0125}
    roles = reader.roles
    assert (roles.loss, roles.rates, roles.validation) == ("train_loss", ("lr-SGD",),
                                                           ("val_loss",))  # fmt: skip
    assert reader.info["settings"] == {"lr": "0.05", "width": "3"}
    assert reader.info["name"] == "lightning_logs/version_0"
    assert told(reader) == []


def test_metrics_whose_header_grows_are_read_anew(tmp_path: Path) -> None:
    """Lightning writes the file anew when a metric comes that it did not have."""
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_loss\n0,0,2.0\n0,1,1.0\n")
    reader = read(tmp_path)
    path.write_text("epoch,step,train_loss,val_loss\n0,0,2.0,\n0,1,1.0,\n0,1,,1.5\n")
    assert reader.poll()
    assert columns(reader)["train_loss"] == [(0, 2.0), (1, 1.0)]
    assert columns(reader)["val_loss"] == [(1, 1.5)]


def test_settings_are_plain_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "hparams.yaml"
    path.write_text(
        "lr: 0.1\nname: 'a b'\nmodel: !!python/object:x.Y {}\nnested:\n  a: 1\nanchor: &a\n"
        "- item\nempty:\n# note: 1\ntext: |\n  more\n"
    )
    assert plain_settings(path) == {"lr": "0.1", "name": "a b"}
    path.write_bytes(os.urandom(200))
    assert isinstance(plain_settings(path), dict)
