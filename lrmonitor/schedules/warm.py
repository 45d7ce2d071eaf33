"""Schedules that begin with a warm-up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from lrmonitor.schedules.base import Schedule, ScheduleError, parameter
from lrmonitor.schedules.waves import half_cosine


@dataclass(frozen=True, kw_only=True)
class Warmup(Schedule):
    """p(t) = start + (after.start - start) · t / warmup, from step `warmup` on after(t - warmup).

    Source: Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2, gradual warm-up;
    torch's LinearLR followed by another scheduler.
    """

    kind: ClassVar[str] = "warmup"
    title: ClassVar[str] = "warm-up"
    formula: ClassVar[str] = "start + (after.start - start) · t / warmup, then after(t - warmup)"

    warmup: int = parameter("steps", "steps of the warm-up")
    after: Schedule = parameter(  # noqa: RUF009 - a field, as all of them
        "schedule", "the schedule after it, which tells the rate to reach"
    )

    @property
    def steps(self) -> int | None:
        """The warm-up's and those of what follows."""
        return None if self.after.steps is None else self.warmup + self.after.steps

    @property
    def last(self) -> int | None:
        """That of what follows."""
        last = self.after.last
        return None if last is None else self.warmup + last

    def knots(self) -> list[int]:
        """It turns where the other begins, and where that one does."""
        return [0, *(self.warmup + t for t in self.after.knots())]

    def _rate(self, start: float, t: int) -> float:
        if t >= self.warmup:
            return self.after.rate(t - self.warmup)
        peak = self.after.start
        assert peak is not None
        return start + (peak - start) * (t / self.warmup)

    def _check(self) -> None:
        given: Any = self.after
        if not isinstance(given, Schedule) or isinstance(given, Warmup):
            raise ScheduleError("after must be a schedule that is no warm-up itself", "after")
        if given.start is None:
            raise ScheduleError(
                "the schedule after a warm-up needs its start: the rate to warm up to", "after"
            )
        # What comes at the end is said once.
        if self.then != given.then:
            if given.then != "hold":
                raise ScheduleError("say what comes at the end for the warm-up", "then")
            object.__setattr__(self, "after", replace(given, then=self.then))


@dataclass(frozen=True, kw_only=True)
class WarmupStableDecay(Schedule):
    """Linear from start to peak in `warmup` steps, peak for `stable` steps, then down to end in
    `decay` steps: straight, along half a cosine, or as 1 - √.

    With u = (t - warmup - stable) / decay the decay is peak + (end - peak) · u, half a cosine of u,
    or peak + (end - peak) · √u. Sources: Hu et al., "MiniCPM" (2024), section 4; Hägele et al.,
    "Scaling laws and compute-optimal training beyond fixed training durations" (2024), for 1 - √.
    """

    kind: ClassVar[str] = "warmup-stable-decay"
    title: ClassVar[str] = "warm-up, stable, decay"
    formula: ClassVar[str] = "start to peak, peak for stable steps, then to end in decay steps"

    peak: float = parameter("rate", "the rate of its stable part")
    end: float = parameter("rate", "the rate it ends at")
    warmup: int = parameter("steps", "steps up to the peak")
    stable: int = parameter("steps", "steps at the peak")
    decay: int = parameter("steps", "steps down to the end")
    shape: str = parameter(
        "choice", "the shape of the decay", "linear", ("linear", "cosine", "sqrt")
    )

    @property
    def steps(self) -> int | None:
        """Those of its three parts."""
        return self.warmup + self.stable + self.decay

    def knots(self) -> list[int]:
        """It turns at the ends of its parts."""
        last = self.last
        assert last is not None
        return [0, self.warmup, self.warmup + self.stable, last]

    def _rate(self, start: float, t: int) -> float:
        if t < self.warmup:
            return start + (self.peak - start) * (t / self.warmup)
        late = t - self.warmup - self.stable
        if late <= 0:
            return self.peak
        if late == self.decay:
            return self.end
        share = late / self.decay
        if self.shape == "cosine":
            return half_cosine(self.peak, self.end, share)
        if self.shape == "sqrt":
            share = math.sqrt(share)
        return self.peak + (self.end - self.peak) * share
