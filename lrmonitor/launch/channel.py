"""The line between the client in the foreground and its supervisor: JSON objects, one a line.

It is a socket pair that only these two processes ever hold.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections import deque
from typing import Any

Message = dict[str, Any]


class Channel:
    """One end. `send` never raises: a peer that is gone shows as `closed` when reading."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()
        self._queue: deque[Message] = deque()
        self.closed = False

    def fileno(self) -> int:
        """The descriptor, for a selector; look at `queued` before waiting for it."""
        return self._socket.fileno()

    @property
    def queued(self) -> bool:
        """Whether a message was received already and not taken yet."""
        return bool(self._queue)

    def send(self, message: Message) -> bool:
        """Send one message; False if the peer is gone."""
        if self.closed:
            return False
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def read(self) -> list[Message]:
        """All messages that are queued, or that one read brings (which blocks if there are none).

        Sets `closed` when the peer is gone. What is no JSON object is left out: nobody else can
        write here, and a line that is torn because the peer was killed means nothing.
        """
        if not self._queue:
            self._receive()
        found = list(self._queue)
        self._queue.clear()
        return found

    def next(self, timeout: float) -> Message | None:
        """The next message; None when the peer is gone or none came within `timeout` seconds."""
        limit = time.monotonic() + timeout
        while not self._queue and not self.closed:
            ready, _, _ = select.select([self], [], [], max(0.0, limit - time.monotonic()))
            if not ready:
                return None
            self._receive()
        return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """Close this end."""
        self.closed = True
        self._socket.close()

    def _receive(self) -> None:
        if self.closed:
            return
        try:
            data = self._socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            message = _parse(bytes(line))
            if message is not None:
                self._queue.append(message)


def _parse(line: bytes) -> Message | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
