"""Schedules that go one way: constant, by steps, exponential, by powers of the time."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from typing import Any, ClassVar

from lrmonitor.schedules.base import MAX_STEPS, Schedule, ScheduleError, parameter

MILESTONES = 1000
"""Milestones at most: a command has to fit into a message."""

_LENGTH = "steps it takes"
_UNTIL = "steps after which it is over (default: never)"


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """p(t) = start."""

    kind: ClassVar[str] = "constant"
    title: ClassVar[str] = "constant"
    formula: ClassVar[str] = "start"

    length: int | None = parameter("steps", _UNTIL, None)

    def _rate(self, start: float, t: int) -> float:
        return start


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """p(t) = start · factor^⌊t / every⌋. Source: torch's StepLR (step_size, gamma)."""

    kind: ClassVar[str] = "step"
    title: ClassVar[str] = "step decay"
    formula: ClassVar[str] = "start · factor^⌊t / every⌋"

    every: int = parameter("steps", "steps from one drop to the next")
    length: int = parameter("steps", _LENGTH)
    factor: float = parameter("factor", "what each drop multiplies the rate by", 0.1)

    def _rate(self, start: float, t: int) -> float:
        return float(start * math.pow(self.factor, t // self.every))


@dataclass(frozen=True, kw_only=True)
class MultiStep(Schedule):
    """p(t) = start · factor^(number of milestones ≤ t). Source: torch's MultiStepLR."""

    kind: ClassVar[str] = "multi-step"
    title: ClassVar[str] = "multi-step decay"
    formula: ClassVar[str] = "start · factor^(milestones ≤ t)"

    at: tuple[int, ...] = parameter("milestones", "the steps at which it drops")
    factor: float = parameter("factor", "what each drop multiplies the rate by", 0.1)
    length: int | None = parameter("steps", _UNTIL, None)

    def knots(self) -> list[int]:
        """Its drops all go the same way."""
        last = self.at[-1] if self.last is None else self.last
        return [0, last]

    def _rate(self, start: float, t: int) -> float:
        return float(start * math.pow(self.factor, bisect.bisect_right(self.at, t)))

    def _check(self) -> None:
        given: Any = self.at
        if not isinstance(given, (tuple, list)) or not given:
            raise ScheduleError("at must list the steps at which the rate drops", "at")
        if len(given) > MILESTONES:
            raise ScheduleError(f"at takes at most {MILESTONES} steps", "at")
        for one in given:
            if isinstance(one, bool) or not isinstance(one, int) or not 1 <= one <= MAX_STEPS:
                raise ScheduleError("at must list whole numbers of steps from 1 to 1e12", "at")
        object.__setattr__(self, "at", tuple(sorted(given)))  # one given twice counts twice


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """p(t) = start · factor^t. Source: torch's ExponentialLR (gamma)."""

    kind: ClassVar[str] = "exponential"
    title: ClassVar[str] = "exponential decay"
    formula: ClassVar[str] = "start · factor^t"

    factor: float = parameter("factor", "what each step multiplies the rate by, such as 0.999")
    length: int = parameter("steps", _LENGTH)

    def _rate(self, start: float, t: int) -> float:
        return float(start * math.pow(self.factor, t))


@dataclass(frozen=True, kw_only=True)
class InverseSquareRoot(Schedule):
    """p(t) = start · √(scale / (scale + t)).

    Source: Vaswani et al., "Attention is all you need" (2017), section 5.3, past its warm-up: with
    t counted from the end of w steps of warm-up and scale = w it is their peak · √w / √step.
    """

    kind: ClassVar[str] = "inverse-sqrt"
    title: ClassVar[str] = "inverse square root"
    formula: ClassVar[str] = "start · √(scale / (scale + t))"

    scale: int = parameter("steps", "steps after which it is start / √2 (often the warm-up's)")
    length: int | None = parameter("steps", _UNTIL, None)

    def _rate(self, start: float, t: int) -> float:
        return start * math.sqrt(self.scale / (self.scale + t))


@dataclass(frozen=True, kw_only=True)
class Polynomial(Schedule):
    """p(t) = end + (start - end) · (1 - t / length)^power.

    Source: torch's PolynomialLR where end is 0; with an end, Chen et al., "DeepLab" (2017).
    """

    kind: ClassVar[str] = "polynomial"
    title: ClassVar[str] = "polynomial"
    formula: ClassVar[str] = "end + (start - end) · (1 - t / length)^power"

    end: float = parameter("rate", "the rate it ends at")
    length: int = parameter("steps", _LENGTH)
    power: float = parameter("number", "1 is a straight line", 2.0)

    def _rate(self, start: float, t: int) -> float:
        if t == self.length:
            return self.end
        return float(self.end + (start - self.end) * math.pow(1 - t / self.length, self.power))


@dataclass(frozen=True, kw_only=True)
class Linear(Schedule):
    """p(t) = start + (end - start) · t / length.

    Source: torch's LinearLR (start_factor and end_factor are start and end over its base rate).
    """

    kind: ClassVar[str] = "linear"
    title: ClassVar[str] = "linear"
    formula: ClassVar[str] = "start + (end - start) · t / length"

    end: float = parameter("rate", "the rate it ends at")
    length: int = parameter("steps", _LENGTH)

    def _rate(self, start: float, t: int) -> float:
        return self.end if t == self.length else start + (self.end - start) * (t / self.length)
