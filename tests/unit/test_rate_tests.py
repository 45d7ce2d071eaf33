"""Range tests and trials as the record tells them, whole and damaged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrmonitor.model.rate_tests import RateTests, candidates, newest_step, readable, sweeps
from lrmonitor.model.run import RunModel
from tests.app.folders import RunFolder
from tests.app.rate_tests import range_test, trial
from tests.conftest import Isolated


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    return RunFolder(isolated.runs).launch().register().train(50)


def test_sweeps_and_candidates_are_what_was_recorded(folder: RunFolder) -> None:
    range_test(folder, sweeps=2).end()
    folder.train(10)
    trial(folder, (-1e-3, 0.0, 1e-3), steps=20, legs=2).end()
    folder.train(10)
    model = RunModel(folder.path)
    model.poll()
    rank = model.rank
    assert rank is not None
    first, second = model.rate_tests.all
    assert (first.kind, first.step, first.why, first.effective) == ("range", 50, "done", 1e-3)
    found = sweeps(first, rank)
    assert [len(one) for one in found] == [84, 84]
    assert found[0].lr == pytest.approx(np.geomspace(1e-7, 10, 100)[:84])
    assert newest_step(first, rank) == 50 + 168
    assert [len(one.legs) for one in candidates(second, rank)] == [2, 2, 2]
    assert [len(one.loss) for one in candidates(second, rank)] == [20, 20, 20]
    loss = model.loss()
    assert loss is not None
    assert len(loss) == 70, "no step of a test is one of the run"


def test_a_sweep_that_was_cut_short_is_read_only_where_there_is_no_other(folder: RunFolder) -> None:
    range_test(folder, sweeps=2, done=30).end("cancelled")
    range_test(folder, sweeps=1, done=30, id="cccc").end("stopped")
    model = RunModel(folder.path)
    model.poll()
    assert model.rank is not None
    one, other = model.rate_tests.all
    assert [len(s) for s in readable(one, model.rank)] == [84]
    assert [len(s) for s in readable(other, model.rank)] == [30]


def test_a_process_that_ended_amid_a_test_lost_it(folder: RunFolder) -> None:
    range_test(folder, sweeps=1, done=30)
    model = RunModel(folder.path)
    model.poll()
    (test,) = model.rate_tests.all
    assert test.going
    assert test.done(80) == 30
    folder.event("ended")
    model.poll()
    assert model.rate_tests.latest("trial") is None
    assert model.rate_tests.all[0].why == "lost"


def test_events_that_are_damaged_change_nothing() -> None:
    known = RateTests()
    good: dict[str, Any] = {
        "event": "test_began",
        "id": "a",
        "test": 1,
        "kind": "range",
        "step": 5,
        "steps": 10,
        "plan": {},
        "rates": [],
    }
    for key in ("id", "test", "kind", "step", "steps", "plan"):
        known.take({k: v for k, v in good.items() if k != key})
        known.take({**good, key: None} if key not in ("id", "kind") else {})
    assert not known.all
    known.take(good)
    for event in (
        {"event": "test_leg", "test": 1},
        {"event": "test_leg", "test": 1, "leg": "x", "sweep": 0, "step": 5, "steps": 10},
        {"event": "test_leg", "test": 7, "leg": 0, "sweep": 0, "step": 5, "steps": 10},
        {"event": "test_ended", "test": 1},
        {"event": "test_ended", "test": 1, "why": "done", "legs": [{"leg": None}]},
    ):
        known.take(event)
    (one,) = known.all
    assert one.going
    assert one.legs == ()
