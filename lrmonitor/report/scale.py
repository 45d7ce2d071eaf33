"""Where values stand on a drawing, and which of them are written beside its axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DECADES = 2.0
"""Powers of ten between the least and the greatest value from which an axis is logarithmic, where
all values are above 0."""


@dataclass(frozen=True)
class Scale:
    """From `low`…`high` (their logarithms to base 10 where `log`) to pixels `begin`…`end`."""

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def of(self, values: Floats) -> Floats:
        """Pixels, shape (n,); nan where a value has no place."""
        found = np.asarray(values, np.float64)
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                found = np.where(found > 0, np.log10(found), np.nan)
        # Halves, since the widest range there can be does not fit into a float.
        share = (found / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.begin + share * (self.end - self.begin)

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """About that many round values: (pixel, text)."""
        values = _decades(self.low, self.high) if self.log else []
        if len(values) < 2:
            values = _round(self.low, self.high, count)
            if self.log:
                values = [10**v for v in values]
        elif len(values) > 2 * count:
            values = values[:: math.ceil(len(values) / count)]
        places = self.of(np.array(values))
        return [(float(p), text) for p, text in zip(places, texts(values), strict=True)]


def fitted(values: Floats, begin: float, end: float) -> Scale:
    """A scale with room for all finite values, with 4 % to spare; 0 to 1 where there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Scale(0.0, 1.0, begin, end)
    low, high = float(finite.min()), float(finite.max())
    log = low > 0 and math.log10(high / low) >= DECADES
    if log:
        low, high = math.log10(low), math.log10(high)
    spare = 0.08 * (high / 2 - low / 2) or abs(high) * 0.1 or 0.5
    return Scale(low - spare, high + spare, begin, end, log)


def texts(values: list[float]) -> list[str]:
    """Numbers that stand below each other, written alike: 1e-3 above 8e-4."""
    if not any(0 < abs(value) < 1e-3 for value in values):
        return [short(value) for value in values]
    found = []
    for value in values:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        told = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
        found.append(_minus(told) if 0 < abs(value) < 1 - 1e-9 else short(value))
    return found


def _minus(text: str) -> str:
    """With a true minus sign before it; that of an exponent stays."""
    return f"\N{MINUS SIGN}{text[1:]}" if text.startswith("-") else text


def short(value: float) -> str:
    """A number in few letters: "0.001", "3e-5", "12 000"."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        text = f"{value:.4g}"
        if "e" in text:
            text = f"{value:.0f}"
        whole, dot, rest = text.partition(".")
        if abs(value) >= 1e4:
            text = f"{int(whole):,}".replace(",", " ") + dot + rest
        return _minus(text)
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return _minus(f"{mantissa}e{int(exponent)}" if exponent else mantissa)


def _round(low: float, high: float, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    wide = (high / count - low / count) or 1.0
    power = 10.0 ** math.floor(math.log10(wide))
    step = next((power * n for n in (1, 2, 5) if power * n >= wide), power * 10)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)][: 4 * count]


def _decades(low: float, high: float) -> list[float]:
    return [10.0**n for n in range(max(math.ceil(low), -307), min(math.floor(high), 308) + 1)]
