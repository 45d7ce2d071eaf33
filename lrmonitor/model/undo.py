"""Undoing a change of the rate: what was in force before it, and the commands that restore it.

A change is undone by new commands, journalled like any other. They restore what the person
wanted of each group; what the change did to the weights meanwhile stays done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lrmonitor.link.messages import CommandError, LrCommand
from lrmonitor.model import rates
from lrmonitor.model.rates import Override

__all__ = ["Address", "RateChange", "change_of", "moved", "restoring"]

Address = tuple[int, int]
"""An optimizer and one of its groups."""


@dataclass(frozen=True)
class RateChange:
    """A command that took effect: the overrides of the groups it addressed, before and after."""

    id: str
    step: int
    before: Mapping[Address, Override]
    after: Mapping[Address, Override]


def change_of(events: Sequence[Mapping[str, Any]], identity: str) -> RateChange | None:
    """What the command `identity` changed, from a training process's events; None if nothing.

    A command for several optimizers takes effect with the next step of each of them.
    """
    known: dict[Address, Override] = {}
    before: dict[Address, Override] = {}
    after: dict[Address, Override] = {}
    first: int | None = None
    for event in events:
        if event.get("event") == "environment":
            known.clear()  # another process took over: it begins without overrides
        if event.get("event") == "rates_settled":
            # A ramp or a plan of the change is over: that is what the change came to.
            for address, override in rates.overrides(event).items():
                if address in after and after[address] == known.get(address):
                    after[address] = override
                known[address] = override
        if event.get("event") != "rates":
            continue
        told = rates.overrides(event)
        if str(event.get("id")) == identity:
            step = event.get("step")
            if first is None and isinstance(step, int):
                first = step
            for address, override in told.items():
                before.setdefault(address, known.get(address, Override()))
                after[address] = override
        known.update(told)
    return None if first is None else RateChange(identity, first, before, after)


def moved(
    current: Mapping[Address, Override], expected: Mapping[Address, Override]
) -> Address | None:
    """The first group whose override is not what is expected: somebody else changed it."""
    for address, wanted in sorted(expected.items()):
        found = current.get(address, Override())
        if _what(found) != _what(wanted):
            return address
    return None


def restoring(
    wanted: Mapping[Address, Override], groups: Mapping[int, int], note: str = ""
) -> list[LrCommand]:
    """The commands that give each group its override again, as few as say it exactly.

    `groups` is how many each optimizer has. One command goes for all groups of an optimizer where
    they follow the schedule alike, are scaled or frozen alike, or there is only one: a held rate
    or a plan for all groups would be shared out by the ratios of that step instead. What was on a
    ramp is gone to on one of as many steps.
    """
    commands: list[LrCommand] = []
    for optimizer in sorted({address[0] for address in wanted}):
        mine = {j: one for (number, j), one in sorted(wanted.items()) if number == optimizer}
        first = next(iter(mine.values()))
        alike = len(mine) == 1 or (
            all((_what(one), one.ramp) == (_what(first), first.ramp) for one in mine.values())
            and (first.kind not in ("hold", "plan") or first.value == 0)
        )
        if alike and set(range(groups.get(optimizer, 0))) <= set(mine):
            commands += _command(next(iter(mine.values())), optimizer, None, note)
        else:
            for group, one in mine.items():
                commands += _command(one, optimizer, group, note)
    return commands


def _what(override: Override) -> tuple[object, ...]:
    """What tells two overrides apart, however they are come to."""
    kind = "none" if override.kind == "follow" else override.kind
    return kind, override.value, override.plan, override.begin


def _command(
    override: Override, optimizer: int, group: int | None, note: str
) -> Iterable[LrCommand]:
    mode, value = override.kind, override.value
    plan, begin = override.plan, override.begin
    if mode == "plan":
        value = None
        if plan is None:
            return []  # a newer version's: it cannot be said again
    elif mode in ("none", "follow") or value is None:
        mode, value = "follow", None
    elif mode == "hold" and value == 0:
        mode, value = "freeze", None
    try:
        return [
            LrCommand(
                mode=mode,
                value=value,
                optimizer=optimizer,
                group=group,
                note=note,
                plan=plan,
                begin=begin,
                ramp=0 if override.ramp is None else override.ramp.steps,
            )
        ]
    except CommandError:
        return []  # the record holds no rate there: nothing can be restored to it
