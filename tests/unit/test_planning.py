"""Schedules as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrmonitor.model.planning import Draft, compose, draft_of, length_of
from lrmonitor.model.run import RunModel
from lrmonitor.schedules.base import Schedule, ScheduleError
from lrmonitor.schedules.decays import Constant, MultiStep
from lrmonitor.schedules.warm import Warmup, WarmupStableDecay
from lrmonitor.schedules.waves import Cosine, OneCycle
from tests.app.folders import RunFolder


def known(home: Path) -> RunModel:
    """A run with epochs of 20 steps, after 45 of its 200 steps."""
    folder = RunFolder(home).launch().register()
    for epoch in range(3):
        folder.event("loader", loader=0, iteration=epoch + 1, batches=20, step=20 * epoch)
        folder.train(20 if epoch < 2 else 5)
    folder.event("progress", step=45, total_steps=200, total_epochs=None, source="OneCycleLR")
    model = RunModel(folder.path)
    model.poll()
    return model


def test_lengths(tmp_path: Path) -> None:
    model = known(tmp_path)
    assert length_of("2000", None) == 2000
    assert length_of(" 1e4 steps", model) == 10_000
    assert length_of("5 epochs", model) == length_of("5epochs", model) == 100
    assert length_of("2.5ep", model) == 50
    assert length_of("rest", model) == 155


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no length"),
        ("soon", "no length"),
        ("1.5", "no length"),
        ("1.2.3", "no length"),
        ("5 days", "no length"),
        ("5 epochs", "how many steps an epoch has is not known"),
        ("rest", "how long this run will be is not known"),
    ],
)
def test_what_is_no_length(text: str, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        length_of(text, None)


def test_parameters_as_they_are_typed() -> None:
    assert compose("cosine", {"end": "1e-5", "start": "3e-4"}, 100, "follow") == Cosine(
        start=3e-4, end=1e-5, length=100, then="follow"
    )
    assert compose("multi-step", {"at": "10, 20 30", "factor": "0.5"}) == MultiStep(
        at=(10, 20, 30), factor=0.5
    )
    made = compose("one-cycle", {"peak": "0.1", "shape": "linear", "three_phase": "yes"}, 50)
    assert made == OneCycle(peak=0.1, shape="linear", three_phase=True, length=50)
    assert compose("constant", {}) == Constant()


def test_a_warm_up_and_what_follows() -> None:
    texts = {"warmup": "10", "after": "cosine", "after.start": "0.1", "after.end": "1e-3"}
    assert compose("warmup", texts, 100) == Warmup(
        warmup=10, after=Cosine(start=0.1, end=1e-3, length=90)
    )
    assert compose("warmup", {"warmup": "10", "after.start": "0.1"}) == Warmup(
        warmup=10, after=Constant(start=0.1)
    )
    texts = {"peak": "0.1", "end": "1e-4", "warmup": "10", "decay": "20"}
    assert compose("warmup-stable-decay", texts, 100) == WarmupStableDecay(
        peak=0.1, end=1e-4, warmup=10, stable=70, decay=20
    )


@pytest.mark.parametrize(
    ("kind", "texts", "length", "words"),
    [
        ("spiral", {}, None, "no kind of schedule: use one of constant"),
        ("cosine", {"gamma": "1"}, None, "'gamma' is no parameter of cosine: it has end, length"),
        ("cosine", {"end": "abc"}, 10, "end must be a number such as 3e-4, not 'abc'"),
        ("cosine", {"end": "1e-4", "length": "2.5"}, None, "whole number of steps, not '2.5'"),
        ("cosine", {"end": "1e-4", "length": "5"}, 10, "said twice"),
        ("cosine", {"end": "1e-4"}, None, "cosine needs length"),
        ("cosine", {"end": "1e-4"}, 0, "from 1 to"),
        ("one-cycle", {"peak": "0.1", "three_phase": "1"}, 50, "true or false"),
        ("warmup", {"warmup": "10", "after": "spiral"}, None, "no kind of schedule"),
        ("warmup", {"warmup": "10", "after.gamma": "2"}, None, "no parameter of constant"),
        ("warmup", {"warmup": "10", "after": "cosine"}, None, "cosine needs end"),
        (
            "warmup-stable-decay",
            {"peak": "0.1", "end": "1e-4", "warmup": "60", "decay": "40"},
            100,
            "leave no step",
        ),
    ],
)
def test_what_cannot_be_meant(
    kind: str, texts: dict[str, str], length: int | None, words: str
) -> None:
    with pytest.raises(ScheduleError, match=words):
        compose(kind, texts, length)


@pytest.mark.parametrize(
    "plan",
    [
        Constant(start=3e-4),
        Cosine(start=0.1 + 0.2, end=1e-5, length=100, then="follow"),
        MultiStep(start=0.1, at=(10, 20), factor=0.5),
        OneCycle(start=0.01, peak=0.1, length=50, three_phase=True, warmup=0.2),
        Warmup(start=0.01, warmup=10, after=Cosine(start=0.1, end=1e-3, length=90)),
        WarmupStableDecay(start=0.01, peak=0.1, end=1e-4, warmup=1, stable=2, decay=3),
    ],
    ids=lambda plan: plan.kind,
)
def test_a_schedule_as_it_would_be_typed(plan: Schedule) -> None:
    draft = draft_of(plan)
    assert draft.made(None) == plan
    assert Draft.from_json(json.loads(json.dumps(draft.to_json()))) == draft


def test_what_is_left_empty_is_left_out() -> None:
    assert Draft("constant", {"start": "  "}).made(None) == Constant()
    for told in (None, {}, {"kind": "spiral"}, {"kind": "constant", "texts": 3, "then": "hold"}):
        assert Draft.from_json(told) is None
