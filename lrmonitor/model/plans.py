"""Schedules that a person puts in the place of the script's, told in words."""

from __future__ import annotations

from lrmonitor.model.numbers import short
from lrmonitor.schedules.base import Schedule, ScheduleError
from lrmonitor.schedules.decays import Exponential, InverseSquareRoot, MultiStep, Step
from lrmonitor.schedules.warm import Warmup, WarmupStableDecay
from lrmonitor.schedules.waves import CosineRestarts, OneCycle
from lrmonitor.schedules.wire import from_json

__all__ = ["read", "told", "words"]

UNREADABLE = "a schedule that this version does not know"

_MILESTONES = 4
"""Milestones that are told one by one."""


def read(told: object) -> Schedule | None:
    """The schedule in a record; None where it is none that this version knows."""
    try:
        return from_json(told)
    except ScheduleError:
        return None


def told(recorded: object) -> str:
    """The schedule in a record, in words."""
    plan = read(recorded)
    return UNREADABLE if plan is None else words(plan)


def words(plan: Schedule) -> str:
    """A schedule in words: "cosine 0.001 → 1e-5 over 2000 steps, then held"."""
    text = _shape(plan)
    if plan.steps is not None:
        after = "then held" if plan.then == "hold" else "then the script's schedule"
        text += f" over {plan.steps} steps, {after}"
    return text


def _shape(plan: Schedule) -> str:
    start = "now" if plan.start is None else short(plan.start)
    title, end = plan.title, getattr(plan, "end", None)
    if isinstance(plan, Step):
        return f"{title} {start}, ×{short(plan.factor)} every {plan.every} steps,"
    if isinstance(plan, MultiStep):
        at = ", ".join(f"{t}" for t in plan.at[:_MILESTONES])
        more = "…" if len(plan.at) > _MILESTONES else ""
        return f"{title} {start}, ×{short(plan.factor)} at {at}{more}"
    if isinstance(plan, Exponential):
        return f"{title} {start} → {short(_last(plan))}"
    if isinstance(plan, InverseSquareRoot):
        return f"{title} {start}, half of it after {3 * plan.scale} steps"
    if isinstance(plan, CosineRestarts):
        every = f"every {plan.period} steps" if plan.growth == 1 else f"after {plan.period}"
        growing = "" if plan.growth == 1 else f" steps, then ×{plan.growth} as many"
        return f"{title} {start} → {short(end)} {every}{growing}"
    if isinstance(plan, OneCycle):
        return f"{title} {start} → {short(plan.peak)} → {short(_last(plan))}"
    if isinstance(plan, Warmup):
        return f"{title} from {start} in {plan.warmup} steps, {_shape(plan.after)}"
    if isinstance(plan, WarmupStableDecay):
        return f"{title} {start} → {short(plan.peak)} → {short(plan.end)}"
    return f"{title} {start}" + ("" if end is None else f" → {short(end)}")


def _last(plan: Schedule) -> float | None:
    if plan.start is None or plan.last is None:
        return None
    return plan.rate(plan.last)
