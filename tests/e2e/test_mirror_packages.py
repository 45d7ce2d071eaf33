"""Real packages that log; docs/frameworks.md says how to install them for these tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.both import read_rank
from tests.helpers.launch import only_run, plain, run

pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("wild")]

SCRIPTS = "tests.fixtures.training.logging"
PATIENCE = 180.0
"""Seconds that a script may take: its imports alone take many on a busy machine."""

TIMES = ("runtime", "per_second")
"""Of Hugging Face's values, those that are never the same again."""


def mirrored(name: str, sources: set[str], evaluated: str, tmp_path: Path) -> None:
    """A script's series are what it logged, and it trains as it does without lrmonitor; the losses
    of its evaluations that were observed are what it logged as `evaluated`."""
    undisturbed, watched = tmp_path / "plain.json", tmp_path / "watched.json"
    there = plain("-m", f"{SCRIPTS}.{name}", undisturbed, timeout=PATIENCE)
    assert there.returncode == 0, there.stderr.decode()
    done = run("-m", f"{SCRIPTS}.{name}", watched, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr.decode()
    truth, expected = json.loads(watched.read_text()), json.loads(undisturbed.read_text())
    assert truth["weights"] == expected["weights"]
    assert lasting(truth["values"]) == lasting(expected["values"])

    rank = read_rank(only_run())
    assert [e for e in rank.events if e["event"] == "probe_error"] == []
    series = [one for one in rank.series.values() if one.info.kind == "metric"]
    observed = rank.by_name["eval loss (observed)"]
    series.remove(observed)
    assert {one.info.source for one in series} == sources
    found = {
        one.info.name: [list(p) for p in zip(one.step.tolist(), one.value.tolist(), strict=True)]
        for one in series
    }
    assert found == truth["values"]
    assert observed.info.source == "evaluation"
    assert observed.step.tolist() == [step for step, _ in found[evaluated]]
    expected = [value for _, value in found[evaluated]]
    assert observed.value.tolist() == pytest.approx(expected, rel=1e-6)


def lasting(values: dict[str, Any]) -> dict[str, Any]:
    """Those values that are the same each time."""
    return {name: value for name, value in values.items() if not name.endswith(TIMES)}


@pytest.mark.needs("transformers", "accelerate", "tensorboard")
def test_transformers(tmp_path: Path) -> None:
    mirrored("huggingface", {"Trainer", "TensorBoard"}, "eval_loss", tmp_path)


@pytest.mark.needs("lightning", "tensorboard")
def test_lightning(tmp_path: Path) -> None:
    mirrored("with_lightning", {"Lightning", "TensorBoard"}, "val_loss", tmp_path)


@pytest.mark.needs("wandb", "tensorboard")
def test_wandb(tmp_path: Path) -> None:
    mirrored("with_wandb", {"W&B"}, "val/loss", tmp_path)


@pytest.mark.needs("mlflow")
def test_mlflow(tmp_path: Path) -> None:
    mirrored("with_mlflow", {"MLflow"}, "val/loss", tmp_path)
