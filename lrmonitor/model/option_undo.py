"""Undoing a change of an option: what was held before it, and the commands that restore it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lrmonitor.link.messages import CommandError, OptionCommand
from lrmonitor.model.options import OptionRow, Slot, held_by

__all__ = ["OptionChange", "moved", "option_change_of", "restoring"]


@dataclass(frozen=True)
class OptionChange:
    """A command that took effect: what is held in the places it addressed, before and after; None
    is nothing."""

    id: str
    step: int
    before: Mapping[Slot, float | None]
    after: Mapping[Slot, float | None]


def option_change_of(events: Sequence[Mapping[str, Any]], identity: str) -> OptionChange | None:
    """What the command `identity` changed, from a training process's events; None if nothing."""
    known: dict[Slot, float | None] = {}
    before: dict[Slot, float | None] = {}
    after: dict[Slot, float | None] = {}
    first: int | None = None
    for event in events:
        if event.get("event") == "environment":
            known.clear()  # another process took over: it begins without overrides
        if event.get("event") != "options":
            continue
        told = held_by(event)
        if str(event.get("id")) == identity:
            step = event.get("step")
            if first is None and isinstance(step, int):
                first = step
            for slot, held in told.items():
                before.setdefault(slot, known.get(slot))
                after[slot] = held
        known.update(told)
    return None if first is None else OptionChange(identity, first, before, after)


def moved(rows: Sequence[OptionRow], expected: Mapping[Slot, float | None]) -> OptionRow | None:
    """The first option of which something else is held than is expected: somebody changed it."""
    return next((r for r in rows if r.slot in expected and r.held != expected[r.slot]), None)


def restoring(
    wanted: Mapping[Slot, float | None], groups: Mapping[int, int], note: str = ""
) -> list[OptionCommand]:
    """The commands that hold again what was held, as few as say it; `groups` is how many each
    optimizer has."""
    commands: list[OptionCommand] = []
    for optimizer, name in sorted({(slot[0], slot[2]) for slot in wanted}):
        mine = {s[1]: v for s, v in wanted.items() if (s[0], s[2]) == (optimizer, name)}
        values = set(mine.values())
        whole = len(values) == 1 and set(range(groups.get(optimizer, 0))) <= set(mine)
        each = {None: values.pop()} if whole else dict(sorted(mine.items()))
        for group, value in each.items():
            try:
                command = OptionCommand(
                    name=name, value=value, optimizer=optimizer, group=group, note=note
                )
            except CommandError:
                continue  # the record holds no such number
            commands.append(command)
    return commands
