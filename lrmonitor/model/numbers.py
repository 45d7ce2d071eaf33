"""Numbers as the record holds them, and as a person reads them."""

from __future__ import annotations

import math


def number(value: object) -> float | None:
    """A float as it stands in JSON, where "nan", "inf" and "-inf" are strings; None otherwise."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if value in ("nan", "inf", "-inf"):
        return float(str(value))
    return None


def short(value: float | None) -> str:
    """A rate for a person: the shortest text of at most 4 digits, "0.001", "3e-4"."""
    if value is None:
        return "unknown"
    if value != value or math.isinf(value):
        return str(value)
    if value == 0:
        return "0"
    text = f"{value:.4g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{int(exponent)}"
    # 0.0003 is easier to read and to type as 3e-4.
    if 0 < abs(value) < 1e-3:
        mantissa, exponent = f"{value:.3e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}"
    return text
