"""When a sweep of the rate has gone far enough: a loss far above where the sweep began."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterable

FACTOR = 10.0
"""How many times the noise the loss may rise above the level where the sweep began."""

FIRST = 8
"""Losses that make the level, and the least number of them before anything can be judged."""

NOISE = 32
"""Losses that the noise is taken from: in a sweep the first ones, whose rates change little yet."""

DEVIATIONS = 1.4826 / math.sqrt(2)
"""Median absolute first difference to standard deviation, for normal values."""


class Bound:
    """The stop rule of a range test, one loss at a time: L₀ + k · noise, or a loss not finite.

    L₀ is the median of the losses before the test, or of the first 8 of it; the noise is the
    standard deviation around a trend, from the median absolute first difference of the same losses
    (of the first 32 of the test, where none came before). No ratio: a factor of the lowest loss,
    as others stop at, means nothing where losses are negative, and stops at the noise near zero.
    Two losses in a row have to be above it, since one odd batch is not the rate's doing. Scaling
    or shifting all losses changes no answer. Standard library only: the probe uses it.
    """

    def __init__(self, before: Iterable[float] = (), factor: float = FACTOR) -> None:
        """`before`: losses of the run before the test, oldest first; the last 64 finite ones."""
        self.factor = factor
        self.level: float | None = None
        """L₀, once it is known."""
        self.noise: float | None = None
        self._losses: list[float] = []
        self._above = False
        known = [x for x in before if math.isfinite(x)][-2 * NOISE :]
        self._fixed = len(known) >= FIRST
        if self._fixed:
            self._measure(known)

    @property
    def limit(self) -> float | None:
        """The loss above which the test ends; None before it is known."""
        if self.level is None or self.noise is None:
            return None
        return self.level + self.factor * self.noise

    def add(self, loss: float) -> bool:
        """One more loss of the test: whether the test should end at it. Takes any float."""
        if not math.isfinite(loss):
            return True
        if not self._fixed:
            self._losses.append(loss)
            if len(self._losses) < FIRST:
                return False
            self._measure(self._losses)
            self._fixed = len(self._losses) >= NOISE
        limit = self.limit
        above = limit is not None and loss > limit
        ends = above and self._above
        self._above = above
        return ends

    def _measure(self, losses: list[float]) -> None:
        """Level and noise: of the last ones where they came before, of the first ones of a test."""
        if self.level is None:
            self.level = statistics.median(losses)
        steps = [abs(b - a) for a, b in itertools.pairwise(losses)]
        self.noise = DEVIATIONS * statistics.median(steps)
