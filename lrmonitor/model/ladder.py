"""Steps of a number that is varied by factors: learning rates and their multiples. Pure."""

from __future__ import annotations

import math

__all__ = ["FINE", "RUNGS", "finer", "rung"]

FINE = 1.1
"""A fine step: 10 % up, or back down by the same factor."""

RUNGS = (1, 2, 5)
"""What people count in between two powers of ten."""

_CLOSE = 1e-6


def finer(value: float, steps: int) -> float:
    """`value` (> 0) raised by `steps` fine steps (lowered if negative), to three digits.

    Never the value itself: where three digits would give it back the product is kept whole.
    """
    moved = value * FINE**steps
    rounded = _digits(moved, 3)
    return moved if rounded == value or rounded <= 0 or not math.isfinite(rounded) else rounded


def rung(value: float, steps: int) -> float:
    """The `steps`-th number after `value` (> 0) in …, 0.1, 0.2, 0.5, 1, 2, 5, …; before it if < 0.

    A value between two of them goes to the nearer end in the direction asked for first.
    """
    exponent = math.floor(math.log10(value))
    ladder = [
        float(f"{digit}e{power}")
        for power in range(exponent - abs(steps) - 1, exponent + abs(steps) + 2)
        for digit in RUNGS
    ]
    if steps > 0:
        return [one for one in ladder if one > value * (1 + _CLOSE)][steps - 1]
    return [one for one in ladder if one < value * (1 - _CLOSE)][steps]


def _digits(value: float, digits: int) -> float:
    try:
        return float(f"{value:.{digits - 1}e}")
    except (ValueError, OverflowError):
        return value
