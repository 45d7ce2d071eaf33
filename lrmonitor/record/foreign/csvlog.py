"""Logs of separated values: commas, semicolons (also with decimal commas) or tabs."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from lrmonitor.record.foreign.base import MAX_COLUMNS
from lrmonitor.record.foreign.linelog import BOM, LineLog
from lrmonitor.record.foreign.table import NoNumber, Row, Table, number

DELIMITERS = ("\t", ";", ",")

MOST_CELLS = 4 * MAX_COLUMNS
"""Cells of a line that are looked at: columns of text may stand among those of numbers."""

_JOINED = 20
"""Lines that one quoted cell may take."""


class CsvLog(LineLog):
    """One file. Columns without a name are "column 3" and so on, from 1."""

    format = "CSV"
    unended = "a line does not end: this is no CSV"

    def _begin(self) -> None:
        super()._begin()
        self._names: list[str] | None = None
        self._delimiter = ","
        self._held: list[str] = []

    def _rows(self, lines: list[bytes]) -> list[tuple[int, Row]]:
        rows: list[tuple[int, Row]] = []
        for raw in lines:
            line, self.line = self.line, self.line + 1
            if line == 1:
                raw = raw.removeprefix(BOM)
            text = raw.decode("utf-8", "replace").replace("\0", "")
            if text.startswith("#") and (self._names or is_comment(text)):
                continue
            cells = self._cells(text)
            if cells is None or not any(cell.strip() for cell in cells):
                continue
            if self._names is None:
                if self._header(cells):
                    continue
                assert self._names is not None
            # A script that is started again may write the header again.
            if cells == self._written:
                continue
            if len(cells) != self._width:
                self.say(self.file, f"{_count(cells)}, where there should be {self._width}", line)
            rows.append((line, dict(zip(self._names, cells, strict=False))))
        return rows

    def _cells(self, text: str) -> list[str] | None:
        """The cells of a line; None where it goes on in the next."""
        if self._held or '"' in text:
            self._held.append(text)
            whole = "\n".join(self._held)
            if whole.count('"') % 2 and len(self._held) < _JOINED:
                return None
            self._held = []
            text = whole
        if self._names is None:
            self._delimiter = delimiter([text])
        if '"' not in text:
            return text.split(self._delimiter)
        try:
            return next(csv.reader([text], delimiter=self._delimiter), None)
        except csv.Error:
            return text.split(self._delimiter)

    def _header(self, cells: Sequence[str]) -> bool:
        """Take the names from the first line; False where it holds numbers already."""
        comma = self._delimiter != ","
        self._table = Table(decimal_comma=comma)
        self._width = len(cells)
        self._written: list[str] | None = None
        if len(cells) > MOST_CELLS:
            self.say(
                self.file, f"{_count(cells)}: the first {MOST_CELLS} are looked at", self.line - 1
            )
        if is_data(cells[:MOST_CELLS], comma):
            self._names = [f"column {at}" for at in range(1, min(len(cells), MOST_CELLS) + 1)]
            return False
        self._written = list(cells)
        self._names = _unique([cell.strip() for cell in cells[:MOST_CELLS]])
        return True


def delimiter(lines: Sequence[str]) -> str:
    """What parts the cells: the first of `DELIMITERS` that the first line has."""
    return next((mark for mark in DELIMITERS if lines and mark in lines[0]), ",")


def is_comment(text: str) -> bool:
    """Whether a line above the header is a remark rather than the header."""
    return text.startswith("#") and not any(mark in text for mark in DELIMITERS)


def is_data(cells: Sequence[str], decimal_comma: bool) -> bool:
    """Whether a line is a row of numbers rather than a header."""
    some = False
    for cell in cells:
        try:
            some |= number(cell, decimal_comma) is not None
        except NoNumber:
            return False
    return some


def _unique(names: list[str]) -> list[str]:
    """Names told apart."""
    found: list[str] = []
    taken: set[str] = set()
    for at, name in enumerate(names, 1):
        if at == 1:
            name = name.removeprefix("#").strip()
        name = name or f"column {at}"
        shown, count = name, 1
        while shown in taken:
            count += 1
            shown = f"{name} ({count})"
        taken.add(shown)
        found.append(shown)
    return found


def _count(cells: Sequence[str]) -> str:
    return f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
