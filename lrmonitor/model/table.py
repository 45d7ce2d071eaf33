"""The curves of a run as rows: for each step its loss, its rates and what was logged at it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrmonitor.model import rhythm
from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series


@dataclass(frozen=True)
class Column:
    """A series as a column. `kind` is "loss", "lr", "scheduled_lr" or "metric"; `optimizer` and
    `group` are None where they say nothing; `name` is that of a metric."""

    kind: str
    series: Series
    optimizer: int | None = None
    group: int | None = None
    name: str = ""

    @property
    def held(self) -> bool:
        """Whether a value holds until the next one: rates are recorded where they change."""
        return self.kind in ("lr", "scheduled_lr")


class RunTable:
    """Reads a model's series cell by cell, so that its cost does not hang on the length of the run.

    A row is a step of the main optimizer, in the order of the record; in a run without steps, a
    value of its longest metric. Rows are only added while `take` gives False. Not thread-safe.
    """

    def __init__(self, model: RunModel) -> None:
        self._model = model
        self._rows: Series | None = None
        self._count = 0
        self.columns: list[Column] = []

    def __len__(self) -> int:
        return self._count

    def take(self) -> bool:
        """Take what the model holds now; True where rows or columns are others than before."""
        rows, columns = self._base(), self._columns()
        count = 0 if rows is None else len(rows)
        other = rows is not self._rows or count < self._count or columns != self.columns
        self._rows, self._count, self.columns = rows, count, columns
        return other

    def step(self, row: int) -> int:
        """The step of a row."""
        assert self._rows is not None
        return int(self._rows.step[row])

    def time(self, row: int) -> float:
        """When it was done, in unix seconds."""
        assert self._rows is not None
        return float(self._rows.time[row])

    def value(self, row: int, column: int) -> float | None:
        """What a column's series has at the step of a row; None where it has nothing."""
        told = self.columns[column]
        series = told.series
        if series is self._rows:
            return float(series.value[row])
        step = self.step(row)
        at = _latest(series, step)
        if at is None or (not told.held and int(series.step[at]) != step):
            return None
        return float(series.value[at])

    def find(self, step: float) -> int:
        """The first row at that step or a later one; the number of rows if there is none."""
        if self._rows is None:
            return 0
        steps = self._rows.step[: self._count]
        if self._rows.ascending:
            return int(np.searchsorted(steps, step, "left"))
        later = np.flatnonzero(steps >= step)
        return int(later[0]) if len(later) else self._count

    def _base(self) -> Series | None:
        model = self._model
        loss = model.loss()
        if loss is not None and len(loss):
            return loss
        steps = None if model.rank is None else rhythm.step_series(model.rank, model.main)
        return steps or max(model.metrics(), key=len, default=None)

    def _columns(self) -> list[Column]:
        model = self._model
        loss = model.loss()
        found = [] if loss is None else [Column("loss", loss)]
        for info in model.optimizers:
            other = None if info.number == model.main else model.loss(info.number)
            if other is not None:
                found.append(Column("loss", other, info.number))
        groups = [(info.number, group) for info in model.optimizers for group in range(info.groups)]
        for kind, find in (("lr", model.lr), ("scheduled_lr", model.scheduled)):
            for optimizer, group in groups:
                series = find(optimizer, group)
                if series is None:
                    continue
                if len(groups) == 1:
                    found.append(Column(kind, series))
                else:
                    found.append(Column(kind, series, optimizer, group))
        return found + [Column("metric", one, name=one.info.name) for one in model.metrics()]


def _latest(series: Series, step: int) -> int | None:
    """Where the latest value up to a step stands; None before the first."""
    if series.ascending:
        at = int(np.searchsorted(series.step, step, "right")) - 1
        return at if at >= 0 else None
    # Steps that were counted anew: the last recorded value of those up to this one.
    there = np.flatnonzero(series.step <= step)
    if not len(there):
        return None
    steps = series.step[there]
    return int(there[np.flatnonzero(steps == steps.max())[-1]])
