"""One plot of a comparison: the same series of several runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrmonitor.record.reader import Series

from ..plots.chart import Chart
from ..plots.curves import LossCurve, RateCurve, Span
from ..plots.layers import Upright
from ..plots.pens import pen_of
from ..theme import Theme
from .dashes import Dashes
from .runs import Look

__all__ = ["CompareChart"]

CROWD = 6
"""Curves up to which each is drawn wide."""

Floats = NDArray[np.float64]
Ranges = list[tuple[float, float] | None]


class CompareChart(Chart):
    """A curve for each run, in the run's colour and dash."""

    def __init__(self, key: str, smoothing: int) -> None:
        self.key = key
        self.rates = key == "lr" or key.startswith("scheduled")
        super().__init__(key, handles=False, rates=self.rates)
        self.curves: dict[Path, LossCurve | RateCurve] = {}
        self._looks: dict[Path, Look] = {}
        self.ends: Mapping[Path, int] = {}
        """The latest step of each run: its rate is not drawn beyond it."""
        self._smoothing = smoothing
        self.cursor = Upright()
        self.view.add(self.cursor)

    def set_smoothing(self, span: int) -> None:
        """Smooth over `span` steps; 1 for not at all."""
        self._smoothing = span
        for curve in self.curves.values():
            if isinstance(curve, LossCurve):
                curve.set_smoothing(span)

    def show(self, folder: Path, series: Series, look: Look) -> bool:
        """Draw the series of a run; whether that is another one than before."""
        known = self.curves.get(folder)
        if known is not None and known.series is series:
            return False
        self.forget(folder)
        curve = RateCurve(series, scheduled=False) if self.rates else LossCurve(series, 1)
        curve.dash = Dashes(look.dash)
        if isinstance(curve, LossCurve):
            curve.set_smoothing(self._smoothing)
            self.view.add(curve.raw)
            self.view.add(curve.smooth)
        else:
            self.view.add(curve.item)
        self.curves[folder], self._looks[folder] = curve, look
        return True

    def forget(self, folder: Path) -> None:
        """Draw a run no more."""
        curve = self.curves.pop(folder, None)
        self._looks.pop(folder, None)
        if isinstance(curve, LossCurve):
            self.view.remove(curve.raw)
            self.view.remove(curve.smooth)
        elif curve is not None:
            self.view.remove(curve.item)

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().colour(theme)
        self.cursor.colour(pen_of(theme.quiet))
        many = len(self.curves) > 1
        for folder, curve in self.curves.items():
            look = self._looks[folder]
            strong = theme.curve(look.colour)
            # Several dim curves on top of each other are told apart only when they are fainter.
            dim = theme.dim(strong, 0.22 if many else 0.4)
            curve.colour(strong, dim)
            line = curve.smooth if isinstance(curve, LossCurve) else curve.item
            # Wide, smooth lines cost a millisecond each.
            crowd = len(self.curves) > CROWD
            line.antialias = isinstance(curve, LossCurve) and not crowd
            line.set_pen(pen_of(strong, width=1 if crowd else 2))
            if isinstance(curve, LossCurve):
                curve.raw.set_pen(pen_of(strong if self._smoothing <= 1 else dim, width=1))

    def _draw(self, span: Span) -> tuple[list[Floats], Ranges]:
        lost = [
            curve.refresh(replace(span, newest=self.ends.get(folder, span.newest)), self.log)
            for folder, curve in self.curves.items()
        ]
        return lost, [curve.range for curve in self.curves.values()]
