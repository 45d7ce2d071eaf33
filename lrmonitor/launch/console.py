"""`console.log`: what the script printed, as far as the disk takes it; `console.times`: when."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from lrmonitor.launch.sinks import Loss, Sink

LIMIT = 64 << 20
"""Bytes that may wait for a slow disk before they are dropped."""

TIMES_LIMIT = 1 << 20
"""The same for the times, which nobody misses as much."""

TIMES_EVERY = 0.02
"""Seconds that output must lie apart to get times of its own: exact enough to tell the step of a
printed number, and little to write for a script that prints without pause."""


class ConsoleLog:
    """The log of one run; a folder in which it cannot be opened only means that all is lost.

    Beside it stands `console.times`: a line for each piece of output, with its place in the log
    (bytes) and the time at which it came (unix seconds). Where that cannot be written nothing is
    lost but the times.
    """

    def __init__(
        self, path: Path, wake: Callable[[], None], clock: Callable[[], float] = time.time
    ) -> None:
        self.sink: Sink | None = None
        self.times: Sink | None = None
        self._clock = clock
        self._unlogged = 0
        self._reason = ""
        self._at = 0
        self._timed: float | None = None
        try:
            fd = _open(path)
        except OSError as error:
            self._reason = error.strerror or str(error)
            return
        self.sink = Sink(fd, name=path.name, patient=False, limit=LIMIT, wake=wake)
        self._at = os.fstat(fd).st_size
        times = path.with_suffix(".times")
        try:
            fd = _open(times)
        except OSError:
            return
        self.times = Sink(fd, name=times.name, patient=False, limit=TIMES_LIMIT, wake=wake)

    @property
    def sinks(self) -> list[Sink]:
        """What writes, if anything does."""
        return [sink for sink in (self.sink, self.times) if sink is not None]

    def put(self, data: bytes) -> None:
        """Hand over bytes; returns at once."""
        if self.sink is None:
            self._unlogged += len(data)
            return
        if not data:
            return
        now = self._clock()
        # A clock that was set back is recorded too: the times are those of the series.
        if self.times is not None and (
            self._timed is None or not 0 <= now - self._timed < TIMES_EVERY
        ):
            self._timed = now
            self.times.put(f"{self._at} {now:.6f}\n".encode())
        self._at += len(data)
        self.sink.put(data)

    def take_loss(self, *, final: bool = False) -> Loss | None:
        """What was lost since the last call, if that is over; or all there is, at the end."""
        if self.sink is not None:
            loss = self.sink.take_loss()
            if loss is not None:
                self._at -= loss.bytes
            return loss
        if not final or not self._unlogged:
            return None
        lost, self._unlogged = self._unlogged, 0
        return Loss(lost, self._reason)


def _open(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
    return os.open(path, flags, 0o666)
