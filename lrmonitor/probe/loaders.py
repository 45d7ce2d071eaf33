"""Which data loaders the script goes through, and how often: what tells the epoch.

The training thread only notes that an iteration began, once an epoch. All else is done on the
writer's thread, and reads nothing but plain attributes of torch's own classes.
"""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from time import time
from typing import Any, NamedTuple

from lrmonitor.record.writer import RankWriter

A_SECOND = 5.0
AT_ONCE = 25.0
"""Events that may be written a second, and after a quiet while: loops over tiny loaders, as in
reinforcement learning, shall not flood the record."""

MANY = 10_000
SELDOM = 1 / 60
"""So many events later only one a minute is written: ten thousand epochs are a long training."""

READING_AFTER = 1.0
READING_SECONDS = 5.0
"""Seconds without a step after which it is told how many batches of a loader were taken, and
between two such events."""

READING_BATCHES = 4
"""Fewer batches without a step tell nothing: a step may be made with several."""

WAITING = 1000
"""Iterations that are remembered until they are written; a process may never come to train."""

RECENT = 8
"""Loaders among which the one is looked for with whose batches steps were made."""

LOADERS = 256
"""Loaders that are known at a time."""

_ASKED = ("torch.", "builtins.", "accelerate.", "transformers.", "lightning.", "pytorch_lightning.")
"""Packages whose samplers and loaders know their length without doing anything."""


class Begun(NamedTuple):
    """An iteration over a loader began."""

    time: float
    loader: int
    iteration: int
    batches: int | None
    step: int


class Loader:
    """One of the script's loaders, by a weak reference."""

    __slots__ = (
        "batches",
        "begun",
        "dataset",
        "iteration",
        "iterator",
        "kind",
        "next_pace",
        "number",
        "over",
        "passes",
        "reading_told",
        "reading_until",
        "ref",
        "step",
        "trains",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.ref: Any = None
        self.dataset: Any = None
        """A weak reference to its data set, or something that never is one."""
        self.kind: tuple[Any, ...] = ()
        self.iteration = 0
        self.batches: int | None = None
        self.iterator: Any = None
        """A weak reference to the latest iteration's; set by the thread that iterates alone."""
        self.over: Any = None
        """The reference to that whose end was seen, set by the writer's thread alone."""
        self.step = -1
        """The main optimizer's step when the latest iteration began."""
        self.trains = False
        """Whether steps were made with its batches, as far as `begins` could tell."""
        self.passes = 0
        """Iterations that are over and in which steps were made."""
        self.next_pace = 4
        """Batches after which it is told how many steps they made: at 4, 8, 16, … of them."""
        self.begun = 0.0
        """When the latest iteration began, in unix seconds."""
        self.reading_told: float | None = None
        """When it was last told that batches were taken without a step; None: not in this one."""
        self.reading_until = 0
        """How many had been taken then."""

    @property
    def going(self) -> bool:
        """Whether the script is amid the latest iteration; False where that cannot be told."""
        iterator = None if self.iterator is None else self.iterator()
        if iterator is None:
            return False
        if not self.kept:
            return True
        taken = vars(iterator).get("_num_yielded")
        return type(taken) is int and self.batches is not None and taken < self.batches

    @property
    def kept(self) -> bool:
        """Whether the loader itself keeps the iterator, for its workers, so that the script's last
        batch cannot be told from the end."""
        iterator = None if self.iterator is None else self.iterator()
        return iterator is not None and getattr(self.ref(), "_iterator", None) is iterator


class Loaders:
    """The loaders of a process. `begins` is called by the threads that iterate, the rest by the
    writer's."""

    def __init__(self) -> None:
        self.loaders: list[Loader] = []
        self._known: dict[int, Loader] = {}
        self._latest: Loader | None = None
        self._recent: deque[Loader] = deque(maxlen=RECENT)
        self._count = 0
        self._begun: deque[Begun] = deque(maxlen=WAITING)
        self._waiting: list[Begun] = []
        self._allowance = AT_ONCE
        self._filled = 0.0
        self._written = 0

    def begins(self, loader: Any, iterator: Any, step: int) -> None:
        """An iteration over a loader begins."""
        known = self._known.get(id(loader))
        if known is None or known.ref() is not loader:
            known = self._know(loader)
        self._tell_training(known, step)
        if known.step >= 0 and step > known.step:
            known.passes += 1
        known.iteration += 1
        known.step = step
        known.batches = batches(loader)
        known.next_pace = 4
        known.begun = now = time()
        known.reading_told = None
        try:
            known.iterator = weakref.ref(iterator)
        except TypeError:
            known.iterator = None
        self._latest = known
        if known in self._recent:
            self._recent.remove(known)
        self._recent.append(known)
        self._begun.append(Begun(now, known.number, known.iteration, known.batches, step))

    @property
    def latest(self) -> Loader | None:
        """The one that was begun last."""
        return self._latest

    def write(self, writer: RankWriter, now: float) -> None:
        """Write what began, as far as it may be."""
        while self._begun:
            self._waiting.append(self._begun.popleft())
        rate = A_SECOND if self._written < MANY else SELDOM
        passed = max(now - self._filled, 0.0)
        self._filled = now
        self._allowance = min(self._allowance + passed * rate, AT_ONCE)
        if len(self._waiting) > self._allowance:
            # What is left out can be told from the numbers of the later ones.
            latest = {one.loader: one for one in self._waiting}
            self._waiting = sorted(latest.values())[-LOADERS:]
        while self._waiting and self._allowance >= 1:
            self._allowance -= 1
            self._written += 1
            writer.event("loader", **self._waiting.pop(0)._asdict())

    def tell_pace(self, writer: RankWriter, step: int) -> None:
        """Say of the loaders that steps are made with how many batches they gave for them; after
        their first pass its beginning and its end tell it."""
        for known in list(self.loaders):
            reference = known.iterator
            if reference is None or reference is known.over or step <= known.step or known.passes:
                continue
            iterator = reference()
            if iterator is None:
                continue
            taken = vars(iterator).get("_num_yielded")
            if type(taken) is int and taken >= known.next_pace:
                known.next_pace = 2 * taken
                writer.event(
                    "batches",
                    loader=known.number,
                    iteration=known.iteration,
                    taken=taken,
                    step=step,
                )

    def tell_reading(self, writer: RankWriter, step: int, now: float) -> None:
        """Say of the loader that was begun last that batches of it are being taken while no step is
        made, as in a validation; and when that is over."""
        known = self._latest
        if known is None or step > known.step or now - known.begun < READING_AFTER:
            return
        reference = known.iterator
        if reference is None or reference is known.over:  # it cannot be told, or was
            return
        iterator = reference()
        taken = known.reading_until
        if iterator is not None:
            taken = vars(iterator).get("_num_yielded")
            if type(taken) is not int or taken <= READING_BATCHES:
                return
        over = iterator is None or taken == known.batches
        told = known.reading_told
        if over:
            known.over = reference
            if told is None:
                return
        elif told is not None and (
            0 <= now - told < READING_SECONDS or taken == known.reading_until
        ):
            return
        known.reading_told, known.reading_until = now, taken
        writer.event(
            "reading",
            loader=known.number,
            iteration=known.iteration,
            taken=taken,
            step=step,
            over=over,
        )

    def _tell_training(self, begun: Loader, step: int) -> None:
        """Steps that were made since an iteration began last were made with its batches, or with
        those of another loader that was amid its own then, and is still: not of the one that is
        begun anew."""
        latest = self._latest
        if latest is None or step <= latest.step:
            return
        others = [one for one in self._recent if one not in (latest, begun)]
        outer = [one for one in others if one.going or (one.trains and one.kept)]
        (outer[-1] if outer else latest).trains = True

    def _know(self, loader: Any) -> Loader:
        """The record of a loader that is not in the table. One that is made anew for each epoch
        takes the place of the one before, if that one is gone and had the same data."""
        data = getattr(loader, "dataset", None)
        kind = (
            type(loader),
            type(getattr(loader, "sampler", None)),
            getattr(loader, "batch_size", None),
            batches(loader),
        )
        found = next(
            (
                one
                for one in self.loaders
                if one.ref() is None and one.kind == kind and one.dataset() is data is not None
            ),
            None,
        )
        if found is None:
            found = Loader(self._count)
            self._count += 1
            self.loaders.append(found)
        found.ref = weakref.ref(loader)
        found.kind = kind
        found.dataset = _NoDataset
        with contextlib.suppress(TypeError):  # a list, say
            found.dataset = weakref.ref(data)
        if len(self.loaders) > LOADERS:
            gone = [one for one in self.loaders if one.ref() is None]
            for one in gone or self.loaders[:1]:
                self.loaders.remove(one)
        if len(self._known) > LOADERS:
            self._known = {id(one.ref()): one for one in self.loaders if one.ref() is not None}
        self._known[id(loader)] = found
        return found


class _NoDataset:
    """Stands for a weak reference to a data set that cannot have one."""


def batches(loader: Any) -> int | None:
    """How many batches an iteration gives; None where only code of the script's could tell.

    torch's own loaders and samplers compute it from the length of the data set, which they ask for
    it themselves. A sampler of the script's might draw random numbers for it; an iterable data set
    that was asked once makes the loader warn later.
    """
    from torch.utils.data import DataLoader

    kind = type(loader)
    if kind.__len__ is not DataLoader.__len__ and not _asked(kind):
        return None
    own = vars(loader)
    if own.get("_dataset_kind") != 0:  # torch's number for a data set with an index
        return None
    sampler = own.get("batch_sampler")
    if sampler is None:
        sampler = own.get("sampler")
    while sampler is not None:
        if not _asked(type(sampler)):
            return None
        inner = getattr(sampler, "__dict__", {})
        sampler = inner.get("sampler", inner.get("batch_sampler"))
    try:
        found = len(loader)
    except Exception:  # an unsized data set, or an infinite sampler
        return None
    return found if found > 0 else None


def _asked(kind: type) -> bool:
    return f"{kind.__module__}.".startswith(_ASKED)
