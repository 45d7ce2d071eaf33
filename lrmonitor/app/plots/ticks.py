"""Where the ticks of an axis fall and what stands beside them. Pure functions.

The grid lines and the axis labels both come from here, so they can never disagree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..format import format_rate, with_minus

__all__ = ["linear_ticks", "log_ticks", "tick_labels"]

SMALL = 0.00999
"""Below it a rate is written with an exponent (0.01 as a power of ten may come out a little less).
"""


def linear_ticks(low: float, high: float, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within [low, high]; about `count` of them."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return []
    raw = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((k * power for k in (1.0, 2.0, 5.0) if k * power >= raw), 10.0 * power)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    if last - first > 1000:
        return []
    if last <= first and count < 16:  # one number tells no scale
        return linear_ticks(low, high, 2 * count)
    return [index * step for index in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Ticks of a logarithmic axis that shows 10**low … 10**high, as log10 values.

    Whole decades when there are enough of them, 1-2-5 within fewer (1-3 where those would stand
    too near each other), and evenly spaced values when the axis shows less than a factor of four.
    """
    span = high - low
    if not math.isfinite(span) or span <= 0 or abs(low) > 300 or abs(high) > 300:
        return []
    if span < 0.6:
        values = linear_ticks(10.0**low, 10.0**high, count)
        return [math.log10(value) for value in values if value > 0]
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    if span > 3:
        every = max(1, math.ceil(span / max(count, 1)))
        return [float(e) for e in range(first, last + 1) if e % every == 0]
    # With room for `count` labels in comfort, 2 and 5 are as near to each other as can be read.
    factors: tuple[float, ...] = (1.0, 2.0, 5.0) if span <= 0.85 * count else (1.0, 3.0)
    if span > 1.35 * count:
        factors = (1.0,)
    found = []
    for exponent in range(math.floor(low), math.ceil(high) + 1):
        for factor in factors:
            value = exponent + math.log10(factor)
            if low - 1e-9 <= value <= high + 1e-9:
                found.append(value)
    return found


def tick_labels(values: Sequence[float], log: bool, rates: bool = False) -> list[str]:
    """The texts beside the ticks at `values` (log10 values when `log`), as short as they can be
    while they differ.

    `rates`: small values are all written with an exponent, so that 1e-3 stands above 8e-4; on an
    axis with values below 0.01 (of rates, or logarithmic), that is all below 1.
    """
    numbers = [10.0**value if log else value for value in values]
    small = (rates or log) and any(0 < abs(number) < SMALL for number in numbers)
    labels: list[str] = []
    for digits in range(3, 12):
        labels = [with_minus(_label(number, small, log, digits)) for number in numbers]
        if len(set(labels)) == len(labels):
            break
    return labels


def _label(number: float, small: bool, log: bool, digits: int) -> str:
    if number == 0:
        return "0"
    # A logarithm's 1 may come out a little less.
    if small and abs(number) < 1 - 1e-9:
        mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    if 1e5 <= abs(number) < 1e13 and not log:
        for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(number) >= unit:
                return f"{number / unit:.{digits}g}\u202f{name}"
    if digits < 6 and abs(number) >= 10**digits:
        digits = 6
    return format_rate(number, digits)
