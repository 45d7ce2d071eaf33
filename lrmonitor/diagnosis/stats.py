"""Robust statistics of few numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from operator import sub

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAD = 1.4826
"""Median absolute deviation to standard deviation, for normal values."""


def median(values: list[float]) -> float:
    """The median of some numbers; of many times faster than numpy for a few dozen."""
    ordered = sorted(values)
    n = len(ordered)
    middle = ordered[n // 2]
    return middle if n % 2 else 0.5 * (ordered[n // 2 - 1] + middle)


def noise(values: list[float]) -> float:
    """The standard deviation around a trend: from the median of the absolute first differences."""
    if len(values) < 2:
        return 0.0
    return MAD * median(steps(values)) / math.sqrt(2)


def steps(values: list[float]) -> list[float]:
    """The absolute first differences."""
    return list(map(abs, map(sub, values[1:], values)))


@dataclass(frozen=True)
class Trend:
    """A slope per point with the bounds of its interval."""

    slope: float
    low: float
    high: float


@lru_cache(maxsize=64)
def _pairs(n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    i, j = np.triu_indices(n, 1)
    return i.astype(np.int64), j.astype(np.int64), (j - i).astype(np.float64)


def trend(values: Floats, z: float = 2.576) -> Trend:
    """Theil and Sen's slope of equally spaced points, with Kendall's interval (99 % for this z).

    Theil 1950; Sen 1968, J. Am. Stat. Assoc. 63:1379: of the N pairwise slopes in order, those at
    (N ± z sqrt(n (n - 1) (2 n + 5) / 18)) / 2. At least 4 points.
    """
    n = len(values)
    i, j, apart = _pairs(n)
    slopes = np.sort((values[j] - values[i]) / apart)
    count = len(slopes)
    spread = z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(int((count - spread) / 2) - 1, 0)
    high = min(math.ceil((count + spread) / 2), count - 1)
    middle = 0.5 * (slopes[(count - 1) // 2] + slopes[count // 2])
    return Trend(float(middle), float(slopes[low]), float(slopes[high]))


def thinned(values: Floats, points: int) -> Floats:
    """At most `points` means of equally long pieces, aligned to the end."""
    size = -(-len(values) // points)
    if size <= 1:
        return values
    count = len(values) // size
    return np.asarray(values[len(values) - count * size :].reshape(count, size).mean(axis=1))
