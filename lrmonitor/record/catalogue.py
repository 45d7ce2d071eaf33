"""The catalogue of runs: the folders of the home. There is no second truth."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrmonitor.record import layout
from lrmonitor.record.jsonl import JsonlTail
from lrmonitor.record.reader import read_run_json

_SHOWN = 6
"""Candidates named in a sentence; more would hide it."""


class CatalogueError(Exception):
    """A text that names no run, or several; the message is a sentence for the person."""


class NoSuchRun(CatalogueError):
    """Nothing of that name."""


class AmbiguousRun(CatalogueError):
    """A prefix of several ids."""


@dataclass(frozen=True)
class RunEntry:
    """A folder of the catalogue. `problem` says why it cannot be read as a run, if so.

    `created` is in unix seconds; for a broken folder the time of its last change.
    """

    folder: Path
    id: str
    name: str
    kind: str
    created: float
    problem: str | None = None
    info: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


class Catalogue:
    """The runs of a home, read from the disk at every call."""

    def __init__(self, home: str | os.PathLike[str]) -> None:
        self.home = Path(home)

    def runs(self) -> list[RunEntry]:
        """All runs, newest first. A folder that is broken is listed as such; other folders, and
        those still being made, are not."""
        entries = [entry for folder in self.folders() if (entry := self.entry(folder)) is not None]
        return sorted(entries, key=lambda e: (e.created, e.id), reverse=True)

    def folders(self) -> list[Path]:
        """The folders that may be runs: what is in the home, and nothing is read."""
        try:
            names = os.listdir(self.home)
        except OSError:
            return []
        return [self.home / name for name in names if not name.startswith(".")]

    def entry(self, folder: Path) -> RunEntry | None:
        """One folder of the catalogue; None when it is no run, or still being made."""
        return self._entry(folder)

    def resolve(self, text: str) -> RunEntry:
        """The run that a person means by `latest`, an id, a unique prefix of one, a name, or the
        path of a folder. Of several with the same name the newest is meant.

        Raises NoSuchRun and AmbiguousRun.
        """
        if not text.strip():
            raise NoSuchRun("no run was named: give an id, a name, a folder, or `latest`")
        runs = [run for run in self.runs() if run.problem is None]
        if text == "latest":
            if runs:
                return runs[0]
            raise NoSuchRun(f"there are no runs in {self.home} yet")
        for wanted in (lambda r: r.id == text, lambda r: r.name == text):
            if (found := next(filter(wanted, runs), None)) is not None:
                return found
        if (here := self._by_path(text)) is not None:
            return here
        starting = [run for run in runs if run.id.startswith(text)]
        if len(starting) == 1:
            return starting[0]
        if starting:
            some = ", ".join(run.id for run in starting[:_SHOWN])
            more = ", …" if len(starting) > _SHOWN else ""
            raise AmbiguousRun(
                f"{len(starting)} runs begin with {text!r} ({some}{more}): give more of the id"
            )
        raise NoSuchRun(self._missing(text, runs))

    def _entry(self, folder: Path) -> RunEntry | None:
        info, problem = read_run_json(folder)
        if info is None:
            if not _looks_like_a_run(folder):
                return None
            return RunEntry(folder, folder.name, folder.name, "broken", _changed(folder), problem)
        created = info.get("created")
        if isinstance(created, bool) or not isinstance(created, (int, float)):
            created = _changed(folder)
        return RunEntry(
            folder=folder,
            id=str(info.get("id") or folder.name),
            name=_given_name(folder) or str(info.get("name") or info.get("id") or folder.name),
            kind=str(info.get("kind") or "launched"),
            created=float(created),
            info=info,
        )

    def _by_path(self, text: str) -> RunEntry | None:
        """The run in the folder of that path; None when there is no such folder.

        A bare word is a path only for a folder that holds a run: it may be meant as a prefix.
        """
        folder = Path(text).expanduser()
        if not folder.is_dir():
            return None
        entry = self._entry(folder.resolve())
        if entry is not None and entry.problem is None:
            return entry
        if os.sep not in text and text not in (".", ".."):
            return None
        why = entry.problem if entry is not None else f"it has no {layout.RUN}"
        raise NoSuchRun(f"{folder} is not a run: {why}")

    def _missing(self, text: str, runs: list[RunEntry]) -> str:
        if not runs:
            return f"no run {text!r}: there are no runs in {self.home} yet"
        broken = self._entry(self.home / text) if os.sep not in text else None
        if broken is not None:
            return f"run {text!r} cannot be read: {broken.problem}"
        return f"no run {text!r} in {self.home}: `lrmonitor list` shows what is there"


def _given_name(folder: Path) -> str | None:
    """The name that a person last gave the run; None where nobody did."""
    latest: tuple[float, str] | None = None
    for path in sorted((folder / layout.CLIENTS).glob("*.jsonl")):
        for line in JsonlTail(path).poll():
            name, when = line.get("name"), line.get("time")
            if line.get("event") == "name" and isinstance(name, str) and name:
                told = float(when) if isinstance(when, (int, float)) else 0.0
                if latest is None or told >= latest[0]:
                    latest = (told, name)
    return None if latest is None else latest[1]


def _looks_like_a_run(folder: Path) -> bool:
    """Whether a folder without a readable run.json was one (not one that is being made: run.json is
    put into it before anything else)."""
    try:
        names = set(os.listdir(folder))
    except OSError:
        return False
    return bool(names & {layout.RUN, layout.SUPERVISOR, layout.RANKS})


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
