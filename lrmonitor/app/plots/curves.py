"""The kinds of curve in a plot, each over one `Series` of the run's model.

Raw losses are one opaque, dim, one-pixel line without antialiasing (a two-pixel antialiased
noisy curve costs seconds a frame); smoothed losses and rates have few points and may be smooth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyqtgraph import PlotCurveItem, mkPen
from PySide6.QtCore import QRectF, Qt

from lrmonitor.model.decimate import minmax
from lrmonitor.record.reader import Series

from .running import RunningEma, weight_of
from .sampling import (
    as_log,
    inside,
    one_per_column,
    rate_steps,
    straightened,
    value_range,
    with_holds,
)
from .thinned import Holds, NonFinite, Thinned

Floats = NDArray[np.float64]

__all__ = ["LossCurve", "RateCurve", "Span"]

SMOOTH_POINTS = 250
"""Columns of a smoothed curve: at most twice as many points are drawn."""

WHOLE = 100_000
"""Points in view up to which a curve is drawn from the column itself."""

LEVEL = 0.0005
"""Share of a rate's range that its drawn line may be off: a fraction of a pixel."""

_EMPTY: Floats = np.empty(0)


@dataclass(frozen=True)
class Span:
    """What is visible: steps `low` to `high` on `columns` columns, and the run's newest step.

    Whole steps: numpy would copy a column of integers to search it for a float.
    """

    low: int
    high: int
    columns: int
    newest: int


def _sampled(
    step: NDArray[np.int64], value: Floats, thinned: Thinned, span: Span, columns: int
) -> tuple[Floats, Floats]:
    """Points for the visible part; of many steps from the thinned columns."""
    part = inside(step, span.low, span.high)
    if part.stop - part.start > WHOLE:
        step, value = thinned.of(step, value)
    return minmax(step, value, span.low, span.high, columns)


class _Line(PlotCurveItem):  # type: ignore[misc]
    """A curve that fills its view: nothing here asks where its points lie, and to look for that
    costs as much as to draw some of them."""

    def boundingRect(self) -> QRectF:
        rect = self.viewRect()
        return QRectF(rect) if rect is not None else QRectF()

    def viewRangeChanged(self) -> None:
        self.prepareGeometryChange()

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()


def _curve(width: float, antialias: bool, dashed: bool = False) -> PlotCurveItem:
    curve = _Line(antialias=antialias, connect="finite")
    # Line by line is faster, but would begin the dashes anew with each.
    curve.setSegmentedLineMode("off" if dashed else "on")
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    curve.setPen(mkPen("#888888", width=width, style=style))
    return curve


class LossCurve:
    """One optimizer's loss: every step, dim, and smoothed over it."""

    def __init__(self, series: Series, smoothing: int) -> None:
        self.series = series
        self.raw = _curve(1, antialias=False)
        self.smooth = _curve(2, antialias=True)
        self.smooth.setZValue(10)
        self.range: tuple[float, float] | None = None
        self._smoothing = smoothing
        self._thinned = Thinned()
        self._lost = NonFinite()
        self._begin_smoothing()

    def colour(self, strong: str, dim: str) -> None:
        """The pens; without smoothing the raw curve takes the strong colour."""
        self.raw.setPen(mkPen(dim if self._smoothing > 1 else strong, width=1))
        self.smooth.setPen(mkPen(strong, width=2))

    def set_smoothing(self, span: int) -> None:
        """Smooth over `span` steps; 1 for not at all."""
        if span != self._smoothing:
            self._smoothing = span
            self._begin_smoothing()

    def refresh(self, span: Span, log: bool) -> Floats:
        """Draw the visible part. Returns the steps that have no place on the axis."""
        step, value = self.series.step, self.series.value
        if not len(step):
            self.raw.setData(_EMPTY, _EMPTY)
            self.smooth.setData(_EMPTY, _EMPTY)
            self.range = None
            return _EMPTY
        x, y = _sampled(step, value, self._thinned, span, span.columns)
        drawn = as_log(y) if log else y
        self.raw.setData(x, drawn)
        self.range = value_range(drawn[(x >= span.low) & (x <= span.high)])
        self._refresh_smooth(step, value, span, log)
        steps = self._lost.of(step, value)
        lost = steps[inside(steps, span.low, span.high)].astype(np.float64)
        if log:
            below = x[(y <= 0) & (x >= span.low) & (x <= span.high)]
            if len(below):
                lost = np.unique(np.concatenate((lost, below)))
        return one_per_column(lost, span.low, span.high, span.columns)

    def _refresh_smooth(
        self, step: NDArray[np.int64], value: Floats, span: Span, log: bool
    ) -> None:
        if self._smoothing <= 1:
            self.smooth.setData(_EMPTY, _EMPTY)
            return
        smooth = self._ema.extended(value)
        x, y = _sampled(step, smooth, self._smooth_thinned, span, SMOOTH_POINTS)
        self.smooth.setData(x, as_log(y) if log else y)

    def _begin_smoothing(self) -> None:
        self._ema = RunningEma(weight_of(max(self._smoothing, 1)))
        self._smooth_thinned = Thinned()


class RateCurve:
    """One group's rate as a staircase: solid for the effective one, dashed for the schedule's."""

    def __init__(self, series: Series, scheduled: bool) -> None:
        self.series = series
        self.scheduled = scheduled
        self.item = _curve(1 if scheduled else 2, antialias=False, dashed=scheduled)
        self.item.setZValue(5 if scheduled else 10)
        self.range: tuple[float, float] | None = None
        self._thinned = Thinned()
        self._holds = Holds()

    def colour(self, strong: str, dim: str) -> None:
        """The pen."""
        if self.scheduled:
            self.item.setPen(mkPen(dim, width=1, style=Qt.PenStyle.DashLine))
        else:
            self.item.setPen(mkPen(strong, width=2))

    def refresh(self, span: Span, log: bool) -> Floats:
        """Draw the visible part. Returns the steps where the rate has no place on the axis."""
        step, value = self.series.step, self.series.value
        lost = _EMPTY
        part = inside(step, span.low, span.high)
        # A jump of the effective rate is upright to the pixel; dashes cost too much for that.
        columns = SMOOTH_POINTS if self.scheduled else span.columns
        if part.stop - part.start > columns // 2:
            x, y = _sampled(step, value, self._thinned, span, columns)
            column = (span.high - span.low) / columns
            holds = self._holds.of(step, span.low, span.high, column)
            x, y = with_holds(x, y, step, value, holds, span.high, span.newest)
        else:
            x, y = rate_steps(step, value, span.low, span.high, span.newest)
        if log:
            missing = ~((y > 0) & np.isfinite(y))
            lost = one_per_column(np.unique(x[missing]), span.low, span.high, span.columns)
            y = as_log(y)
        self.range = value_range(y)
        if self.range is not None:
            x, y = straightened(x, y, LEVEL * (self.range[1] - self.range[0]))
        self.item.setData(x, y)
        return lost

    def clear(self) -> None:
        """Draw nothing."""
        self.item.setData(_EMPTY, _EMPTY)
        self.range = None
