"""Rows of a log become columns of numbers: which column counts the steps, and what is no number."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from lrmonitor.record.foreign import names as named
from lrmonitor.record.foreign.base import MAX_COLUMNS, STEP_LIMIT, Batch, Part

SAMPLE = 16
"""First rows by which the step column is chosen; the choice is made anew until they are there."""

_MISSING = frozenset({"", "na", "n/a", "null", "none", "-", "--"})
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_TIMES = (1e8, 1e11)
"""Between these a number can be unix seconds (1973 to 5138)."""

Row = Mapping[str, object]
"""The cells of a row by column: text as it stands in the file, or a value of JSON."""


class NoNumber(Exception):
    """A cell that is text."""


@dataclass
class _Column:
    numbers: int = 0
    texts: int = 0
    first: tuple[int, str] | None = None


@dataclass(frozen=True)
class Trouble:
    """Something wrong in the rows, at a line."""

    line: int
    text: str


def number(cell: object, decimal_comma: bool = False) -> float | None:
    """The number in a cell; None where there is none. Raises NoNumber for text."""
    if cell is None:
        return None
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        try:
            return float(cell)
        except OverflowError:
            raise NoNumber from None
    if not isinstance(cell, str):
        raise NoNumber
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        return _other_number(cell.strip(), decimal_comma)
    if "_" in cell:  # Python's own way to write 1000, in no log
        raise NoNumber
    return value


def _other_number(text: str, decimal_comma: bool) -> float | None:
    if text.lower() in _MISSING:
        return None
    if decimal_comma and _COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    raise NoNumber


class Table:
    """Takes rows in their order and gives columns. Not thread-safe.

    The step is the column of that name, else the first column of whole numbers that only grow,
    else the number of the row, from 1. A row without a step has that of the row before it.
    `troubles` are for the owner to take away.
    """

    def __init__(self, decimal_comma: bool = False) -> None:
        self.step_column: str | None = None
        self.time_column: str | None = None
        self.troubles: list[Trouble] = []
        self.went_back = False
        self._decimal_comma = decimal_comma
        self._columns: dict[str, _Column] = {}
        self._sample: list[tuple[int, Row]] = []
        self._rows = 0
        self._step = 0
        self._shown = 0
        self._full = False

    @property
    def left_out(self) -> list[str]:
        """Columns that held nothing but text."""
        return [name for name, c in self._columns.items() if c.texts and not c.numbers]

    def add(self, rows: list[tuple[int, Row]], time: float) -> Batch:
        """The points of more rows, each with its line in the file. `time` is theirs where they
        tell none. With `Batch.anew`, the points are those of all rows so far."""
        if not rows:
            return Batch()
        anew = False
        if len(self._sample) < SAMPLE:
            before = self.step_column, self.time_column
            earlier, self._sample = self._sample, self._sample + rows[: SAMPLE - len(self._sample)]
            self._choose()
            if earlier and before != (self.step_column, self.time_column):
                anew = True
                rows = earlier + rows
                self._columns, self._rows, self._step, self._shown = {}, 0, 0, 0
                self._full = self.went_back = False
                self.troubles.clear()
        kept = self._kept(rows)
        steps = np.array([step for _, step, _ in kept], np.int64)
        times = np.array([self._time_of(row, time) for _, _, row in kept], np.float64)
        own = (self.step_column, self.time_column)
        names = dict.fromkeys(name for _, _, row in kept for name in row if name not in own)
        parts = []
        for name in names:
            values, places = self._values(name, kept)
            if len(values):
                which = slice(None) if places is None else np.array(places)
                parts.append(Part(name, steps[which], times[which], np.array(values, np.float64)))
        self.troubles.sort(key=lambda trouble: trouble.line)
        return Batch(parts, anew)

    def _kept(self, rows: list[tuple[int, Row]]) -> list[tuple[int, int, Row]]:
        """The rows that have a step: line, step and cells."""
        kept = []
        for line, row in rows:
            self._rows += 1
            step = self._step_of(line, row)
            if step is None:
                continue
            if step < self._step and not self.went_back:
                self.went_back = True
                self._trouble(line, f"the steps go back, from {self._step} to {step}")
            self._step = step
            kept.append((line, step, row))
        return kept

    def _values(
        self, name: str, kept: list[tuple[int, int, Row]]
    ) -> tuple[list[float], list[int] | None]:
        """The numbers of a column, and in which of the rows they stand (None: in all)."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = _Column()
        cells = [row.get(name) for _, _, row in kept]
        if column.numbers and (all_of_them := _all_numbers(cells)) is not None:
            column.numbers += len(all_of_them)
            return all_of_them, None
        values: list[float] = []
        places: list[int] = []
        for place, cell in enumerate(cells):
            line = kept[place][0]
            try:
                value = number(cell, self._decimal_comma)
            except NoNumber:
                self._text(column, name, line, str(cell))
                continue
            if value is None or not (column.numbers or self._room(line)):
                continue
            column.numbers += 1
            if column.numbers == 1 and column.first is not None:
                self._trouble(column.first[0], _no_number(column.first[1], name))
            values.append(value)
            places.append(place)
        return values, places

    def _room(self, line: int) -> bool:
        """Whether one more column of numbers can be shown."""
        if self._shown < MAX_COLUMNS:
            self._shown += 1
            return True
        if not self._full:
            self._full = True
            self._trouble(
                line, f"more than {MAX_COLUMNS} columns of numbers: the first {MAX_COLUMNS} "
                "are shown"
            )  # fmt: skip
        return False

    def _text(self, column: _Column, name: str, line: int, cell: str) -> None:
        column.texts += 1
        if column.numbers:
            self._trouble(line, _no_number(cell, name))
        elif column.first is None:
            column.first = line, cell

    def _trouble(self, line: int, text: str) -> None:
        self.troubles.append(Trouble(line, text))

    def _step_of(self, line: int, row: Row) -> int | None:
        if self.step_column is None:
            return self._rows
        cell = row.get(self.step_column)
        try:
            value = number(cell, self._decimal_comma)
        except NoNumber:
            self._trouble(line, f"{_short(str(cell))} is no step: the row is left out")
            return None
        if value is None:
            return self._step
        if not abs(value) < STEP_LIMIT or value != int(value):
            self._trouble(line, f"{_short(str(cell))} is no step: the row is left out")
            return None
        return int(value)

    def _time_of(self, row: Row, time: float) -> float:
        if self.time_column is None:
            return time
        value = self._try(row.get(self.time_column))
        return value if value is not None and _TIMES[0] < value < _TIMES[1] else time

    def _choose(self) -> None:
        rows = [row for _, row in self._sample]
        names = list(dict.fromkeys(name for row in rows for name in row))
        self.step_column = self._step_name(rows, names)
        self.time_column = next(
            (
                name
                for name in named.time_columns(names)
                if (found := self._numbers(rows, name))
                and all(_TIMES[0] < value < _TIMES[1] for value in found)
            ),
            None,
        )

    def _step_name(self, rows: list[Row], names: Iterable[str]) -> str | None:
        for name in named.step_columns(names):
            values = self._numbers(rows, name)
            if values and _whole(values):
                return name
        for name in names:
            values = self._numbers(rows, name)
            if (
                len(rows) > 1
                and len(values) == len(rows)
                and _whole(values)
                and all(b > a for a, b in itertools.pairwise(values))
                and name not in named.time_columns([name])
            ):
                return name
        return None

    def _numbers(self, rows: list[Row], name: str) -> list[float]:
        found = (self._try(row.get(name)) for row in rows)
        return [value for value in found if value is not None]

    def _try(self, cell: object) -> float | None:
        try:
            return number(cell, self._decimal_comma)
        except NoNumber:
            return None


def _all_numbers(cells: list[object]) -> list[float] | None:
    """The cells as numbers, if each is one written in the plainest way: much faster than one by
    one."""
    if not all(type(cell) is str for cell in cells):
        return None
    texts = cast("list[str]", cells)
    try:
        values = list(map(float, texts))
    except ValueError:
        return None
    return None if "_" in "".join(texts) else values


def _whole(values: list[float]) -> bool:
    return all(abs(value) < STEP_LIMIT and value == int(value) for value in values)


def _no_number(cell: str, name: str) -> str:
    return f"{_short(cell)} in column {_short(name)} is no number"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
