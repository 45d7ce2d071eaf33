"""Smoothing of a whole series."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK = 8192
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
    return Average(weight).extend(x)


def weight_of(span: int) -> float:
    """The EMA weight whose centre of mass lies as far back as that of a mean of `span` values."""
    return 1.0 - 2.0 / (span + 1.0)


class Average:
    """The average so far, and its continuation with more values.

    `mean` is mₙ, without its correction, and `count` is n: they may be set, to go on from there.
    """

    def __init__(self, weight: float) -> None:
        self.mean = 0.0
        self.count = 0
        self._weight = weight
        self._log = np.log(weight) if weight else -np.inf
        self._decay = np.exp(np.arange(1, CHUNK + 1) * self._log)

    def extend(self, values: Floats) -> Floats:
        """The average at each of the values that come next, shape (n,); nan before any."""
        result = np.empty(len(values))
        for start in range(0, len(values), CHUNK):
            part = slice(start, start + CHUNK)
            result[part] = self.corrected(*self.means(values[part]))
        return result

    def means(self, values: Floats) -> tuple[Floats, Ints]:
        """mₙ at each of the values that come next, without its correction, and n; both (k,).

        At most `CHUNK` values."""
        finite = np.isfinite(values)
        before, known = self.mean, self.count
        if finite.all():
            return self._extend(values), np.arange(known + 1, known + len(values) + 1)
        # The average stands still where a value does not enter.
        entered = np.cumsum(finite)
        return np.concatenate(([before], self._extend(values[finite])))[entered], known + entered

    def corrected(self, mean: Floats, counts: Ints) -> Floats:
        """mₙ / (1 − wⁿ) for each, n being `counts`, ascending."""
        if self._weight == 0.0:
            return np.where(counts > 0, mean, np.nan)
        if not len(counts) or counts[0] * -self._log >= 40.0:
            return mean  # 1 − wⁿ is 1 in float64
        with np.errstate(invalid="ignore"):  # of no values there is no average: 0 / 0
            average: Floats = mean / -np.expm1(counts * self._log)
        return average

    def _extend(self, x: Floats) -> Floats:
        if not len(x):
            return x
        m = (1.0 - self._weight) * x
        # After the pass with shift s, m[t] = (1 − w) Σ wʲ x[t − j] over j < 2s (Hillis and Steele,
        # "Data parallel algorithms", 1986). All weights are at most 1: nothing can overflow.
        shift, factor = 1, self._weight
        while shift < len(m) and factor > 0.0:
            m[shift:] += factor * m[:-shift]
            shift, factor = 2 * shift, factor * factor
        m += self._decay[: len(m)] * self.mean
        self.mean = float(m[-1])
        self.count += len(m)
        return m
