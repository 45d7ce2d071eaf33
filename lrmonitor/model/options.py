"""The numbers of the groups other than the rate (torch: options), as the record tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lrmonitor.model.rates import changes, number, short
from lrmonitor.record.reader import RankReader

__all__ = ["OptionRow", "Options", "Slot", "asked", "command_words", "headline", "held_by"]

Slot = tuple[int, int, str]
"""An optimizer, one of its groups, and an option of that."""


@dataclass(frozen=True)
class OptionRow:
    """One option of one group: what the script wants, what the steps use, and what is held (None:
    nothing)."""

    optimizer: int
    group: int
    name: str
    scheduled: float | None
    effective: float | None
    held: float | None = None

    @property
    def slot(self) -> Slot:
        """Where it is."""
        return self.optimizer, self.group, self.name


class Options:
    """The options of one training process. Fed with its events by `take`."""

    def __init__(self) -> None:
        self._rows: dict[Slot, OptionRow] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Read an event; those about other things are left."""
        name = event.get("event")
        if name == "optimizer":
            self._take_optimizer(event)
        elif name == "options":
            option = str(event.get("name"))
            for slot, held in held_by(event).items():
                row = self._rows.get(slot, OptionRow(*slot, None, None))
                self._rows[slot] = replace(row, held=held)
            for one in changes(event):
                slot = (one.optimizer, one.group, option)
                if slot in self._rows:
                    row = self._rows[slot]
                    self._rows[slot] = replace(
                        row, scheduled=one.scheduled, effective=one.effective
                    )

    def _take_optimizer(self, event: Mapping[str, Any]) -> None:
        optimizer, about = event.get("optimizer"), event.get("about")
        if not isinstance(optimizer, int) or not isinstance(about, list):
            return
        before = {s: r for s, r in self._rows.items() if s[0] == optimizer}
        for slot in before:
            del self._rows[slot]
        for group, told in enumerate(about):
            options = told.get("options") if isinstance(told, dict) else None
            for option, value in options.items() if isinstance(options, dict) else ():
                slot = (optimizer, group, str(option))
                known = before.get(slot)
                held = None if known is None else known.held
                value = number(value)
                effective = value if held is None else held
                self._rows[slot] = OptionRow(*slot, value, effective, held)

    def rows(self, rank: RankReader | None) -> list[OptionRow]:
        """All options of all groups, with their latest values in the series of `rank`."""
        found = dict(self._rows)
        for series in rank.series.values() if rank is not None else ():
            info = series.info
            if info.kind not in ("option", "scheduled_option") or not len(series):
                continue
            name = info.name.removeprefix("scheduled ").partition("[")[0]
            slot = (info.optimizer or 0, info.group or 0, name)
            row = found.get(slot)
            if row is None:
                continue
            value = float(series.value[-1])
            if info.kind == "scheduled_option":
                found[slot] = replace(row, scheduled=value)
            else:
                found[slot] = replace(row, effective=value)
        return [
            row if row.held is not None else replace(row, scheduled=row.effective)
            for row in sorted(found.values(), key=lambda one: (one.optimizer, one.group))
        ]


def held_by(event: Mapping[str, Any]) -> dict[Slot, float | None]:
    """What an `options` event says is held of each group now; what makes no sense is left out."""
    told: dict[Slot, float | None] = {}
    given, name = event.get("overrides"), str(event.get("name"))
    for item in given if isinstance(given, list) else ():
        if isinstance(item, dict):
            optimizer, group = item.get("optimizer"), item.get("group")
            if isinstance(optimizer, int) and isinstance(group, int):
                told[optimizer, group, name] = number(item.get("value"))
    return told


def headline(event: Mapping[str, Any]) -> str:
    """An `options` event as a marker says it: "weight decay hold 0.1: 0.01 → 0.1"."""
    found, what = changes(event), asked(event)
    if not found:
        return what
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{what}: {short(found[0].previous)} → {short(found[0].effective)}{more}"


def words(name: str) -> str:
    """An option's name as a sentence has it: "weight decay"."""
    return name.replace("_", " ")


def asked(args: Mapping[str, Any]) -> str:
    """What an `option` command asks for, shortly: "weight decay hold 0.1", "momentum released"."""
    value = number(args.get("value"))
    how = "released" if value is None else f"hold {short(value)}"
    return f"{words(str(args.get('name')))} {how}"


def command_words(args: Mapping[str, Any]) -> str:
    """What an `option` command asks for: "Hold weight decay at 0.1 (group 1) – why"."""
    name, value = words(str(args.get("name"))), number(args.get("value"))
    text = f"Release {name} to the script" if value is None else f"Hold {name} at {short(value)}"
    where = [f"{key} {args[key]}" for key in ("optimizer", "group") if args.get(key) is not None]
    if where:
        text += f" ({', '.join(where)})".replace("optimizer all", "all optimizers")
    return f"{text} – {args['note']}" if args.get("note") else text
