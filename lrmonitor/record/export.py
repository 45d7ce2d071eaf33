"""A run's series as one CSV table.

One row per step that has any value. Columns: `step,time,loss,lr` (main optimizer, group 0, the
effective rate), then `loss[o]` of the other optimizers, `lr[o.g]` of the other groups,
`scheduled[o.g]` of all groups, then every other series by name. Numbers are written with `repr`, so
that no digit is lost; nan and infinities as `nan`, `inf`, `-inf`; nothing where a series has no
value at that step (a rate is written where it changes). `time` (unix seconds) is that of the step's
loss, else the earliest value's at that step. Of two values of a series at a step, the last counts.
"""

from __future__ import annotations

import contextlib
import csv
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

import numpy as np
import numpy.typing as npt

from lrmonitor.record.reader import Floats, RankReader, RunReader, Series, Steps
from lrmonitor.record.span import WHOLE, StepRange

_ROWS = 1 << 15
"""Rows turned into text at a time, so that a run of millions of steps needs little memory."""


class ExportError(Exception):
    """The export cannot be made; the message is a sentence for the person."""


def export_csv(
    reader: RunReader,
    path: str | os.PathLike[str] | TextIO,
    rank: int | None = None,
    span: StepRange = WHOLE,
) -> int:
    """Write the series of one rank (by default the lowest) of a run that was polled, or a part.

    `path` is a file, replaced as a whole once the table is complete, or an open text stream. The
    number of rows. Raises ExportError for a rank that is not there, or a path that is a folder or
    cannot be written.
    """
    source = source_rank(reader, rank)
    if not isinstance(path, (str, os.PathLike)):
        return write_csv(source, path, span)
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ExportError(f"{path} is a folder: name a file to write to")
    if target.exists() and not target.is_file():  # a device or a pipe: it cannot be replaced
        try:
            with open(target, "w", encoding="utf-8", newline="") as file:
                return write_csv(source, file, span)
        except OSError as error:
            raise ExportError(f"{path} cannot be written: {error.strerror or error}") from error
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with open(temporary, "x", encoding="utf-8", newline="") as file:
            rows = write_csv(source, file, span)
        os.replace(temporary, target)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return rows


def write_csv(source: RankReader | None, file: IO[str], span: StepRange = WHOLE) -> int:
    """Write the table of a rank (None: one that recorded nothing) to a stream; how many rows."""
    columns = [_column(header, series, span) for header, series in _series(source)]
    names = _headers([column.header for column in columns])
    csv.writer(file, lineterminator="\n").writerow(["step", "time", *names])
    steps = _union([column.step for column in columns])
    times = _times(steps, columns)
    shown = [column for column in columns if column.header is not None]
    for lines in _lines(steps, times, shown):
        file.write(lines)
    return len(steps)


@dataclass(frozen=True)
class _Column:
    """One series, by ascending step: the last value of each and its time, and the first's time.

    A header of None is not shown.
    """

    header: str | None
    step: Steps
    time: Floats
    value: Floats
    since: Floats


def named_series(source: RankReader | None) -> list[tuple[str, Series]]:
    """The series of a rank that are written, each with a name of its own, in their order."""
    found = _series(source)
    some = [series for header, series in found if header is not None and series is not None]
    names = _headers([header for header, series in found if series is not None])
    return list(zip(names, some, strict=True))


def source_rank(reader: RunReader, rank: int | None) -> RankReader | None:
    """A rank, by default the lowest; None where nothing is recorded. Raises ExportError."""
    if rank is None:
        return reader.ranks[min(reader.ranks)] if reader.ranks else None
    if rank not in reader.ranks:
        there = ", ".join(map(str, reader.ranks)) or "none"
        raise ExportError(f"the run has no rank {rank} (recorded: {there})")
    return reader.ranks[rank]


def _series(source: RankReader | None) -> list[tuple[str | None, Series | None]]:
    """The table's columns in their order; the first two are always the loss and the rate. A header
    of None is not shown."""
    if source is None:
        return [("loss", None), ("lr", None)]
    main = _main(source)
    every = list(source.series.values())
    loss = next((s for s in every if _is_loss_of(s, main)), None)
    if loss is None:
        loss = next((s for s in every if _is_loss_of(s, None)), None)
    rate = next((s for s in every if _address(s, "lr") == (main, 0)), None)
    rest = [s for s in every if s is not loss and s is not rate]

    def of(kind: str) -> list[Series]:
        chosen = [s for s in rest if s.info.kind == kind]
        return sorted(chosen, key=lambda s: (s.info.optimizer or 0, s.info.group or 0))

    ordered = [*of("loss"), *of("lr"), *of("scheduled_lr")]
    others = [s for s in rest if s.info.kind not in ("loss", "lr", "scheduled_lr")]
    ordered += sorted(others, key=lambda s: (s.info.name, s.info.series))
    return [("loss", loss), ("lr", rate), *((_header(s), s) for s in ordered)]


def _main(source: RankReader) -> int:
    for event in source.events:
        number = event.get("optimizer")
        if event.get("event") == "optimizer" and event.get("main") and isinstance(number, int):
            return number
    return 0


def _is_loss_of(series: Series, optimizer: int | None) -> bool:
    return series.info.kind == "loss" and series.info.optimizer == optimizer


def _address(series: Series, kind: str) -> tuple[int | None, int | None] | None:
    return (series.info.optimizer, series.info.group) if series.info.kind == kind else None


def _header(series: Series) -> str | None:
    info = series.info
    if info.kind == "step":
        return None  # it tells that a step was done: its row and its time
    if info.kind == "loss":
        return f"loss[{info.optimizer}]"
    if info.kind == "lr":
        return f"lr[{info.optimizer}.{info.group}]"
    if info.kind == "scheduled_lr":
        return f"scheduled[{info.optimizer}.{info.group}]"
    return info.name


def _headers(names: list[str | None]) -> list[str]:
    """The headers that are shown. A metric that bears another column's name is told apart."""
    shown: list[str] = []
    for name in names:
        if name is None:
            continue
        taken = {"step", "time", *shown}
        while name in taken:
            name = f"log:{name}"
        shown.append(name)
    return shown


def _column(header: str | None, series: Series | None, span: StepRange) -> _Column:
    if series is None:
        nothing = np.empty(0, np.float64)
        return _Column(header, np.empty(0, np.int64), nothing, nothing, nothing)
    step, time, value = span.points(series)
    if len(step) < 2:
        return _Column(header, step, time, value, time)
    changes = step[1:] != step[:-1]
    first, last = np.append(True, changes), np.append(changes, True)
    return _Column(header, step[last], time[last], value[last], time[first])


def _union(steps: list[Steps]) -> Steps:
    some = [s for s in steps if len(s)]
    return np.unique(np.concatenate(some)) if some else np.empty(0, np.int64)


def _times(steps: Steps, columns: list[_Column]) -> Floats:
    """The time of each row."""
    earliest = np.full(len(steps), np.inf)
    for column in columns:
        rows = np.searchsorted(steps, column.step)
        earliest[rows] = np.fmin(earliest[rows], column.since)
    for loss in columns[:1]:
        earliest[np.searchsorted(steps, loss.step)] = loss.time
    return earliest


def _lines(steps: Steps, times: Floats, columns: list[_Column]) -> Iterator[str]:
    for start in range(0, len(steps), _ROWS):
        part = steps[start : start + _ROWS]
        cells = [
            list(map(str, part.tolist())),
            list(map(repr, times[start : start + _ROWS].tolist())),
        ]
        cells += [_cells(part, column) for column in columns]
        yield "\n".join(map(",".join, zip(*cells, strict=True))) + "\n"


def _cells(steps: npt.NDArray[np.int64], column: _Column) -> list[str]:
    """The column's text at these steps, empty where it has no value."""
    first = np.searchsorted(column.step, steps[0], "left")
    end = np.searchsorted(column.step, steps[-1], "right")
    texts = list(map(repr, column.value[first:end].tolist()))
    if len(texts) == len(steps):
        return texts
    cells = [""] * len(steps)
    for row, text in zip(
        np.searchsorted(steps, column.step[first:end]).tolist(), texts, strict=True
    ):
        cells[row] = text
    return cells
