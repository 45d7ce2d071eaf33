"""Plots of what the script logged or printed: one below the loss for each series that is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from lrmonitor.model.picture import Picture
from lrmonitor.model.throughput import NAME as SPEED
from lrmonitor.model.unseen import Unseen
from lrmonitor.model.wide import WideDrawn
from lrmonitor.record.reader import Series

from .chart import Chart
from .curves import Span
from .dots import Dots
from .line import Line
from .pens import pen_of
from .sampling import as_log, log_range

Floats = NDArray[np.float64]

_EMPTY: Floats = np.empty(0)

__all__ = ["MOST", "MetricChart", "MetricChoice", "MetricCurve", "metric_key", "metric_name"]

MOST = 3
"""Plots of metrics at a time: more would leave none of them readable."""

DOTS = 150
"""Points in view up to which each has a dot: a single value would show as no line at all."""

SMOOTH = 500
"""Points in view up to which the line is drawn wide and antialiased."""

LONGEST_TITLE = 24


MEASURED = "measured"

_NAMES: dict[str, str] = {
    "grad_norm": str(QT_TRANSLATE_NOOP("MetricChart", "gradient norm")),
    "update_ratio": str(QT_TRANSLATE_NOOP("MetricChart", "update ratio")),
}


def metric_key(series: Series) -> str:
    """What tells a series from another of its name: a logged and a printed one may share it."""
    info = series.info
    kind = "printed" if info.series < 0 else "logged"
    return f"{MEASURED if info.kind != 'metric' else kind}:{info.name}"


def metric_name(series: Series) -> str:
    """What it is called on the screen: those that lrmonitor measures have words for names."""
    name, info = series.info.name, series.info
    word = _NAMES.get(info.kind)
    if word is None:
        return name
    told = QCoreApplication.translate("MetricChart", word)
    return told if not info.optimizer else f"{told} [{info.optimizer}]"


class MetricCurve:
    """One series of numbers that come now and then, or at each step."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self.line = Line()
        self.dots = Dots()
        self.range: tuple[float, float] | None = None
        self._colour = "#888888"
        self._wide = True
        self._lost: Floats = _EMPTY
        self._begin()

    def colour(self, colour: str) -> None:
        """The pens."""
        self._colour = colour
        self.line.set_pen(pen_of(colour, width=2 if self._wide else 1))
        self.dots.colour(colour)

    def follow(self, series: Series) -> None:
        """Draw another series in the place of the one before: the same numbers, read anew."""
        if series is not self.series:
            self.series = series
            self._begin()

    def take(self) -> None:
        """Take what is new; as `LossCurve.follow`."""
        self._picture.follow()

    @property
    def behind(self) -> int:
        """How many points it has not taken yet."""
        return len(self.series) - len(self._picture.step)

    def refresh(self, span: Span, log: bool = False) -> Floats:
        """Draw the visible part. Returns the steps whose value has no place on the axis."""
        self._picture.follow()
        view = (span.low, span.high, span.columns, log)
        if self._unseen.still(view):
            return self._lost
        drawn = self._visible.drawn(span.low, span.high, span.columns, log)
        y = as_log(drawn.y) if log else drawn.y
        if drawn.count > SMOOTH:  # else each point may have a dot
            self._unseen.drawn(view, drawn.x, y, span.away, span.column, log)
        self._lost = drawn.unplaced
        self._widen(drawn.count <= SMOOTH)
        self.line.show(drawn.x, y)
        self.dots.set_visible(drawn.count <= DOTS)
        if drawn.count <= DOTS:
            dotted = np.isfinite(y)
            self.dots.show(drawn.x[dotted], y[dotted])
        self.range = log_range(drawn.range) if log else drawn.range
        return self._lost

    def _begin(self) -> None:
        self._picture = Picture(self.series)
        self._visible = WideDrawn(self._picture)
        self._unseen = Unseen(self._picture)
        self._lost = _EMPTY

    def _widen(self, wide: bool) -> None:
        if wide != self._wide:
            self._wide = wide
            self.line.antialias = wide
            self.line.set_pen(pen_of(self._colour, width=2 if wide else 1))


class MetricChart(Chart):
    """The plot of one series."""

    def __init__(self, series: Series) -> None:
        name = metric_name(series)
        title = name if len(name) <= LONGEST_TITLE else name[: LONGEST_TITLE - 1] + "…"
        super().__init__(title, handles=False)
        if series.info.name == SPEED:
            self._short = QCoreApplication.translate("MetricChart", "steps/s")
        self.curve = MetricCurve(series)
        for part in (self.curve.line, self.curve.dots):
            self.view.add(part)
        self.show_steps(None)
        self.left.fewest = 4  # low as it is, one tick would not tell a scale

    def _draw(self, span: Span) -> tuple[list[Floats], list[tuple[float, float] | None]]:
        lost = self.curve.refresh(span, self.log)
        return [lost], [self.curve.range]

    def _lines(self) -> list[tuple[Floats, Floats]]:
        return [self.curve.line.points()]


@dataclass(frozen=True)
class MetricChoice:
    """A series that can be shown: its key, its name, whether it is shown, and whether it can be
    removed (it was made of printed numbers)."""

    key: str
    name: str
    shown: bool
    removable: bool

    @property
    def measured(self) -> bool:
        """Whether lrmonitor measures it, and the script tells nothing of it."""
        return self.key.startswith(f"{MEASURED}:")
