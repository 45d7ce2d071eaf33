"""How numbers are written on the screen. Pure functions, locale-independent on purpose.

A rate is shown the way it would be typed (`3e-4` reads back as what is shown), so a decimal
comma or a thousands separator never appears inside a rate.
"""

from __future__ import annotations

import math

__all__ = [
    "format_count",
    "format_duration",
    "format_left",
    "format_loss",
    "format_rate",
    "format_speed",
    "with_minus",
]


def format_rate(value: float, digits: int = 4) -> str:
    """A learning rate (or a factor) in at most `digits` significant digits: `0.001`, `3e-4`.

    The same rule as `model.rates.short`, so that a rate reads alike everywhere.
    """
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = f"{value:.{digits}g}"
    if 0 < abs(value) < 1e-3 and "e" not in text:
        text = f"{value:.{digits - 1}e}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def format_loss(value: float, digits: int = 4) -> str:
    """A loss, a slope or a difference, with a true minus sign; `nan` is said as it is."""
    return with_minus(format_rate(value, digits))


def with_minus(text: str) -> str:
    """A number with a true minus sign before it, which stands as high and wide as the digits;
    that of an exponent stays as it is typed. For what is read, never for what is typed or copied.
    """
    return f"\N{MINUS SIGN}{text[1:]}" if text.startswith("-") else text


def format_count(value: int) -> str:
    """A whole number with a thin space between thousands: `12 345`."""
    return f"{value:,}".replace(",", "\u202f")


def format_duration(seconds: float) -> str:
    """A span of time in its two largest units: `41 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    total = int(seconds)
    if total < 60:
        return f"{total} s"
    minutes, rest = divmod(total, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def format_speed(steps_per_second: float | None) -> str:
    """Steps a second, or seconds a step when that is slower: `312 steps/s`, `4.2 s/step`."""
    if steps_per_second is None or not math.isfinite(steps_per_second) or steps_per_second < 0:
        return "–"
    if steps_per_second == 0:
        return "0 steps/s"
    if steps_per_second >= 100:
        return f"{steps_per_second:.0f} steps/s"
    if steps_per_second >= 1:
        return f"{steps_per_second:.1f} steps/s"
    return f"{1 / steps_per_second:.1f} s/step"


def format_left(seconds: float) -> str:
    """A time that is left, which is never exact: `25 s`, `12 min`, `1 h 12 min`, `3 d 4 h`."""
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(round(hours + minutes / 60), 24)
    return f"{days} d {hours} h"
