"""Where a script's output goes to: each sink writes in a thread of its own, and none can harm it.

Two tempers. A *patient* sink (a pipe or file the user redirected to) holds the script back when it
cannot keep up, as the plain command would be. An *impatient* one (a terminal, the console log)
never does: what it cannot take is dropped and counted.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

CHUNK = 65536
_GONE = {errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO, errno.ECONNRESET, errno.ENOTCONN}


@dataclass(frozen=True)
class Loss:
    """Bytes that a sink did not take, and why."""

    bytes: int
    reason: str


class Sink:
    """One descriptor to write to.

    `put`, `full`, `idle`, `take_loss` and `close` are for the supervisor's main thread; the writing
    happens in the sink's own thread, which calls `wake` (from there) whenever it ran empty or met
    an error. Nothing here raises.
    """

    def __init__(
        self,
        fd: int,
        *,
        name: str,
        patient: bool,
        limit: int,
        wake: Callable[[], None],
        notice: Callable[[int], bytes] | None = None,
    ) -> None:
        """A sink that owns `fd`.

        Args:
            name: what it is, for messages.
            limit: bytes that may wait before it is full.
            notice: makes the text that is put where bytes were dropped because it was full.
        """
        self.name = name
        self.patient = patient
        self.gone: str | None = None  # the reason, once it takes nothing any more
        self._fd = fd
        self._limit = limit
        self._wake = wake
        self._notice = notice
        self._changed = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._waiting = 0  # bytes not yet written, those in the hand of the thread included
        self._skipped = 0  # bytes dropped since the last notice
        self._lost = 0
        self._failing = False  # the last write failed; what is lost is still growing
        self._reason = ""
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"sink {name}", daemon=True)

    def start(self) -> None:
        """Start the thread; not before the script was forked."""
        self._thread.start()

    def put(self, data: bytes) -> None:
        """Hand over bytes; returns at once."""
        if not data:
            return
        with self._changed:
            if self.gone is not None:
                return
            if not self.patient and self._waiting + len(data) > self._limit:
                self._lose(len(data), "it did not keep up")
                self._skipped += len(data)
                return
            if self._skipped and self._notice is not None:
                data = self._notice(self._skipped) + data
            self._skipped = 0
            self._chunks.append(data)
            self._waiting += len(data)
            self._changed.notify()

    @property
    def full(self) -> bool:
        """Whether the script has to be held back for this sink."""
        with self._changed:
            return self.patient and self.gone is None and self._waiting >= self._limit

    @property
    def idle(self) -> bool:
        """Whether all that was put is written or lost for good."""
        with self._changed:
            return self.gone is not None or not self._waiting

    def take_loss(self) -> Loss | None:
        """What was lost since the last call, once the sink works again or is closed."""
        with self._changed:
            if not self._lost or (self._failing and not self._closing):
                return None
            loss = Loss(self._lost, self._reason)
            self._lost = 0
            return loss

    def close(self) -> None:
        """End the thread once all is written. Does not wait for it."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def _lose(self, count: int, reason: str) -> None:
        self._lost += count
        self._reason = reason

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._chunks and not self._closing:
                    self._changed.wait()
                if not self._chunks:
                    os.close(self._fd)
                    return
                data = self._take()
            error = self._write(data)
            with self._changed:
                self._waiting -= len(data)
                self._failing = error is not None
                if error is not None and error.errno in _GONE:
                    self.gone = error.strerror or str(error)
                    self._chunks.clear()
                    self._waiting = 0
                news = not self._waiting or error is not None or self.patient
            if news:
                self._wake()

    def _take(self) -> bytes:
        """As many waiting chunks as make one good write."""
        parts = [self._chunks.popleft()]
        size = len(parts[0])
        while self._chunks and size + len(self._chunks[0]) <= CHUNK:
            parts.append(self._chunks.popleft())
            size += len(parts[-1])
        return b"".join(parts)

    def _write(self, data: bytes) -> OSError | None:
        """Write it all; the error, with the unwritten rest counted as lost, if that failed."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view[:CHUNK]) :]
            except BlockingIOError:
                # Whoever shares the descriptor made it non-blocking.
                select.select([], [self._fd], [])
            except OSError as error:
                with self._changed:
                    self._lose(len(view), error.strerror or str(error))
                return error
        return None
