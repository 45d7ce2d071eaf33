"""What a detector is: a small class that is told of rows, blocks and breaks, and opens findings."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis.book import Book
from lrmonitor.diagnosis.history import BASELINE, History
from lrmonitor.diagnosis.stats import MAD, median, noise, steps

Floats = npt.NDArray[np.float64]

KNOWN = 8
"""Losses before one without which nothing is usual yet."""


class Rows:
    """Consecutive finite losses within one block: n of them, 1 <= n <= block.

    As lists, since most are told of one or a few: below some dozens of numbers that is much faster
    than arrays, which are made of them where they are asked for.
    """

    __slots__ = ("before", "row", "steps", "top", "top_u", "us", "ys")

    def __init__(
        self,
        steps: list[int],
        ys: list[float],
        us: list[float],
        before: list[float],
        row: int,
    ) -> None:
        self.steps = steps
        self.ys = ys
        self.us = us
        self.before = before
        """u of the up to 32 losses before the first of these."""
        self.row = row
        """Number of the first, counted over finite losses."""
        if len(ys) == 1:
            self.top, self.top_u = ys[0], us[0]
        else:
            self.top, self.top_u = max(ys), max(us)

    def __len__(self) -> int:
        return len(self.ys)

    @property
    def step(self) -> npt.NDArray[np.int64]:
        """Steps, shape (n,)."""
        return np.array(self.steps, np.int64)

    @property
    def y(self) -> Floats:
        """Losses over the history's unit, shape (n,)."""
        return np.array(self.ys)

    @property
    def u(self) -> Floats:
        """The same on the u axis, shape (n,)."""
        return np.array(self.us)

    @property
    def median(self) -> Floats:
        """u: the median of the up to 32 losses before each, shape (n,); nan before there are 8."""
        return np.array([self.usual(i) for i in range(len(self.us))])

    @property
    def noise(self) -> Floats:
        """u: the noise of those, shape (n,); nan before there are 8."""
        return np.array([self.usual_noise(i) for i in range(len(self.us))])

    def one(self, i: int) -> Rows:
        """The i-th alone."""
        at = slice(i, i + 1)
        return Rows(self.steps[at], self.ys[at], self.us[at], self._until(i), self.row + i)

    def least_usual(self) -> float:
        """u: a bound that no median of the losses before one of these lies below; inf before there
        are 8. For many losses as cheap as for one: most of the time no more is to be known."""
        known = [*self.before, *self.us[:-1]]
        if len(known) < KNOWN:
            return math.inf
        if len(self.before) < BASELINE:
            return min(known)
        # The k-th lowest of some of them is no lower than that of all.
        known.sort()
        return 0.5 * (known[BASELINE // 2 - 1] + known[BASELINE // 2])

    def least_noise(self) -> float:
        """u: the same for the noise of those losses; 0 before there are 32."""
        if len(self.before) < BASELINE:
            return 0.0
        apart = sorted(steps([*self.before, *self.us[:-1]]))
        return MAD * apart[BASELINE // 2 - 1] / math.sqrt(2)

    def usual(self, i: int) -> float:
        """u: the median of the up to 32 losses before the i-th; nan before there are 8."""
        known = self._until(i)
        return median(known) if len(known) >= KNOWN else math.nan

    def usual_noise(self, i: int) -> float:
        """u: the noise of those; nan before there are 8."""
        known = self._until(i)
        return noise(known) if len(known) >= KNOWN else math.nan

    def _until(self, i: int) -> list[float]:
        return [*self.before, *self.us[:i]][-BASELINE:] if i else self.before


class Detector:
    """Override what you need. Whatever is told comes in the order of the log.

    A user's own: a subclass with a constructor without arguments, named in the entry-point group
    `lrmonitor.detectors`. It must not change the history.
    """

    def __init__(self) -> None:
        self.history: History
        self.book: Book

    def attach(self, history: History, book: Book) -> None:
        """Called once, before anything else."""
        self.history, self.book = history, book

    def stirs(self, rows: Rows) -> bool:
        """Whether a single one of these losses may open or close a finding: then all detectors are
        told of them one by one, so that it does not matter how the log is cut. Of one loss this is
        not asked."""
        return False

    def rows(self, rows: Rows) -> None:
        """Some losses of a block that is not whole yet: one, or several that stir no detector."""

    def block(self) -> None:
        """A block was completed: `history` has it."""

    def broken(self, first: int, last: int) -> None:
        """Losses from step `first` to `last` are not finite."""

    def era(self) -> None:
        """The rate jumped, or the step went back."""

    def time(self, step: int, now: float) -> None:
        """The latest row's time, once a block, and whenever `Diagnosis.tick` is called."""
