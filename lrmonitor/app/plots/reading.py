"""What the plots show at one place, and how two places differ. Values only: no widget, no word of
the screen but names."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lrmonitor.record.reader import Series

from .chart import LossChart, RateChart
from .metrics import MetricChart
from .placing import Placing

__all__ = ["Reading", "Row", "read"]

MOST_RATES = 6
"""Groups whose rates are read: more would cover the plot."""


@dataclass(frozen=True)
class Row:
    """One value. `kind`: "loss", "smoothed", "rate" or "metric". `number`, `address`: whose it is
    where there are several. `scheduled`: what the schedule wanted, where that is another rate.
    `step`: where a metric's value is from, where not from the step that was read."""

    kind: str
    name: str
    value: float
    scheduled: float | None = None
    step: int | None = None


@dataclass(frozen=True)
class Reading:
    """`place` on the axis, the `step` there, its `time` (unix seconds; None where unknown)."""

    place: float
    step: int
    time: float | None
    rows: tuple[Row, ...]

    def value(self, kind: str, name: str) -> float | None:
        """The value of that row, None where there is none."""
        return next((r.value for r in self.rows if (r.kind, r.name) == (kind, name)), None)


def read(
    place: float,
    placing: Placing,
    steps: Series | None,
    loss: LossChart,
    rate: RateChart,
    metrics: list[MetricChart],
) -> Reading:
    """What stands at `place`; on an axis of time, at the recorded step nearest to it.

    `steps` tells when each step was done.
    """
    place, step, time = _nearest(place, placing, steps)
    rows: list[Row] = []
    for number, curve in loss.curves.items():
        index = _latest(curve.series, place)
        if index < 0 or int(curve.series.step[index]) != round(place):
            continue
        rows.append(Row("loss", str(number), float(curve.series.value[index])))
        smooth = curve.smoothed_at(index)
        if smooth is not None and math.isfinite(smooth):
            rows.append(Row("smoothed", str(number), smooth))
    for address, effective in list(rate.effective.items())[:MOST_RATES]:
        value = _before(effective.series, place)
        if value is None:
            continue
        scheduled = rate.scheduled.get(address)
        wanted = None if scheduled is None else _before(scheduled.series, place)
        name = f"{address[0]}.{address[1]}"
        rows.append(Row("rate", name, value, None if wanted == value else wanted))
    for chart in metrics:
        series = chart.curve.series
        last = _latest(series, place)
        if last >= 0:
            own = int(placing.origin(series).step[last])
            told = None if own == step else own
            rows.append(Row("metric", chart.title, float(series.value[last]), step=told))
    return Reading(place, step, time, tuple(rows))


def _nearest(
    place: float, placing: Placing, steps: Series | None
) -> tuple[float, int, float | None]:
    """The place that is read, the step there and its time."""
    if steps is None or not len(steps):
        step = max(round(place), 0) if placing.kind == "step" else 0
        return float(max(round(place), 0)), step, None
    placed = placing.of(steps)
    if placing.kind == "step":
        step = max(round(place), 0)
        index = _latest(steps, step)
        known = index >= 0 and int(steps.step[index]) == step
        return float(step), step, float(steps.time[index]) if known else None
    index = max(_latest(placed, place), 0)
    if index + 1 < len(placed):
        here, there = abs(placed.step[index] - place), abs(placed.step[index + 1] - place)
        index += int(there < here)
    return float(placed.step[index]), int(steps.step[index]), float(steps.time[index])


def _latest(series: Series, place: float) -> int:
    """The index of the last point that stands at this place or before it; -1 if none."""
    at = math.floor(place + 1e-9)
    if series.ascending:
        return int(np.searchsorted(series.step, at, side="right")) - 1
    before = np.flatnonzero(series.step <= at)
    return int(before[-1]) if len(before) else -1


def _before(series: Series, place: float) -> float | None:
    """The value that held at this place: recorded there or last before it."""
    index = _latest(series, place)
    return None if index < 0 else float(series.value[index])
