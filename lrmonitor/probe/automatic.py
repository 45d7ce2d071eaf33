"""Snapshots that are taken without being asked for, where they cost next to nothing: so that there
is something to go back to once a training has gone wrong.

Nothing of it is in a step: the writer's thread says when one is due, as it does for the norms, and
only then a step boundary is looked at.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from lrmonitor.probe.frames import from_signal_handler
from lrmonitor.probe.memory import available, size
from lrmonitor.probe.session import siblings, world_size

if TYPE_CHECKING:
    from lrmonitor.probe.keeping import Keeper
    from lrmonitor.probe.steps import Steps

VARIABLE = "LRMONITOR_SNAPSHOTS"
"""In the environment of a run: "0" for none by themselves (`run --no-snapshots`)."""

AUTO = "auto"
"""Why such a snapshot is there, in the record."""

SHARE = 0.005
"""The part of the time that they may take: after one that took t seconds the next one comes no
earlier than t / SHARE later."""

MEMORY = 0.1
"""The part of the free memory that all of them together may take; none where one takes more."""

KEPT = 8
"""Snapshots that are kept at most, however small they are: the first, and of the others some from
long ago and most from lately (see `ring`)."""

LARGEST = 2 * 2**30
"""Bytes of a state that is not copied unasked: that would hold the training for a second."""

SECONDS = 1.0
"""No more are taken after one that took longer."""

EARLY = 2**28
"""Bytes of a state that is copied after the very first step, which takes some tenths of a
second once: where a rate is ruinous from the start, only the first steps are left to go back to."""

FIRST_SECONDS, FIRST_STEPS = 30.0, 300
"""Before the next one, and before the first of a larger state."""

LEAST_STEPS = 100
"""Steps between two of them, at least."""


class Automatic:
    """`look` runs on the writer's thread and once before the first step, the rest on the training
    thread, between two steps."""

    def __init__(self, steps: Steps) -> None:
        self.wanted = False
        """Whether one is to be taken at the next boundary."""
        self.off = os.environ.get(VARIABLE) == "0"
        """Whether none is taken any more: so it was asked, or it cannot be."""
        self._steps = steps
        self._early = True
        """Whether the one of the first steps has not been thought of yet."""
        self._begun: float | None = None
        self._due = 0.0
        self._step = 0
        self._bytes = 0
        self._on = False

    def look(self) -> None:
        """Whether one is due now."""
        steps, now = self._steps, time.monotonic()
        if self.off or self.wanted or not steps.optimizers:
            return
        if self._begun is None:
            self._begun = now
        if steps.step < self._step or now < max(self._due, self._begun + FIRST_SECONDS):
            if not self._early:
                return
            self._early = False  # at once: the other thread may be looking as well
        if not self._on and self._together():
            self.off = True
            return
        if steps.control.keeper().every:
            return  # they are taken as a person has asked
        self.wanted = True
        steps.control.look_at_gate()

    def take(self, keeper: Keeper, step: int) -> None:
        """Take one, and see what it cost."""
        begun = time.perf_counter()
        early = not self._step
        try:
            why = None if self._on else self._begin(keeper, step)
            if why is None and not (early and self._bytes > EARLY):
                why = keeper.take_itself(AUTO, step)
        except Exception as error:
            if from_signal_handler(error):
                raise
            self._steps.failed("at a snapshot taken unasked")
            why = "it failed"
        took = time.perf_counter() - begun
        self._due = time.monotonic() + took / SHARE
        self._step = FIRST_STEPS if early else step + LEAST_STEPS
        if why is None and took > SECONDS:
            why = f"one took {took:.2g} s"
        if why is not None:
            self.off = True
            if self._on:
                keeper.tell(step, automatic=False, reason=why)
        self.wanted = False  # last: the writer's thread looks when the next one is due

    def _together(self) -> bool:
        session = self._steps.session
        if session is None or world_size() > 1:
            return True
        return bool(siblings(session.folder, session.rank))

    def _begin(self, keeper: Keeper, step: int) -> str | None:
        """Look what they would take; why none are taken, or None."""
        from lrmonitor.probe.snapshots import needed

        wanted, free = needed(self._steps.optimizers, keeper.holders()), available()
        self._bytes = wanted
        if free is None or wanted > MEMORY * free or wanted > LARGEST:
            return f"one would take {size(wanted)}"
        if keeper.budget is None:
            keeper.budget = int(min(MEMORY * free, KEPT * wanted))
        self._on = True
        keeper.tell(step, automatic=True)
        return None
