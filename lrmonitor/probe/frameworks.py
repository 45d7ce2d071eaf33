"""How long the training will be, where a framework's trainer knows.

The trainer is found where it stands: on the stack of the thread that trains, in the frame of its
`train` or `fit`. Nothing of the framework is wrapped or imported, and only attributes are read.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import replace
from typing import Any

from lrmonitor.probe.schedulers import Length

TRAINERS = {
    ("transformers.trainer", "train"): "Trainer",
    ("lightning.pytorch.trainer.trainer", "fit"): "Lightning",
    ("pytorch_lightning.trainer.trainer", "fit"): "Lightning",
}
"""The module and the method in whose frame `self` is a trainer, and what it is."""

TRIES = 10
DEPTH = 300


class Frameworks:
    """The trainer of a process, if it has one. On the writer's thread only."""

    def __init__(self) -> None:
        self._trainer: weakref.ref[Any] | None = None
        self._kind = ""
        self._tries = 0
        self._ahead: int | None = None

    def look(self, step: int, passes: int, optimizers: int) -> Length | None:
        """What the trainer tells, after so many steps and passes over the data, with so many
        optimizers."""
        trainer = self._trainer() if self._trainer is not None else None
        if trainer is None:
            if self._tries >= TRIES or not any(name in sys.modules for name, _ in TRAINERS):
                return None
            self._tries += 1
            trainer = self._find()
            if trainer is None:
                return None
        if self._kind == "Trainer":
            epoch = trainer.state.epoch
            found = _of_transformers(trainer, step)
        else:
            epoch = trainer.fit_loop.epoch_progress.current.processed
            found = _of_lightning(trainer, step, optimizers)
        # Training that was resumed is ahead of the passes from the first on.
        ahead = int(epoch or 0) - passes
        self._ahead = ahead if self._ahead is None else min(ahead, self._ahead)
        return None if found is None else replace(found, first_epoch=max(self._ahead, 0) + 1)

    def _find(self) -> Any:
        for frame in list(sys._current_frames().values()):
            here: Any = frame
            for _ in range(DEPTH):
                if here is None:
                    break
                kind = TRAINERS.get((here.f_globals.get("__name__"), here.f_code.co_name))
                if kind is not None:
                    trainer = here.f_locals.get("self")
                    if trainer is not None:
                        self._trainer, self._kind = weakref.ref(trainer), kind
                        return trainer
                here = here.f_back
        return None


def _of_transformers(trainer: Any, step: int) -> Length | None:
    state = trainer.state
    total = _positive(state.max_steps)
    if total is None:
        return None
    # `global_step` goes on from a checkpoint's.
    before = int(state.global_step) - step
    before = before if before > 1 else 0
    epochs = _positive(state.num_train_epochs)
    if epochs is not None and epochs >= sys.maxsize:  # where its loader has no length
        epochs = None
    return Length(total - before, epochs, source="Trainer.state.max_steps")


def _of_lightning(trainer: Any, step: int, optimizers: int) -> Length | None:
    loop = trainer.fit_loop
    steps, epochs = _positive(loop.epoch_loop.max_steps), _positive(loop.max_epochs)
    if optimizers != 1:
        steps = None  # it counts the steps of all of them
    if steps is not None:
        before = int(loop.epoch_loop.global_step) - step
        steps -= before if before > 1 else 0
    if steps is None and epochs is None:
        return None
    source = "Trainer.max_steps" if steps is not None else "Trainer.max_epochs"
    return Length(steps, epochs, source=source)


def _positive(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
