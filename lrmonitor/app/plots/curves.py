"""The kinds of curve in a plot, each over one `Series` of the run's model.

Raw losses are one opaque, dim, one-pixel line without antialiasing (a two-pixel antialiased
noisy curve costs seconds a frame); smoothed losses and rates have few points and may be smooth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt

from lrmonitor.model.picture import MOST_PIECES, Part, Picture, joined
from lrmonitor.model.smoothed import Smoothed
from lrmonitor.model.smoothing import weight_of
from lrmonitor.model.unseen import Unseen
from lrmonitor.model.wide import Margin, WideDrawn, WideLine, visible
from lrmonitor.record.reader import Series

from .holds import Holds
from .line import Line
from .pens import pen_of
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

__all__ = ["LossCurve", "RateCurve", "Span"]

SMOOTH_POINTS = 250
"""Columns of a smoothed curve: at most twice as many points are drawn."""

AWAY = 1 / 3
"""Pixels that a curve may end before its newest point, until it is drawn on."""

LEVEL = 0.0005
"""Share of a rate's range that its drawn line may be off: a fraction of a pixel."""

NEAR = 0.001
"""The same of where its line ends, until it is drawn on."""

CHANGED = 0.01
"""Share of a rate by which it may be another one there at most: where an axis shows a small part of
all its values, that is seen."""

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
    share: float = 1.0
    """How many times as wide as the view."""
    pixels: float = math.inf
    """Across the view."""

    @property
    def column(self) -> float:
        """Steps of a column."""
        return (self.high - self.low) / max(self.columns, 1)

    @property
    def away(self) -> float:
        """Steps by which a curve may end before its newest point, and nobody sees it."""
        return AWAY * (self.high - self.low) / self.pixels


class Dash(Protocol):
    """The gaps of a dashed line."""

    def unit(self, width: float) -> float:
        """Steps of the shortest piece in a view that is so many steps wide."""

    def put(self, x: Floats, y: Floats, span: Span) -> tuple[Floats, Floats]:
        """The line (x, y) with the gaps in it."""


class LossCurve:
    """One optimizer's loss: every step, dim, and smoothed over it."""

    def __init__(self, series: Series, smoothing: int) -> None:
        self.series = series
        self.raw = Line()
        self.smooth = Line(antialias=True, height=10)
        self.range: tuple[float, float] | None = None
        self.dash: Dash | None = None
        self._smoothing = smoothing
        self._picture = Picture(series)
        self._wide = WideDrawn(self._picture)
        self._unseen = Unseen(self._picture)
        self._lost = _EMPTY
        self._begin_smoothing()

    def colour(self, strong: str, dim: str) -> None:
        """The pens; without smoothing the raw curve takes the strong colour."""
        self.raw.set_pen(pen_of(dim if self._smoothing > 1 else strong, width=1))
        self.smooth.set_pen(pen_of(strong, width=2))

    def set_smoothing(self, span: int) -> None:
        """Smooth over `span` steps; 1 for not at all."""
        if span != self._smoothing:
            self._smoothing = span
            self._begin_smoothing()

    def follow(self) -> None:
        """Take what is new: no Qt in it, so that several curves can do it side by side."""
        self._picture.follow()
        if self._smoothing > 1:
            self._smoothed.follow()

    @property
    def behind(self) -> int:
        """How many points it has not taken yet."""
        return len(self.series) - len(self._picture.step)

    def refresh(self, span: Span, log: bool) -> Floats:
        """Draw the visible part. Returns the steps that have no place on the axis."""
        self.follow()
        view = (span.low, span.high, span.columns, log, self._smoothing, self.dash)
        if self._unseen.still(view):
            return self._lost
        drawn = self._wide.drawn(span.low, span.high, span.columns, log)
        y = as_log(drawn.y) if log else drawn.y
        self._unseen.drawn(view, drawn.x, y, span.away, span.column, log)
        self._lost = drawn.unplaced
        self.raw.show(drawn.x, y)
        self.range = log_range(drawn.range) if log else drawn.range
        x, y = _EMPTY, _EMPTY
        if self._smoothing > 1:
            unit = self.dash.unit(span.high - span.low) if self.dash else None
            x, y = self._wide_smooth.line(span.low, span.high, SMOOTH_POINTS, log, unit)
        self.smooth.show(x, y)
        return self._lost

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
        self._wide_smooth = WideLine(self._picture, self._smooth_line)

    def _smooth_line(
        self, low: int, high: int, columns: int, log: bool, share: float
    ) -> tuple[Floats, Floats]:
        x, y = self._smoothed.drawn(low, high, columns)
        y = as_log(y) if log else y
        return self.dash.put(x, y, Span(low, high, columns, high, share)) if self.dash else (x, y)


class RateCurve:
    """One group's rate as a staircase: solid for the effective one, dashed for the schedule's."""

    def __init__(self, series: Series, scheduled: bool) -> None:
        self.series = series
        self.scheduled = scheduled
        # Piece by piece is faster, but would begin the dashes anew with each.
        self.item = Line(whole=scheduled, height=5 if scheduled else 10)
        self.range: tuple[float, float] | None = None
        self.dash: Dash | None = None
        self._picture = Picture(series)
        # Its jumps are upright to the pixel.
        self._margin = Margin(self._picture, scales=False)
        self._unseen = Unseen(self._picture)
        self._lost = _EMPTY
        self._worked: tuple[Floats, Floats, Floats] | None = None
        self._holds = Holds()

    def colour(self, strong: str, dim: str) -> None:
        """The pen."""
        if self.scheduled:
            self.item.set_pen(pen_of(dim, width=1, style=Qt.PenStyle.DashLine))
        else:
            self.item.set_pen(pen_of(strong, width=2))

    def follow(self) -> None:
        """Take what is new; as that of a loss."""
        self._picture.follow()

    @property
    def behind(self) -> int:
        """How many points it has not taken yet."""
        return len(self.series) - len(self._picture.step)

    def all_positive(self) -> bool:
        """Whether each rate so far has a place on a logarithmic axis."""
        self._picture.follow()
        return self._picture.pyramid.all_positive()

    def refresh(self, span: Span, log: bool) -> Floats:
        """Draw the visible part. Returns the steps where the rate has no place on the axis."""
        self._picture.follow()
        picture, margin = self._picture, self._margin
        if not len(picture.step):
            self.clear()
            return _EMPTY
        view = (span.low, span.high, span.columns, log, self.dash)
        if self._unseen.still(view, span.newest):
            return self._lost
        # Near its end the newest rate is carried on as steps are made.
        near = 2 * span.high - span.low > picture.step[-1]
        kind = (log, span.newest if near else None)
        if not margin.holds(span.low, span.high, span.columns, kind):
            columns = round(span.columns * margin.share)
            self._worked = self._work_out(
                Span(margin.low, margin.high, columns, span.newest, margin.share), log
            )
        if self._worked is None:
            self.clear()
            return _EMPTY
        x, y, lost = self._worked
        if (span.low, span.high) != (margin.low, margin.high):
            part, _ = visible(x, span.low, span.high)
            x, y = x[part], y[part]
            lost = lost[visible(lost, span.low, span.high)[1]]
        self.range = value_range(y)
        room = 0.0
        if self.range is not None:
            high = self.range[1] - self.range[0]
            x, y = straightened(x, y, LEVEL * high)
            changed = math.log10(1 + CHANGED) if log else CHANGED * abs(float(y[-1]))
            room = min(NEAR * high, changed)
        self._unseen.drawn(view, x, y, span.away, span.column, log, room, span.newest)
        self._lost = lost
        self.item.show(*(self.dash.put(x, y, span) if self.dash else (x, y)))
        return lost

    def _work_out(self, span: Span, log: bool) -> tuple[Floats, Floats, Floats] | None:
        """The staircase (x, y) and the steps that have no place; None where nothing is in view."""
        parts = self._picture.parts(span.low, span.high)[-MOST_PIECES:]
        if not parts:
            return None
        lost = _EMPTY
        x, y = joined([self._staircase(part, span, log) for part in parts])
        if log:
            # A rate holds up to the next: where it ends to have no place is told too.
            found = [self._picture.unplaced(part, span.column, log) for part in parts]
            if not (y.min() > 0 and y.max() < np.inf):  # so also with a nan
                found.append(x[~((y > 0) & np.isfinite(y)) & ~np.isnan(x)])
            if any(len(one) for one in found):
                lost = np.unique(np.concatenate(found))
                lost = one_per_column(lost, span.low, span.high, span.columns)
            y = as_log(y)
        return x, y, lost

    def _staircase(self, part: Part, span: Span, log: bool) -> tuple[Floats, Floats]:
        """One ascending piece. The newest rate is carried on to the newest step."""
        whole = slice(part.begin, part.end)
        step, value = self._picture.step[whole], self._picture.value[whole]
        newest = span.newest if part.end == len(self._picture.step) else int(step[-1])
        # A jump of the effective rate is upright to the pixel; dashes cost too much for that.
        columns = round(SMOOTH_POINTS * span.share) if self.scheduled else span.columns
        if part.last - part.first <= columns // 2:
            return rate_steps(step, value, span.low, span.high, newest)
        column = (span.high - span.low) / columns
        points = self._picture.points(part, column, log)
        holds = self._holds.of(self._picture, part, column) - part.begin
        x = points.step.astype(np.float64)
        return with_holds(x, points.value, step, value, holds, span.high, newest)

    def clear(self) -> None:
        """Draw nothing."""
        self._unseen.forget()
        self.item.show(_EMPTY, _EMPTY)
        self.range = None
