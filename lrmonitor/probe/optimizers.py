"""What the probe knows of one optimizer: its number, groups, series and overrides."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass
from typing import Any

from lrmonitor.link.messages import GroupRate
from lrmonitor.probe import rates
from lrmonitor.probe.rates import Overrides, Swap
from lrmonitor.record.layout import RECORD
from lrmonitor.record.writer import RankWriter, SeriesWriter

_pack = RECORD.pack


@dataclass
class Group:
    """One group's latest rates, and the series they are written to where they change."""

    lr: SeriesWriter
    scheduled_lr: SeriesWriter
    seen: Any = None
    """The rate object at the last look, to see at a glance that nothing changed."""
    version: int = -1
    scheduled: float | None = None
    effective: float | None = None

    def record(self, step: int, now: float, scheduled: float, effective: float) -> None:
        """Write what changed."""
        if scheduled != self.scheduled and not _both_nan(scheduled, self.scheduled):
            self.scheduled = scheduled
            self.scheduled_lr.append(_pack(step, now, scheduled))
        if effective != self.effective and not _both_nan(effective, self.effective):
            self.effective = effective
            self.lr.append(_pack(step, now, effective))


class Optimizer:
    """One optimizer of the script. Only a weak reference is held to it."""

    def __init__(self, number: int, optimizer: Any, writer: RankWriter) -> None:
        self.number = number
        self.ref: weakref.ref[Any] = weakref.ref(optimizer)
        self.name = type(optimizer).__name__
        self.overrides = Overrides()
        self.swap = Swap()
        self.groups: list[Group] = []
        self.steps = 0
        """Steps of it whose loss was recorded."""
        self.steps_made = 0
        self.reason: str | None = None
        # LBFGS reads its rate before it evaluates the closure, all others after.
        self.reads_first = any(c.__name__ == "LBFGS" for c in type(optimizer).__mro__)
        self._writer = writer
        self.loss = writer.series("loss" if number == 0 else f"loss[{number}]", "loss", number)
        self.parts = writer.series(f"parts[{number}]", "parts", number, None, "changes")
        self.last_parts = 0
        self.look_at_groups(optimizer)

    def replace(self, optimizer: Any) -> None:
        """A new object of the script's takes the place of one that is gone, overrides and all."""
        self.ref = weakref.ref(optimizer)
        for group in self.groups:
            group.seen = None
            group.version = -1
        self.look_at_groups(optimizer, replaced=True)

    def look_at_groups(self, optimizer: Any, replaced: bool = False) -> None:
        """Notice groups that were added, and say so in the record."""
        count, number = len(optimizer.param_groups), self.number
        for j in range(len(self.groups), count):
            lr = self._writer.series(f"lr[{number}.{j}]", "lr", number, j, "changes")
            name = f"scheduled[{number}.{j}]"
            scheduled = self._writer.series(name, "scheduled_lr", number, j, "changes")
            self.groups.append(Group(lr, scheduled))
        del self.groups[count:]
        self.reason = rates.problem(optimizer.param_groups, self.name)
        self._writer.event(
            "optimizer",
            optimizer=number,
            **{"class": self.name},
            groups=count,
            main=number == 0,
            controllable=self.reason is None,
            reason=self.reason,
            **({"replaced": True} if replaced else {}),
        )

    def scheduled(self, optimizer: Any) -> list[float]:
        """What the script wants now, group by group; nan where there is no number."""
        read = rates.read
        found = [read(group.get("lr")) for group in optimizer.param_groups]
        return [math.nan if value is None else value for value in found]

    def inherit(self, optimizer: Any) -> None:
        """Give groups that were added the override that commands gave to all groups."""
        if self.overrides.later is not None:
            scheduled = self.scheduled(optimizer)
            for j in range(len(scheduled)):
                self.overrides.inherit(j, scheduled)

    def record_rates(self, groups: list[dict[str, Any]], step: int, now: float) -> None:
        """Write the rates that changed, where scheduled and effective are the same."""
        for known, group in zip(self.groups, groups, strict=False):
            lr: Any = group.get("lr")
            if lr is known.seen and (known.version < 0 or lr._version == known.version):
                continue
            if rates.is_tensor(lr):
                if lr.device.type != "cpu" and lr is known.seen and lr._version == known.version:
                    continue
                known.version = -1 if lr.is_inference() else lr._version
            else:
                known.version = -1
            known.seen = None if rates.is_tensor(lr) and known.version < 0 else lr
            value = rates.read(lr)
            if value is not None:
                known.record(step, now, value, value)

    def record_overridden(
        self,
        scheduled: list[float],
        effective: list[float | None],
        step: int,
        now: float,
        wanted: bool,
    ) -> list[GroupRate]:
        """Write the rates of a step with an override; where they are wanted, the rates, with those
        of the step before."""
        out = []
        for j, (known, was) in enumerate(zip(self.groups, scheduled, strict=False)):
            used = effective[j] if j < len(effective) else was
            previous = known.effective
            known.seen, known.version = None, -1
            if used is not None:
                known.record(step, now, was, used)
            if wanted:
                out.append(GroupRate(self.number, j, was, previous, used))
        return out

    def status(self) -> dict[str, Any]:
        """The part of a status answer that tells of this optimizer."""
        groups = []
        for j, group in enumerate(self.groups):
            override = self.overrides.groups.get(j)
            groups.append(
                {
                    "group": j,
                    "scheduled": group.scheduled,
                    "effective": group.effective,
                    "override": {
                        "kind": override.kind if override else "none",
                        "value": override.value if override else None,
                    },
                }
            )
        return {
            "optimizer": self.number,
            "class": self.name,
            "controllable": self.reason is None,
            "reason": self.reason,
            "groups": groups,
        }


def _both_nan(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and a != a and b != b
