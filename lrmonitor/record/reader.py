"""Reading a run folder: from the start, then following its end.

One code path serves a live run, a late window, a reconnect and an old run. A poll costs a `stat`
per file when nothing is new. Nothing here raises because of what is (or is no longer) on the disk:
a torn line waits for its end, a corrupt one is counted, a file that shrank is read again from its
start, and a folder that vanished leaves what was read and `RunReader.gone`.

Not thread-safe: one thread polls and reads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lrmonitor.record import layout
from lrmonitor.record.jsonl import JsonlTail
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.shared import Pool

Steps = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

POINT = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])
"""A record of a series file: step, unix time, value."""
_CHUNK_RECORDS = 1 << 14
"""Records taken from a file at a time: 384 KiB, which stay in the processor's cache until they are
in the columns."""

_LATEST = 4
"""Times the points that are wanted, where the latest alone are, that may be held."""


class Pools:
    """Where the series of one process have their columns, so that what is equal is held once."""

    def __init__(self) -> None:
        self.steps: Pool[np.int64] = Pool(np.int64)
        self.floats: Pool[np.float64] = Pool(np.float64)


class Series:
    """The points of one series, as columns that grow.

    `step` (int64), `time` (unix seconds, float64) and `value` (float64) are read-only views of the
    points read so far: no copy is made, and a view taken earlier stays valid but does not grow.
    Series of the same `pools` share what they have in common.
    """

    def __init__(self, info: SeriesInfo, pools: Pools | None = None) -> None:
        self.info = info
        self.pools = Pools() if pools is None else pools
        self.cleared = 0
        """How often all points were forgotten: what was made of them does not hold any more."""
        self._step = self.pools.steps.column()
        self._time = self.pools.floats.column()
        self._value = self.pools.floats.column()
        self._ascending = True
        self._newest = 0

    def __len__(self) -> int:
        return len(self._step)

    def __repr__(self) -> str:
        return f"<Series {self.info.name!r}, {len(self)} points>"

    @property
    def step(self) -> Steps:
        """Step numbers, shape (len,)."""
        return self._step.view

    @property
    def time(self) -> Floats:
        """Unix seconds, shape (len,)."""
        return self._time.view

    @property
    def value(self) -> Floats:
        """Values, shape (len,); may hold nan and infinities."""
        return self._value.view

    @property
    def ascending(self) -> bool:
        """Whether no step is smaller than the one before it, so that steps can be searched."""
        return self._ascending

    def extend(self, records: npt.NDArray[np.void]) -> None:
        """Append records of the file's type, in time proportional to their number on average."""
        if not len(records):
            return
        step = records["step"]
        if self._ascending:
            follows = not len(self) or bool(step[0] >= self._newest)
            self._ascending = follows and bool((step[1:] >= step[:-1]).all())
        self._newest = int(step[-1])
        self._step.append(step)
        self._time.append(records["time"])
        self._value.append(records["value"])

    def records(self, at: slice | npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
        """The points at these indices, as records of the file's type, shape (n,)."""
        step = self.step[at]
        found = np.empty(len(step), POINT)
        found["step"], found["time"], found["value"] = step, self.time[at], self.value[at]
        return found

    def replace(self, records: npt.NDArray[np.void]) -> None:
        """Hold these points instead of those so far."""
        self.clear()
        self.extend(records)

    def clear(self) -> None:
        """Forget all points. Views taken earlier keep theirs."""
        self._step.clear()
        self._time.clear()
        self._value.clear()
        self.cleared += 1
        self._ascending = True


class RankReader:
    """What one training process has recorded: `ranks/<n>/`."""

    def __init__(self, folder: Path, rank: int, last: int | None = None) -> None:
        self.folder = folder
        self.rank = rank
        self._last = last
        self.events: list[dict[str, Any]] = []
        self.series: dict[int, Series] = {}
        self.by_name: dict[str, Series] = {}
        self.version = 0
        """Grows when what was read had to be forgotten: a file shrank and was read again."""
        self._pools = Pools()
        self._tail = JsonlTail(folder / layout.EVENTS)
        self._series_folder = folder / layout.SERIES
        self._files: dict[int, _SeriesFile] = {}

    @property
    def corrupt(self) -> int:
        """Complete lines that could not be read, so far."""
        return self._tail.corrupt

    def poll(self) -> bool:
        """Read what is new; True when there is something."""
        new = self._poll_events()
        strangers = self._strangers()
        if strangers:
            # A series is declared before its file is made: what is unknown now was declared since.
            new |= self._poll_events()
            for index in strangers:
                if index not in self.series:
                    name = f"series {index}"
                    self._declare(SeriesInfo(index, name, "metric", None, None, "each"))
                    new = True
        for file in self._files.values():
            count = file.poll()
            if count < 0:
                self.version += 1
            new |= count != 0
        return new

    def _poll_events(self) -> bool:
        lines = self._tail.poll()
        for event in lines:
            self.events.append(event)
            if event.get("event") == "series":
                info = _series_info(event)
                if info is not None:
                    self._declare(info)
        return bool(lines)

    def _declare(self, info: SeriesInfo) -> None:
        series = self.series.get(info.series)
        if series is None:
            series = self.series[info.series] = Series(info, self._pools)
            path = self._series_folder / layout.series_name(info.series)
            self._files[info.series] = _SeriesFile(path, series, self._last)
        elif self.by_name.get(series.info.name) is series:
            del self.by_name[series.info.name]
        series.info = info
        # A metric may bear the name of a series of ours; ours keeps the name.
        other = self.by_name.get(info.name)
        if other is None or other is series or other.info.kind == "metric":
            self.by_name[info.name] = series

    def _strangers(self) -> list[int]:
        """Numbers of series files that no event has declared."""
        return sorted(
            index
            for name in _names(self._series_folder)
            if (index := layout.series_index(name)) is not None and index not in self.series
        )


class RunReader:
    """A run folder as it stands on the disk, followed by `poll`.

    With `last`, only that many of the points that each series has at the first poll are read, and
    of those that come later some times as many are held, the earlier ones forgotten: enough to tell
    a run's state at once, however long it is and however fast.
    """

    def __init__(self, folder: str | os.PathLike[str], last: int | None = None) -> None:
        self.folder = Path(folder)
        self._last = last
        self.info: dict[str, Any] = {}
        self.supervisor: list[dict[str, Any]] = []
        self.ranks: dict[int, RankReader] = {}
        self.clients: list[dict[str, Any]] = []
        self.gone = False
        self.problem: str | None = None
        self._supervisor = JsonlTail(self.folder / layout.SUPERVISOR)
        self._clients: dict[str, JsonlTail] = {}

    @property
    def corrupt(self) -> int:
        """Complete lines of any file that could not be read, so far."""
        tails = [self._supervisor, *self._clients.values()]
        return sum(t.corrupt for t in tails) + sum(r.corrupt for r in self.ranks.values())

    def poll(self) -> bool:
        """Read what is new in every file; True when there is something (also: gone, or back)."""
        was = self.gone, self.problem
        self.gone = not self.folder.is_dir()
        if self.gone:
            return was[0] is False
        new = self._poll_info()
        if lines := self._supervisor.poll():
            self.supervisor.extend(lines)
            new = True
        for rank in self._new_ranks():
            self.ranks[rank] = RankReader(self.folder / layout.RANKS / str(rank), rank, self._last)
            self.ranks = dict(sorted(self.ranks.items()))
            new = True
        for reader in self.ranks.values():
            new |= reader.poll()
        new |= self._poll_clients()
        return new or was != (self.gone, self.problem)

    def _poll_info(self) -> bool:
        if self.info:
            return False
        info, self.problem = read_run_json(self.folder)
        self.info = info or {}
        return bool(info)

    def _new_ranks(self) -> list[int]:
        names = _names(self.folder / layout.RANKS)
        return sorted(int(n) for n in names if _is_number(n) and int(n) not in self.ranks)

    def _poll_clients(self) -> bool:
        folder = self.folder / layout.CLIENTS
        for name in sorted(_names(folder)):
            if name.endswith(".jsonl") and name not in self._clients:
                self._clients[name] = JsonlTail(folder / name)
        new = False
        for name, tail in self._clients.items():
            for line in tail.poll():
                line.setdefault("client", name.removesuffix(".jsonl"))
                self.clients.append(line)
                new = True
        return new


def read_run_json(folder: Path) -> tuple[dict[str, Any] | None, str | None]:
    """`run.json` of a folder, or None and a sentence that says what is wrong with it."""
    path = folder / layout.RUN
    try:
        info = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None, f"it has no {layout.RUN}"
    except OSError as error:
        return None, f"its {layout.RUN} cannot be read: {error.strerror or error}"
    except ValueError:
        return None, f"its {layout.RUN} is damaged"
    if not isinstance(info, dict) or not isinstance(info.get("format"), int):
        return None, f"its {layout.RUN} is not one of lrmonitor's"
    if info["format"] > layout.FORMAT:
        return None, (
            f"it was written by a newer lrmonitor (format {info['format']}; this one reads "
            f"{layout.FORMAT}): update lrmonitor"
        )
    return info, None


class _SeriesFile:
    """Follows one file of records into its series."""

    def __init__(self, path: Path, series: Series, last: int | None) -> None:
        self._path = path
        self._series = series
        self._last = last
        self._done: int | None = None  # records of the file that were read or left out

    def poll(self) -> int:
        """Read whole records that are new. How many; -1 when the file shrank and was read anew."""
        try:
            size = os.stat(self._path).st_size
        except OSError:
            return 0
        count = size // POINT.itemsize
        if self._done is None:
            self._done = 0 if self._last is None else max(count - self._last, 0)
        elif self._last is not None and count - self._done > max(self._last, _CHUNK_RECORDS):
            # What is in between is left out too, and there is no hole in a series.
            self._series.clear()
            self._done = count - self._last
        shrank = count < self._done
        if shrank:
            self._series.clear()
            self._done = 0
        before = len(self._series)
        if count > self._done:
            try:
                with open(self._path, "rb", buffering=0) as file:
                    file.seek(self._done * POINT.itemsize)
                    for records in _records(file, count - self._done):
                        self._series.extend(records)
                        self._done += len(records)
            except OSError:
                pass
        new = len(self._series) - before
        if self._last is not None and len(self._series) > _LATEST * self._last:
            self._series.replace(self._series.records(slice(-self._last, None)))
        return -1 if shrank else new


def _records(file: FileIO, count: int) -> Iterator[npt.NDArray[np.void]]:
    """Up to `count` whole records from where the file stands, some at a time.

    What is yielded holds until the next is asked for: all are read into the same memory.
    """
    size = POINT.itemsize
    buffer = memoryview(bytearray(min(count, _CHUNK_RECORDS) * size))
    left = count * size
    kept = 0
    while left > 0:
        got = file.readinto(buffer[kept : kept + left])
        if not got:
            return
        left -= got
        whole, rest = divmod(kept + got, size)
        yield np.frombuffer(buffer[: whole * size], POINT)
        buffer[:rest] = bytes(buffer[whole * size : whole * size + rest])
        kept = rest


def _series_info(event: dict[str, Any]) -> SeriesInfo | None:
    """The series that a `series` event declares; None when it makes no sense."""
    index, name = _index(event.get("series")), event.get("name")
    if index is None or not isinstance(name, str) or not name:
        return None
    return SeriesInfo(
        series=index,
        name=name,
        kind=str(event.get("kind", "metric")),
        optimizer=_index(event.get("optimizer")),
        group=_index(event.get("group")),
        recorded=str(event.get("recorded", "each")),
        source=str(event["source"]) if event.get("source") else None,
    )


def _index(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and str(int(name)) == name


def _names(folder: Path) -> list[str]:
    """Names in a folder; none when it is not there (yet)."""
    try:
        return os.listdir(folder)
    except OSError:
        return []
