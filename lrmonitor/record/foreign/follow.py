"""Following a file that another program appends to, rewrites, cuts off or puts anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

BLOCK = 1 << 16
"""Bytes taken at a time."""

LONGEST_LINE = 1 << 25
"""Bytes (32 MiB) of one line beyond which a file is not taken for lines of text."""

PATIENCE = 2.0
"""Seconds without a change after which a last line without an end is taken to be whole."""

_ANCHOR = 64


class Followed:
    """One file, read in blocks from its start. Never raises.

    A file is read anew when it is another one of that name (by its inode), when it is shorter than
    what was read, or when the bytes at its start or those read last are not the same any more: a
    program may write a longer file in the place of the one before.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.gone = False
        self._inode: int | None = None
        self._size = -1
        self._changed = -1
        self._head = b""
        self._tail = b""

    def read(self) -> tuple[bytes, bool, bool]:
        """The next block, whether the file is read anew, and whether there is more at once."""
        try:
            found = os.stat(self.path)
        except OSError:
            self.gone = True
            return b"", False, False
        self.gone = False
        if (found.st_ino, found.st_size, found.st_mtime_ns) == (
            self._inode,
            self._size,
            self._changed,
        ) and found.st_size == self.offset:
            return b"", False, False
        try:
            with open(self.path, "rb") as file:
                anew = self.offset > 0 and (
                    found.st_ino != self._inode
                    or found.st_size < self.offset
                    or not self._as_before(file.fileno())
                )
                if anew:
                    self.forget()
                file.seek(self.offset)
                data = file.read(BLOCK)
        except OSError:
            return b"", False, False
        self._inode, self._size = found.st_ino, found.st_size
        self._changed = found.st_mtime_ns
        self.offset += len(data)
        if len(self._head) < _ANCHOR:
            self._head = (self._head + data)[:_ANCHOR]
        self._tail = (self._tail + data)[-_ANCHOR:]
        return data, anew, self.offset < found.st_size

    @property
    def changed(self) -> float | None:
        """When it had changed last as of the latest read, in unix seconds."""
        return self._changed / 1e9 if self._changed >= 0 else None

    def forget(self) -> None:
        """Read from the start again."""
        self.offset, self._head, self._tail = 0, b"", b""
        self._size = -1

    def _as_before(self, descriptor: int) -> bool:
        head = os.pread(descriptor, len(self._head), 0)
        tail = os.pread(descriptor, len(self._tail), self.offset - len(self._tail))
        return head == self._head and tail == self._tail


class Lines:
    """The whole lines of a followed file. `number` is that of the line that comes next, from 1.

    A last line without an end is given when the file has not changed for `PATIENCE` seconds; if it
    goes on after all, the file is read anew. `too_long`: it is no text, and was given up.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.file = Followed(path)
        self.too_long = False
        self._clock = clock
        self._rest = b""
        self._given = False

    def read(self) -> tuple[list[bytes], bool, bool]:
        """Lines without their ends, whether they are from the start anew, and whether there are
        more."""
        data, anew, more = self.file.read()
        if self._given and data and not anew:
            if data[:1] not in (b"\n", b"\r"):
                self.file.forget()
                data, _, more = self.file.read()
                anew = True
            else:
                data = data.removeprefix(b"\r").removeprefix(b"\n")
                self._given = False
        if anew:
            self._rest, self._given, self.too_long = b"", False, False
        if self.too_long:
            return [], anew, False
        if not data:
            return self._last(more), anew, more
        whole, end, self._rest = (self._rest + data).rpartition(b"\n")
        self.too_long = len(self._rest) > LONGEST_LINE
        lines = [line.removesuffix(b"\r") for line in whole.split(b"\n")] if end else []
        return lines + self._last(more), anew, more

    def _last(self, more: bool) -> list[bytes]:
        """The line without an end, once nothing comes after it."""
        if more or not self._rest or self.file.changed is None:
            return []
        if self._clock() - self.file.changed < PATIENCE:
            return []
        line, self._rest = self._rest, b""
        self._given = True
        return [line]
