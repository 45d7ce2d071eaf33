"""Values that the script gives to a logger of its own, as series of the run.

A value goes to the main optimizer's step at which it was logged: the script's own step argument is
often in other units. What comes through two loggers is one series. `loggers.py` has the loggers.
"""

from __future__ import annotations

import math
import re
import sys
import threading
from collections.abc import Iterable
from pathlib import PurePath
from time import time
from typing import TYPE_CHECKING, Any

from lrmonitor.probe.values import Arriving
from lrmonitor.record.writer import RankWriter, SeriesWriter

if TYPE_CHECKING:
    from lrmonitor.probe.steps import Steps

SERIES = 256
"""Series that are made of a script's values; as many as columns of another program's log."""

A_SECOND = 2000.0
AT_ONCE = 20_000.0
"""Values that are taken a second, and after a quiet while. One costs about 3 µs, so they never take
more than a percent of the time."""

EARLY = 1000
"""Values that are kept until the process turns out to be one that trains."""

TELL_SECONDS = 60.0
"""Between two events that tell how many values were left out."""

LONGEST = 200
"""Letters of a name."""

COUNTERS = {"step", "global_step", "iter", "iteration", "epoch"}
"""The last word of tags that only count how far the training is, which the run knows itself."""

OURS = re.compile(r"(loss|lr|grad_norm|update_ratio|step)|(loss|lr|scheduled|parts|\w+)\[[\d.]+\]")
"""Names that series of lrmonitor's own have, now or later."""

Key = tuple[str, str, str]
"""The logger's kind, which of them (a folder, say), and the script's tag."""


class _Tag:
    """One tag of one logger: its series, or the tag of another logger whose values it repeats."""

    __slots__ = ("kind", "last", "repeats", "series", "step")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.series: SeriesWriter | None = None
        self.repeats: _Tag | None = None
        self.step = -1
        self.last: float | Arriving = math.nan

    def same(self, step: int, value: float | Arriving) -> bool:
        """Whether it has just had this value."""
        if step != self.step:
            return False
        if isinstance(value, Arriving) or isinstance(self.last, Arriving):
            return True  # that cannot be known without waiting
        return _same(value, self.last)


class Mirror:
    """What one process logs. `take` is called by the threads that log, `look` by the writer's."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._tags: dict[Key, _Tag] = {}
        self._named: dict[str, _Tag] = {}
        """The first tag of that name, whichever logger's."""
        self._names: set[str] = set()
        self._making = threading.Lock()
        self._early: list[tuple[int, float, Key, float | Arriving]] = []
        self._allowance = AT_ONCE
        self._filled = 0.0
        self._left_out = 0
        self._told = 0.0

    def take(self, kind: str, which: str, values: Iterable[tuple[Any, Any]]) -> None:
        """Values that a logger of that kind was given, with their tags."""
        steps, now = self._steps, time()
        self._allowance = min(self._allowance + max(now - self._filled, 0.0) * A_SECOND, AT_ONCE)
        self._filled = now
        for tag, value in values:
            if self._allowance < 1:
                self._left_out += 1
                continue
            number = self.number(value)
            if number is None or type(tag) is not str or is_counter(tag):
                continue
            self._allowance -= 1
            key = (kind, which, tag)
            if steps.session is not None:
                self._put(steps.step, now, key, number)
            elif len(self._early) < EARLY:
                self._early.append((steps.step, now, key, number))

    def registered(self) -> None:
        """The process trains: what was logged before belongs to its run."""
        early, self._early = self._early, []
        for one in early:
            self._put(*one)

    def look(self, writer: RankWriter, now: float) -> None:
        """Tell how many values were left out, on the writer's thread, or when it is infinitely
        late."""
        if self._left_out and not 0 <= now - self._told < TELL_SECONDS:
            self._told = now
            left_out, self._left_out = self._left_out, 0
            writer.event("values_left_out", step=self._steps.step, values=left_out)

    def number(self, value: Any) -> float | Arriving | None:
        """A real number, read without waiting for a device; None of anything else."""
        kind = type(value)
        if kind is float:
            return float(value)
        if kind is int:
            return float(value) if abs(value) < 2**1000 else None
        if kind is bool or kind is str or value is None:
            return None
        torch: Any = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            if value.numel() != 1 or value.is_complex() or value.dtype is torch.bool:
                return None
            return self._steps.losses.values.read(value)
        if getattr(getattr(value, "dtype", None), "kind", "") in ("f", "i", "u"):  # NumPy's
            return float(value.item()) if value.size == 1 else None
        return None

    def _put(self, step: int, now: float, key: Key, value: float | Arriving) -> None:
        tag = self._tags.get(key)
        if tag is None:
            tag = self._begin(key, step, value)
            if tag is None:
                self._left_out += 1
                return
        if tag.repeats is not None:
            if tag.repeats.same(step, value):
                return
            if not self._make(tag, key):
                self._left_out += 1
                return
        series = tag.series
        assert series is not None
        tag.step, tag.last = step, value
        if isinstance(value, Arriving):
            self._steps.deferred.add((value,), lambda found: series.add(step, now, found[0]))
        else:
            series.append((step, now, value))

    def _begin(self, key: Key, step: int, value: float | Arriving) -> _Tag | None:
        """A tag that is new; None if there are too many."""
        tag = _Tag(key[0])
        first = self._named.get(key[2])
        # Two of one kind are rather those of training and of validation.
        if first is not None and first.kind != tag.kind and first.same(step, value):
            tag.repeats = first
        elif not self._make(tag, key):
            return None
        self._tags[key] = tag
        return tag

    def _make(self, tag: _Tag, key: Key) -> bool:
        """Declare a tag's series; False if there are too many."""
        session = self._steps.session
        with self._making:  # two threads may log a new tag at the same time
            if session is None or len(self._names) >= SERIES:
                return False
            name = self._free(key)
            self._names.add(name)
            tag.series = session.writer.series(name, "metric", source=key[0])
            tag.repeats = None
            self._named.setdefault(key[2], tag)
        return True

    def _free(self, key: Key) -> str:
        """The tag as the series' name; where another has it, it is told apart."""
        kind, which, tag = key
        plain = re.sub(r"[\x00-\x1f\x7f]", " ", tag).strip()[:LONGEST] or "unnamed"
        first = self._named.get(tag)
        if first is None:
            wanted = [plain, f"{plain} ({kind})"]
        elif which and first.kind == kind:
            wanted = [f"{PurePath(which).name}/{plain}"]
        else:
            wanted = [f"{plain} ({kind})"]
        for name in wanted:
            if name not in self._names and not self._steps.has_metric(name) and not is_ours(name):
                return name
        number = 2
        while f"{wanted[-1]} {number}" in self._names:
            number += 1
        return f"{wanted[-1]} {number}"


def is_ours(name: str) -> bool:
    """Whether a series of lrmonitor's own has this name or may get it."""
    return OURS.fullmatch(name) is not None


def is_counter(tag: str) -> bool:
    """Whether a tag's values only tell how far the training is."""
    return re.split(r"[/.]", tag)[-1].lower() in COUNTERS


def _same(one: float, other: float) -> bool:
    # One of the loggers may have rounded it to single precision.
    return one == other or math.isclose(one, other, rel_tol=1e-6) or (one != one and other != other)
