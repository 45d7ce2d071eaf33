"""The snapshots that are kept: a budget of memory, and which one is meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lrmonitor.probe.automatic import AUTO
from lrmonitor.probe.copies import Held
from lrmonitor.probe.memory import size
from lrmonitor.probe.snapshots import Snapshot

MOST = 64
"""Snapshots that are kept, however small they are."""


class NotKept(Exception):
    """There is no such snapshot, or no room for one; the message says what there is."""


class Ring:
    """Changed on the training thread alone; `kept` may be read anywhere."""

    def __init__(self) -> None:
        self.kept: tuple[Snapshot, ...] = ()
        """Oldest first."""
        self.saving: list[Snapshot] = []
        """Those that are being written to a file: their memory is not to be used again."""

    @property
    def bytes(self) -> int:
        """Memory of all of them; what several share counts once."""
        shared = {id(h): h.bytes for one in self.kept for h in one.shared}
        return sum(one.alone for one in self.kept) + sum(shared.values())

    def choose(self, to: int | None, back: int | None, now: int) -> Snapshot:
        """The snapshot after step `to`, or the newest at least `back` steps before `now`, or the
        newest of all. Raises NotKept."""
        if not self.kept:
            raise NotKept("no snapshot is kept: there is nothing to go back to")
        if to is not None:
            found = [one for one in self.kept if one.step == to]
            if not found:
                raise NotKept(f"no snapshot of step {to} is kept: there {self._words()}")
            return found[-1]
        valid = [one for one in self.kept if not one.left]
        if back is not None:
            found = [one for one in valid if one.step <= now - back]
            if not found:
                raise NotKept(
                    f"no snapshot from {back} steps ago, step {max(now - back, 0)}, or before is "
                    f"kept: there {self._words()}"
                )
            return found[-1]
        return (valid or list(self.kept))[-1]

    def make_room(self, wanted: int, budget: int) -> tuple[list[Snapshot], list[Held]]:
        """Drop some until `wanted` bytes fit: those of steps that were taken back, then of those
        that were taken unasked the ones that are missed least, then the oldest. Those that were
        dropped, and copies of theirs that nobody needs any more. Raises NotKept where they can
        never fit."""
        if wanted > budget:
            raise NotKept(
                f"a snapshot takes {size(wanted)}, and all of them may take {size(budget)}: allow "
                "more with --budget"
            )
        dropped: list[Snapshot] = []
        while self.kept and (len(self.kept) >= MOST or self.bytes + wanted > budget):
            left = next((one for one in self.kept if one.left), None)
            going = left or _spared([one for one in self.kept if one.why == AUTO]) or self.kept[0]
            self.kept = tuple(one for one in self.kept if one is not going)
            dropped.append(going)
        used = {id(held) for held in _all([*self.kept, *self.saving])}
        return dropped, [held for held in _all(dropped) if id(held) not in used]

    def forget(self) -> list[Snapshot]:
        """Drop all."""
        dropped, self.kept = list(self.kept), ()
        return dropped

    def add(self, snapshot: Snapshot) -> None:
        """Keep one more."""
        self.kept = (*self.kept, snapshot)

    def leave(self, step: int) -> None:
        """The training went back to `step`: what was kept after it is of steps taken back."""
        for one in self.kept:
            one.left = one.left or one.step > step

    def _words(self) -> str:
        steps = [str(one.step) for one in self.kept]
        if len(steps) == 1:
            return f"is one of step {steps[0]}"
        told = ", ".join(steps[-12:-1])
        more = "" if len(steps) <= 12 else f"{len(steps) - 12} older ones and "
        return f"are {more}those of steps {told} and {steps[-1]}"


def _spared(own: Sequence[Snapshot]) -> Snapshot | None:
    """Of these, oldest first, the one without which their ages are still spread best, each about
    twice the next one's: so a few reach back to the first step however long the run is. The first
    and the newest stay."""
    if len(own) < 3:
        return own[-1] if own else None
    now = own[-1].step
    gaps = [
        ((now - before.step) / max(now - after.step, 1), at)
        for at, (before, after) in enumerate(zip(own, own[2:], strict=False), 1)
    ]
    return own[min(gaps)[1]]


def _all(snapshots: Sequence[Snapshot]) -> Iterator[Held]:
    seen: set[int] = set()
    for one in snapshots:
        for held in one.held():
            if id(held) not in seen:
                seen.add(id(held))
                yield held
