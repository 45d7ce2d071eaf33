"""The kinds of curve in a plot, each over one `Series` of the run's model.

Raw losses are one opaque, dim, one-pixel line without antialiasing (a two-pixel antialiased
noisy curve costs seconds a frame); smoothed losses and rates have few points and may be smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyqtgraph import PlotCurveItem, mkPen
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPaintEngine, QPainter, QPen

from lrmonitor.model.picture import MOST_PIECES, Part, Picture, joined
from lrmonitor.model.smoothed import Smoothed
from lrmonitor.model.smoothing import weight_of
from lrmonitor.record.reader import Series

from .bars import DENSE, LEAST, Bars
from .filling import FillsView
from .holds import Holds
from .pens import on_device
from .sampling import (
    as_log,
    log_range,
    one_per_column,
    rate_steps,
    straightened,
    value_range,
    with_holds,
)

Floats = NDArray[np.float64]

__all__ = ["Line", "LossCurve", "RateCurve", "Span"]

SMOOTH_POINTS = 250
"""Columns of a smoothed curve: at most twice as many points are drawn."""

DOT = 4.0
"""Pixels across a point that has no line."""

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


Dash = Callable[[Floats, Floats, Span], tuple[Floats, Floats]]
"""Puts the gaps of a dash into a line (x, y)."""


class Line(FillsView, PlotCurveItem):  # type: ignore[misc]
    """A curve that fills its view: nothing here asks where its points lie, and to look for that
    costs as much as to draw some of them."""

    def __init__(self, antialias: bool = False) -> None:
        super().__init__(antialias=antialias, connect="finite")
        self.setSegmentedLineMode("on")
        self._bars = Bars()
        self._dense = False
        self._alone: list[int] = []

    def show(self, x: Floats, y: Floats) -> None:
        """Draw these points, shapes (n,), in the place of those before. Only what is another than
        it was is painted anew: of a line that grows, its end."""
        old_x, old_y = self.getData()
        if old_x is None:
            old_x, old_y = _EMPTY, _EMPTY
        self.xData, self.yData = x, y
        box = self.getViewBox()
        if self._becomes_dense(x) != self._dense:
            self._dense = not self._dense
            self.update()
        alike = _alike(old_x, x, old_y, y)
        if alike == len(x) == len(old_x):
            return
        self.path = None
        self._lineSegmentsRendered = False
        self._alone = _alone(x, y)
        if not alike or box is None:
            self.update()
            return
        # From the last point that is where it was, or where a gap or a level line goes on.
        first, both = alike - 1, alike < min(len(x), len(old_x))
        if np.isnan(y[first]) or (both and y[first] == y[alike] == old_y[alike]):
            first = alike
        ends = np.concatenate((x[first:], old_x[first:]))
        (low, high), (bottom, top) = box.viewRange()
        if np.isnan(ends).all():
            return
        room = (2 + self.opts["pen"].widthF()) * (high - low) / max(box.width(), 1.0)
        left, right = float(np.fmin.reduce(ends)) - room, float(np.fmax.reduce(ends)) + room
        self.update(QRectF(left, bottom, right - left, top - bottom))

    def _becomes_dense(self, x: Floats) -> bool:
        """Whether a line is best drawn as bars. A line that grows does not become so half way."""
        box = self.getViewBox()
        if box is None or len(x) < LEAST:
            return False
        low, high = box.viewRange()[0]
        pixels = abs(float(x[-1] - x[0])) / (high - low) * box.width()
        return bool(len(x) >= DENSE * pixels)

    def paint(self, painter: QPainter, *_: object) -> None:
        x, y = self.xData, self.yData
        if x is None or not len(x):
            return
        antialias = self.opts["antialias"]
        pen = self.opts["pen"]
        thin = pen.widthF() <= 1 and not antialias and self.opts["segmentedLineMode"] == "on"
        # A drawing (SVG) gets the line: it is sharp at any size.
        if thin and self._dense and painter.paintEngine().type() == QPaintEngine.Type.Raster:
            self._bars.draw(painter, painter.transform(), x, y, pen.color())
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, antialias)
        for at in self._alone:
            dot = QPen(pen.color(), DOT, c=Qt.PenCapStyle.RoundCap)
            dot.setCosmetic(True)
            painter.setPen(on_device(dot, painter))
            painter.drawPoint(QPointF(float(x[at]), float(y[at])))
        painter.setPen(on_device(pen, painter))
        if self.opts["segmentedLineMode"] == "on":
            painter.drawLines(*self._getLineSegments())
        else:
            painter.drawPath(self.getPath())


def _alike(x1: Floats, x2: Floats, y1: Floats, y2: Floats) -> int:
    """How many points two lines begin with that are the same, gaps (nan) included."""
    count = min(len(x1), len(x2))
    if not count or x1[0] != x2[0]:
        return 0  # as when a view moves
    other = np.zeros(count, bool)
    for one, two in ((x1, x2), (y1, y2)):
        one, two = one[:count], two[:count]
        other |= (one != two) & ~(np.isnan(one) & np.isnan(two))
    return int(other.argmax()) if other.any() else count


def _alone(x: Floats, y: Floats) -> list[int]:
    """Which points have no line to either side, as there are gaps (nan): no line would show them.
    Also of a line that is one point, or goes nowhere."""
    if len(x) <= 2:
        return [0] if len(x) and not np.isnan(y[0]) and x[0] == x[-1] else []
    gap = np.isnan(y)
    if not gap.any():
        return []
    beside = np.concatenate(([True], gap, [True]))
    return np.flatnonzero(~gap & beside[:-2] & beside[2:]).tolist()


def _curve(width: float, antialias: bool, dashed: bool = False) -> Line:
    curve = Line(antialias)
    if dashed:  # line by line is faster, but would begin the dashes anew with each
        curve.setSegmentedLineMode("off")
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
        self.dash: Dash | None = None
        self._smoothing = smoothing
        self._picture = Picture(series)
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
        self._picture.follow()
        drawn = self._picture.drawn(span.low, span.high, span.columns, log)
        self.raw.show(drawn.x, as_log(drawn.y) if log else drawn.y)
        self.range = log_range(drawn.range) if log else drawn.range
        x, y = _EMPTY, _EMPTY
        if self._smoothing > 1:
            self._smoothed.follow()
            x, y = self._smoothed.drawn(span.low, span.high, SMOOTH_POINTS)
        y = as_log(y) if log else y
        self.smooth.show(*(self.dash(x, y, span) if self.dash else (x, y)))
        return drawn.unplaced

    def begin_anew_after(self, places: tuple[int, ...]) -> None:
        """Leave a gap where the training was rewound, or tested: what follows is not what came of
        it."""
        self._picture.cuts = places

    def smoothed_at(self, index: int) -> float | None:
        """The smoothed loss at an index of the series; None without smoothing."""
        if self._smoothing <= 1 or index >= len(self._picture.value):
            return None
        return float(self._smoothed.at(index, index + 1)[0])

    def _begin_smoothing(self) -> None:
        self._smoothed = Smoothed(self._picture, weight_of(max(self._smoothing, 1)))


class RateCurve:
    """One group's rate as a staircase: solid for the effective one, dashed for the schedule's."""

    def __init__(self, series: Series, scheduled: bool) -> None:
        self.series = series
        self.scheduled = scheduled
        self.item = _curve(1 if scheduled else 2, antialias=False, dashed=scheduled)
        self.item.setZValue(5 if scheduled else 10)
        self.range: tuple[float, float] | None = None
        self.dash: Dash | None = None
        self._picture = Picture(series)
        self._holds = Holds()

    def colour(self, strong: str, dim: str) -> None:
        """The pen."""
        if self.scheduled:
            self.item.setPen(mkPen(dim, width=1, style=Qt.PenStyle.DashLine))
        else:
            self.item.setPen(mkPen(strong, width=2))

    def all_positive(self) -> bool:
        """Whether each rate so far has a place on a logarithmic axis."""
        self._picture.follow()
        return self._picture.pyramid.all_positive()

    def refresh(self, span: Span, log: bool) -> Floats:
        """Draw the visible part. Returns the steps where the rate has no place on the axis."""
        self._picture.follow()
        parts = self._picture.parts(span.low, span.high)[-MOST_PIECES:]
        if not parts:
            self.clear()
            return _EMPTY
        lost = _EMPTY
        x, y = joined([self._staircase(part, span, log) for part in parts])
        if log:
            # A rate holds up to the next: where it ends to have no place is told too.
            missing = x[~((y > 0) & np.isfinite(y)) & ~np.isnan(x)]
            column = (span.high - span.low) / span.columns
            found = [self._picture.unplaced(part, column, log) for part in parts]
            lost = np.unique(np.concatenate((missing, *found)))
            lost = one_per_column(lost, span.low, span.high, span.columns)
            y = as_log(y)
        self.range = value_range(y)
        if self.range is not None:
            x, y = straightened(x, y, LEVEL * (self.range[1] - self.range[0]))
        self.item.show(*(self.dash(x, y, span) if self.dash else (x, y)))
        return lost

    def _staircase(self, part: Part, span: Span, log: bool) -> tuple[Floats, Floats]:
        """One ascending piece. The newest rate is carried on to the newest step."""
        whole = slice(part.begin, part.end)
        step, value = self._picture.step[whole], self._picture.value[whole]
        newest = span.newest if part.end == len(self._picture.step) else int(step[-1])
        # A jump of the effective rate is upright to the pixel; dashes cost too much for that.
        columns = SMOOTH_POINTS if self.scheduled else span.columns
        if part.last - part.first <= columns // 2:
            return rate_steps(step, value, span.low, span.high, newest)
        column = (span.high - span.low) / columns
        points = self._picture.points(part, column, log)
        holds = self._holds.of(self._picture, part, column) - part.begin
        x = points.step.astype(np.float64)
        return with_holds(x, points.value, step, value, holds, span.high, newest)

    def clear(self) -> None:
        """Draw nothing."""
        self.item.show(_EMPTY, _EMPTY)
        self.range = None
