"""Runs without any torch optimizer: each backward pass is a step, once that is known."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lrmonitor.probe.optimizers import optimizer_was_made
from lrmonitor.probe.threads import Thread
from lrmonitor.probe.values import Arriving
from lrmonitor.record.writer import SeriesWriter

if TYPE_CHECKING:
    from lrmonitor.probe.steps import Steps

UNSTEPPED = 1024
"""Backward passes without any optimizer step after which each of them counts as a step, where an
optimizer was made (accumulation over more is not known)."""

NO_OPTIMIZER = (
    "the script steps no torch optimizer; its learning rate is its own variable, which lrmonitor "
    "cannot reach (each backward pass counts as a step)"
)


class Lone:
    """The losses of a process of which no optimizer has stepped so far."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._early: list[tuple[float, float]] | None = []
        self._series: SeriesWriter | None = None

    @property
    def looks(self) -> bool:
        """Whether each backward pass has to be looked at."""
        return self._early is not None or self._series is not None

    def stepped(self) -> SeriesWriter | None:
        """An optimizer is about to step after all: the series of losses that was begun."""
        series, self._series = self._series, None
        return series

    def take(self, here: Thread, value: float | Arriving) -> None:
        """A backward pass of that thread succeeded."""
        steps = self._steps
        if steps.optimizers:
            self._early = None
            return
        session = steps.register()
        if session is None or isinstance(value, Arriving):
            return
        now = time.time()
        if self._series is not None:
            here.take()
            self._step(self._series, value, now)
            return
        if self._early is None:
            return
        self._early.append((now, value))
        if len(self._early) < UNSTEPPED and optimizer_was_made():
            return
        early, self._early = self._early, None
        here.take()
        steps.loss_only = NO_OPTIMIZER
        session.writer.event("no_optimizer", reason=NO_OPTIMIZER)
        steps.control.no_optimizer(NO_OPTIMIZER)
        self._series = session.writer.series("loss", "loss")
        for when, one in early:
            self._step(self._series, one, when)

    def _step(self, series: SeriesWriter, value: float, now: float) -> None:
        self._steps.step += 1
        series.append((self._steps.step, now, value))
