"""Logs of one row a line, followed: what the formats of that kind share."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path

from lrmonitor.record.foreign.base import Batch, ForeignLog, modified
from lrmonitor.record.foreign.follow import Lines
from lrmonitor.record.foreign.table import Row, Table

__all__ = ["BOM", "LineLog"]

BOM = b"\xef\xbb\xbf"


class LineLog(ForeignLog):
    """One file, by default `path` itself. Subclasses make rows of lines; `line` is the number of
    the next one, from 1."""

    unended = "a line does not end: this is no log"

    def __init__(
        self, path: Path, file: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(path)
        self.file = file or path
        self._lines = Lines(self.file, clock)
        self._begin()

    @property
    def left_out(self) -> list[str]:
        return self._table.left_out

    @property
    def timed(self) -> bool:  # type: ignore[override]
        return self._table.time_column is not None

    @property
    def step_column(self) -> str | None:
        """The column that counts the steps; None while it is the number of the row."""
        return self._table.step_column

    def files(self) -> Iterable[Path]:
        return [self.file]

    def read(self) -> Batch:
        lines, anew, more = self._lines.read()
        if anew:
            self.problems.clear()
            self._begin()
            self.say(self.file, "it was written anew, and is read from its start again")
        if self._lines.too_long:
            self.say(self.file, self.unended, self.line)
        rows = self._rows(lines)  # a header makes the table
        batch = self._table.add(rows, modified(self.file))
        for trouble in self._table.troubles:
            self.say(self.file, trouble.text, trouble.line)
        self._table.troubles.clear()
        batch.anew |= anew
        batch.more = more
        return batch

    def _begin(self) -> None:
        """Before the first line, also of a file that was written anew."""
        self.line = 1
        self._table = Table()

    @abstractmethod
    def _rows(self, lines: list[bytes]) -> list[tuple[int, Row]]:
        """The rows of these lines, each with its line's number; counts `line` on."""
