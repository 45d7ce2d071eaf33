"""A folder of TensorBoard event files, or one such file."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lrmonitor.record.foreign.base import MAX_COLUMNS, STEP_LIMIT, Batch, ForeignLog, part
from lrmonitor.record.foreign.follow import Followed
from lrmonitor.record.foreign.protobuf import Malformed, event
from lrmonitor.record.foreign.tfrecord import Corrupt, sound, split

MARK = "tfevents"
"""In the name of every event file."""

DEEPEST = 6
MOST_FILES = 500
MOST_FOLDERS = 2000
"""Folders below each other, files, and folders in all, that are looked at."""

LOOKING_SHARE = 20.0
"""Files are looked for again after this many times what it took: many folders take long."""

LARGEST = 1 << 28
"""Bytes of one record beyond which its length is taken for damage."""


class TensorBoardLog(ForeignLog):
    """Scalars by tag; in a folder below, by the folder's name and tag: `validation/loss`.

    Files of a folder are read one after another, in the order of their names, which begin with
    when they were made.
    """

    format = "TensorBoard"
    timed = True

    def __init__(self, path: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(path)
        self._clock = clock
        self._files: dict[Path, _EventFile] = {}
        self._names: set[str] = set()
        self._other: dict[str, None] = {}
        self._full = False
        self._look_again = -math.inf

    @property
    def left_out(self) -> list[str]:
        return list(self._other)

    def files(self) -> Iterable[Path]:
        return list(self._files) or event_files(self.path)

    def read(self) -> Batch:
        for path in self._look():
            if path not in self._files:
                prefix = "" if path == self.path else _prefix(path.parent, self.path)
                self._files[path] = _EventFile(path, prefix)
        batch = Batch()
        for file in self._files.values():
            anew, more = file.read(self)
            if anew:
                return self._again(file)
            batch.more |= more
            batch.parts += [part(name, points) for name, points in file.points.items()]
            file.points = {}
            if more:
                break
        return batch

    def _look(self) -> list[Path]:
        """The files that are there; none while it is too early to look for new ones."""
        begun = self._clock()
        if begun < self._look_again:
            return []
        found = event_files(self.path)
        end = self._clock()
        self._look_again = end + LOOKING_SHARE * (end - begun)
        return found

    def take(self, file: _EventFile, data: bytes, offset: int) -> None:
        """An event of a file."""
        try:
            found = event(data, file.tensors)
        except (Malformed, ValueError):
            self.say(file.path, "an event that cannot be understood is left out", offset=offset)
            return
        if not abs(found.step) < STEP_LIMIT:
            self.say(file.path, f"{found.step} is no step: the event is left out", offset=offset)
            return
        for tag in found.other:
            self._other[file.prefix + tag] = None
        for scalar in found.scalars:
            name = file.prefix + scalar.tag
            if name not in self._names:
                if len(self._names) >= MAX_COLUMNS:
                    if not self._full:
                        self._full = True
                        self.say(
                            file.path,
                            f"more than {MAX_COLUMNS} tags: the first {MAX_COLUMNS} are shown",
                        )
                    continue
                self._names.add(name)
            points = file.points.setdefault(name, [])
            points.append((found.step, found.time, scalar.value))

    def _again(self, file: _EventFile) -> Batch:
        self.problems.clear()
        self._files.clear()
        self._names.clear()
        self._other.clear()
        self._look_again = -math.inf
        self.say(file.path, "it was written anew, and all is read from its start again")
        return Batch(anew=True, more=True)


class _EventFile:
    """One file, followed record by record."""

    def __init__(self, path: Path, prefix: str) -> None:
        self.path = path
        self.prefix = prefix
        self.tensors: set[str] = set()
        self.points: dict[str, list[tuple[int, float, float]]] = {}
        self._followed = Followed(path)
        self._rest = b""
        self._at = 0
        self._damaged = False

    def read(self, log: TensorBoardLog) -> tuple[bool, bool]:
        """Give the log the next events; whether the file began anew, and whether there are more."""
        if self._damaged:
            return False, False
        data, anew, more = self._followed.read()
        if anew:
            return True, True
        if not data:
            return False, more
        piece = self._rest + data
        done = 0
        try:
            while True:
                records, size = split(piece[done:] if done else piece)
                if not records:
                    break
                good = sound([r[1] for r in records], [r[2] for r in records])
                for (offset, found, _), right in zip(records, good.tolist(), strict=True):
                    at = self._at + done + offset
                    if right:
                        log.take(self, found, at)
                    else:
                        log.say(self.path, "a record with a wrong checksum is left out", offset=at)
                done += size
        except Corrupt as error:
            self._damaged = True
            log.say(
                self.path,
                "a record's length is damaged: the rest of this file cannot be read",
                offset=self._at + done + error.offset,
            )
            return False, False
        self._rest = piece[done:]
        self._at += done
        if len(self._rest) > LARGEST:
            self._damaged = True
            log.say(self.path, "a record is too long: the rest is not read", offset=self._at)
        return False, more and not self._damaged


def event_files(path: Path) -> list[Path]:
    """The event files at a path: a folder's and those of the folders below, links aside."""
    if path.is_file():
        return [path]
    return sorted(_found(path))[:MOST_FILES]


def _found(folder: Path) -> Iterator[Path]:
    deep = len(folder.parts)
    for count, (place, below, names) in enumerate(os.walk(folder)):
        below.sort()
        if count >= MOST_FOLDERS or len(Path(place).parts) - deep >= DEEPEST:
            below.clear()
        for name in names:
            if MARK in name:
                yield Path(place) / name


def _prefix(folder: Path, root: Path) -> str:
    below = folder.relative_to(root).as_posix()
    return "" if below == "." else f"{below}/"
