"""One group's rate as the record tells it, and what multiplying it means.

A later command replaces an earlier one: what doubles "×k" is ×2k, and what doubles a held rate
holds its double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series
from lrmonitor.schedules.base import Schedule, ScheduleError

__all__ = ["Change", "RateNow", "is_rising", "multiplied", "rate_now"]


@dataclass(frozen=True)
class RateNow:
    """One group's rates as recorded; None where nothing is known yet.

    `kind` is the override's: "none", "scale" (value k), "hold" (value v), "plan" (with its `plan`
    and the step `begin` of its first rate) or "follow" (on a ramp back to the schedule).
    """

    effective: float | None = None
    scheduled: float | None = None
    kind: str = "none"
    value: float | None = None
    rising: bool = False
    plan: Schedule | None = None
    begin: int | None = None


@dataclass(frozen=True)
class Change:
    """What a command for a rate asks for: see `LrCommand`."""

    mode: str
    value: float | None = None
    plan: Schedule | None = None
    begin: int | None = None


def rate_now(model: RunModel, optimizer: int, group: int) -> RateNow:
    """What the record says of a group's rate."""
    scheduled = model.scheduled(optimizer, group)
    override = model.overrides.get((optimizer, group))
    rising = scheduled is not None and is_rising(
        scheduled.step[-2:].tolist(), scheduled.value[-2:].tolist(), model.state.step or 0
    )
    return RateNow(
        effective=_last(model.lr(optimizer, group)),
        scheduled=_last(scheduled),
        kind=override.kind if override is not None else "none",
        value=override.value if override is not None else None,
        rising=rising,
        plan=override.plan if override is not None else None,
        begin=override.begin if override is not None else None,
    )


def multiplied(now: RateNow, factor: float) -> Change | None:
    """What multiplies the rate: scale 2k on "×k", hold 2v on "hold v", a plan of twice the rates on
    a plan, else scale 2.

    None where multiplying means nothing: the rate is held at 0.
    """
    if now.kind == "plan" and now.plan is not None:
        try:
            return Change("plan", plan=now.plan.scaled(factor), begin=now.begin)
        except ScheduleError:
            return None
    if now.kind in ("hold", "scale") and now.value is not None:
        return Change(now.kind, now.value * factor) if now.value > 0 else None
    return Change("scale", factor)


def is_rising(step: Sequence[int], value: Sequence[float], newest: int, within: int = 50) -> bool:
    """Whether a scheduled rate (recorded where it changes) is on its way up.

    True when its last change was upwards and either happened in the last `within` steps or
    is no older than twice the distance between the last two changes (a per-epoch schedule).
    """
    if len(value) < 2 or not value[-1] > value[-2]:
        return False
    age = newest - int(step[-1])
    gap = int(step[-1]) - int(step[-2])
    return age <= within or age <= 2 * gap


def _last(series: Series | None) -> float | None:
    return float(series.value[-1]) if series is not None and len(series) else None
