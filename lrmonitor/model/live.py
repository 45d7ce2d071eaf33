"""The live runs of this user on this machine, whatever folder of runs they are in."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from lrmonitor.link import paths
from lrmonitor.model.rates import number
from lrmonitor.model.run import STATE_POINTS, RunModel
from lrmonitor.model.state import RunState
from lrmonitor.record import layout
from lrmonitor.record.catalogue import Catalogue


@dataclass(frozen=True)
class LiveRun:
    """A run that can be opened while it goes on.

    `command` is what was started, on one line; `begun` is in unix seconds; `loss` is the latest,
    None before the first step.
    """

    folder: Path
    id: str
    name: str
    kind: str
    command: str
    begun: float
    state: RunState
    loss: float | None

    @property
    def step(self) -> int | None:
        """The latest step."""
        return self.state.step

    def matches(self, text: str) -> bool:
        """Whether each word of a search is in its name, command, id or state."""
        known = f"{self.name}\n{self.command}\n{self.id}\n{self.state.label}\n{self.folder}"
        return all(word in known.casefold() for word in text.casefold().split())


class LiveRuns:
    """Finds live runs, again and again: what was read of a run is kept for the next time.

    Two places tell of them: the endpoints at which training processes listen (each names its run's
    folder, wherever that is), and the folder of runs, for what has not begun to train yet. Not
    thread-safe: one thread calls `refresh`.
    """

    def __init__(self, home: Path, clock: Callable[[], float] = time) -> None:
        self._home = home
        self._clock = clock
        self._models: dict[Path, RunModel] = {}
        self._over: set[Path] = set()

    def refresh(self) -> list[LiveRun]:
        """The live runs, newest first. Never raises because of what is on the disk."""
        # By what it really is, since a run may be reached by several paths.
        folders = {folder.resolve(): folder for folder in _listening()}
        listening = set(folders)
        for entry in Catalogue(self._home).runs():
            if entry.problem is None:
                folders[entry.folder.resolve()] = entry.folder
        looked = [self._look(folder, real in listening) for real, folder in folders.items()]
        found = [run for run in looked if run is not None]
        kept = {run.folder for run in found}
        for folder in [folder for folder in self._models if folder not in kept]:
            del self._models[folder]
        return sorted(found, key=lambda run: (run.begun, run.id), reverse=True)

    def _look(self, folder: Path, listens: bool) -> LiveRun | None:
        if folder in self._over and not listens:
            return None
        model = self._models.get(folder)
        if model is None:
            if not listens and _ended(folder):
                self._over.add(folder)
                return None
            model = RunModel(folder, clock=self._clock, last=STATE_POINTS)
        model.poll()
        if not model.state.live:
            if model.state.phase.over:
                self._over.add(folder)
            return None
        self._models[folder] = model
        return _live_run(folder, model)


def _live_run(folder: Path, model: RunModel) -> LiveRun:
    info = model.reader.info
    loss = model.loss()
    latest = float(loss.value[-1]) if loss is not None and len(loss) else None
    return LiveRun(
        folder=folder,
        id=model.id,
        name=model.name,
        kind=str(info.get("kind") or "launched"),
        command=command_text(info),
        begun=number(info.get("created")) or 0.0,
        state=model.state,
        loss=latest,
    )


def command_text(info: dict[str, Any]) -> str:
    """What a run started, on one line, without the interpreter: `train.py --lr 0.1`."""
    words = info.get("command")
    if not isinstance(words, list) or not words:
        return str(info.get("script") or "")
    words = [str(word) for word in words]
    if info.get("python") is not None and len(words) > 1:
        words = words[1:]
    return " ".join(shlex.join(words).split())


def _listening() -> list[Path]:
    """The folders that the endpoints name, one for each rank; those of killed processes too."""
    folder = paths.runtime_dir()
    found = []
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    for name in names:
        if name.startswith(".") or not name.endswith(".json"):
            continue
        try:
            told = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        where = told.get("folder") if isinstance(told, dict) else None
        if isinstance(where, str) and os.path.isabs(where):
            path = Path(where)
            if (path / layout.RUN).is_file():
                found.append(path)
    return found


def _ended(folder: Path) -> bool:
    """Whether the supervisor recorded the end; its last lines tell, so that a folder with thousands
    of old runs is listed fast."""
    try:
        with open(folder / layout.SUPERVISOR, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().splitlines()
    except OSError:
        return False
    for line in reversed(lines):
        try:
            told = json.loads(line)
        except ValueError:
            continue  # torn, or its beginning was not read
        if isinstance(told, dict) and told.get("event") in ("exited", "failed"):
            return True
    return False
