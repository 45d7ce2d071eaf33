"""Smoothing of a whole series."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_CHUNK = 8192
"""Values handled at a time, so that the passes over them stay in the processor's cache."""


def ema(values: npt.ArrayLike, weight: float) -> Floats:
    """Exponential moving average, bias-corrected, of values of shape (n,); the result is (n,) too.

    With w = `weight` in [0, 1) and x₁…xₙ the finite values so far:
    mₙ = w·mₙ₋₁ + (1 − w)·xₙ from m₀ = 0, and the result is mₙ / (1 − wⁿ), the correction of
    Kingma and Ba, "Adam" (2015), section 3. A value that is not finite does not enter: the average
    there is the one before it, nan until a finite value came. Raises ValueError for another weight.
    """
    if not 0.0 <= weight < 1.0:
        raise ValueError(f"a smoothing weight is at least 0 and less than 1, not {weight!r}")
    x = np.asarray(values, np.float64)
    if x.ndim != 1:
        raise ValueError(f"expected values of shape (n,), not {x.shape}")
    result = np.empty(len(x))
    average = _Average(weight)
    for start in range(0, len(x), _CHUNK):
        chunk = x[start : start + _CHUNK]
        out = result[start : start + len(chunk)]
        finite = np.isfinite(chunk)
        before = average.latest
        if finite.all():
            out[:] = average.extend(chunk)
        else:
            smooth = np.concatenate(([before], average.extend(chunk[finite])))
            out[:] = smooth[np.cumsum(finite)]
    return result


class _Average:
    """The average so far, and its continuation with more finite values, at most a chunk."""

    def __init__(self, weight: float) -> None:
        self.latest = float("nan")
        self._weight = weight
        self._log = np.log(weight) if weight else -np.inf
        self._decay = np.exp(np.arange(1, _CHUNK + 1) * self._log)
        self._raw = 0.0
        self._count = 0

    def extend(self, x: Floats) -> Floats:
        if not len(x):
            return x
        m = (1.0 - self._weight) * x
        # After the pass with shift s, m[t] = (1 − w) Σ wʲ x[t − j] over j < 2s (Hillis and Steele,
        # "Data parallel algorithms", 1986). All weights are at most 1: nothing can overflow.
        shift, factor = 1, self._weight
        while shift < len(m) and factor > 0.0:
            m[shift:] += factor * m[:-shift]
            shift, factor = 2 * shift, factor * factor
        m += self._decay[: len(m)] * self._raw
        self._raw = m[-1]
        if self._count * -self._log < 40.0:  # later, 1 − wⁿ is 1 in float64
            count = np.arange(self._count + 1, self._count + len(m) + 1)
            m /= -np.expm1(count * self._log)
        self._count += len(m)
        self.latest = float(m[-1])
        return m
