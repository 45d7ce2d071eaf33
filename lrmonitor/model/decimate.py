"""Fewer points for drawing, with no extreme lost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def visible(step: npt.NDArray[np.int64], lo: float, hi: float) -> slice:
    """The points with lo ≤ step ≤ hi and one more on either side, so that lines reach the edges.

    `step` is ascending, shape (n,).
    """
    first = int(np.searchsorted(step, lo, "left"))
    last = int(np.searchsorted(step, hi, "right"))
    return slice(max(first - 1, 0), min(last + 1, len(step)))


def minmax(
    step: npt.NDArray[np.int64], value: Floats, lo: float, hi: float, columns: int
) -> tuple[Floats, Floats]:
    """Points to draw for lo ≤ step ≤ hi: at most about two for each of `columns`, exact extremes.

    `step` is ascending, shape (n,), `value` (n,). Blocks of 2ᵏ points, aligned to absolute indices
    so that the picture does not flicker as the range moves, give their least and their greatest
    finite value, each at its own step and in order. A block without a finite value gives one nan,
    which breaks the line. (Values that are not finite are events, to be drawn as marks: see
    `non_finite`.) Few points come back as they are, infinities as nan. Returns (x, y), float64.
    """
    part = visible(step, lo, hi)
    count = part.stop - part.start
    columns = max(int(columns), 1)
    if count <= 2 * columns:
        y = value[part].astype(np.float64)
        y[~np.isfinite(y)] = np.nan
        return step[part].astype(np.float64), y
    size = 1 << max(int(np.ceil(np.log2(count / columns))), 1)
    first = part.start // size * size
    blocks = -(-(part.stop - first) // size)
    y = np.full(blocks * size, np.nan)
    y[part.start - first : part.stop - first] = value[part]
    y = y.reshape(blocks, size)
    finite = np.isfinite(y)
    some = finite.any(axis=1)
    least = np.where(finite, y, np.inf).argmin(axis=1)
    most = np.where(finite, y, -np.inf).argmax(axis=1)
    # A block without a finite value is told at its first index that is inside.
    base = np.arange(blocks) * size + first
    left = np.where(some, np.minimum(least, most) + base, np.maximum(base, part.start))
    right = np.where(some, np.maximum(least, most) + base, left)
    index = np.column_stack([left, right]).ravel()
    keep = np.ones(len(index), bool)
    keep[1::2] = right != left
    index = index[keep]
    picked = value[index].astype(np.float64)
    picked[~np.isfinite(picked)] = np.nan
    return step[index].astype(np.float64), picked


def non_finite(
    step: npt.NDArray[np.int64], value: Floats, lo: float, hi: float, columns: int
) -> Floats:
    """Steps in lo ≤ step ≤ hi whose value is nan or infinite, at most one for each of `columns`.

    `step` is ascending, shape (n,), `value` (n,). The earliest of a column is kept. Returns (m,).
    """
    part = visible(step, lo, hi)
    bad = step[part][~np.isfinite(value[part])].astype(np.float64)
    bad = bad[(bad >= lo) & (bad <= hi)]
    columns = max(int(columns), 1)
    if len(bad) <= columns or hi <= lo:
        return bad
    column = np.floor((bad - lo) * (columns / (hi - lo)))
    keep = np.ones(len(bad), bool)
    keep[1:] = column[1:] != column[:-1]
    return bad[keep]
