"""When a sweep of the rate has gone far enough: a loss far above where the sweep began."""

from __future__ import annotations

import itertools
import math
import statistics

FACTOR = 10.0
"""How many times the noise the loss may rise above the level where the sweep began."""

FIRST = 8
"""Losses that make the level, and the least number of them before anything can be judged."""

NOISE = 32
"""Losses that the noise is taken from: the first ones, whose rates change little yet."""

LEAST = 3e-5
"""The noise is taken for at least this part of the level. A loss that has come to its floor may
stand still to the bit and then move by its rounding (1.5e-4 of it was seen): that is no rise."""

DEVIATIONS = 1.4826 / math.sqrt(2)
"""Median absolute first difference to standard deviation, for normal values."""


class Bound:
    """The stop rule of a range test, one loss at a time: L₀ + k · noise, or a loss not finite.

    L₀ is the median of the first 8 losses; the noise is the standard deviation around a trend, from
    the median absolute first difference of the first 32. Losses from before the test would not do:
    where the loss was falling they are above what the state it begins from gives. No ratio: a
    factor of the lowest loss, as others stop at, means nothing where losses are negative, and stops
    at the noise near zero.
    Two losses in a row have to be above it, since one odd batch is not the rate's doing. Scaling
    all losses changes no answer, nor does shifting them by less than 30,000 × the noise. Standard
    library only: the probe uses it.
    """

    def __init__(self, factor: float = FACTOR) -> None:
        self.factor = factor
        self.level: float | None = None
        """L₀, once it is known."""
        self.noise: float | None = None
        self._losses: list[float] = []
        self._above = False
        self._fixed = False

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
        if self.level is None:
            self.level = statistics.median(losses)
        steps = [abs(b - a) for a, b in itertools.pairwise(losses)]
        self.noise = max(DEVIATIONS * statistics.median(steps), LEAST * abs(self.level))
