"""Files of one JSON object a line: one process appends, any number follow."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any


def plain(value: object) -> Any:
    """A value that JSON has: what is not finite becomes "nan", "inf" or "-inf"."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return str(value)


class JsonlWriter:
    """Appends objects to a file, a line each, each by one write. The file's only writer.

    The file is opened at once and is not inherited by children. Methods raise OSError; what was
    written in part is completed before the next line, so that a reader never sees two in one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(path, flags, 0o644)
        self._rest = b""
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            self._rest = b"\n"  # the last writer was killed within a line

    def write(self, obj: dict[str, Any]) -> None:
        """Append one object. After an OSError nothing of it was written: it may be tried again.
        What a full disk took only in part counts as written and is completed later."""
        self.flush()
        text = json.dumps(plain(obj), ensure_ascii=False, separators=(",", ":"))
        line = text.encode("utf-8", "backslashreplace") + b"\n"
        done = os.write(self._fd, line)
        self._rest = line[done:]
        # A full disk may take a part now and the rest later; that is not a reason to fail.
        if self._rest:
            try:
                self.flush()
            except OSError:
                return

    @property
    def linked(self) -> bool:
        """Whether the file still stands in its folder."""
        return os.fstat(self._fd).st_nlink > 0

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def flush(self) -> None:
        """Complete a line that was taken only in part. Raises OSError while a rest remains."""
        while self._rest:
            done = os.write(self._fd, self._rest)
            self._rest = self._rest[done:]


class JsonlTail:
    """Follows a file of JSON lines from its start. Never raises.

    A torn last line is left until it is whole. `corrupt` counts the whole lines that are no JSON
    objects. A file that shrinks is read from its start again.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._offset = 0
        self.corrupt = 0

    def poll(self) -> list[dict[str, Any]]:
        """The objects that came since the last call; none while there is no such file."""
        try:
            size = os.stat(self._path).st_size
            if size == self._offset:
                return []
            if size < self._offset:
                self._offset = 0
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return []
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        found = []
        for line in data[:whole].split(b"\n"):
            if not line.strip():
                continue
            try:
                obj = json.loads(line)
            except (ValueError, RecursionError):
                obj = None
            if isinstance(obj, dict):
                found.append(obj)
            else:
                self.corrupt += 1
        return found
