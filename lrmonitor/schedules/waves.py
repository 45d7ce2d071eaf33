"""Schedules made of halves of a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lrmonitor.schedules.base import Schedule, ScheduleError, parameter

DIV = 25.0
"""A one-cycle's peak over its first rate, unless said otherwise (torch's default)."""

FINAL_DIV = 1e4
"""A one-cycle's first rate over its last, unless said otherwise (torch's default)."""


def half_cosine(start: float, end: float, share: float) -> float:
    """From start (share 0) to end (share 1) along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """p(t) = end + (start - end) · (1 + cos(π t / length)) / 2.

    Source: Loshchilov and Hutter, "SGDR" (2017), equation 5, one period; torch's CosineAnnealingLR
    up to T_max, whose rate rises again after it.
    """

    kind: ClassVar[str] = "cosine"
    title: ClassVar[str] = "cosine"
    formula: ClassVar[str] = "end + (start - end) · (1 + cos(π t / length)) / 2"

    end: float = parameter("rate", "the rate it ends at")
    length: int = parameter("steps", "steps it takes")

    def _rate(self, start: float, t: int) -> float:
        return self.end if t == self.length else half_cosine(start, self.end, t / self.length)


@dataclass(frozen=True, kw_only=True)
class CosineRestarts(Schedule):
    """p(t) = end + (start - end) · (1 + cos(π u / v)) / 2, u steps into a period of v steps.

    The first period is `period` steps long, each further one `growth` times as long as the one
    before. Source: Loshchilov and Hutter, "SGDR" (2017); torch's CosineAnnealingWarmRestarts
    (T_0, T_mult, eta_min).
    """

    kind: ClassVar[str] = "cosine-restarts"
    title: ClassVar[str] = "cosine with restarts"
    formula: ClassVar[str] = "end + (start - end) · (1 + cos(π u / v)) / 2, u steps into v"

    end: float = parameter("rate", "the rate each period ends at")
    period: int = parameter("steps", "steps of the first period")
    growth: int = parameter("count", "how many times as long each further period is", 1)
    length: int | None = parameter("steps", "steps after which it is over (default: never)", None)

    def _rate(self, start: float, t: int) -> float:
        inside, period = t, self.period
        if self.growth == 1:
            inside %= period
        else:
            while inside >= period:  # at most 40 times, as lengths are bounded and it doubles
                inside -= period
                period *= self.growth
        return half_cosine(start, self.end, inside / period)

    def _check(self) -> None:
        if self.end == 0:
            raise ScheduleError("end must be above 0: each period would come to 0", "end")


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """From start to peak until step a = warmup · length - 1, from there to end at step length - 1,
    along halves of a cosine or straight lines. With `three_phase` first back to start until step
    2a + 1 - 1, then to end.

    Source: Smith and Topin, "Super-convergence" (2018); torch's OneCycleLR (max_lr, total_steps,
    pct_start, three_phase; start is max_lr / div_factor and end start / final_div_factor), without
    its change of the momentum.
    """

    kind: ClassVar[str] = "one-cycle"
    title: ClassVar[str] = "one-cycle"
    formula: ClassVar[str] = "start to peak in warmup · length steps, then to end"

    peak: float = parameter("rate", "the highest rate")
    length: int = parameter("steps", "steps it takes")
    warmup: float = parameter("share", "which share of them goes up to the peak", 0.3)
    end: float | None = parameter("rate", "the rate it ends at (default: start / 10000)", None)
    shape: str = parameter("choice", "the shape of its parts", "cosine", ("cosine", "linear"))
    three_phase: bool = parameter("flag", "down to start first, then to end", False)

    @property
    def last(self) -> int | None:
        """Its last rate is that of its last step, as torch has it."""
        return self.length - 1

    def knots(self) -> list[int]:
        """It turns at its peak, which may lie between two steps."""
        turns = [turn for _, turn, _, _ in self._parts(1.0)]
        around = {min(int(turn) + more, self.length - 1) for turn in turns for more in (0, 1)}
        return sorted({0, *around})

    def _check_field(self, name: str, value: object, told: object) -> None:
        if name == "end" and value is None:
            return
        super()._check_field(name, value, told)

    def _check(self) -> None:
        up = self.warmup * self.length - 1
        turns = 2 * up + 1 if self.three_phase else up
        if up <= 0:
            raise ScheduleError(
                f"a warm-up of {self.warmup:g} of {self.length} steps is no whole step: take a "
                "longer length or a larger share",
                "warmup",
            )
        if turns >= self.length - 1:
            raise ScheduleError(
                f"a warm-up of {self.warmup:g} leaves no step to come down: take a smaller share",
                "warmup",
            )

    def _parts(self, start: float) -> list[tuple[float, float, float, float]]:
        """(first step, last step, first rate, last rate) of each part."""
        up = self.warmup * self.length - 1
        final = float(self.length - 1)
        end = start / FINAL_DIV if self.end is None else self.end
        if not self.three_phase:
            return [(0.0, up, start, self.peak), (up, final, self.peak, end)]
        down = 2 * self.warmup * self.length - 2
        return [
            (0.0, up, start, self.peak),
            (up, down, self.peak, start),
            (down, final, start, end),
        ]

    def _rate(self, start: float, t: int) -> float:
        parts = self._parts(start)
        begin, turn, first, last = next((p for p in parts if t <= p[1]), parts[-1])
        share = min((t - begin) / (turn - begin), 1.0)
        if share == 1.0:
            return last
        if self.shape == "linear":
            return first + (last - first) * share
        return half_cosine(first, last, share)
