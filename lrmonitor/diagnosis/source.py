"""From what is recorded (a run folder, another program's log) to rows for a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrmonitor.diagnosis.chunk import Chunk, Floats, Steps
from lrmonitor.record.foreign.names import is_validation_loss
from lrmonitor.record.foreign.reader import LogReader
from lrmonitor.record.reader import RankReader, RunReader, Series


class SourceError(Exception):
    """Not what was asked for is in there; the message is a sentence for the person."""


@dataclass(frozen=True)
class Columns:
    """Series by name where the usual ones are not meant; None: by kind or by the column's name."""

    loss: str | None = None
    lr: str | None = None
    val: str | None = None
    step: str | None = None


def read_rows(reader: RunReader, columns: Columns) -> Chunk:
    """The rows of a run or log that was polled, of its lowest rank: one a loss.

    Rates go on until they change; what is recorded at a step without a loss belongs to the last
    loss before. No rows where there is no column at all. Raises SourceError.
    """
    rank = reader.ranks[min(reader.ranks)] if reader.ranks else None
    if rank is None:
        return Chunk([], [])
    main = next(
        (e["optimizer"] for e in rank.events if e.get("event") == "optimizer" and e.get("main")), 0
    )
    loss = _named(rank, columns.loss, "--loss") or _kind(rank, "loss", main)
    if loss is None:
        known = _names(rank)
        if not known:
            return Chunk([], [])
        raise SourceError(f"no column looks like a loss: name one of {known} with --loss")
    rate = _named(rank, columns.lr, "--lr") or _kind(rank, "lr", main)
    val = _named(rank, columns.val, "--val") or _validation(rank, loss)
    timed = reader.log.timed if isinstance(reader, LogReader) else True
    count = len(loss)
    return Chunk(
        _counted(rank, loss, columns.step),
        loss.value,
        lr=None if rate is None or rate is loss else _carried(rate, loss.step),
        val=None if val is None or val is loss else _placed(val, loss.step),
        grad_norm=_measured(rank, "grad_norm", main, loss.step),
        update_ratio=_measured(rank, "update_ratio", main, loss.step),
        time=loss.time if timed and count else None,
    )


def _every(rank: RankReader) -> dict[str, Series]:
    """All series by name, also the columns of a log that are not shown."""
    found = dict(getattr(rank, "columns", {}))
    found.update((s.info.name, s) for s in rank.series.values() if s.info.kind != "step")
    return found


def _names(rank: RankReader) -> str:
    return ", ".join(_every(rank))


def _named(rank: RankReader, name: str | None, option: str) -> Series | None:
    if name is None:
        return None
    found = _every(rank).get(name)
    if found is None:
        raise SourceError(f"{option} {name!r}: there is {_names(rank) or 'no column of numbers'}")
    return found


def _kind(rank: RankReader, kind: str, optimizer: int) -> Series | None:
    """The main optimizer's series of a kind (of rates, of its first group)."""
    for owner in (optimizer, None):
        for series in rank.series.values():
            info = series.info
            if info.kind == kind and info.optimizer == owner and info.group in (None, 0):
                return series
    return None


def _validation(rank: RankReader, loss: Series) -> Series | None:
    """The first series with the name of a validation loss; one that the script logged rather than
    one that was observed."""
    found = [
        series
        for name, series in _every(rank).items()
        if series is not loss and is_validation_loss(name)
    ]
    return min(found, key=lambda series: series.info.source == "evaluation", default=None)


def _counted(rank: RankReader, loss: Series, name: str | None) -> Steps:
    """The steps of the rows, or the column that was named instead."""
    column = _named(rank, name, "--step") if name is not None else None
    if column is None:
        return loss.step
    counted = _carried(column, loss.step)
    if not np.isfinite(counted).all():
        raise SourceError(f"--step {name!r}: it has no number in the first rows")
    return np.asarray(np.round(counted), np.int64)


def _measured(rank: RankReader, kind: str, optimizer: int, steps: Steps) -> Floats | None:
    series = _kind(rank, kind, optimizer)
    if series is None:
        metric = rank.by_name.get(kind)  # a log's column of that name
        series = metric if metric is not None and metric.info.kind == "metric" else None
    return None if series is None else _placed(series, steps)


def _carried(series: Series, steps: Steps) -> Floats:
    """The latest value at or before each step; nan before the first."""
    values = np.full(len(steps), np.nan)
    if len(series) and len(steps):
        if len(series) == len(steps) and bool((series.step == steps).all()):
            return series.value.astype(np.float64)
        order = np.argsort(series.step, kind="stable")
        at = np.searchsorted(series.step[order], steps, "right") - 1
        known = at >= 0
        values[known] = series.value[order][at[known]]
    return values


def _placed(series: Series, steps: Steps) -> Floats:
    """Each value in the last row at or before its step; nan in the other rows."""
    values = np.full(len(steps), np.nan)
    if len(series) and len(steps):
        if len(series) == len(steps) and bool((series.step == steps).all()):
            return series.value.astype(np.float64)
        order = np.argsort(steps, kind="stable")
        at = np.maximum(np.searchsorted(steps[order], series.step, "right") - 1, 0)
        values[order[at]] = series.value
    return values
