"""The record of one training process: `ranks/<n>/`, written by a thread of its own."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from lrmonitor.record import layout
from lrmonitor.record.jsonl import JsonlWriter
from lrmonitor.record.layout import RECORD, SeriesInfo

FLUSH_SECONDS = 0.05
"""How long a record may wait in memory: what `kill -9` can lose (the plan's figure)."""

MEMORY = 64 * 2**20
"""Bytes of records that may wait while the disk stalls (the plan's figure)."""

RECORD_COST = 150
"""Bytes of memory a waiting record takes, with its containers (measured with CPython 3.11)."""

CHUNK = 16384
"""Records that are packed at once, so that their memory is free before the next are."""

OPEN_FILES = 16
"""Series files kept open; the others are opened for each flush."""

Point = tuple[int, float, float]
"""Step, unix time, value."""


class SeriesWriter:
    """One series. `append` (of step, unix time and value) may be called by any one thread, and does
    nothing but put the three in memory: they are packed when they are written."""

    def __init__(self, info: SeriesInfo, path: Path) -> None:
        self.info = info
        self.path = path
        # Appending to a list costs a training thread less than to a deque. Never another list:
        # hot paths hold on to this one.
        self.waiting: list[Point] = []
        self.append: Callable[[Point], None] = self.waiting.append
        self.fd = -1
        self.partial = b""

    def add(self, step: int, when: float, value: float) -> None:
        """Append one point; raises struct.error if it is none."""
        RECORD.pack(step, when, value)
        self.append((step, when, value))

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        fd, self.fd = self.fd, -1  # in this order: a fork may come while it is closed
        if fd >= 0:
            os.close(fd)


class RankWriter:
    """Writes the events and series of one training process, every `FLUSH_SECONDS`.

    The training thread only appends to memory: no lock, no system call. While the disk does not
    take what comes, up to `MEMORY` bytes wait; beyond that the newest are dropped, counted, and
    told by a `lost` event when it can be written.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """Raises OSError when the folder cannot be made."""
        self.folder = folder
        self._clock = clock
        (folder / layout.SERIES).mkdir(parents=True, exist_ok=True)
        self._events: deque[dict[str, Any]] = deque()
        self._journal: JsonlWriter | None = JsonlWriter(folder / layout.EVENTS)
        self._series: list[SeriesWriter] = []
        self._numbers = count()
        self._open: deque[SeriesWriter] = deque()
        self._lost = 0
        self._lost_events = 0
        self._lost_since: float | None = None
        self._problem: str | None = None
        self._faults = 0
        self._wake = threading.Event()
        self._stopping = False
        self._busy = threading.Lock()
        self.before_flush: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._work, name="lrmonitor-writer", daemon=True)

    def begin(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    def series(
        self,
        name: str,
        kind: str,
        optimizer: int | None = None,
        group: int | None = None,
        recorded: str = "each",
        source: str | None = None,
        test: int | None = None,
    ) -> SeriesWriter:
        """Declare a new series, from any thread."""
        number = next(self._numbers)
        info = SeriesInfo(number, name, kind, optimizer, group, recorded, source, test)
        path = self.folder / layout.SERIES / layout.series_name(info.series)
        made = SeriesWriter(info, path)
        self._series.append(made)
        told = {k: v for k, v in vars(info).items() if k not in ("source", "test") or v is not None}
        self.event("series", **told)
        return made

    def event(self, event: str, **fields: Any) -> None:
        """Add an event, stamped with the time now."""
        self._events.append({"time": self._clock(), "event": event, **fields})

    def flush(self) -> None:
        """Ask for a flush now, without waiting for it."""
        self._wake.set()

    def close(self, timeout: float = 2.0) -> None:
        """Write what waits and end the thread, waiting at most `timeout` seconds."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        if self._busy.acquire(blocking=False):
            try:
                for one in self._series:
                    one.close()
                if self._journal is not None:
                    self._journal.close()
                    self._journal = None
            finally:
                self._busy.release()

    def forget(self) -> None:
        """In a forked child: close the parent's files without writing what waits for them."""
        for one in self._series:
            one.close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _work(self) -> None:
        while True:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            stopping = self._stopping
            with self._busy:
                for task in (self.before_flush, self._flush):
                    try:
                        if task is not None:
                            task()
                    except Exception as error:
                        self._fault(error)
            if stopping:
                return

    def _fault(self, error: Exception) -> None:
        """What should not happen; recording goes on, and it is told the first few times."""
        self._faults += 1
        if self._faults <= 5:
            self.event(
                "probe_error",
                where="writing",
                error=f"{type(error).__name__}: {error}",
                traceback="".join(traceback.format_exception(error)),
            )

    def _flush(self) -> None:
        try:
            self._write()
        except OSError as error:
            self._problem = error.strerror or str(error)
            if self._lost_since is None:
                self._lost_since = self._clock()
        self._drop()

    def _write(self) -> None:
        """Events first: a series is declared before its points are there."""
        journal = self._journal
        if journal is None:
            return
        if self._events or any(one.waiting for one in self._series):
            if not journal.linked:
                raise FileNotFoundError(2, "the run folder was deleted")
            self._tell_lost(journal)
        while self._events:
            journal.write(self._events[0])
            self._events.popleft()
        for one in self._series:
            if one.waiting or one.partial:
                self._write_series(one)
        self._lost_since = None

    def _write_series(self, one: SeriesWriter) -> None:
        if one.fd < 0:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            one.fd = os.open(one.path, flags, 0o644)
            self._open.append(one)
            if len(self._open) > OPEN_FILES:
                self._open.popleft().close()
        self._complete(one)
        # At most the memory's worth at once, and only what is here now: the other end goes on.
        packed: list[bytes] = []
        here = len(one.waiting)
        while here:
            points = one.waiting[: min(here, CHUNK)]
            here -= len(points)
            packed.append(_packed(one.waiting, points))
        one.partial = b"".join(packed)
        self._complete(one)

    def _complete(self, one: SeriesWriter) -> None:
        """Write what is left; it stays in `partial` as far as the disk does not take it, so that a
        short write is completed before the next record."""
        while one.partial:
            done = os.write(one.fd, one.partial)
            one.partial = one.partial[done:]

    def _tell_lost(self, journal: JsonlWriter) -> None:
        if not (self._lost or self._lost_events):
            return
        journal.write(
            {
                "time": self._clock(),
                "event": "lost",
                "records": self._lost,
                "events": self._lost_events,
                "bytes": self._lost * RECORD.size,
                "since": self._lost_since,
                "until": self._clock(),
                "reason": self._problem,
            }
        )
        self._lost = self._lost_events = 0

    def _drop(self) -> None:
        """Keep what waits within `MEMORY`; drop the newest, which a reader sees as one gap."""
        held = sum(len(one.waiting) * RECORD_COST + len(one.partial) for one in self._series)
        while len(self._events) > 10_000:
            self._events.pop()
            self._lost_events += 1
        if held <= MEMORY:
            return
        for one in self._series:
            share = len(one.waiting) * RECORD_COST * (held - MEMORY) // held // RECORD_COST
            for _ in range(min(share + 1, len(one.waiting))):
                one.waiting.pop()
                self._lost += 1


def _packed(waiting: list[Point], points: list[Point]) -> bytes:
    """The first points of `waiting`, packed and taken out of it; one that cannot be is lost with
    those before it."""
    packed: list[bytes] = []
    done = 0
    try:
        for point in points:
            done += 1
            packed.append(RECORD.pack(*point))
    finally:
        del waiting[:done]
    return b"".join(packed)
