"""The supervisor's own lines in the run folder, kept while the disk does not take them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from lrmonitor.record.jsonl import JsonlWriter

KEPT = 1000


class Journal:
    """Writes `supervisor.jsonl`. Never raises; lines that fail are tried again, in order."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._writer: JsonlWriter | None = None
        self._waiting: deque[dict[str, object]] = deque(maxlen=KEPT)

    @property
    def waiting(self) -> bool:
        """Whether there are lines that could not be written yet."""
        return bool(self._waiting)

    def write(self, event: str, **fields: object) -> None:
        """Write one line, stamped with the time now."""
        self._waiting.append({"time": self._clock(), "event": event, **fields})
        self.retry()

    def retry(self) -> None:
        """Write what waits, as far as that goes."""
        try:
            if self._writer is None:
                self._writer = JsonlWriter(self._path)
            while self._waiting:
                self._writer.write(self._waiting[0])
                self._waiting.popleft()
            self._writer.flush()
        except OSError:
            pass
