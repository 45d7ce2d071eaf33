"""Which step has an optimizer.

Of threads that step the same one at the same time only one is looked at closely: it alone reads
what the script has left, carries out commands, puts rates and takes them out again. The steps of
the others use what stands in the groups.

No step waits for another one. What a step that raised has left is given back by whoever steps that
optimizer next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from lrmonitor.probe.frames import alive, in_step
from lrmonitor.probe.hiding import reveal
from lrmonitor.probe.threads import Detail, Thread

if TYPE_CHECKING:
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps


class Claims:
    """Of one optimizer."""

    def __init__(self) -> None:
        self._held: dict[str, Detail] = {}
        """The step that has it, under an empty key: taken by `setdefault`, which no other thread
        can come between."""
        self._healing = threading.RLock()

    @property
    def detail(self) -> Detail | None:
        """What is known of the step that has it; None if none does."""
        return self._held.get("")

    def take(self, detail: Detail) -> Detail:
        """Take it for a step, if it is free; gives back the step that has it."""
        return self._held.setdefault("", detail)

    def let_go(self, detail: Detail) -> None:
        """That step has it no longer."""
        if self._held.get("") is detail:
            self._held.clear()

    def clear(self) -> None:
        """No step of it goes on."""
        self._held.clear()

    def heal(self, give_back: Callable[[], None]) -> bool:
        """Have given back what a step that raised has left; False where another thread is doing so
        at this moment."""
        if not self._healing.acquire(blocking=False):
            return False
        try:
            give_back()
        finally:
            self._healing.release()
        return True


def claim(steps: Steps, known: Optimizer, detail: Detail) -> bool:
    """Take an optimizer for a step that is looked at closely; False where another thread steps it
    at this moment, whose rates serve this step too."""
    here = detail.thread
    other = known.claims.take(detail)
    if other is not detail:
        # One that has ended has let go: if it never did, it has raised.
        ended = other.thread is here or not in_step(other.thread)
        if not ended or not _heal_step(steps, known, other):
            return False
        if known.claims.take(detail) is not detail:
            return False
    known.steps_in(here, alive)
    puts = known.puts
    if puts is not None and (
        (puts is not here and in_step(puts)) or not _heal_put(steps, known, puts)
    ):
        known.claims.let_go(detail)
        return False
    known.had_by(here)
    return True


def heal(steps: Steps, here: Thread) -> None:
    """A step of this thread raised: its after-hook never came, and its override still stands.

    What tells that there is something to heal is cleared last: where a signal handler of the
    script's raises in the midst of it, the next hook begins anew.
    """
    known = here.known
    if known is not None:
        if here.detail is not None:
            _heal_step(steps, known, here.detail)
        if here.put:
            _heal_put(steps, known, here)
    here.take()  # what was back-propagated for that step is not the next one's
    here.inside = here.nested = False
    here.stepping, here.detail = False, None
    here.odd = here.rides = False


def _heal_step(steps: Steps, known: Optimizer, detail: Detail) -> bool:
    """Give back what a step has left that was looked at closely and raised; False where another
    thread does so at this moment."""

    def give_back() -> None:
        if known.claims.detail is detail:
            undo(detail)
            actual = known.ref()
            if actual is not None and known.swap.active:
                steps.put_back(known, actual)
            known.claims.let_go(detail)

    return known.claims.heal(give_back)


def _heal_put(steps: Steps, known: Optimizer, own: Thread) -> bool:
    """The same of an ordinary step of that thread."""

    def give_back() -> None:
        if own.put:
            actual = known.ref()
            if actual is not None:
                steps.take_out(own, known, actual)
            own.put = False

    return known.claims.heal(give_back)


def undo(detail: Detail) -> None:
    """Take off the hooks of a step, and give back the gradients that were hidden for it."""
    while detail.handles:
        detail.handles[-1].remove()
        detail.handles.pop()
    reveal(detail.hidden)


def take_all(steps: Steps, here: Thread) -> list[tuple[Optimizer, Detail]]:
    """Between two steps of this thread: take all optimizers that are free, so that others are seen
    to step one. They are let go with `let_all_go`."""
    taken = []
    for known in list(steps.optimizers):
        detail = Detail(here)
        other = known.claims.take(detail)
        if other is detail:
            taken.append((known, detail))
        elif other.thread is not here and in_step(other.thread):
            known.overlaps(steps.step)
    return taken


def let_all_go(taken: list[tuple[Optimizer, Detail]]) -> None:
    """Those that were taken."""
    for known, detail in taken:
        known.claims.let_go(detail)
