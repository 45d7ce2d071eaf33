"""From columns to what is drawn: steps of a rate, logarithms, marks for what has no place.

Pure numpy. Shapes: `step` int64 (n,), `value` float64 (n,); results are float64 (m,).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = [
    "as_log",
    "calm_range",
    "log_range",
    "one_per_column",
    "rate_steps",
    "straightened",
    "value_range",
    "with_holds",
]

STRAIGHT = 16
"""Points of which those in the middle are left out together."""


def rate_steps(
    step: Ints, value: Floats, low: int, high: int, newest: int
) -> tuple[Floats, Floats]:
    """A rate that is recorded where it changes, as a staircase between `low` and `high`.

    The value recorded at step n holds from step n up to the next record; the last one is
    carried on to `newest`. Both sides of each jump are kept, so a change is vertical.
    """
    if len(step) == 0:
        return np.empty(0), np.empty(0)
    first = max(int(np.searchsorted(step, low, side="right")) - 1, 0)
    last = int(np.searchsorted(step, high, side="right"))
    xs = step[first:last].astype(np.float64)
    ys = value[first:last]
    if len(xs) == 0:
        return np.empty(0), np.empty(0)
    end = float(step[last]) if last < len(step) else max(float(newest), float(xs[-1]))
    edges = np.append(xs, max(end, xs[-1]))
    return np.repeat(edges, 2)[1:-1], np.repeat(ys, 2)


def with_holds(
    x: Floats, y: Floats, step: Ints, value: Floats, holds: Ints, high: int, newest: int
) -> tuple[Floats, Floats]:
    """Sampled points of a rate (`x`, `y`) with its long holds drawn level and its jumps upright.

    `holds` are the indices in `step` and `value` where the rate stays; the last one recorded, if
    it is visible (not beyond `high`), is carried on to `newest`.
    """
    xs, ys = x, y
    if len(holds):
        ends = step[holds + 1].astype(np.float64)
        xs = np.concatenate((ends, x, step[holds].astype(np.float64), ends))
        ys = np.concatenate((value[holds], y, value[holds], value[holds + 1]))
        # Stable: at the step of a jump the old value comes first.
        order = np.argsort(xs, kind="stable")
        xs, ys = xs[order], ys[order]
    if step[-1] <= high:
        tail = np.array((step[-1], max(newest, step[-1])), np.float64)
        xs, ys = np.concatenate((xs, tail)), np.concatenate((ys, value[[-1, -1]]))
    return xs, ys


def straightened(x: Floats, y: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """The same line with fewer points: a line two pixels wide costs its number of segments.

    Of each 16 points in a row those between the ends are left out where none is more than
    `tolerance` above or below the straight line between the ends. A gap (nan) is kept.
    """
    blocks = (len(x) - 1) // STRAIGHT
    if blocks < STRAIGHT:
        return x, y
    ends = np.arange(blocks + 1) * STRAIGHT
    xs, ys = (one[: blocks * STRAIGHT].reshape(blocks, STRAIGHT) for one in (x, y))
    at, level = x[ends], y[ends]
    # Where all points stand at one step there is no line to compare with: they are kept.
    with np.errstate(divide="ignore", invalid="ignore"):
        run, rise = (at[1:] - at[:-1])[:, np.newaxis], (level[1:] - level[:-1])[:, np.newaxis]
        off = np.abs(ys - ys[:, :1] - rise * ((xs - xs[:, :1]) / run))
        straight = (off <= tolerance).all(axis=1)
    keep = np.ones(len(x), bool)
    keep[: blocks * STRAIGHT].reshape(blocks, STRAIGHT)[straight, 1:] = False
    return x[keep], y[keep]


def as_log(value: Floats) -> Floats:
    """log10, with NaN where the value is not positive or not finite."""
    if len(value) and value.min() > 0 and value.max() < np.inf:  # false also for a nan
        return np.log10(value)
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.where((value > 0) & np.isfinite(value), np.log10(value), np.nan)
    return out


def log_range(extremes: tuple[float, float] | None) -> tuple[float, float] | None:
    """log10 of the least and the greatest of positive values."""
    return None if extremes is None else (math.log10(extremes[0]), math.log10(extremes[1]))


def value_range(value: Floats) -> tuple[float, float] | None:
    """Least and greatest finite value, or None when there is none."""
    if len(value) == 0:
        return None
    low, high = float(np.fmin.reduce(value)), float(np.fmax.reduce(value))
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = value[np.isfinite(value)]
    if len(finite) == 0:
        return None
    return float(finite.min()), float(finite.max())


CALM = 0.02
"""Share of the drawn points that may lie beyond either end of an axis that ignores outliers: they
are extremes of their columns, so that of the values themselves it is far fewer."""


def calm_range(value: Floats) -> tuple[float, float] | None:
    """The range of most finite values, or None when there is none."""
    finite = value[np.isfinite(value)]
    if len(finite) == 0:
        return None
    low, high = np.quantile(finite, (CALM, 1 - CALM))
    return float(low), float(high)


def one_per_column(step: Floats, low: float, high: float, columns: int) -> Floats:
    """At most one of the steps for each of `columns` equal parts of [low, high]."""
    seen = step[(step >= low) & (step <= high)]
    if len(seen) <= columns or high <= low:
        return seen
    column = ((seen - low) * (columns / (high - low))).astype(np.int64)
    _, index = np.unique(column, return_index=True)
    kept: Floats = seen[index]
    return kept
