"""The parameter groups of a run's optimizers, side by side. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lrmonitor.model.optimizer import OptimizerInfo
from lrmonitor.model.rates import SCHEDULE, Override
from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series

__all__ = ["GroupRow", "addressed", "for_all", "group_rows"]


@dataclass(frozen=True)
class GroupRow:
    """One group as recorded; None where nothing is known yet.

    `override` is as the panel says it, `problem` why its optimizer's rate cannot be set.
    """

    optimizer: int
    group: int
    name: str
    main: bool = False
    about: str = ""
    scheduled: float | None = None
    effective: float | None = None
    override: str = SCHEDULE
    kind: str = "none"
    problem: str | None = None

    @property
    def address(self) -> tuple[int, int]:
        """Its optimizer and its number in there."""
        return self.optimizer, self.group


def group_rows(model: RunModel) -> list[GroupRow]:
    """A row for each group, in the order of their numbers."""
    rows = []
    for info in model.optimizers:
        for group in range(info.groups):
            override = model.overrides.get((info.number, group), Override())
            rows.append(
                GroupRow(
                    optimizer=info.number,
                    group=group,
                    name=info.name,
                    main=info.main,
                    about=info.about[group] if group < len(info.about) else "",
                    scheduled=_last(model.scheduled(info.number, group)),
                    effective=_last(model.lr(info.number, group)),
                    override=override.text,
                    kind=override.kind,
                    problem=None if info.controllable else info.reason,
                )
            )
    return rows


def addressed(
    optimizers: Sequence[OptimizerInfo], main: int, optimizer: int | str | None, group: int | None
) -> list[tuple[int, int]]:
    """The groups that a command with this optimizer ("all", a number, None: the main one) and
    group (None: all) is for."""
    wanted = main if optimizer is None else optimizer
    return [
        (info.number, index)
        for info in optimizers
        if wanted in (info.number, "all")
        for index in range(info.groups)
        if group in (None, index)
    ]


def for_all(rows: Sequence[GroupRow], row: GroupRow, value: float) -> float | None:
    """The value for all groups of the optimizer (which is group 0's) that gives `row` this rate.

    The groups keep the ratios that their schedules have now. None where there is no ratio.
    """
    first = next((one for one in rows if one.address == (row.optimizer, 0)), None)
    if first is None or row.group == 0:
        return value
    if first.scheduled == row.scheduled:
        return value
    if not first.scheduled or not row.scheduled:
        return None
    found = value * (first.scheduled / row.scheduled)
    return found if math.isfinite(found) and found > 0 else None


def _last(series: Series | None) -> float | None:
    return float(series.value[-1]) if series is not None and len(series) else None
