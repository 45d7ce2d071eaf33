"""The smoothed loss, continued as points arrive instead of computed anew thirty times a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrmonitor.model.smoothing import ema
from lrmonitor.record.columns import Column

Floats = NDArray[np.float64]

__all__ = ["RunningEma", "weight_of"]


def weight_of(span: int) -> float:
    """The EMA weight whose centre of mass lies as far back as that of a mean of `span` values."""
    return 1.0 - 2.0 / (span + 1.0)


class RunningEma:
    """`model.smoothing.ema` over a column that grows, in time proportional to what is new.

    The new part is smoothed by itself and joined to the average m so far:
    m_(n+i) = wⁱ·m_n + (1 - wⁱ)·ema(new)_i, then bias-corrected by 1 - wⁿ⁺ⁱ. Where a value is not
    finite the result is nan, so that the curve has a gap there and does not feign an average.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._out: Column[np.float64] = Column(np.float64)
        self._count = 0
        self._finite = 0
        self._raw = 0.0

    def extended(self, values: Floats) -> Floats:
        """The smoothed column for `values`, shape (n,), of which only the new end is computed.

        `values` must begin with what was given before; a shorter column starts afresh.
        """
        if len(values) < self._count:
            self.clear()
        if len(values) > self._count:
            self._extend(values[self._count :])
        return self._out.view

    def _extend(self, new: Floats) -> None:
        finite = np.isfinite(new)
        smooth = self._smoothed(new[finite])
        out = self._out.added(len(new))
        out[~finite] = np.nan
        out[finite] = smooth
        self._count += len(new)

    def _smoothed(self, new: Floats) -> Floats:
        if not len(new):
            return new
        decay = self.weight ** np.arange(1, len(new) + 1, dtype=np.float64)
        raw = decay * self._raw + (1.0 - decay) * ema(new, self.weight)
        self._raw = float(raw[-1])
        correction = 1.0 - decay * self.weight**self._finite
        self._finite += len(new)
        return raw / correction
