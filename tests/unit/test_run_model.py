from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from lrmonitor.model import process
from lrmonitor.model.process import Identity
from lrmonitor.model.rates import Override
from lrmonitor.model.run import Changes, RunModel
from lrmonitor.model.state import Phase
from lrmonitor.probe.lone import NO_OPTIMIZER
from tests.helpers.recorded import T0, Recorded

ME = os.getpid()
BORN = psutil.Process().create_time()


class Clock:
    """A clock that the test sets."""

    def __init__(self, now: float = T0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def phase(model: RunModel) -> Phase:
    """The phase now (asked anew each time, which a type checker would not)."""
    return model.state.phase


def problem(model: RunModel) -> str | None:
    """Why no rate can be set, now."""
    return model.control_problem


def live(home: Path, steps: int = 10, **info: Any) -> tuple[Recorded, RunModel, Clock]:
    """A run whose script is this very process, and that began just now."""
    run = Recorded(home, **info)
    now = time.time()
    run.supervisor("starting", now, pid=ME)
    run.supervisor("started", now, pid=ME, started=BORN)
    clock = Clock(now)
    if steps:
        train(run, steps, now)
    return run, RunModel(run.folder, clock=clock), clock


def train(
    run: Recorded, steps: int, end: float, rank: int = 0, pid: int = ME, dt: float = 0.1
) -> None:
    """Register a process and let its steps end now."""
    started = BORN if pid == ME else None
    run.event("environment", end - dt * steps, rank, pid=pid, started=started, torch="2.13.0")
    run.optimizer(time=end - dt * steps, rank=rank)
    run.declare(0, "loss", "loss", rank=rank)
    run.declare(1, "lr[0.0]", "lr", group=0, recorded="changes", rank=rank)
    run.declare(2, "scheduled[0.0]", "scheduled_lr", group=0, recorded="changes", rank=rank)
    points = [(n, end - dt * (steps - n), 1 / n) for n in range(1, steps + 1)]
    run.points(0, points, rank)
    run.points(1, [(1, end, 1e-3)], rank)
    run.points(2, [(1, end, 2e-3)], rank)


def test_a_life(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    clock = Clock(time.time())
    model = RunModel(run.folder, clock=clock)
    told: list[Changes] = []
    model.changed.subscribe(told.append)
    assert phase(model) is Phase.STARTING
    run.supervisor("starting", clock.now, pid=ME)
    assert model.poll()
    assert phase(model) is Phase.STARTING
    run.supervisor("started", clock.now, pid=ME, started=BORN)
    assert model.poll().state
    assert phase(model) is Phase.NOT_TRAINING
    assert problem(model) == "No optimizer has made a step yet."
    train(run, 10, clock.now)
    changes = model.poll()
    assert (changes.data, changes.events, changes.state) == (True, True, True)
    assert phase(model) is Phase.RUNNING
    assert (model.state.step, model.state.live, model.state.pid) == (10, True, ME)
    assert model.state.steps_per_second == pytest.approx(10.0)
    assert problem(model) is None
    assert not model.poll()
    run.points(0, [(11, clock.now + 0.1, 0.5)])
    changes = model.poll()
    assert (changes.data, changes.events) == (True, False)
    run.event("paused", clock.now, step=11)
    model.poll()
    assert phase(model) is Phase.PAUSED
    run.event("resumed", clock.now + 900, step=11)
    clock.now += 905
    model.poll()
    assert phase(model) is Phase.RUNNING
    clock.now += 10
    model.poll()
    assert phase(model) is Phase.STALLED
    run.points(0, [(12, clock.now, 0.5)])
    model.poll()
    assert phase(model) is Phase.RUNNING
    run.supervisor("exited", clock.now, code=0, signal=None, registered=True)
    model.poll()
    assert phase(model) is Phase.ENDED
    assert not model.state.live
    assert [t for t in told if not t] == []
    assert len(told) == 9


@pytest.mark.parametrize("kind", ["launched", "started"])
def test_a_run_of_which_no_process_told_yet_is_lost_only_after_a_while(
    tmp_path: Path, kind: str
) -> None:
    clock = Clock(T0 + 0.01)
    model = RunModel(Recorded(tmp_path, kind=kind).folder, clock=clock)
    model.poll()
    assert phase(model) is Phase.STARTING
    clock.now = T0 + 60
    model.poll()
    assert phase(model) is Phase.LOST


def test_series_of_optimizers_and_groups(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    for number, main in ((0, False), (1, True)):
        run.optimizer(number, "SGD", 2, main)
    run.declare(0, "loss", "loss", 1)
    run.declare(1, "loss[0]", "loss", 0)
    run.declare(2, "lr[1.1]", "lr", 1, 1)
    run.declare(3, "scheduled[1.1]", "scheduled_lr", 1, 1)
    run.points(0, [(1, T0, 5.0)])
    model = RunModel(run.folder)
    assert model.loss() is None
    model.poll()
    loss, other = model.loss(), model.loss(0)
    assert loss is not None
    assert other is not None
    assert (loss.info.name, other.info.name) == ("loss", "loss[0]")
    assert model.loss(7) is None
    lr, scheduled = model.lr(1, 1), model.scheduled(1, 1)
    assert lr is not None
    assert scheduled is not None
    assert (lr.info.name, scheduled.info.name) == ("lr[1.1]", "scheduled[1.1]")
    assert model.lr(0, 0) is None
    assert model.main == 1
    assert [(o.number, o.name, o.groups, o.main) for o in model.optimizers] == [
        (0, "SGD", 2, False),
        (1, "SGD", 2, True),
    ]
    run.optimizer(1, "SGD", 3)
    run.event("optimizer", optimizer=0, replaced=True)
    model.poll()
    assert [(o.name, o.groups, o.main) for o in model.optimizers] == [
        ("SGD", 2, False),
        ("SGD", 3, True),
    ]


def test_a_run_without_an_optimizer_says_why(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.event("no_optimizer", reason=NO_OPTIMIZER)
    run.declare(0, "loss", "loss", None)
    run.points(0, [(1, T0, 5.0)])
    model = RunModel(run.folder)
    model.poll()
    assert model.loss() is not None
    assert model.state.step == 1
    assert model.control_problem == f"T{NO_OPTIMIZER[1:]}."


def test_an_optimizer_that_cannot_be_controlled_says_why(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.optimizer(kind="Adafactor", refuses="it chooses its own rate")
    model = RunModel(run.folder)
    model.poll()
    assert model.control_problem == "It chooses its own rate."


def test_overrides_follow_the_events(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path)
    group = {"optimizer": 0, "group": 0, "scheduled": 1e-3, "previous": 1e-3, "effective": 3e-4}
    hold = {"optimizer": 0, "group": 0, "kind": "hold", "value": 3e-4}
    run.event(
        "rates",
        clock.now,
        step=7,
        mode="hold",
        value=3e-4,
        overrides=[hold],
        groups=[group],
    )
    model.poll()
    assert model.overrides == {(0, 0): Override("hold", 3e-4, "hold 3e-4", "hold")}
    assert [(m.step, m.kind, m.text) for m in model.markers] == [
        (7, "rate", "hold 3e-4: 0.001 → 3e-4")
    ]
    why = {"mode": "follow", "value": None, "note": "it is stable now"}
    run.event("command", clock.now, id="b", command="lr", args=why, by={"name": "ann"})
    none = {**hold, "kind": "none", "value": None}
    back = {**group, "previous": 3e-4, "effective": 1e-3}
    run.event(
        "rates",
        clock.now + 1,
        id="b",
        step=9,
        mode="follow",
        value=None,
        overrides=[none],
        groups=[back],
    )
    model.poll()
    assert model.overrides[0, 0].text == "script's schedule"
    assert model.markers[-1].text == "released: 3e-4 → 0.001 – it is stable now"


def test_markers_find_their_step_by_time(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path, steps=10)
    run.client("note", clock.now - 0.45, text="here")
    run.client("note", clock.now - 100, text="before all")
    run.client("note", clock.now, text="told its step", step=3)
    model.poll()
    assert [(m.step, m.text) for m in model.markers] == [
        (0, "Note: before all"),
        (3, "Note: told its step"),
        (5, "Note: here"),
    ]


def test_the_journal_is_merged_by_time(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path)
    run.client("note", clock.now - 50, text="early")
    run.event("paused", clock.now + 1)
    run.supervisor("signalled", clock.now + 0.5, signal="SIGINT", by="terminal")
    model.poll()
    times = [e.time for e in model.journal]
    assert times == sorted(times)
    assert model.journal[0].source == "cli-1"
    assert [e.event for e in model.journal[-2:]] == ["signalled", "paused"]
    assert "series" not in {e.event for e in model.journal}


def test_a_name_can_be_given_later(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    model = RunModel(run.folder)
    model.poll()
    assert model.name == "digits"
    run.client("name", T0 + 2, name="better")
    run.client("name", T0 + 1, name="worse", client="window-2")
    model.poll()
    assert model.name == "better"


def test_kill_minus_nine_of_everything(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        now = time.time()
        born = psutil.Process(child.pid).create_time()
        run.supervisor("started", now, pid=child.pid, started=born)
        train(run, 5, now, pid=child.pid)
        clock = Clock(now)
        model = RunModel(run.folder, clock=clock)
        model.poll()
        assert phase(model) is Phase.RUNNING
    finally:
        child.kill()
        child.wait()
    clock.now += 1
    model.poll()
    assert phase(model) is Phase.LOST
    assert model.state.step == 5
    assert not model.state.live
    run.supervisor("exited", now, code=None, signal="SIGKILL", registered=True)
    model.poll()
    assert phase(model) is Phase.KILLED


def test_the_look_at_processes_is_rare_but_prompt_when_something_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, model, clock = live(tmp_path)
    model.poll()
    looks = 0
    look = process.find

    def count(who: Identity) -> psutil.Process | None:
        nonlocal looks
        looks += 1
        return look(who)

    monkeypatch.setattr(process, "find", count)
    for _ in range(30):
        clock.now += 1 / 30
        model.poll()
    assert 3 <= looks <= 9  # of three processes


def test_a_deleted_folder(tmp_path: Path) -> None:
    run, model, _ = live(tmp_path)
    model.poll()
    shutil.rmtree(run.folder)
    model.look()
    assert model.poll()
    assert phase(model) is Phase.LOST
    assert model.state.label == "record deleted"
    assert model.state.live
    assert len(model.loss() or []) == 10


def test_a_run_of_another_machine(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path, host="tower")
    model.poll()
    assert phase(model) is Phase.RUNNING
    assert not model.state.live
    assert "on tower" in model.state.sentence
    clock.now += 1000
    model.poll()
    assert model.state.label == "elsewhere"
    run.supervisor("exited", clock.now, code=0, signal=None, registered=True)
    model.poll()
    assert phase(model) is Phase.ENDED


def test_several_ranks_show_the_lowest_and_refuse(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path, steps=0)
    train(run, 10, clock.now, rank=0)
    train(run, 8, clock.now, rank=1)
    model.poll()
    assert model.live_ranks == [0, 1]
    assert model.rank is not None
    assert model.rank.rank == 0
    assert model.state.step == 10
    assert "2 processes train together" in (model.control_problem or "")


def test_a_rank_that_registers_a_moment_later_does_not_take_over(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path, steps=0)
    run.event("environment", clock.now, 0, pid=ME, started=BORN)
    run.event("environment", clock.now + 1, 1, pid=ME, started=BORN)
    model.poll()
    assert model.rank is not None
    assert model.rank.rank == 0


def test_one_training_process_after_another(tmp_path: Path) -> None:
    """A shell script that trains twice: the second process is shown once it registers."""
    run, model, clock = live(tmp_path, steps=0)
    train(run, 10, clock.now - 50, rank=0, pid=2**22 + 1)
    run.client("note", clock.now, text="second try")
    run.event("paused", clock.now - 50, 0)
    model.poll()
    assert (model.state.step, phase(model)) == (10, Phase.PAUSED)
    train(run, 4, clock.now, rank=1)
    assert model.poll().events
    assert model.rank is not None
    assert model.rank.rank == 1
    assert (model.state.step, phase(model)) == (4, Phase.RUNNING)
    assert [(m.step, m.kind) for m in model.markers] == [(4, "note")]
    assert model.live_ranks == [1]
    sources = [e.source for e in model.journal]
    assert sources.count("rank 1") == 2
    assert sources.count("cli-1") == 1


def test_a_started_run(tmp_path: Path) -> None:
    run = Recorded(tmp_path, kind="started")
    clock = Clock(time.time())
    train(run, 5, clock.now)
    model = RunModel(run.folder, clock=clock)
    model.poll()
    assert (phase(model), model.state.pid) == (Phase.RUNNING, ME)
    assert model.identity is not None
    run.event("ended", clock.now, reason="exit")
    model.poll()
    # Its process is still there: this one.
    assert phase(model) is Phase.RUNNING


def test_stop_requests_are_told_once_and_by_whom(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path)
    ann = {"who": "person", "via": "cli", "name": "ann"}
    run.event("command", clock.now, id="a", command="stop", args={}, by=ann)
    run.event("stopping", clock.now + 0.1, how="raise_signal")
    run.client("stop", clock.now + 0.2, how="interrupt", signal=None, pids=[], by=ann)
    run.supervisor("exited", clock.now + 1, code=None, signal="SIGINT", registered=True)
    model.poll()
    assert phase(model) is Phase.STOPPED
    assert model.state.sentence == "Interrupted after step 10, as asked to stop by ann (cli)."


@pytest.mark.parametrize(
    "event",
    [
        {"event": "rates", "overrides": 3, "groups": "x"},
        {"event": "optimizer", "optimizer": "0"},
        {"event": "environment", "pid": "me"},
        {"event": 7},
        {"event": "exited"},
        {"event": "command", "command": None, "args": []},
        {"event": "stop", "how": "bribe"},
    ],
)
def test_events_that_make_no_sense(tmp_path: Path, event: dict[str, Any]) -> None:
    run, model, clock = live(tmp_path)
    for write in (run.event, run.client):
        fields = {k: v for k, v in event.items() if k != "event"}
        write(event["event"], clock.now, **fields)
    model.poll()
    assert phase(model) is Phase.RUNNING


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path)
    run.points(0, [(n, clock.now - 5000 + n, 0.1) for n in range(11, 15)])
    model.poll()
    assert model.state.step == 14
    assert model.state.steps_per_second is None or model.state.steps_per_second >= 0


def test_reading_the_state_alone_is_quick(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=200_000, dt=0.001)
    model = RunModel(run.folder, last=100)
    model.poll()
    assert model.state.step == 200_000
    assert len(model.loss() or []) == 100


def test_printed_numbers_become_series_beside_the_logged_ones(tmp_path: Path) -> None:
    run, model, clock = live(tmp_path)
    run.declare(3, "logged", "metric")
    run.points(3, [(5, clock.now, 0.5)])
    (run.folder / "console.log").write_text("accuracy 97.22%\naccuracy 98%\n")
    # Between two steps: times are kept to a microsecond, and might fall before the step meant.
    first, second = clock.now - 0.45, clock.now + 0.01
    (run.folder / "console.times").write_text(f"0 {first:.6f}\n16 {second:.6f}\n")
    fields = {"name": "accuracy", "pattern": "accuracy {value}%", "x": "step"}
    run.client("series_pattern", clock.now, **fields)
    clock.now += 5
    model.poll()
    assert model.poll().data
    logged, printed = model.metrics()
    assert (logged.info.name, logged.value.tolist()) == ("logged", [0.5])
    assert (printed.info.name, printed.value.tolist()) == ("accuracy", [97.22, 98.0])
    assert printed.step.tolist() == [5, 10]
    assert model.journal[-1].text == "Series “accuracy” made of printed numbers"
    run.client("series_pattern_removed", clock.now, name="accuracy")
    assert model.poll()
    assert [series.info.name for series in model.metrics()] == ["logged"]
