"""Rates as they were recorded: overrides in force, and changes told in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lrmonitor.model import plans
from lrmonitor.model.numbers import number, short
from lrmonitor.schedules.base import Schedule

__all__ = [
    "SCHEDULE",
    "GroupChange",
    "Override",
    "Ramp",
    "about",
    "changes",
    "exact",
    "headline",
    "number",
    "overrides",
    "settled",
    "short",
]

SCHEDULE = "script's schedule"


@dataclass(frozen=True)
class Ramp:
    """A rate on its way: from `start`, for `steps` steps of which `begin` is the first."""

    steps: int
    start: float
    begin: int


@dataclass(frozen=True)
class Override:
    """What the person wants of one group's rate, and how the panel says it.

    `kind` is "none", "scale" (value k: the effective rate is k × the scheduled one), "hold" (value
    v), "plan" (a schedule in the place of the script's: `plan`, None where it cannot be read, with
    its first rate at step `begin`) or, on a `ramp` back to the script's schedule, "follow". `mode`
    is the command that made it.
    """

    kind: str = "none"
    value: float | None = None
    text: str = SCHEDULE
    mode: str = "follow"
    plan: Schedule | None = None
    begin: int | None = None
    ramp: Ramp | None = None


@dataclass(frozen=True)
class GroupChange:
    """One group's rates at the step where a change took effect."""

    optimizer: int
    group: int
    scheduled: float | None
    previous: float | None
    effective: float | None


def exact(value: float | None) -> str:
    """A rate so that no digit is lost: `repr`, or "unknown"."""
    return "unknown" if value is None else repr(value)


def changes(event: Mapping[str, Any]) -> list[GroupChange]:
    """The groups of a `rates` or `acknowledgement` event; what makes no sense is left out."""
    found = []
    for item in _dicts(event.get("groups")):
        optimizer, group = item.get("optimizer"), item.get("group")
        if isinstance(optimizer, int) and isinstance(group, int):
            found.append(
                GroupChange(
                    optimizer,
                    group,
                    number(item.get("scheduled")),
                    number(item.get("previous")),
                    number(item.get("effective")),
                )
            )
    return found


def overrides(event: Mapping[str, Any]) -> dict[tuple[int, int], Override]:
    """The overrides that a `rates` event tells, by (optimizer, group)."""
    mode = str(event.get("mode", ""))
    scheduled = {(c.optimizer, c.group): c.scheduled for c in changes(event)}
    told = {}
    for item in _dicts(event.get("overrides")):
        key = item.get("optimizer"), item.get("group")
        if isinstance(key[0], int) and isinstance(key[1], int):
            address = (key[0], key[1])
            # Only the groups that were addressed now bear this command's words.
            told[address] = _override(
                item, mode if address in scheduled else "", scheduled.get(address)
            )
    return told


def about(groups: object) -> tuple[str, ...]:
    """What an `optimizer` event tells of each group: "head · 1.2 M numbers · weight decay 0.01"."""
    if not isinstance(groups, list):
        return ()
    told = []
    for item in groups:
        known = item if isinstance(item, dict) else {}
        words = [str(known["name"])[:60]] if known.get("name") else []
        count = number(known.get("parameters"))
        if count is not None:
            words.append(_many(count))
        decay = number(known.get("weight_decay"))
        if decay is not None:
            words.append(f"weight decay {short(decay)}" if decay else "no weight decay")
        told.append(" · ".join(words))
    return tuple(told)


def _many(count: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count:.0f}"


def headline(event: Mapping[str, Any], main: int = 0) -> str:
    """A `rates` event as a marker says it: "hold 3e-4: 0.001 → 3e-4"; or a `rates_settled`."""
    if event.get("event") == "rates_settled":
        return settled(event, main)
    mode, value = str(event.get("mode", "")), number(event.get("value"))
    words = {
        "set": f"set {short(value)}",
        "scale": f"×{short(value)}",
        "hold": f"hold {short(value)}",
        "freeze": "frozen",
        "follow": "released",
        "plan": plans.told(event.get("plan")),
    }.get(mode, mode or "changed")
    ramp = _whole(event.get("ramp")) or 0
    if ramp > 1:
        words += f" on a ramp of {ramp} steps"
    found = changes(event)
    first = min(found, key=lambda c: (c.optimizer != main, c.optimizer, c.group), default=None)
    if first is None:
        return words
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{words}: {short(first.previous)} → {short(first.effective)}{more}"


def settled(event: Mapping[str, Any], main: int = 0) -> str:
    """A `rates_settled` event: "now hold 3e-4", "now script's schedule"."""
    found = sorted(overrides(event).items(), key=lambda one: (one[0][0] != main, one[0]))
    words = found[0][1].text if found else "arrived"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"now {words}{more}"


def _override(item: Mapping[str, Any], mode: str, scheduled: float | None) -> Override:
    """`scheduled` is the scheduled rate of the step where it took effect."""
    kind, value = str(item.get("kind", "none")), number(item.get("value"))
    ramp = _ramp(item.get("ramp"))
    arrives = "" if ramp is None else f", reached at step {ramp.begin + ramp.steps - 1}"
    if kind == "hold":
        words, mode = ("frozen", "freeze") if value == 0 else (f"hold {short(value)}", mode)
        return Override(kind, value, words + arrives, mode or "hold", ramp=ramp)
    if kind == "scale":
        words = f"×{short(value)}, schedule continues{arrives}"
        if mode == "set" and scheduled is not None and value is not None:
            words = f"{short(value * scheduled)} now, schedule continues{arrives}"
        return Override(kind, value, words, mode or "scale", ramp=ramp)
    if kind == "plan":
        plan, begin = plans.read(item.get("plan")), _whole(item.get("from"))
        words = f"replaced by {plans.told(item.get('plan'))}"
        if begin is not None:
            words += f", from step {begin}"
        return Override(kind, value, words + arrives, "plan", plan, begin, ramp)
    if kind == "follow" and ramp is not None:
        return Override(kind, None, SCHEDULE + arrives, "follow", ramp=ramp)
    return Override()


def _ramp(told: object) -> Ramp | None:
    if not isinstance(told, Mapping):
        return None
    steps, start, begin = _whole(told.get("steps")), number(told.get("start")), told.get("from")
    if steps is None or start is None or (at := _whole(begin)) is None:
        return None
    return Ramp(steps, start, at)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _dicts(items: object) -> Iterable[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
