"""Schedules as JSON: strict, and without a version, since new parameters have defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from lrmonitor.schedules.base import Schedule, ScheduleError, parameters
from lrmonitor.schedules.decays import (
    Constant,
    Exponential,
    InverseSquareRoot,
    Linear,
    MultiStep,
    Polynomial,
    Step,
)
from lrmonitor.schedules.warm import Warmup, WarmupStableDecay
from lrmonitor.schedules.waves import Cosine, CosineRestarts, OneCycle

KINDS: dict[str, type[Schedule]] = {
    made.kind: made
    for made in (
        Constant,
        Step,
        MultiStep,
        Exponential,
        InverseSquareRoot,
        Linear,
        Polynomial,
        Cosine,
        CosineRestarts,
        OneCycle,
        Warmup,
        WarmupStableDecay,
    )
}
"""All kinds by name."""


def to_json(schedule: Schedule) -> dict[str, Any]:
    """The schedule as a JSON object: its kind, and the parameters that are not left out."""
    told: dict[str, Any] = {"kind": schedule.kind}
    for one in dataclasses.fields(schedule):
        value = getattr(schedule, one.name)
        if isinstance(value, Schedule):
            value = to_json(value)
        elif isinstance(value, tuple):
            value = list(value)
        if value is not None:
            told[one.name] = value
    return told


def from_json(told: object, inner: bool = False) -> Schedule:
    """The schedule in a JSON object; ScheduleError for anything that does not fit exactly.

    `inner`: it stands within another one.
    """
    if not isinstance(told, Mapping):
        raise ScheduleError("a schedule is an object with a kind")
    made = KINDS.get(str(told.get("kind")))
    if made is None:
        raise ScheduleError(
            f"{told.get('kind')!r} is no kind of schedule: use one of {', '.join(KINDS)}"
        )
    known = {one.name: one for one in parameters(made)}
    values: dict[str, Any] = {}
    for name, value in told.items():
        if name == "kind":
            continue
        if name not in known:
            raise ScheduleError(
                f"{name!r} is no parameter of {made.kind}: it has {', '.join(known)}", str(name)
            )
        if known[name].unit == "schedule":
            if inner:
                raise ScheduleError("after must be a schedule that is no warm-up itself", name)
            value = from_json(value, inner=True)
        elif known[name].unit == "milestones" and isinstance(value, list):
            value = tuple(value)
        values[name] = value
    missing = [one.name for one in known.values() if one.needed and one.name not in values]
    if missing:
        raise ScheduleError(f"{made.kind} needs {missing[0]}: {known[missing[0]].help}", missing[0])
    return made(**values)
