"""Ticks and labels of the plots' common axis, by its kind. Pure functions of numbers.

Positions are in the axis' own whole numbers (see `model.axis`).
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from lrmonitor.model.axis import EPOCH, RELATIVE, STEP, UNITS, WALL

from ..format import format_count
from .ticks import linear_ticks, tick_labels

__all__ = ["StepScale", "duration_label"]

_ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between ticks that people read easily; below a second and beyond a day 1, 2, 5 × 10ⁿ."""


@dataclass(frozen=True)
class StepScale:
    """The scale of a kind of axis. `start`: unix seconds at 0, for times of day."""

    kind: str = STEP
    start: float = 0.0

    def ticks(self, low: float, high: float, count: int) -> list[float]:
        """Positions within [low, high], about `count` of them, none below 0."""
        unit = UNITS[self.kind]
        if self.kind in (RELATIVE, WALL):
            offset = self._offset() if self.kind == WALL else 0.0
            found = _time_ticks(low / unit + offset, high / unit + offset, count)
            found = [(value - offset) * unit for value in found]
        else:
            found = [value * unit for value in linear_ticks(low / unit, high / unit, count)]
            if self.kind == STEP:
                found = [value for value in found if value == round(value)]
        return [value for value in found if value >= 0]

    def labels(self, places: Sequence[float]) -> list[str]:
        """What stands beside the ticks."""
        values = [place / UNITS[self.kind] for place in places]
        if self.kind == RELATIVE:
            fine = _spacing(values) < 1
            return [duration_label(value, fine) for value in values]
        if self.kind == WALL:
            return self._clock(values)
        return tick_labels(values, False)

    def words(self, place: float) -> str:
        """One place, in words for the readout."""
        value = place / UNITS[self.kind]
        if self.kind == RELATIVE:
            return duration_label(value, fine=True)
        if self.kind == WALL:
            when = datetime.datetime.fromtimestamp(self.start + value)
            return when.strftime("%Y-%m-%d %H:%M:%S")
        if self.kind == EPOCH:
            return f"{value:.2f}"
        return format_count(round(value))

    def _offset(self) -> float:
        """Seconds from midnight to the start: ticks stand at round times of day."""
        first = datetime.datetime.fromtimestamp(self.start)
        return (first - first.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()

    def _clock(self, values: Sequence[float]) -> list[str]:
        spacing, out, day = _spacing(values), [], None
        for value in values:
            # Half a millisecond on: what was rounded down must not read as the second before.
            when = datetime.datetime.fromtimestamp(self.start + value + 5e-4)
            if spacing >= 86400:
                text = when.strftime("%d %b")
            elif spacing >= 60:
                text = when.strftime("%H:%M")
            else:
                text = when.strftime("%H:%M:%S" if spacing >= 1 else "%H:%M:%S.%f")[:12]
            if day is not None and when.date() != day and spacing < 86400:
                text = when.strftime("%d %b ") + text
            day = when.date()
            out.append(text)
        return out


def duration_label(seconds: float, fine: bool = False) -> str:
    """A time since the start: `45 s`, `1:30`, `2:05:00`, `3 d 4:00:00`; `fine` with parts of
    seconds below a minute."""
    if seconds < 60:
        return f"{seconds:.3g} s" if fine or seconds != round(seconds) else f"{round(seconds)} s"
    total = round(seconds)
    days, rest = divmod(total, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{days} d {hours}:{minutes:02d}:{rest:02d}"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _time_ticks(low: float, high: float, count: int) -> list[float]:
    """Multiples of a round time (seconds) within [low, high]."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return []
    raw = span / max(count, 1)
    if raw <= 0.5:
        return linear_ticks(low, high, count)
    if raw > _ROUND[-1]:
        return [day * 86400.0 for day in linear_ticks(low / 86400, high / 86400, count)]
    step = next(one for one in _ROUND if one >= raw)
    return [float(step * i) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _spacing(values: Sequence[float]) -> float:
    return min((b - a for a, b in itertools.pairwise(values)), default=math.inf)
