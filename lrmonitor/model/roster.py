"""All runs of a home and how each stands, kept up to date at little cost.

A run that is over is read once. One that is live is looked at about once a second; so is one of
another machine, of which only its record tells whether it goes on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lrmonitor.model.run import RunModel
from lrmonitor.model.state import RunState
from lrmonitor.record.catalogue import Catalogue, RunEntry
from lrmonitor.record.reader import Series

__all__ = ["Roster", "RunLine"]

LOOK_EVERY = 1.0
"""Seconds between two looks at a live run."""

POINTS = 300
"""Latest points of each series that are read: the usual time of a step is that of 256."""


@dataclass(frozen=True)
class RunLine:
    """One run of the list. `state` is None before the first look, and for a folder that cannot be
    read, of which `problem` tells why. `created` in unix seconds; `loss` is the latest one.
    `alarm` is severity and kind of the worst open finding that was told."""

    folder: Path
    id: str
    name: str
    script: str
    created: float
    problem: str | None = None
    state: RunState | None = None
    loss: float | None = None
    tags: tuple[str, ...] = ()
    alarm: tuple[str, str] | None = None

    @property
    def live(self) -> bool:
        """Whether a process of the run is there."""
        return self.state is not None and self.state.live


class Roster:
    """The runs of a home by folder, in `lines`. Not thread-safe; knows nothing of Qt.

    `scan` finds the runs that came and went, `look` sees how some of them stand.
    """

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self.lines: dict[Path, RunLine] = {}
        self._catalogue = Catalogue(home)
        self._clock = clock
        self._new: list[Path] = []
        self._models: dict[Path, RunModel | None] = {}
        """Of the runs that are looked at again and again; None where somebody else follows one."""
        self._followed: dict[Path, RunModel] = {}
        self._looked: dict[Path, float] = {}
        self._notes: dict[Path, int] = {}

    @property
    def home(self) -> Path:
        """The folder of the runs."""
        return self._catalogue.home

    @property
    def settled(self) -> bool:
        """Whether every run was looked at once."""
        return not self._new

    def follow(self, folder: Path | None, model: RunModel | None) -> None:
        """Somebody follows this run with a model: how it stands is seen there from now on, so that
        nothing of it is read and held twice. None, None: nobody does any more."""
        self._followed = {} if folder is None or model is None else {folder: model}

    def look_again(self, folder: Path) -> None:
        """Look at a run soon, which somebody noted something about."""
        if folder in self._models:
            self._looked[folder] = -math.inf
        elif folder in self.lines:
            self._queue(folder)

    def scan(self) -> set[Path]:
        """Find runs that came or went, or were named anew; whose line is another or gone."""
        found = set(self._catalogue.folders())
        changed = {folder for folder in self.lines if folder not in found}
        for folder in changed:
            self._forget(folder)
        for folder in found:
            known = self.lines.get(folder)
            if known is None or known.problem is not None:
                entry = self._catalogue.entry(folder)
                if entry is not None and _line(entry) != known:
                    self._take(folder, _line(entry))
                    changed.add(folder)
            elif folder not in self._models and self._noted(folder) != self._notes.get(folder, 0):
                self._queue(folder)
        self._new.sort(key=lambda folder: self.lines[folder].created)
        return changed

    def look(self, limit: int = 1) -> set[Path]:
        """See how the live runs stand that are due, and at most `limit` others that were not
        looked at yet, the newest first; whose line is another."""
        now = self._clock()
        due = [f for f in self._models if abs(now - self._looked.get(f, 0.0)) >= LOOK_EVERY]
        for _ in range(min(limit, len(self._new))):
            due.append(self._new.pop())
        return {folder for folder in due if self._look(folder, now)}

    def _look(self, folder: Path, now: float) -> bool:
        own, model = self._models.pop(folder, None), self._followed.get(folder)
        followed = model is not None
        if model is None:
            if own is None:
                own = RunModel(folder, clock=self._clock, last=POINTS)
                self._notes[folder] = self._noted(folder)
            model = own
            model.poll()
        before = self.lines[folder]
        state = model.state
        line = RunLine(
            folder=folder,
            id=before.id,
            name=model.name,
            script=before.script,
            created=before.created,
            state=state,
            loss=_last(model.loss()),
            tags=model.tags,
            alarm=model.findings.alarm(state.step),
        )
        self.lines[folder] = line
        if followed or not state.phase.over or state.live or state.label == "elsewhere":
            self._models[folder] = None if followed else model
            self._looked[folder] = now
        return line != before

    def _take(self, folder: Path, line: RunLine) -> None:
        self.lines[folder] = line
        if line.problem is None:
            self._queue(folder)

    def _queue(self, folder: Path) -> None:
        if folder not in self._new:
            self._new.append(folder)

    def _forget(self, folder: Path) -> None:
        del self.lines[folder]
        for known in (self._models, self._looked, self._notes):
            known.pop(folder, None)
        if folder in self._new:
            self._new.remove(folder)

    def _noted(self, folder: Path) -> int:
        """When a client last began to note something about the run, such as a name."""
        try:
            return (folder / "clients").stat().st_mtime_ns
        except OSError:
            return 0


def _line(entry: RunEntry) -> RunLine:
    return RunLine(
        folder=entry.folder,
        id=entry.id,
        name=entry.name,
        script=str(entry.info.get("script") or ""),
        created=entry.created,
        problem=entry.problem,
    )


def _last(series: Series | None) -> float | None:
    if series is None or not len(series):
        return None
    value = float(series.value[-1])
    # Two NaN are not equal, and a line that is never equal to itself would be drawn for ever.
    return math.nan if math.isnan(value) else value
