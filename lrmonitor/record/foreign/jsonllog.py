"""Logs of one JSON object a line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lrmonitor.record.foreign.base import Batch, ForeignLog, modified
from lrmonitor.record.foreign.csvlog import BOM
from lrmonitor.record.foreign.follow import Lines
from lrmonitor.record.foreign.table import Row, Table

_DEEPEST = 4
_MOST_KEYS = 4096


class JsonlLog(ForeignLog):
    """One file. A number inside an object inside the line is named by both: `train/loss`."""

    format = "JSON lines"

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path)
        self._lines = Lines(path, clock)
        self._line = 1
        self._table = Table()
        self._begin()

    @property
    def left_out(self) -> list[str]:
        return self._table.left_out

    @property
    def timed(self) -> bool:  # type: ignore[override]
        return self._table.time_column is not None

    @property
    def step_column(self) -> str | None:
        """The key that counts the steps; None while it is the number of the line."""
        return self._table.step_column

    def files(self) -> Iterable[Path]:
        return [self.path]

    def read(self) -> Batch:
        lines, anew, more = self._lines.read()
        if anew:
            self.problems.clear()
            self._begin()
            self.say(self.path, "it was written anew, and is read from its start again")
        if self._lines.too_long:
            self.say(self.path, "a line does not end: these are no JSON lines", self._line)
        rows: list[tuple[int, Row]] = []
        for raw in lines:
            line, self._line = self._line, self._line + 1
            row = self._row(raw.removeprefix(BOM) if line == 1 else raw, line)
            if row:
                rows.append((line, row))
        batch = self._table.add(rows, modified(self.path))
        for trouble in self._table.troubles:
            self.say(self.path, trouble.text, trouble.line)
        self._table.troubles.clear()
        batch.anew |= anew
        batch.more = more
        return batch

    def _begin(self) -> None:
        self._line = 1
        self._table = Table()

    def _row(self, raw: bytes, line: int) -> dict[str, object] | None:
        if not raw.strip():
            return None
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            self.say(self.path, "no JSON: the line is left out", line)
            return None
        if not isinstance(found, dict):
            self.say(self.path, "no JSON object: the line is left out", line)
            return None
        row: dict[str, object] = {}
        if not flatten(found, row):
            self.say(self.path, f"more than {_MOST_KEYS} keys: the first are looked at", line)
        return row


def flatten(
    found: Mapping[str, Any], row: dict[str, object], prefix: str = "", deep: int = 0
) -> bool:
    """Put the values of an object, and of those inside it, into a row; False if not all."""
    for key, value in found.items():
        if len(row) >= _MOST_KEYS:
            return False
        name = f"{prefix}{key}"
        if isinstance(value, dict) and deep < _DEEPEST:
            if not flatten(value, row, f"{name}/", deep + 1):
                return False
        else:
            row[name] = value
    return True
