"""From what is recorded (a run folder, another program's log) to rows for a diagnosis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from lrmonitor.diagnosis.chunk import Chunk, Floats, Steps
from lrmonitor.record.foreign.names import is_validation_loss
from lrmonitor.record.foreign.reader import LogReader
from lrmonitor.record.reader import RankReader, RunReader, Series

MEASURED = ("grad_norm", "update_ratio")

LOOKED = 16_384
"""Points of a series that are looked at first for those that belong to a piece of rows; more where
these are too few."""


class SourceError(Exception):
    """Not what was asked for is in there; the message is a sentence for the person."""


@dataclass(frozen=True)
class Columns:
    """Series by name where the usual ones are not meant; None: by kind or by the column's name."""

    loss: str | None = None
    lr: str | None = None
    val: str | None = None
    step: str | None = None


class RowSource:
    """The rows of one rank of a run or log, one a loss, taken piece by piece while it grows.

    Rates go on until they change. What else is recorded belongs to the last loss at or before its
    step, or to the next one that is taken where that is gone already. `others` yields series that
    are not of the rank and may be a validation loss. Not thread-safe, but what was taken may be
    read anywhere: a series only grows.
    """

    def __init__(
        self,
        rank: RankReader,
        columns: Columns = Columns(),
        timed: bool = True,
        others: Callable[[], Iterable[Series]] = tuple,
    ) -> None:
        self._rank = rank
        self._columns = columns
        self._timed = timed
        self._others = others
        self._known = 0
        self._there = 0
        self._waits = False
        self._taken = 0
        self._loss: Series | None = None
        self._walks: dict[str, _Walk] = {}
        self._looked = -1
        self._events = 0
        self._back: list[int] = []

    @property
    def loss(self) -> Series | None:
        """The series whose values are the rows' losses; None while there is none."""
        return self._loss

    @property
    def left(self) -> int:
        """Rows that were there at the last `take` and are not taken yet."""
        return self._known - self._taken

    @property
    def validation(self) -> Series | None:
        """The validation loss; None while there is none."""
        walk = self._walks.get("val")
        return None if walk is None else walk.series

    def take(self, most: int | None = None, wait: bool = False) -> Chunk:
        """The next rows, at most so many; none where nothing is new.

        With `wait` only those that were there at the last call already: what belongs to a step is
        in several files, which are read a moment apart. Raises SourceError where a column that was
        named is not there, or none looks like a loss.
        """
        loss = self._find_loss()
        if loss is None:
            return Chunk([], [])
        now = len(loss)
        self._there, self._known = (min(self._known, now) if wait else now), now
        self._waits = wait
        return self.more(most)

    def more(self, most: int | None = None) -> Chunk:
        """What the last `take` would have given beside what it was asked for, at most so many."""
        loss = self._loss
        if loss is None:
            return Chunk([], [])
        start = self._taken
        end = self._there if most is None else min(self._there, start + most)
        if end <= start:
            return Chunk([], [])
        self._taken = end
        self._find_others(loss)
        steps = loss.step[start:end]
        found: dict[str, Floats] = {}
        for name, walk in self._walks.items():
            rows = [walk.take(piece) for piece in _ascending(steps)]
            found[name] = rows[0] if len(rows) == 1 else np.concatenate(rows)
        if not self._waits and end == len(loss):
            for name, walk in self._walks.items():
                walk.rest(found[name])
        counted = found.pop("step", None)
        if counted is not None:
            if not np.isfinite(counted).all():
                raise SourceError(
                    f"--step {self._columns.step!r}: it has no number in the first rows"
                )
            steps = np.asarray(np.round(counted), np.int64)
        time = loss.time[start:end] if self._timed else None
        chunk = Chunk(steps, loss.value[start:end], time=time, **found)
        chunk.rewound = self._rewound()
        return chunk

    def _rewound(self) -> tuple[int, ...]:
        """Steps after which the training was put back to an earlier state."""
        events = self._rank.events
        for event in events[self._events :]:
            if event.get("event") == "rewound" and isinstance(event.get("step"), int):
                self._back.append(event["step"])
        self._events = len(events)
        return tuple(self._back)

    def _find_loss(self) -> Series | None:
        if self._loss is None:
            rank, name = self._rank, self._columns.loss
            self._loss = self._named(name, "--loss") or _kind(rank, "loss", self._main())
            if self._loss is None and name is None and self._every():
                raise SourceError(
                    f"no column looks like a loss: name one of {self._names()} with --loss"
                )
        return self._loss

    def _find_others(self, loss: Series) -> None:
        """What there is by now beside the loss; looked for when there are more series."""
        others = list(self._others())
        count = len(self._rank.series) + len(others)
        if count == self._looked:
            return
        self._looked = count
        rank, main, columns = self._rank, self._main(), self._columns
        found: dict[str, Series | None] = {
            "lr": self._named(columns.lr, "--lr") or _kind(rank, "lr", main),
            "val": self._named(columns.val, "--val") or self._validation(loss, others),
            "step": self._named(columns.step, "--step"),
        }
        found.update((kind, _measured(rank, kind, main)) for kind in MEASURED)
        for name, series in found.items():
            if name in self._walks or series is None or series is loss:
                continue
            self._walks[name] = (_Carried if name in ("lr", "step") else _Placed)(series)

    def _main(self) -> int:
        events = self._rank.events
        return next(
            (e["optimizer"] for e in events if e.get("event") == "optimizer" and e.get("main")), 0
        )

    def _every(self) -> dict[str, Series]:
        """All series by name, also the columns of a log that are not shown."""
        found = dict(getattr(self._rank, "columns", {}))
        series = self._rank.series.values()
        found.update((s.info.name, s) for s in series if s.info.kind != "step")
        return found

    def _names(self) -> str:
        return ", ".join(self._every())

    def _named(self, name: str | None, option: str) -> Series | None:
        if name is None:
            return None
        found = self._every().get(name)
        if found is None:
            names = self._names() or "no column of numbers"
            raise SourceError(f"{option} {name!r}: there is {names}")
        return found

    def _validation(self, loss: Series, others: list[Series]) -> Series | None:
        """The first series with the name of a validation loss; one that the script logged rather
        than one that was observed."""
        named = [*self._every().items(), *((one.info.name, one) for one in others)]
        found = [one for name, one in named if one is not loss and is_validation_loss(name)]
        return min(found, key=lambda one: one.info.source == "evaluation", default=None)


class _Walk:
    """Goes through a series beside the losses, in the order in which it was recorded."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self._at = 0

    def take(self, steps: Steps) -> Floats:
        """Its values for rows of these ascending steps."""
        raise NotImplementedError

    def rest(self, values: Floats) -> None:
        """What stands after the last row belongs to it: `values` are those of the last rows."""

    def _upto(self, step: int | None) -> tuple[Steps, Floats]:
        """What was not taken yet up to a step, or up to where its steps go back.

        Takes as long as what is found, however much comes after it.
        """
        new = self.series.step[self._at :]
        looked = len(new) if step is None else LOOKED
        while True:
            part = new[:looked]
            back = np.flatnonzero(part[1:] < part[:-1])
            end = int(back[0]) + 1 if len(back) else len(part)
            if step is not None:
                end = int(np.searchsorted(part[:end], step, "right"))
            if end < len(part) or looked >= len(new):
                break
            looked *= 4
        start, self._at = self._at, self._at + end
        return new[:end], self.series.value[start : start + end]


class _Carried(_Walk):
    """The latest value at or before each step; nan before the first."""

    _last = math.nan

    def take(self, steps: Steps) -> Floats:
        known, values = self._upto(int(steps[-1]))
        if not len(known):
            return np.full(len(steps), self._last)
        if _one_each(steps, known):
            self._last = float(values[-1])
            return values
        at = np.searchsorted(known, steps, "right")
        carried = np.concatenate(([self._last], values))[at]
        self._last = float(values[-1])
        return carried


class _Placed(_Walk):
    """Each value in the last row at or before its step; nan in the other rows."""

    def take(self, steps: Steps) -> Floats:
        known, values = self._upto(int(steps[-1]))
        if _one_each(steps, known):
            return values.copy()  # `rest` writes into it
        placed = np.full(len(steps), np.nan)
        placed[np.maximum(np.searchsorted(steps, known, "right") - 1, 0)] = values
        return placed

    def rest(self, values: Floats) -> None:
        _, left = self._upto(None)
        if len(left):
            values[-1] = left[-1]


def read_rows(reader: RunReader, columns: Columns) -> Chunk:
    """The rows of a run or log that was polled, of its lowest rank: one a loss.

    No rows where there is no column at all. Raises SourceError.
    """
    rank = reader.ranks[min(reader.ranks)] if reader.ranks else None
    if rank is None:
        return Chunk([], [])
    return RowSource(rank, columns, is_timed(reader)).take()


def is_timed(reader: RunReader) -> bool:
    """Whether its times tell when a loss was recorded; of some logs they tell when it was read."""
    return reader.log.timed if isinstance(reader, LogReader) else True


def _one_each(steps: Steps, known: Steps) -> bool:
    """Whether there is one value for each row, as of a series that is recorded at each step."""
    return np.array_equal(steps, known) and bool((steps[1:] > steps[:-1]).all())


def _ascending(steps: Steps) -> Iterator[Steps]:
    """The pieces in which steps do not go back."""
    cuts = np.flatnonzero(steps[1:] < steps[:-1]) + 1
    yield from np.split(steps, cuts)


def _kind(rank: RankReader, kind: str, optimizer: int) -> Series | None:
    """The main optimizer's series of a kind (of rates, of its first group)."""
    for owner in (optimizer, None):
        for series in rank.series.values():
            info = series.info
            if info.kind == kind and info.optimizer == owner and info.group in (None, 0):
                return series
    return None


def _measured(rank: RankReader, kind: str, optimizer: int) -> Series | None:
    series = _kind(rank, kind, optimizer)
    if series is None:
        metric = rank.by_name.get(kind)  # a log's column of that name
        series = metric if metric is not None and metric.info.kind == "metric" else None
    return series
