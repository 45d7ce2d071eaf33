"""How far a run is and how far it goes: epoch, totals and the time that is left.

All of it comes from what a training process recorded (`loader`, `batches`, `progress` events) and
from the times of its steps. Whatever is not known stays None: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import rates
from .axis import Epochs

BEYOND = 1.5
"""A pass that has had so many times the steps it should have does not have that length."""

NOT_FOLLOWED = 4
"""A loader is not one that steps are made with when so many times the batches of a step have been
taken of it since the last one."""


@dataclass(frozen=True)
class Reading:
    """A loader that steps are not made with is being read: its iteration began at `since` (unix
    seconds), after `step`; `taken` of its batches had been taken at `seen`. It has `batches`, where
    that is known."""

    since: float
    seen: float
    step: int
    taken: int
    batches: int | None = None


@dataclass(frozen=True)
class Progress:
    """How far a run is. None is unknown.

    - `epoch`: counted from 1; `fraction`: how much of it is done, from 0 to 1; `epochs`: of how
      many.
    - `step`, `steps`: the latest step, and of how many.
    - `left`: steps that are left, as far as is known (may be estimated where `steps` is None).
    - `eta`: seconds that are left; `basis`: what tells the length, in words.
    """

    epoch: int | None = None
    fraction: float | None = None
    epochs: int | None = None
    step: int | None = None
    steps: int | None = None
    left: float | None = None
    eta: float | None = None
    basis: str | None = None


class _Loader:
    """A loader of the script's, and the steps that were made with it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.batches: int | None = None
        self.iteration = 0
        self.step = 0
        """The step at which its latest iteration began."""
        self.passes = 0
        """Iterations that are over and had steps."""
        self.steps_a_pass: float | None = None
        """As they were counted in the latest of these."""
        self.batches_a_step: float | None = None
        self.began = Epochs()
        """Where its passes began, as far as they are in the record."""
        self.begun: float | None = None
        """When its latest iteration began, in unix seconds."""
        self.read: tuple[int, float] | None = None
        """Batches that had been taken of it without a step, and when; None once that is over."""

    @property
    def a_pass(self) -> float | None:
        """Steps in a pass: counted, else worked out from the number of batches."""
        if self.steps_a_pass is not None:
            return self.steps_a_pass
        if self.batches is None or not self.batches_a_step:
            return None
        return self.batches / self.batches_a_step

    @property
    def exact(self) -> bool:
        """Whether that is a whole number of steps that will hold."""
        return self.steps_a_pass is not None or self.batches_a_step == 1

    @property
    def a_step(self) -> float | None:
        """Batches in a step, where that is known."""
        if self.batches_a_step is None and self.steps_a_pass and self.batches:
            return self.batches / self.steps_a_pass
        return self.batches_a_step

    def begins(
        self, iteration: int, step: int, batches: int | None, time: float | None = None
    ) -> None:
        """An iteration over it begins."""
        made, begun = step - self.step, iteration - self.iteration
        if self.iteration and made > 0 and begun > 0:
            # Where iterations are missing from the record, steps were made in all of them.
            self.passes += begun
            self.steps_a_pass = made / begun
        if batches != self.batches:
            self.batches, self.steps_a_pass = batches, None
        self.iteration, self.step = iteration, step
        self.began.began(step)
        self.begun, self.read = time, None

    def pace(self, taken: int, made: int) -> None:
        """So many batches were taken for so many steps."""
        if made <= 0 or taken <= 0:
            return
        several = round(taken / made)
        if several >= 1 and abs(taken - several * made) <= several + 0.02 * taken:
            self.batches_a_step = float(several)
        else:
            self.batches_a_step = taken / made


class Course:
    """The course of one training process: takes its events, tells its progress."""

    def __init__(self) -> None:
        self._loaders: dict[int, _Loader] = {}
        self._latest: _Loader | None = None
        """The loader that was begun last, whichever it is."""
        self._training: _Loader | None = None
        """The loader whose passes are the epochs."""
        self._total_steps: int | None = None
        self._total_epochs: int | None = None
        self._first_epoch = 1
        self._source: str | None = None

    @property
    def epochs(self) -> Epochs:
        """Where the epochs began; empty where no loader tells."""
        return Epochs() if self._training is None else self._training.began

    @property
    def steps_per_epoch(self) -> float | None:
        """Steps in a pass over the training's loader; None where no loader tells."""
        return None if self._training is None else self._training.a_pass

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event of the process; those that tell nothing of its course are ignored."""
        name = event.get("event")
        if name == "loader":
            self._begins(event)
        elif name == "batches":
            self._pace(event)
        elif name == "reading":
            self._reads(event)
        elif name == "progress":
            self._total_steps = _whole(event.get("total_steps"))
            self._total_epochs = _whole(event.get("total_epochs"))
            self._first_epoch = _whole(event.get("first_epoch")) or 1
            source = event.get("source")
            self._source = source if isinstance(source, str) else None

    def at(self, step: int | None, seconds_a_step: float | None = None) -> Progress:
        """The progress after the latest step, at so many seconds a step."""
        if step is None:
            return Progress()
        self._settle(step)
        epoch, done, a_pass = self._epoch(step)
        epochs, steps, left = self._total_epochs, self._total_steps, None
        exact = self._training is not None and self._training.exact
        if epoch is not None and epochs is not None and epoch > epochs:
            epochs = None  # it was no end
        if steps is not None and step > steps:
            steps = None
        offset = self._first_epoch - 1
        if steps is None and epochs is not None and a_pass and exact and epoch is not None:
            whole = a_pass * (epochs - offset)
            if epoch == epochs and done is not None:
                whole = max(whole, step)
            steps = round(whole)
        elif epochs is None and steps is not None and a_pass and exact:
            count = round(steps / a_pass)
            if count >= max(1, (epoch or 1) - offset) and abs(steps - count * a_pass) < 1:
                epochs = count + offset
        basis = None
        if steps is not None:
            left, basis = float(max(steps - step, 0)), self._source
        elif epochs is not None and epoch is not None and a_pass and done is not None:
            left = max((epochs - epoch + 1 - done) * a_pass, 0.0)
            basis = self._source
        eta = None if left is None or seconds_a_step is None else left * seconds_a_step
        return Progress(epoch, done, epochs, step, steps, left, eta, basis)

    def reading(self, step: int | None) -> Reading | None:
        """The loader that is being read while no step is made, if it is surely not the one that
        the steps are made with."""
        if step is not None:
            self._settle(step)
        latest, training = self._latest, self._training
        if latest is None or training is None or latest is training or step is None:
            return None
        a_step = training.a_step
        if step > latest.step or latest.read is None or latest.begun is None or a_step is None:
            return None
        taken, seen = latest.read
        if taken <= NOT_FOLLOWED * max(a_step, 1.0):
            return None
        return Reading(latest.begun, seen, latest.step, taken, latest.batches)

    def _epoch(self, step: int) -> tuple[int | None, float | None, float | None]:
        """The epoch, how much of it is done, and the steps in a pass."""
        training = self._training
        if training is None:
            return None, None, None
        a_pass, made = training.a_pass, step - training.step
        offset = self._first_epoch - 1
        if made <= 0:
            # A pass counts from its first step on: it may be that only something is evaluated.
            return training.passes + offset or None, 1.0, a_pass
        if a_pass and made > BEYOND * a_pass:
            a_pass = None
        done = min(made / a_pass, 1.0) if a_pass else None
        return training.passes + 1 + offset, done, a_pass

    def _begins(self, event: Mapping[str, Any]) -> None:
        number, iteration, step = (event.get(key) for key in ("loader", "iteration", "step"))
        if not (isinstance(number, int) and isinstance(iteration, int) and isinstance(step, int)):
            return
        self._settle(step)
        loader = self._loaders.setdefault(number, _Loader(number))
        time = rates.number(event.get("time"))
        loader.begins(iteration, step, _whole(event.get("batches")), time)
        self._latest = loader

    def _pace(self, event: Mapping[str, Any]) -> None:
        number, taken, step = (event.get(key) for key in ("loader", "taken", "step"))
        loader = self._loaders.get(number) if isinstance(number, int) else None
        if loader is None or event.get("iteration") != loader.iteration:
            return
        if isinstance(taken, int) and isinstance(step, int):
            loader.pace(taken, step - loader.step)

    def _reads(self, event: Mapping[str, Any]) -> None:
        number, taken = event.get("loader"), event.get("taken")
        time = rates.number(event.get("time"))
        loader = self._loaders.get(number) if isinstance(number, int) else None
        if loader is None or event.get("iteration") != loader.iteration:
            return
        over = event.get("over") is True
        loader.read = (taken, time) if isinstance(taken, int) and time and not over else None

    def _settle(self, step: int) -> None:
        """Steps were made after the latest loader was begun: it may be the one that trains.

        The first of these stays it while another is begun in its midst (a validation); another
        takes its place once it cannot give any more steps.
        """
        latest, training = self._latest, self._training
        if latest is None or latest is training or step <= latest.step:
            return
        if training is None:
            self._training = latest
            return
        limit = training.steps_a_pass or training.batches
        if limit is not None and latest.step - training.step >= limit:
            self._training = latest


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None
