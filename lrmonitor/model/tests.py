"""Range tests and trials in words: what was asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrmonitor.model import rates
from lrmonitor.model.rates import number

ENDED = {
    "done": "",
    "bound": ", ended early: the loss rose far above where it began",
    "non_finite": ", ended early: a loss was not finite",
    "skipped": ", ended early: the GradScaler made no steps any more",
    "cancelled": ", cancelled",
    "stopped": ", ended by a stop of the run",
    "interrupted": ", ended as the script was interrupted",
    "exit": ", ended with the script",
    "changed": ", ended as an optimizer or a group was added",
    "memory": ", ended as there was no memory for it",
    "unkept": ", ended as the state could not be copied any more",
    "failed": ", ended by a fault of lrmonitor",
}
"""Why a test ended, to follow on what it was."""


def asked(name: str, args: Mapping[str, Any]) -> str:
    """What a command for a test asks for: "From 1e-7 to 10 in 100 steps"."""
    kind = "range" if name == "range_test" else "ladder" if args.get("rates") else "trial"
    text = _planned(kind, args)
    return text[:1].upper() + text[1:]


def told(name: str, event: Mapping[str, Any]) -> str:
    """What an event that begins or ends a test says. Raises what a bad field makes."""
    kind = str(event["kind"])
    what = "Range test" if kind == "range" else "Rate trial"
    warned = f" ({'; '.join(map(str, event['warnings']))})" if event.get("warnings") else ""
    if name == "test_began":
        return f"{what} of {_planned(kind, event['plan'])}{warned}"
    steps = int(event["steps"])
    many = "1 step" if steps == 1 else f"{steps} steps"
    why = ENDED.get(str(event["why"]), f", ended: {event['why']}")
    back = "all of it put back" if event.get("restored") else "not all of it put back"
    return f"{what} over after {many}{why}; {back}{warned}"


def _planned(kind: str, plan: Mapping[str, Any]) -> str:
    steps = plan.get("steps")
    if kind == "range":
        ends = " to ".join(rates.short(number(plan.get(key))) for key in ("start", "stop"))
        sweeps = plan.get("sweeps", 1)
        times = "" if sweeps == 1 else f", {sweeps} times"
        return f"{ends} in {steps} steps{times}"
    given = plan.get("rates" if kind == "ladder" else "factors")
    sign = "" if kind == "ladder" else "×"
    tried = given if isinstance(given, (list, tuple)) else ()
    words = ", ".join(f"{sign}{rates.short(number(one))}" for one in tried)
    return f"{words}, {steps} steps each"
