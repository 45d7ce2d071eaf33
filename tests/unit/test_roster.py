"""All runs of a home and how each stands."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from lrmonitor.model import roster as module
from lrmonitor.model.roster import Roster
from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase
from tests.app.folders import RunFolder
from tests.conftest import Isolated


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def settle(roster: Roster) -> None:
    """Look at every run once."""
    while not roster.settled:
        roster.look()


def models_made(monkeypatch: pytest.MonkeyPatch) -> list[RunModel]:
    """The models that a roster makes from now on."""
    made: list[RunModel] = []

    def make(*args: object, **options: object) -> RunModel:
        made.append(RunModel(*args, **options))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(module, "RunModel", make)
    return made


def test_each_run_with_its_state_step_and_loss(isolated: Isolated) -> None:
    first = RunFolder(isolated.runs, "first", created=1e9).launch(False).register()
    first.train(3, loss=lambda s: 1 / s).exited(0)
    RunFolder(isolated.runs, "second", created=2e9).launch(False).exited(1)
    (isolated.runs / "no run").mkdir()
    roster = Roster(isolated.runs)
    assert roster.scan() == set(roster.lines)
    assert [line.state for line in roster.lines.values()] == [None, None]
    settle(roster)
    lines = {line.name: line for line in roster.lines.values()}
    assert set(lines) == {"first", "second"}
    state = lines["first"].state
    assert state is not None
    assert (state.phase, state.step) == (Phase.ENDED, 3)
    assert lines["first"].loss == pytest.approx(1 / 3)
    assert lines["first"].script == "first.py"
    assert lines["second"].state is not None
    assert lines["second"].state.phase is Phase.FAILED
    assert lines["second"].loss is None


def test_the_newest_are_looked_at_first(isolated: Isolated) -> None:
    for index, name in enumerate(("aaaa", "bbbb", "cccc")):
        RunFolder(isolated.runs, name, created=1e9 + index).launch(False).exited(0)
    roster = Roster(isolated.runs)
    roster.scan()
    seen = [roster.lines[roster.look(1).pop()].name for _ in range(3)]
    assert seen == ["cccc", "bbbb", "aaaa"]


def test_a_run_that_is_over_is_read_once(
    isolated: Isolated, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunFolder(isolated.runs, created=1e9).launch(False).register().train(3).exited(0)
    clock = Clock(2e9)
    roster = Roster(isolated.runs, clock)
    roster.scan()
    settle(roster)
    read: list[Path] = []
    monkeypatch.setattr(module, "RunModel", lambda folder, **_: read.append(folder))
    for _ in range(5):
        clock.now += 10
        assert roster.scan() == set()
        assert roster.look() == set()
    assert read == []


def test_a_live_run_is_followed_once_a_second_and_then_no_more(isolated: Isolated) -> None:
    run = RunFolder(isolated.runs, created=1e9).launch().register().train(3)
    clock = Clock(1e9 + 1)
    roster = Roster(isolated.runs, clock)
    roster.scan()
    settle(roster)
    run.train(4)
    assert roster.look() == set()
    clock.now += 1
    assert roster.look() == {run.path}
    line = roster.lines[run.path]
    assert line.live
    assert line.state is not None
    assert line.state.step == 7
    run.exited(0)
    clock.now += 1
    assert roster.look() == {run.path}
    assert not roster.lines[run.path].live
    run.train(1)
    clock.now += 1
    assert roster.look() == set()


def test_what_is_held_of_a_live_run_is_bounded(
    isolated: Isolated, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(isolated.runs, created=1e9).launch().register().train(3)
    clock = Clock(1e9 + 1)
    roster = Roster(isolated.runs, clock)
    made = models_made(monkeypatch)
    roster.scan()
    settle(roster)
    for _ in range(5):
        run.train(300)
        clock.now += 1
        roster.look()
    (model,) = made
    loss = model.loss()
    assert loss is not None
    assert len(loss) < 1300
    line = roster.lines[run.path]
    assert line.state is not None
    assert line.state.step == 1503


def test_a_run_that_a_window_follows_is_not_read_again(
    isolated: Isolated, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(isolated.runs, created=1e9).launch().register().train(3)
    clock = Clock(1e9 + 1)
    model = RunModel(run.path, clock=clock)
    made = models_made(monkeypatch)
    roster = Roster(isolated.runs, clock)
    roster.follow(run.path, model)
    roster.scan()
    model.poll()
    settle(roster)

    def step() -> int | None:
        state = roster.lines[run.path].state
        return None if state is None else state.step

    assert step() == 3
    run.train(4)
    model.poll()
    clock.now += 1
    roster.look()
    assert step() == 7
    run.exited(0)
    model.poll()
    clock.now += 1
    roster.look()
    assert not roster.lines[run.path].live
    assert made == []
    # The window shows another one.
    roster.follow(None, None)
    run.train(1)
    clock.now += 1
    roster.look()
    assert step() == 8
    assert len(made) == 1
    clock.now += 1
    assert roster.look() == set()


def test_runs_come_go_and_get_another_name(isolated: Isolated) -> None:
    roster = Roster(isolated.runs)
    shutil.rmtree(isolated.runs)
    assert roster.scan() == set()
    run = RunFolder(isolated.runs, created=1e9).launch(False).exited(0)
    assert roster.scan() == {run.path}
    settle(roster)
    clients = run.path / "clients"
    clients.mkdir()
    named = {"time": run.now, "event": "name", "name": "a better name"}
    (clients / "cli-7.jsonl").write_text(json.dumps(named) + "\n")
    assert roster.scan() == set()
    assert roster.look() == {run.path}
    assert roster.lines[run.path].name == "a better name"
    shutil.rmtree(run.path)
    assert roster.scan() == {run.path}
    assert roster.lines == {}
    assert roster.look() == set()


def test_a_folder_that_cannot_be_read_says_why_until_it_can(isolated: Isolated) -> None:
    run = RunFolder(isolated.runs, created=1e9).launch(False).exited(0)
    whole = (run.path / "run.json").read_text()
    (run.path / "run.json").write_text("{")
    roster = Roster(isolated.runs)
    roster.scan()
    assert roster.lines[run.path].problem
    assert roster.settled
    (run.path / "run.json").write_text(whole)
    assert roster.scan() == {run.path}
    settle(roster)
    assert roster.lines[run.path].problem is None


def test_a_loss_that_is_no_number_changes_nothing_by_itself(isolated: Isolated) -> None:
    run = RunFolder(isolated.runs, created=1e9).launch().register()
    run.train(3, loss=lambda s: math.nan)
    clock = Clock(1e9 + 1)
    roster = Roster(isolated.runs, clock)
    roster.scan()
    settle(roster)
    loss = roster.lines[run.path].loss
    assert loss is not None
    assert math.isnan(loss)
    clock.now += 1
    assert roster.look() == set()
