"""Which step has an optimizer.

Of threads that step the same one at the same time only one is looked at closely: it alone reads
what the script has left, carries out commands, puts rates and takes them out again. The steps of
the others use what stands in the groups.

No step waits for another one. What a step that raised has left is given back by whoever steps that
optimizer next.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
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

    @contextlib.contextmanager
    def healing(self) -> Iterator[bool]:
        """While what a step that raised has left is given back; whether it is this thread's to do
        so. Where it is another one's, that is doing it at this moment."""
        mine = False
        try:
            mine = self._healing.acquire(blocking=False)
            yield mine
        finally:
            if mine:
                self._healing.release()


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
    if not known.shared:
        known.thread = here
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
    with known.claims.healing() as mine:
        if mine and known.claims.detail is detail:
            for handle in detail.handles:
                handle.remove()
            reveal(detail.hidden)
            actual = known.ref()
            if actual is not None and known.swap.active:
                steps.put_back(known, actual)
            known.claims.let_go(detail)
    return mine


def _heal_put(steps: Steps, known: Optimizer, own: Thread) -> bool:
    """The same of an ordinary step of that thread."""
    with known.claims.healing() as mine:
        if mine and own.put:
            actual = known.ref()
            if actual is not None:
                steps.take_out(own, known, actual)
            own.put = False
    return mine
