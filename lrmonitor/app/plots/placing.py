"""The series of a run on the axis that is chosen, and where its events stand on it."""

from __future__ import annotations

import numpy as np

from lrmonitor.model.axis import STEP, Axis, Placed
from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series

from .scales import StepScale

__all__ = ["Placing"]


class Placing:
    """Hands out each series as it stands on the axis of one kind; copies are kept while it lasts.

    `update` is called with each poll that brought something.
    """

    def __init__(self, model: RunModel, kind: str = STEP) -> None:
        self._model = model
        self._placed: dict[int, Placed] = {}
        self.axis = Axis(kind)
        self._settle()

    @property
    def kind(self) -> str:
        """That of the axis."""
        return self.axis.kind

    @property
    def step_series(self) -> Series | None:
        """The run's series that tells best when each step was done."""
        return self._model.step_series

    @property
    def scale(self) -> StepScale:
        """Its ticks and labels."""
        return StepScale(self.axis.kind, self.axis.start)

    def choose(self, kind: str) -> None:
        """Another kind of axis."""
        self._placed.clear()
        self.axis = Axis(kind)
        self._settle()

    def update(self) -> None:
        """Take in what the model has by now."""
        self._settle()
        for placed in self._placed.values():
            placed.update()

    def of(self, series: Series) -> Series:
        """The series on this axis: the same object for the same series."""
        if self.axis.kind == STEP:
            return series
        known = self._placed.get(id(series))
        if known is None or known.origin is not series:
            known = self._placed[id(series)] = Placed(series, self.axis)
            known.update()
        return known.series

    def origin(self, series: Series) -> Series:
        """The series itself, of one that stands on this axis: index by index the same points."""
        found = [placed.origin for placed in self._placed.values() if placed.series is series]
        return found[0] if found else series

    def at(self, step: float, time: float | None = None) -> float:
        """Where a step stands; its `time` (unix seconds) is looked up where it is not told."""
        if self.axis.kind == STEP:
            return float(step)
        return self.axis.at(step, self._time_of(step) if time is None else time)

    def steps(self, low: float, high: float) -> tuple[float, float]:
        """The steps between two places on the axis."""
        steps = self._model.step_series
        if self.axis.kind == STEP or steps is None:
            return low, high
        placed = self.of(steps)
        if not placed.ascending:
            inside = steps.step[(placed.step >= low) & (placed.step <= high)]
            return (float(inside.min()), float(inside.max())) if len(inside) else (0.0, 0.0)
        first = int(np.searchsorted(placed.step, low, "left"))
        last = int(np.searchsorted(placed.step, high, "right")) - 1
        if last < first:
            return 0.0, 0.0
        return float(steps.step[first]), float(steps.step[last])

    def _settle(self) -> None:
        """Where time begins, and the epochs, as they are known by now."""
        steps = self._model.step_series
        if steps is not None and len(steps):
            self.axis.start = float(steps.time[0])
        self.axis.epochs = self._model.epochs

    def _time_of(self, step: float) -> float:
        steps = self._model.step_series
        if steps is None or not len(steps):
            return self.axis.start
        index = min(int(np.searchsorted(steps.step, round(step), "left")), len(steps) - 1)
        return float(steps.time[index]) if steps.ascending else _last_time(steps, step)


def _last_time(steps: Series, step: float) -> float:
    """When a step was done last, where steps went back."""
    done = np.flatnonzero(steps.step <= round(step))
    return float(steps.time[done[-1]]) if len(done) else float(steps.time[0])
