"""Keeps what an optimizer does during a test out of the run's record: it goes to series of the
test's own. Nothing of it costs an ordinary step anything: what a step writes to is exchanged."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from lrmonitor.record.writer import Point, RankWriter, SeriesWriter

if TYPE_CHECKING:
    from lrmonitor.probe.optimizers import Group, Optimizer

LOOKED_AT = 4096
"""Losses that wait to be looked at, at most."""


class Tap:
    """A series of losses that lets what is written to it be looked at."""

    def __init__(self, series: SeriesWriter) -> None:
        self.fresh: deque[Point] = deque(maxlen=LOOKED_AT)
        """What was not looked at yet."""
        self._series = series

    def append(self, point: Point) -> None:
        """One more."""
        self._series.append(point)
        self.fresh.append(point)

    def add(self, step: int, when: float, value: float) -> None:
        """The same; from the writer's thread where values arrive from a device."""
        self.append((step, when, float(value)))


class _Nowhere:
    """Takes points and forgets them."""

    def append(self, point: Point) -> None:
        """Forget it."""


class _NoNorms:
    """Stands for the norms of an optimizer: none are measured."""

    wanted = False

    def look(self) -> bool:
        """Never."""
        return False


_NOWHERE: Any = _Nowhere()


class Diverted:
    """One optimizer whose record is diverted, until `end`. Made and ended between two of its
    steps."""

    def __init__(self, known: Optimizer, writer: RankWriter, test: int) -> None:
        self.known = known
        self.overrides = known.overrides
        """Those of the persons, which wait."""
        self._writer = writer
        self._test = test
        number = known.number
        name = f"test[{test}].loss" + (f"[{number}]" if number else "")
        self.tap = Tap(writer.series(name, "test_loss", number, test=test))
        self._kept = known.loss, known.waiting, known.parts, known.norms, known.last_parts
        into: Any = self.tap
        known.loss, known.waiting, known.parts = into, into, _NOWHERE
        known.norms = _NO_NORMS
        self._groups: list[tuple[Group, Any, Any, float | None, float | None]] = []
        self.groups_added()

    def groups_added(self) -> None:
        """Divert the groups that are not yet."""
        number, test = self.known.number, self._test
        for j, group in enumerate(self.known.groups):
            if any(one[0] is group for one in self._groups):
                continue
            kept = (group, group.lr, group.scheduled_lr, group.scheduled, group.effective)
            self._groups.append(kept)
            name = f"test[{test}].lr[{number}.{j}]"
            group.lr = self._writer.series(name, "test_lr", number, j, "changes", test=test)
            group.scheduled_lr, group.effective = _NOWHERE, None

    def use(self, overrides: Any) -> None:
        """Have its steps use these overrides from now on."""
        self.known.overrides = overrides
        self.known.take_overrides()

    def end(self, step: int) -> None:
        """The test is over after the run's step `step`: all is as it was, but that schedules of
        persons have gone on as the script's has."""
        known = self.known
        known.loss, known.waiting, known.parts, known.norms, known.last_parts = self._kept
        for group, lr, scheduled_lr, scheduled, effective in self._groups:
            group.lr, group.scheduled_lr = lr, scheduled_lr
            group.scheduled, group.effective = scheduled, effective
        mine = known.overrides is not self.overrides
        if mine:
            passed, known.overrides = known.overrides.tick, self.overrides
            if self.overrides.moving:
                known.overrides.tick = passed
            values = known.values()
            for j in range(known.count):
                known.overrides.inherit(j, values)
        known.take_overrides()
        if mine and known.overrides.tick >= known.until:
            known.settle(step)
        known.attention = True


_NO_NORMS: Any = _NoNorms()
