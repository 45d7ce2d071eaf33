"""What a run's script printed, read from `console.log` as it grows. Pure: no Qt.

Bytes are read in slices and within a budget of time, so that a window stays fluid over a log of
any size. Nothing here raises because of what is on the disk.
"""

from __future__ import annotations

import os
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lrmonitor.model.terminal import Terminal
from lrmonitor.record import layout

KEEP = 20_000
"""Lines that are held to be shown."""

TAIL = 4 << 20
"""Bytes at the log's end that are read to be shown: twice what the lines that are held usually
fill."""

SLICE = 1 << 16
"""Bytes read at a time: a few milliseconds' work."""


class ConsoleTimes:
    """When which part of the log was printed: `console.times`, followed by `poll`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / layout.CONSOLE_TIMES
        self._read = 0
        self._offsets = array("q")
        self._times = array("d")

    def __len__(self) -> int:
        return len(self._offsets)

    def poll(self) -> None:
        """Read what is new."""
        try:
            size = os.stat(self._path).st_size
            if size <= self._read:
                return
            with open(self._path, "rb") as file:
                file.seek(self._read)
                data = file.read(size - self._read)
        except OSError:
            return
        whole = data.rfind(b"\n") + 1
        self._read += whole
        for line in data[:whole].split(b"\n"):
            self._take(line)

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, float | None]]:
        """(start, end, time) of the parts of a range of bytes; no time where none is known."""
        index = bisect_right(self._offsets, start) - 1
        while start < end:
            stop = self._offsets[index + 1] if index + 1 < len(self._offsets) else end
            yield start, min(stop, end), self._times[index] if index >= 0 else None
            start = stop
            index += 1

    def _take(self, line: bytes) -> None:
        offset, _, moment = line.partition(b" ")
        try:
            place, when = int(offset), float(moment)
        except ValueError:
            return
        # Output that was lost after it had been announced: what came then stands at its place.
        while self._offsets and self._offsets[-1] >= place:
            self._offsets.pop()
            self._times.pop()
        self._offsets.append(place)
        self._times.append(when)


class ConsoleFile:
    """The bytes of `console.log` from `position` on."""

    def __init__(self, folder: Path, position: int = 0) -> None:
        self.path = folder / layout.CONSOLE
        self.position = position

    @property
    def size(self) -> int:
        """Bytes that there are now; 0 without a log."""
        try:
            return os.stat(self.path).st_size
        except OSError:
            return 0

    def read(self, until: int) -> bytes:
        """The next slice of what stands before `until`; empty at the end."""
        count = min(until - self.position, SLICE)
        if count <= 0:
            return b""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.position)
                data = file.read(count)
        except OSError:
            return b""
        self.position += len(data)
        return data


@dataclass(frozen=True)
class ConsoleChange:
    """Lines from number `changed` on are new or other ones; those before `first` are held no more.

    `restarted`: the log shrank and is read anew; nothing of what was shown holds any more.
    """

    first: int
    changed: int
    restarted: bool = False

    def after(self, earlier: ConsoleChange | None) -> ConsoleChange:
        """Both changes as one, for who did not take the earlier one."""
        if earlier is None:
            return self
        changed = max(min(earlier.changed, self.changed), self.first)
        return ConsoleChange(self.first, changed, earlier.restarted or self.restarted)


class ConsoleText:
    """The end of a run's output as lines, followed by `poll`. Not thread-safe.

    At most `keep` lines (and a tenth more, so that they are not dropped one by one) are held;
    `cut` says that there is older output, in `path`.
    """

    def __init__(
        self,
        folder: Path,
        keep: int = KEEP,
        tail: int = TAIL,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._folder = folder
        self._keep = keep
        self._tail = tail
        self._clock = clock
        self._begin()

    @property
    def path(self) -> Path:
        """The log itself."""
        return self._file.path

    @property
    def cut(self) -> bool:
        """Whether the log has output that is older than the lines held."""
        return self._skipped or self.terminal.first > 0

    @property
    def behind(self) -> int:
        """Bytes that there were at the last poll and that were not read yet."""
        return max(self._seen - self._file.position, 0)

    @property
    def empty(self) -> bool:
        """Whether nothing was printed, as far as was read."""
        return len(self.terminal.lines) == 1 and not self.terminal.lines[0].text

    def poll(self, budget: float = 0.008) -> ConsoleChange | None:
        """Read what is new, for about `budget` seconds; what changed, or None."""
        self._seen = self._file.size
        restarted = self._seen < self._file.position
        if restarted:
            self._begin()
            self._seen = self._file.size
        if not self._begun:
            if not self._seen:
                return ConsoleChange(0, 0, True) if restarted else None
            self._skip()
        until = self._clock() + budget
        while data := self._file.read(self._seen):
            self.terminal.feed(data)
            if self._clock() >= until:
                break
        if len(self.terminal.lines) > self._keep * 1.1:
            self.terminal.trim(self._keep)
        changed = self.terminal.take_changed()
        if changed is None:
            return None
        return ConsoleChange(self.terminal.first, max(changed, self.terminal.first), restarted)

    def texts(self) -> list[str]:
        """The lines held, without the blanks at their ends."""
        return [line.text.rstrip() for line in self.terminal.lines]

    def _begin(self) -> None:
        self._file = ConsoleFile(self._folder)
        self.terminal = Terminal()
        self._seen = 0
        self._begun = False
        self._skipped = False

    def _skip(self) -> None:
        """Begin with the first whole line of the log's tail."""
        self._begun = True
        if self._seen <= self._tail:
            return
        self._skipped = True
        self._file.position = self._seen - self._tail
        data = self._file.read(self._seen)
        # Without a line's end the cut goes through a line: better than to show nothing.
        cut = data.find(b"\n") + 1
        self._file.position += cut - len(data)


@dataclass(frozen=True)
class Traceback:
    """An error that the script printed: where it begins and ends (indices), and its last line."""

    start: int
    end: int
    error: str


HEADINGS = ("Traceback (most recent call last):", "Traceback (most recent call first):")
"""How a line ends that an error follows."""

_INSIDE = "  File "
_FRAMES = 4000
"""Lines after its heading in which the end of a traceback is looked for."""


def last_traceback(texts: list[str]) -> Traceback | None:
    """The last traceback that Python printed in these lines, or None.

    A syntax error of the script itself has no heading: it begins with the place in the file.
    """
    for start in range(len(texts) - 1, -1, -1):
        text = texts[start]
        if text.endswith(HEADINGS):
            # Before it may stand a group's frame, or a progress bar that the error broke off.
            framed = text.lstrip(" |+").removeprefix("Exception Group ") in HEADINGS
            found = _ended(texts, start, len(text) - len(text.lstrip(" |+")) if framed else 0)
        elif text.startswith(_INSIDE) and _SYNTAX in text and _alone(texts, start):
            found = _ended(texts, start, 0)
        else:
            continue
        if found is not None:
            return found
    return None


_SYNTAX = '", line '


def _alone(texts: list[str], start: int) -> bool:
    """Whether the place in a file at `start` belongs to no traceback above it."""
    above = start - 1
    while above >= 0 and texts[above].startswith("  "):
        above -= 1
    if above >= 0 and texts[above].endswith(HEADINGS):
        return False
    after = next((t for t in texts[start + 1 : start + 5] if not t.startswith("  ")), "")
    return after.partition(":")[0] in ("SyntaxError", "IndentationError", "TabError")


def _ended(texts: list[str], start: int, indent: int) -> Traceback | None:
    """The traceback at `start`: up to the first line that is indented no deeper than it."""
    for index in range(start + 1, min(len(texts), start + _FRAMES)):
        text = texts[index][indent:]
        if text and not text.startswith((" ", "|", "+")):
            return Traceback(start, index, text)
    return None
