"""What a script's stdin, stdout and stderr are: as like the client's as can be."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from lrmonitor.launch import terminal
from lrmonitor.launch.sinks import Sink

SINK_LIMIT = 256 << 10
"""Bytes that may wait for a slow terminal or pipe."""


@dataclass(eq=False)
class Stream:
    """One source of output: our end of a pipe or terminal, and where its bytes go.

    `logged` is false for a terminal that only stdin is on: what comes from it is the echo of keys.
    """

    fd: int
    sinks: list[Sink]
    tty: bool
    logged: bool
    newlines: terminal.Newlines = field(default_factory=terminal.Newlines)
    reading: bool = False


class Wiring:
    """The three streams of a script, made from this process's descriptors 0, 1 and 2.

    A terminal becomes a pseudo-terminal of the same modes and size (the same terminal on several
    of them stays one); anything else becomes a pipe, but for stdin, which the script gets as it is.
    A detached script has nothing on stdin, and a terminal for its output that nobody looks at.
    The first terminal becomes the controlling one of this session.
    """

    def __init__(self, *, detached: bool, size: terminal.Size, wake: Callable[[], None]) -> None:
        """Open everything.

        Args:
            size: of the terminal of a detached script.
            wake: what the sinks call, from their threads.
        """
        self.streams: list[Stream] = []
        self.sinks: list[Sink] = []
        self.controlling: int | None = None
        self.main: Stream | None = None
        self._detached = detached
        self._size = size
        self._wake = wake
        self._saved: list[tuple[int, terminal.Attributes]] = []
        self._slaves: list[int] = []
        self._pipes: list[int] = []
        self._terminals: dict[int | None, tuple[int, Stream]] = {}
        self.stdin, self.stdout, self.stderr = (self._end(fd) for fd in (0, 1, 2))
        if self._terminals:
            self.controlling, self.main = next(iter(self._terminals.values()))
            terminal.take_control(self.controlling)

    def started(self) -> None:
        """The script has its ends: let go of those, and of the client's but for the sinks' copies.

        So whoever feeds stdin sees it when the script closes it.
        """
        self.failed()
        null = os.open(os.devnull, os.O_RDWR | os.O_NOCTTY)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(null)

    def failed(self) -> None:
        """There is no script: close its ends of the pipes."""
        for fd in self._pipes:
            os.close(fd)
        self._pipes.clear()

    def ended(self) -> None:
        """The script has ended: let its terminals end too when nobody else holds them.

        What it left in the background is not hung up on when they do: they are ours first.
        """
        for stream in self.streams:
            if stream.tty:
                with contextlib.suppress(OSError):
                    os.tcsetpgrp(stream.fd, os.getpgrp())
        for fd in self._slaves:
            os.close(fd)
        self._slaves.clear()

    def close(self, stream: Stream) -> None:
        """Close one stream, from which nothing more will come."""
        self.streams.remove(stream)
        if stream is self.main:
            self.main = None
        os.close(stream.fd)

    def restore(self) -> None:
        """Give the client's terminals back their modes, if it was killed and left them raw.

        Whoever took one over meanwhile and set modes of his own is not disturbed.
        """
        for fd, attributes in self._saved:
            if terminal.get_attributes(fd) == terminal.raw(attributes) != attributes:
                terminal.set_attributes(fd, attributes)
            os.close(fd)
        self._saved.clear()

    def _end(self, fd: int) -> int:
        """The script's end for `fd`."""
        if self._detached:
            return self._terminal(fd, None) if fd else fd
        if os.isatty(fd):
            return self._terminal(fd, os.fstat(fd).st_rdev)
        if fd == 0:
            return fd
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        self._pipes.append(theirs)
        self.streams.append(Stream(ours, self._sinks_for(fd), tty=False, logged=True))
        return theirs

    def _terminal(self, fd: int, device: int | None) -> int:
        if device not in self._terminals:
            attributes, size = None, self._size
            if not self._detached:
                attributes = terminal.given_attributes(fd)
                with contextlib.suppress(OSError):
                    size = terminal.get_size(fd)
                if attributes is not None:
                    self._saved.append((os.dup(fd), attributes))
            ours, slave = terminal.open_terminal(attributes, size)
            # Kept open until the script has ended: while nobody holds it, our side would only
            # fail, and the script may open it anew as /dev/tty.
            self._slaves.append(slave)
            stream = Stream(ours, self._sinks_for(fd), tty=True, logged=False)
            self.streams.append(stream)
            self._terminals[device] = slave, stream
        slave, stream = self._terminals[device]
        stream.logged = stream.logged or fd > 0
        return slave

    def _sinks_for(self, fd: int) -> list[Sink]:
        """The client's descriptor as a sink; none if the script is detached."""
        if self._detached:
            return []
        tty = os.isatty(fd)
        sink = Sink(
            os.dup(fd),
            name=("stdin", "stdout", "stderr")[fd],
            patient=not tty,
            limit=SINK_LIMIT,
            wake=self._wake,
            notice=_not_shown if tty else None,
        )
        self.sinks.append(sink)
        return [sink]


def _not_shown(count: int) -> bytes:
    return (
        f"\r\nlrmonitor: {count} bytes are not shown, because the terminal did not take them; "
        "the run's console.log has them\r\n"
    ).encode()
