"""What the probe knows of one thread that trains: its step, and what it back-propagated."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from lrmonitor.probe.values import Arriving

if TYPE_CHECKING:
    from lrmonitor.probe.entry import Entry
    from lrmonitor.probe.hiding import Hidden
    from lrmonitor.probe.norms import Clip
    from lrmonitor.probe.optimizers import Optimizer


class Detail:
    """What a step needs to remember that is looked at closely: it has a closure, a command, an
    override of a tensor, a GradScaler around it, or norms to be measured. An ordinary step has none
    and is cheap."""

    __slots__ = (
        "applied",
        "effective",
        "evaluations",
        "handles",
        "hidden",
        "sampled",
        "scheduled",
        "thread",
    )

    def __init__(self, thread: Thread) -> None:
        self.thread = thread
        """In which it is made."""
        self.evaluations = 0
        self.sampled = False
        """Whether its norms are measured."""
        self.applied: list[Entry] = []
        self.scheduled: list[float] = []
        self.effective: list[float | None] = []
        self.handles: list[Any] = []
        """Of hooks on the optimizer that are taken off again after the step."""
        self.hidden: Hidden = []
        """The gradients of a step that a guard leaves out."""


class Thread:
    """One object a thread, as each object that a step touches costs it a cache miss.

    Only its own thread writes it, but for `slow`, and for `put` once a step of it has raised.
    """

    __slots__ = (
        "arriving",
        "clips",
        "closed",
        "count",
        "detail",
        "ident",
        "inside",
        "known",
        "nested",
        "odd",
        "put",
        "rides",
        "scaling",
        "slow",
        "stepping",
        "taken",
        "total",
    )

    def __init__(self, ident: int) -> None:
        self.ident = ident
        self.stepping = False
        """Whether a step was begun and did not end. It may have raised: `frames` tells. A counter
        of steps within steps would break then."""
        self.known: Optimizer | None = None
        """The optimizer of that step."""
        self.detail: Detail | None = None
        self.nested = False
        """Whether a step was made within that step."""
        self.odd = False
        """Whether there is a detail, or a step within the step: set before they are, and cleared
        after, so that an ordinary step has but one thing to ask for."""
        self.put = False
        """Whether an ordinary step of this thread puts effective rates into its optimizer's groups:
        set before it does, and cleared after it has taken them out."""
        self.rides = False
        """Whether another thread's step has the optimizer: this one only counts."""
        self.inside = False
        """Whether a backward pass is in progress."""
        self.scaling = False
        """Whether a GradScaler is stepping an optimizer."""
        self.slow = True
        """Whether the next backward pass has to be looked at closely."""
        self.total = 0.0
        self.count = 0
        """Parts since the last step; where `taken`, those of the last step."""
        self.arriving: list[Arriving] | None = None
        """Parts whose values are still on their way from a device."""
        self.clips: list[Clip] | None = None
        """How gradients were clipped since the last step."""
        self.taken = False
        """Whether a step has had the parts: the next one begins anew. Until then they are kept for
        a second optimizer of the same backward pass."""
        self.closed = False
        """Whether a closure's first evaluation is over: what follows in that step is not its."""

    def add(self, value: float | Arriving) -> None:
        """One more part."""
        if self.closed:
            return
        if self.taken:
            self.total, self.count, self.arriving, self.taken = 0.0, 0, None, False
        if isinstance(value, Arriving):
            self.arriving = [*(self.arriving or ()), value]
        else:
            self.total += value
        self.count += 1

    def take(self) -> None:
        """A step has the parts."""
        self.taken, self.closed = True, False


NOBODY = Thread(0)
"""Stands for a thread that was not met yet. Nothing it does is ordinary; it is never written."""
NOBODY.stepping = NOBODY.odd = True


class Local(threading.local):
    """Gives each thread its own `Thread`: faster than a table by the thread's number."""

    here: Thread = NOBODY
