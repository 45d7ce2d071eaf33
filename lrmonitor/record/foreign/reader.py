"""A log of another program with the interface of a run folder's reader.

So a log is shown by the same model, plots and verbs as a run; `info["kind"]` is "log". Nothing is
ever written beside it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrmonitor.record.foreign.base import ForeignLog, LogProblem, Part
from lrmonitor.record.foreign.names import LOSS, METRIC, RATE, ROLES, Roles, roles
from lrmonitor.record.foreign.recognise import open_log
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import POINT, RankReader, RunReader, Series

REASON = "This is a log that is only read: no process of it can be reached from here."


@dataclass(frozen=True)
class Choice:
    """What a person wants columns to be: a role of `names.ROLES` by column, None to leave it out.
    Columns that are not told of are what their name says."""

    roles: dict[str, str | None]

    def applied(self, columns: list[str]) -> Roles:
        """The roles of these columns."""
        told = roles([name for name in columns if name not in self.roles])
        found = {role: [n for n in columns if self.roles.get(n) == role] for role in ROLES}
        losses, extra = found[LOSS], []
        loss = losses[0] if losses else None
        extra = losses[1:]
        if told.loss is not None:
            loss, extra = (told.loss, extra) if loss is None else (loss, [*extra, told.loss])
        return Roles(
            loss,
            (*found[RATE], *told.rates),
            (*found["validation"], *told.validation),
            (*extra, *found[METRIC], *told.metrics),
        )


class LogRank(RankReader):
    """The columns of a log as the series of one training process. `LogReader` fills it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, 0)
        self.columns: dict[str, Series] = {}
        self._steps = Series(SeriesInfo(1 << 20, "steps", "step"), self._pools)

    def poll(self) -> bool:
        """Nothing: its owner reads."""
        return False

    def clear(self) -> None:
        """Forget all points."""
        for series in (*self.columns.values(), self._steps):
            series.clear()
        self.version += 1

    def take(self, part: Part, counts: bool) -> None:
        """Append the points of a column. Where steps go back, all are put in order of the step.
        With `counts` they are also the steps of the training, where no loss tells them."""
        series = self.columns.get(part.name)
        if series is None:
            info = SeriesInfo(len(self.columns), part.name, "metric")
            series = self.columns[part.name] = Series(info, self._pools)
        self._extend(series, part)
        if counts:
            self._extend(self._steps, part)

    def assign(self, told: Roles) -> None:
        """Say what the columns are; those that are not told of are left out."""
        shown: dict[int, Series] = {}
        for name in told.shown:
            series = self.columns.get(name)
            if series is None:
                continue
            kind, optimizer, group = "metric", None, None
            if name == told.loss:
                kind, optimizer = "loss", 0
            elif name in told.rates:
                kind, optimizer, group = "lr", 0, told.rates.index(name)
            index = series.info.series
            series.info = SeriesInfo(index, name, kind, optimizer, group)
            shown[index] = series
        if told.loss is None:
            shown[self._steps.info.series] = self._steps
        self.series = shown
        self.by_name = {series.info.name: series for series in shown.values()}

    def _extend(self, series: Series, part: Part) -> None:
        records = np.empty(len(part.step), POINT)
        records["step"], records["time"], records["value"] = part.step, part.time, part.value
        series.extend(records)
        if series.ascending:
            return
        series.replace(series.records(np.argsort(series.step, kind="stable")))
        self.version += 1


class LogReader(RunReader):
    """Follows a log. `poll` reads for about `budget` seconds at a time (None: all that is there).

    `info` is kept as the log is read: its `kind` is "log", `format` in words, `created` (if the log
    tells times), `changed` (when a file of it last changed), `settings`, `left_out` (columns that
    hold no numbers), `reading` (whether there is more to read at once). What cannot be read is told
    by events `log_problem`. Not thread-safe; never raises because of what is on the disk.
    """

    def __init__(
        self,
        log: ForeignLog,
        choice: Choice | None = None,
        budget: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(log.path)
        self.log = log
        self.choice = choice or Choice({})
        self.roles = Roles()
        self._budget = budget
        self._clock = clock
        self._told: set[LogProblem] = set()
        self._uncounted = 0
        self._told_left_out: list[str] = []
        self._groups = 0
        self._rank = LogRank(log.path)
        self.ranks = {0: self._rank}
        name = _name(log.path.resolve())
        self.info = {
            "kind": "log",
            "id": name,
            "name": name,
            "format_name": log.format,
            "path": str(log.path.resolve()),
            "changed": log.changed,
        }
        begun = log.changed or clock()
        self._rank.events.append({"event": "log", "time": begun, "format": log.format,
                                  "path": str(log.path)})  # fmt: skip

    @property
    def columns(self) -> list[str]:
        """The columns of numbers so far, in the order in which they came."""
        return list(self._rank.columns)

    @property
    def corrupt(self) -> int:
        """Nothing: what cannot be read is told as events."""
        return 0

    def poll(self) -> bool:
        """Read what is new; True when there is something."""
        was = self.gone, self.info["changed"], self.info.get("reading")
        self.gone = not os.path.exists(self.log.path)
        end = None if self._budget is None else time.perf_counter() + self._budget
        new = False
        more = not self.gone
        while more:
            batch = self.log.read()
            new |= self._take(batch.parts, batch.anew)
            more = batch.more
            if end is not None and time.perf_counter() >= end:
                break
        self.info["changed"] = self.log.changed or self.info["changed"]
        self.info["settings"] = self.log.settings
        self.info["left_out"] = self.log.left_out
        self.info["reading"] = more
        new |= self._tell(more)
        return new or was != (self.gone, self.info["changed"], self.info["reading"])

    def _take(self, parts: list[Part], anew: bool) -> bool:
        if anew:
            self._rank.clear()
            self._uncounted = 0
            # That it was written anew is told each time; what is wrong in a line, once.
            self._told = {p for p in self._told if p.line is not None or p.offset is not None}
        known = len(self._rank.columns)
        for part in parts:
            counts = next(iter(self._rank.columns), part.name) == part.name
            self._rank.take(part, counts)
            if self.log.timed and "created" not in self.info:
                self.info["created"] = float(part.time.min())
        if len(self._rank.columns) != known:
            self.roles = self.choice.applied(self.columns)
            self._rank.assign(self.roles)
            self._tell_rates(len(self.roles.rates))
        return bool(parts) or anew

    def _tell_rates(self, groups: int) -> None:
        """Without a time, the event is in no journal: it is how curves of rates are found."""
        if groups != self._groups:
            self._groups = groups
            self._rank.events.append(
                {
                    "event": "optimizer",
                    "optimizer": 0,
                    "class": "log",
                    "groups": groups,
                    "main": True,
                    "controllable": False,
                    "reason": REASON,
                    "about": [{"name": name} for name in self.roles.rates],
                }
            )

    def _tell(self, more: bool) -> bool:
        events = self._rank.events
        before = len(events)
        for problem in self.log.problems:
            if problem not in self._told:
                self._told.add(problem)
                text = problem.sentence
                events.append({"event": "log_problem", "time": self._clock(), "text": text})
        left_out = self.log.left_out
        if not more and left_out != self._told_left_out:
            self._told_left_out = left_out
            names = ", ".join(left_out[:20]) + (", …" if len(left_out) > 20 else "")
            text = f"Left out, since there are no numbers in them: {names}"
            events.append({"event": "log_problem", "time": self._clock(), "text": text})
        if not more and self.log.uncounted != self._uncounted:
            self._uncounted = self.log.uncounted
            text = f"{self._uncounted} more problems of that kind"
            events.append({"event": "log_problem", "time": self._clock(), "text": text})
        return len(events) != before


def _name(path: Path) -> str:
    """What a person calls it: with the folder above where its own name is a number."""
    if re.fullmatch(r"(version_|checkpoint-)\d+", path.name):
        return f"{path.parent.name}/{path.name}"
    return path.name


def read_log(
    path: str | os.PathLike[str],
    choice: Choice | None = None,
    budget: float | None = None,
    clock: Callable[[], float] = time.time,
) -> LogReader:
    """The log at a path, to be followed. Raises NotALog."""
    return LogReader(open_log(path), choice, budget, clock)
