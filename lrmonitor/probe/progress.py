"""How far the training is and how far it goes, as loaders, schedulers and frameworks tell it.

Nothing here runs in a step. When an iteration over a loader begins or a scheduler is made, that is
noted on the script's thread; everything is looked at and written on the writer's.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from time import time
from typing import TYPE_CHECKING, Any

from lrmonitor.probe.compiling import Compiling
from lrmonitor.probe.frameworks import Frameworks
from lrmonitor.probe.loaders import Loaders
from lrmonitor.probe.schedulers import Length, Schedulers

if TYPE_CHECKING:
    from lrmonitor.probe.steps import Steps

LOOK_SECONDS = 1.0
"""Between two looks at schedulers and trainers, and at loaders that are read without a step."""


class Progress:
    """What one process tells of its progress."""

    def __init__(self, steps: Steps) -> None:
        self.loaders = Loaders()
        self.schedulers = Schedulers()
        self._steps = steps
        self._frameworks = Frameworks()
        self._compiling = Compiling()
        self._looked = 0.0
        self._told = Length()

    @property
    def total_steps(self) -> int | None:
        """How many steps the run will make, where that is known."""
        return self._told.total_steps

    def begins(self, loader: Any, iterator: Any) -> None:
        """An iteration over a loader begins, on the script's thread."""
        try:
            self.loaders.begins(loader, iterator, self._steps.step)
        except Exception:
            self._steps.failed("at a loader's iteration")

    def made(self, scheduler: Any) -> None:
        """A scheduler was made, on the script's thread."""
        try:
            self.schedulers.made(scheduler)
        except Exception:
            self._steps.failed("at a scheduler")

    def look(self) -> None:
        """Before each flush, on the writer's thread."""
        try:
            self._look(time())
        except Exception:
            self._steps.failed("in the progress")

    def _look(self, now: float) -> None:
        session = self._steps.session
        if session is None:
            return
        self._compiling.look(session.writer, now)
        self.loaders.write(session.writer, now)
        # A first pass may be over within a second: it tells of which loader steps are made.
        self.loaders.tell_pace(session.writer, self._steps.step)
        if 0 <= now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self.loaders.tell_reading(session.writer, self._steps.step, now)
        found = self._length()
        if _differs(found, self._told):
            self._told = found
            more = {"first_epoch": found.first_epoch} if found.first_epoch > 1 else {}
            session.writer.event(
                "progress",
                step=self._steps.step,
                total_steps=found.total_steps,
                total_epochs=found.total_epochs,
                source=found.source,
                **more,
            )

    def _length(self) -> Length:
        steps = self._steps
        main = steps.optimizers[0].ref() if steps.optimizers else None
        if main is None:
            return self._told
        passes = max((one.passes for one in self.loaders.loaders), default=0)
        told = self._frameworks.look(steps.step, passes, len(steps.optimizers))
        # Looked at in any case: they need to have been seen from the beginning.
        found = self.schedulers.look(main, lambda: steps.step, list(self.loaders.loaders))
        if told is None:
            return found or Length()
        if told.total_steps is None and found is not None:
            return replace(told, total_steps=found.total_steps)
        return told


def watch(torch: Any) -> None:
    """Be told of the iterations over loaders, and of the schedulers that are made."""
    loader = torch.utils.data.DataLoader
    loader.__iter__ = _iteration(loader.__iter__)
    schedulers = torch.optim.lr_scheduler
    for name in ("LRScheduler", "SequentialLR"):
        kind = getattr(schedulers, name, None)
        if kind is not None and "__init__" in kind.__dict__:
            kind.__init__ = _making(kind.__init__)


def _iteration(original: Any) -> Any:
    @functools.wraps(original)
    def __iter__(self: Any) -> Any:
        try:
            iterator = original(self)
        except BaseException as error:
            _leave_out_this_frame(error)
            raise
        progress = _current()
        if progress is not None:
            progress.begins(self, iterator)
        return iterator

    return __iter__


def _making(original: Any) -> Any:
    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            original(self, *args, **kwargs)
        except BaseException as error:
            _leave_out_this_frame(error)
            raise
        progress = _current()
        if progress is not None:
            progress.made(self)

    return __init__


def _current() -> Progress | None:
    from lrmonitor.probe import hooks

    steps = hooks.current()
    return None if steps is None else steps.progress


def _leave_out_this_frame(error: BaseException) -> None:
    """The script's traceback looks as it does without the wrapper that caught `error`."""
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


def _differs(found: Length, told: Length) -> bool:
    """Whether it is to be told: a scheduler's count may be one off when it is read."""
    if found == told:
        return False
    if found.total_steps is None or told.total_steps is None:
        return True
    others = found.total_epochs, found.first_epoch, found.source
    if others != (told.total_epochs, told.first_epoch, told.source):
        return True
    return abs(found.total_steps - told.total_steps) > 1
