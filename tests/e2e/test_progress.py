"""Epoch and length as loaders and schedulers tell them, of scripts that train as without us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.model.progress import Progress
from lrmonitor.model.run import RunModel
from tests.helpers.both import lrmonitor
from tests.helpers.launch import of_script, only_run, plain, run

SCRIPT = Path(__file__).parents[1] / "fixtures" / "training" / "lengths.py"
EPOCHS, STEPS = 8, 400

pytest.importorskip("torch")


def trained(way: str) -> tuple[Progress, dict[str, list[dict[str, Any]]]]:
    """The progress in the end, and the events by name, of a script that printed the same numbers,
    warnings and tracebacks as without us."""
    watched, alone = run(SCRIPT, way), plain(SCRIPT, way)
    assert watched.stdout == alone.stdout
    assert of_script(watched.stderr) == alone.stderr
    assert b"lr_scheduler.step()" in alone.stderr
    assert (watched.returncode, alone.returncode) == (0, 0)
    model = RunModel(only_run())
    model.poll()
    assert model.rank is not None
    events: dict[str, list[dict[str, Any]]] = {}
    for event in model.rank.events:
        events.setdefault(event["event"], []).append(event)
    assert "probe_error" not in events
    assert [e["step"] for e in events.get("loader", [])] == sorted(
        e["step"] for e in events.get("loader", [])
    )
    return model.progress, events


def test_loader_with_workers_and_validation() -> None:
    found, events = trained("workers")
    assert (found.epoch, found.fraction, found.epochs) == (EPOCHS, 1.0, None)
    assert (found.step, found.steps) == (STEPS, None)
    first = [e for e in events["loader"] if e["loader"] == 0]
    assert [(e["iteration"], e["batches"], e["step"]) for e in first] == [
        (n + 1, 50, 50 * n) for n in range(EPOCHS)
    ]
    assert [e["batches"] for e in events["loader"] if e["loader"] == 1] == [4] * EPOCHS


@pytest.mark.slow
def test_scheduler_stepped_each_epoch_and_loaders_made_anew() -> None:
    found, events = trained("cosine each epoch")
    assert {e["loader"] for e in events["loader"]} == {0}
    assert {e["batches"] for e in events["loader"]} == {200}
    assert [(e["total_steps"], e["total_epochs"], e["source"]) for e in events["progress"]] == [
        (None, EPOCHS, "CosineAnnealingLR.T_max")
    ]
    assert (found.epoch, found.epochs) == (EPOCHS, EPOCHS)
    assert (found.step, found.steps) == (STEPS, STEPS)


def test_scheduler_stepped_with_the_optimizer() -> None:
    found, events = trained("one cycle")
    assert [(e["total_steps"], e["source"]) for e in events["progress"]] == [
        (STEPS, "OneCycleLR.total_steps")
    ]
    assert (found.epoch, found.fraction, found.epochs) == (EPOCHS, 1.0, EPOCHS)
    assert (found.step, found.steps, found.left) == (STEPS, STEPS, 0)
    told = json.loads(lrmonitor("show", only_run().name, "--json").stdout)["progress"]
    assert (told["epoch"], told["epochs"], told["steps"]) == (EPOCHS, EPOCHS, STEPS)
    shown = lrmonitor("show", only_run().name).stdout
    assert "epoch    8 of 8, 100 % of it done\nstep     400 of 400\n" in shown


@pytest.mark.slow
def test_schedule_without_a_loader() -> None:
    found, events = trained("warm-up and cosine")
    assert [(e["total_steps"], e["source"]) for e in events["progress"]] == [
        (STEPS, "SequentialLR with CosineAnnealingLR.T_max")
    ]
    assert (found.epoch, found.step, found.steps) == (None, STEPS, STEPS)


@pytest.mark.slow
def test_data_and_samplers_that_are_not_to_be_asked_for_their_length() -> None:
    found, events = trained("streams")
    assert {e["batches"] for e in events["loader"]} == {None}
    assert (found.epoch, found.fraction, found.epochs) == (EPOCHS, 1.0, None)
    assert found.steps is None


def test_nothing_tells_and_nothing_is_known() -> None:
    found, events = trained("unknown")
    assert not {"loader", "batches", "progress"} & events.keys()
    assert found == Progress(step=STEPS)


def test_compilation_is_told() -> None:
    _, events = trained("compiled")
    began, ended = events["compiling"][0], events["compiled"][0]
    assert ended["seconds"] >= 0.5
    assert ended["time"] - began["time"] == pytest.approx(ended["seconds"], abs=0.01)
