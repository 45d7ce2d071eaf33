"""Epoch, totals and what is left, from the events that a training process records."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrmonitor.model.progress import Course, Progress, Reading
from lrmonitor.model.run import RunModel
from tests.helpers.recorded import T0, Recorded


class Script:
    """A script that trains: its events go to a course as a process would record them."""

    def __init__(self) -> None:
        self.course = Course()
        self.step = 0
        self._iterations: dict[int, int] = {}

    def begins(self, loader: int = 0, batches: int | None = 10) -> None:
        """An iteration over a loader."""
        iteration = self._iterations[loader] = self._iterations.get(loader, 0) + 1
        self.course.take(
            {
                "event": "loader",
                "time": 3.0,
                "loader": loader,
                "iteration": iteration,
                "batches": batches,
                "step": self.step,
            }
        )

    def taken(self, batches: int, loader: int = 0) -> None:
        """It is told how many batches the latest steps took."""
        self.course.take(
            {
                "event": "batches",
                "loader": loader,
                "iteration": self._iterations[loader],
                "taken": batches,
                "step": self.step,
            }
        )

    def reads(self, taken: int, loader: int = 1, at: float = 5.0, over: bool = False) -> None:
        """It is told that batches are being taken without a step."""
        self.course.take(
            {
                "event": "reading",
                "time": at,
                "loader": loader,
                "iteration": self._iterations[loader],
                "taken": taken,
                "step": self.step,
                "over": over,
            }
        )

    def reading(self) -> Reading | None:
        """The loader that is read while no step is made."""
        return self.course.reading(self.step)

    def length(self, steps: int | None = None, epochs: int | None = None, first: int = 1) -> None:
        """It is told how long the training will be."""
        self.course.take(
            {
                "event": "progress",
                "total_steps": steps,
                "total_epochs": epochs,
                "source": "OneCycleLR.total_steps",
                "first_epoch": first,
            }
        )

    def steps(self, count: int) -> Progress:
        """Some steps, after each of which a window may look."""
        for _ in range(count):
            self.step += 1
            self.course.at(self.step)
        return self.now()

    def now(self, seconds_a_step: float | None = None) -> Progress:
        """The progress."""
        return self.course.at(self.step, seconds_a_step)


def test_nothing_told_nothing_known() -> None:
    assert Course().at(None) == Progress()
    assert Course().at(7, 0.5) == Progress(step=7)


def test_steps_are_known_from_a_scheduler_alone() -> None:
    script = Script()
    script.length(steps=400)
    script.steps(100)
    found = script.now(0.5)
    assert (found.step, found.steps, found.left, found.eta) == (100, 400, 300, 150)
    assert (found.epoch, found.fraction, found.epochs) == (None, None, None)
    assert found.basis == "OneCycleLR.total_steps"


def test_epochs_of_a_loader() -> None:
    script = Script()
    script.begins()
    assert script.now().epoch is None  # it may only be looked through
    assert script.steps(4).epoch == 1
    assert script.now().fraction is None  # several batches may go into a step
    script.taken(4)
    assert script.now().fraction == 0.4
    script.steps(6)
    script.begins()
    assert (script.now().epoch, script.now().fraction) == (1, 1.0)
    found = script.steps(5)
    assert (found.epoch, found.fraction) == (2, 0.5)
    assert (found.epochs, found.steps, found.eta) == (None, None, None)


def test_steps_follow_from_epochs() -> None:
    script = Script()
    script.begins()
    script.length(epochs=3)
    script.steps(4)
    script.taken(4)
    found = script.now(2.0)
    assert (found.epoch, found.epochs, found.steps, found.eta) == (1, 3, 30, 52.0)
    script.steps(6)
    script.begins()
    script.steps(10)
    script.begins()
    found = script.steps(10)
    assert (found.epoch, found.fraction, found.epochs, found.steps) == (3, 1.0, 3, 30)
    assert found.left == 0


def test_epochs_follow_from_steps() -> None:
    script = Script()
    script.begins()
    script.length(steps=50)
    script.steps(10)
    script.begins()
    found = script.steps(5)
    assert (found.epoch, found.fraction, found.epochs) == (2, 0.5, 5)


def test_a_total_that_ends_amid_an_epoch_tells_no_number_of_epochs() -> None:
    script = Script()
    script.begins()
    script.length(steps=45)
    script.steps(10)
    script.begins()
    found = script.steps(1)
    assert (found.epoch, found.epochs, found.steps) == (2, None, 45)


def test_validation_between_epochs_and_the_training_data_evaluated() -> None:
    script = Script()
    script.begins(1, batches=3)  # a sanity check before all training
    for epoch in (1, 2, 3):
        script.begins(0)
        assert script.steps(10).epoch == epoch
        script.begins(1, batches=3)
        assert script.now().epoch == epoch
        script.begins(0)  # how good is it on what it was trained with?
        assert (script.now().epoch, script.now().fraction) == (epoch, 1.0)


def test_validation_amid_an_epoch() -> None:
    script = Script()
    for epoch in (1, 2, 3):
        script.begins(0, batches=100)
        for _ in range(4):
            script.steps(25)
            script.begins(1, batches=50)
        found = script.steps(0)
        assert (found.epoch, found.fraction) == (epoch, 1.0 if epoch > 1 else None)


def test_a_loader_that_is_read_without_steps() -> None:
    script = Script()
    script.begins(0)
    script.steps(8)
    script.taken(8, 0)
    script.begins(1, batches=30)
    assert script.reading() is None, "it was only begun"
    script.reads(4)
    assert script.reading() is None, "a step may be made with four batches"
    script.reads(5)
    assert script.reading() == Reading(3.0, 5.0, 8, 5, 30)
    script.reads(22, at=10.0)
    assert script.reading() == Reading(3.0, 10.0, 8, 22, 30)
    script.reads(30, at=12.0, over=True)
    assert script.reading() is None
    script.begins(1, batches=30)
    script.reads(7)
    assert script.reading() is not None
    script.steps(1)
    assert script.reading() is None, "steps are made again"


def test_a_loader_that_steps_are_made_with_is_no_validation() -> None:
    script = Script()
    script.begins(1)
    script.reads(9)
    assert script.reading() is None, "no step was made yet, with none"
    script.begins(0)
    script.steps(10)
    script.begins(1)
    script.reads(9)
    assert script.reading() is None, "how many batches a step takes is not known"
    script.begins(0)
    script.reads(9, loader=0)
    assert script.reading() is None, "the training data, evaluated"


def test_with_accumulation_more_batches_have_to_be_read() -> None:
    script = Script()
    script.begins(0, batches=64)
    script.steps(2)
    script.taken(16, 0)
    script.begins(1)
    script.reads(32)
    assert script.reading() is None
    script.reads(33)
    assert script.reading() is not None


def test_accumulation() -> None:
    script = Script()
    script.begins(batches=103)
    script.length(epochs=2)
    script.steps(8)
    script.taken(34)  # 4 batches a step, and two of the next
    found = script.now(1.0)
    assert found.fraction == pytest.approx(8 / 25.75)
    assert found.steps is None  # the last 3 batches may make a step, or not
    assert found.eta == pytest.approx(2 * 25.75 - 8)
    script.steps(18)
    script.begins(batches=103)
    found = script.steps(13)
    assert (found.epoch, found.fraction, found.steps) == (2, 0.5, 52)


def test_several_steps_a_batch() -> None:
    script = Script()
    script.begins(batches=10)
    script.steps(20)
    script.taken(4)
    assert script.now().fraction == pytest.approx(0.4)
    script.steps(30)
    script.begins(batches=10)
    assert script.steps(10).fraction == pytest.approx(0.2)


def test_a_resumed_run_goes_on_counting() -> None:
    script = Script()
    script.begins()
    script.steps(10)
    script.begins()
    script.length(epochs=10, first=6)
    found = script.steps(5)
    assert (found.epoch, found.fraction, found.epochs) == (7, 0.5, 10)
    assert found.steps == 50  # of this run
    assert found.left == 35


def test_a_loader_that_is_broken_out_of() -> None:
    script = Script()
    for epoch in (1, 2, 3):
        script.begins(batches=1000)
        found = script.steps(8)
        assert (found.epoch, found.fraction) == (epoch, 1.0 if epoch > 1 else None)


def test_two_loaders_zipped() -> None:
    script = Script()
    for epoch in (1, 2, 3):
        script.begins(0, batches=10)
        script.begins(1, batches=10)
        found = script.steps(5)
        assert (found.epoch, found.fraction) == (epoch, 0.5 if epoch > 1 else None)
        script.steps(5)


def test_a_second_phase_with_a_loader_of_its_own() -> None:
    script = Script()
    for _ in range(3):
        script.begins(0, batches=10)
        script.steps(10)
    for epoch in (1, 2):
        script.begins(1, batches=20)
        assert script.steps(20).epoch == epoch


def test_data_without_a_length() -> None:
    script = Script()
    script.begins(batches=None)
    assert script.steps(30).fraction is None
    script.begins(batches=None)
    found = script.steps(15)
    assert (found.epoch, found.fraction) == (2, 0.5)
    assert script.steps(31).fraction is None  # this pass is longer than the one before


def test_a_loader_that_goes_on_for_ever() -> None:
    script = Script()
    script.begins(batches=10)
    script.steps(4)
    script.taken(4)
    found = script.steps(96)
    assert (found.epoch, found.fraction) == (1, None)


def test_events_that_are_missing_where_loaders_are_tiny() -> None:
    script = Script()
    script.begins()
    script.steps(100)
    script.course.take(
        {"event": "loader", "loader": 0, "iteration": 11, "batches": 10, "step": 100}
    )
    found = script.steps(5)
    assert (found.epoch, found.fraction) == (11, 0.5)


def test_a_length_that_was_no_end() -> None:
    script = Script()
    script.begins()
    script.length(steps=20, epochs=2)
    for _ in range(3):
        script.steps(10)
        script.begins()
    found = script.steps(1)
    assert (found.epoch, found.epochs, found.steps, found.eta) == (4, None, None, None)
    script.length()
    assert script.now().basis is None


def test_damaged_events_are_passed_over() -> None:
    script = Script()
    for event in (
        {"event": "loader", "loader": "0", "iteration": 1, "step": 0},
        {"event": "loader", "loader": 0, "iteration": None, "step": 0},
        {"event": "batches", "loader": 3, "iteration": 1, "taken": 1, "step": 1},
        {"event": "batches", "loader": [], "iteration": 1, "taken": 1, "step": 1},
        {"event": "reading", "loader": [], "iteration": 1, "taken": 9, "time": 1.0},
        {"event": "reading", "loader": 3, "iteration": 1, "taken": "9", "time": "nan"},
        {"event": "progress", "total_steps": "many", "total_epochs": -1, "source": 3},
    ):
        script.course.take(event)
    assert script.steps(3) == Progress(step=3)


def test_a_run_tells_its_progress(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.supervisor("started", pid=2**22 + 1, started=None)
    run.training(steps=100)
    run.event("loader", loader=0, iteration=1, batches=40, step=0)
    run.event("loader", T0 + 4, loader=0, iteration=2, batches=40, step=40)
    run.event("loader", T0 + 8, loader=0, iteration=3, batches=40, step=80)
    run.event(
        "progress",
        T0 + 1,
        step=10,
        total_steps=400,
        total_epochs=None,
        source="LinearLR.total_iters",
    )
    model = RunModel(run.folder, clock=lambda: T0 + 10)
    model.poll()
    found = model.progress
    assert (found.epoch, found.fraction, found.epochs) == (3, 0.5, 10)
    assert (found.step, found.steps, found.left) == (100, 400, 300)
    assert found.eta is None  # its process is gone
    told = [entry.text for entry in model.journal if entry.event in ("progress", "loader")]
    assert told == ["The training will be 400 steps long, says LinearLR.total_iters"]


def test_where_the_epochs_began_and_that_a_validation_is_none() -> None:
    course = Course()
    for loader, iteration, step in ((0, 1, 0), (1, 1, 10), (0, 2, 10), (1, 2, 20), (0, 3, 20)):
        course.take({"event": "loader", "loader": loader, "iteration": iteration, "step": step})
    course.at(25)
    assert course.epochs.begins == [0, 10, 20]
    assert not Course().epochs
