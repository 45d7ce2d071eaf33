"""`console.log`: what the script printed, as far as the disk takes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from lrmonitor.launch.sinks import Loss, Sink

LIMIT = 64 << 20
"""Bytes that may wait for a slow disk before they are dropped."""


class ConsoleLog:
    """The log of one run; a folder in which it cannot be opened only means that all is lost."""

    def __init__(self, path: Path, wake: Callable[[], None]) -> None:
        self.sink: Sink | None = None
        self._unlogged = 0
        self._reason = ""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
            fd = os.open(path, flags, 0o666)
        except OSError as error:
            self._reason = error.strerror or str(error)
        else:
            self.sink = Sink(fd, name=path.name, patient=False, limit=LIMIT, wake=wake)

    def put(self, data: bytes) -> None:
        """Hand over bytes; returns at once."""
        if self.sink is not None:
            self.sink.put(data)
        else:
            self._unlogged += len(data)

    def take_loss(self, *, final: bool = False) -> Loss | None:
        """What was lost since the last call, if that is over; or all there is, at the end."""
        if self.sink is not None:
            return self.sink.take_loss()
        if not final or not self._unlogged:
            return None
        lost, self._unlogged = self._unlogged, 0
        return Loss(lost, self._reason)
