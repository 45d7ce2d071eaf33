"""What values of a step are usual, and from where on one is a spike: streaming, by the standard
library alone, since it runs in every step of a training that has such a guard."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from itertools import pairwise

WINDOW = 64
"""Values that are remembered."""

LEAST = 16
"""Values before which none is a spike: a median and its noise of fewer tell little."""

MAD = 1.4826
"""Median absolute deviation to standard deviation, for normal values."""


class Usual:
    """The median of the last 64 values and their noise: 1.4826 × the median absolute first
    difference / √2, so that neither a trend nor single spikes count.

    Both are of logarithms while all values are positive, so that a loss near zero may jump by the
    ratios it is used to, and of the values themselves from the first that is not (as in
    `diagnosis.spike` and `diagnosis.scale`).
    """

    __slots__ = ("_moves", "_moves_sorted", "_positive", "_sorted", "_values")

    def __init__(self) -> None:
        self._positive = True
        self._values: deque[float] = deque()
        self._sorted: list[float] = []
        self._moves: deque[float] = deque()
        self._moves_sorted: list[float] = []

    def add(self, value: float) -> None:
        """One more; what is no finite number is left out."""
        if not math.isfinite(value):
            return
        if self._positive:
            if value <= 0:
                self._go_linear()
            else:
                value = math.log(value)
        values = self._values
        if values:
            _push(self._moves, self._moves_sorted, abs(value - values[-1]), WINDOW - 1)
        _push(values, self._sorted, value, WINDOW)

    def bound(self, noises: float, times: float) -> float:
        """A spike is above this: the median + `noises` × noise, on whichever axis, and `times` the
        median (below zero: by `times` - 1 of its size). Infinite while too little is known."""
        if len(self._values) < LEAST:
            return math.inf
        median = _median(self._sorted)
        rise = noises * MAD * _median(self._moves_sorted) / math.sqrt(2)
        if self._positive:
            top = median + max(rise, math.log(times))
            return math.exp(top) if top < 700 else math.inf
        rise = max(rise, (times - 1) * abs(median))
        # All the same, and zero: there is no size to compare with.
        return median + rise if rise > 0 else math.inf

    def _go_linear(self) -> None:
        values = [math.exp(one) for one in self._values]
        self._positive = False
        self._values, self._sorted = deque(values), sorted(values)
        moves = [abs(b - a) for a, b in pairwise(values)]
        self._moves, self._moves_sorted = deque(moves), sorted(moves)


def _push(values: deque[float], ordered: list[float], value: float, most: int) -> None:
    if len(values) == most:
        del ordered[bisect_left(ordered, values.popleft())]
    values.append(value)
    insort(ordered, value)


def _median(ordered: list[float]) -> float:
    n = len(ordered)
    middle = ordered[n // 2]
    return middle if n % 2 else 0.5 * (ordered[n // 2 - 1] + middle)
