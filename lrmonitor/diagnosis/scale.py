"""The axis on which losses are compared: ratios where all are positive, else a signed logarithm."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FLOOR = 2.0**-30
"""A loss below this share of the first is as good as zero."""


class Scale:
    """y -> u: log(y) while all losses are positive; asinh(y / s) from the first negative one on.

    y are losses over a power of two near the first one, so that y of the first is around 1. On
    either axis a step of log(1.5) is "half as much again" for values that are large against s.
    """

    def __init__(self) -> None:
        self.signed = False
        self.s = 1.0

    def sign(self, s: float) -> None:
        """Go over to the signed axis, which is linear within ±s."""
        self.signed = True
        self.s = max(s, FLOOR)

    def of(self, y: Floats) -> Floats:
        """u of losses, shape (n,)."""
        return np.array(self.each(y.tolist()))

    def each(self, y: list[float]) -> list[float]:
        """u of losses. One by one with the C library's functions: numpy's vectorised ones differ by
        a rounding with the place of a number in its array, and so with the chunks."""
        if self.signed:
            s, asinh = self.s, math.asinh
            return [asinh(value / s) for value in y]
        log = math.log
        return [log(value if value > FLOOR else FLOOR) for value in y]

    def one(self, y: float) -> float:
        """u of one loss."""
        return math.asinh(y / self.s) if self.signed else math.log(max(y, FLOOR))

    def back(self, u: float) -> float:
        """The loss at u."""
        if self.signed:
            return self.s * math.sinh(min(max(u, -500.0), 500.0))
        return math.exp(min(u, 500.0))
