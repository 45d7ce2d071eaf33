"""Where findings hold, on the plot of the loss: a shade over their steps, and a bar on top."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from lrmonitor.diagnosis.finding import RANK
from lrmonitor.diagnosis.words import headline, severity_word
from lrmonitor.model.findings import Told

from ..severity import severity_colour
from ..theme import Theme
from .marks import Mark, PixelItem
from .primitives import Primitives

Floats = NDArray[np.float64]

__all__ = ["FindingRegions", "Region", "finding_marks", "regions"]

BAR = 4.0
"""Height of the bar on the upper edge, in pixels; it is at least twice as wide."""

SHADE = {"info": 0.0, "warning": 0.13, "critical": 0.16}
"""How strong the shade over the steps is; what is only worth knowing has the bar alone."""


@dataclass(frozen=True)
class Region:
    """A finding from place `first` to `last` on the axis. `quiet`: it is over, or muted."""

    first: float
    last: float
    severity: str
    quiet: bool


class _Alike:
    """Regions that are painted in one colour."""

    def __init__(self, found: Sequence[Region]) -> None:
        self.severity, self.quiet = found[0].severity, found[0].quiet
        self.first = np.array([one.first for one in found], np.float64)
        self.last = np.array([one.last for one in found], np.float64)
        self.shades, self.bars = Primitives(QRectF), Primitives(QRectF)

    def meeting(self, low: float, high: float) -> NDArray[np.bool_]:
        """Which of them hold between these steps, (n,)."""
        found: NDArray[np.bool_] = (self.last >= low) & (self.first <= high)
        return found

    def pixels(self, area: QRectF, shown: tuple[float, float]) -> tuple[Floats, Floats]:
        """Where those in view begin and end on the canvas, (n,); of several between the same
        pixels one."""
        scale = area.width() / (shown[1] - shown[0])
        there = self.meeting(*shown)
        left = area.left() + (self.first[there] - shown[0]) * scale
        right = area.left() + (self.last[there] - shown[0]) * scale
        left, right = np.maximum(left, area.left()), np.minimum(right, area.right())
        # They come in the order of their steps: those at one place follow on each other, mostly.
        place = np.round((left, right))
        other = np.ones(len(left), bool)
        other[1:] = (place[:, 1:] != place[:, :-1]).any(axis=0)
        return left[other], right[other]


class FindingRegions(PixelItem):
    """All of them, whatever their number; those narrower than a pixel are drawn once a pixel."""

    def __init__(self) -> None:
        super().__init__(-20)
        self.regions: tuple[Region, ...] = ()
        self._alike: list[_Alike] = []
        self._theme: Theme | None = None
        self._colours: dict[tuple[str, bool], tuple[QColor | None, QColor]] = {}
        self._visible = False

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._colours.clear()
        self.update()

    def show_regions(self, regions: Sequence[Region]) -> None:
        """Show these; the later ones above the earlier."""
        if tuple(regions) != self.regions:
            self.regions = tuple(regions)
            kinds = itertools.groupby(regions, lambda one: (one.severity, one.quiet))
            self._alike = [_Alike(list(found)) for _, found in kinds]
            self.show_changes()

    def any(self) -> bool:
        return bool(self.regions)

    def between(self, low: float, high: float) -> bool:
        return any(alike.meeting(low, high).any() for alike in self._alike)

    def draw(self, painter: QPainter, area: QRectF, shown: tuple[float, float]) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        for alike in self._alike:
            left, right = alike.pixels(area, shown)
            if not len(left):
                continue
            shade, strong = self._of(alike.severity, alike.quiet)
            wide = right - left >= 1
            if shade is not None and wide.any():
                ends = left[wide], right[wide]
                painter.setBrush(shade)
                painter.drawRects(*alike.shades.of(_rects(*ends, area.top(), area.height())))
            middle, half = (left + right) / 2, np.maximum((right - left) / 2, BAR)
            painter.setBrush(strong)
            painter.drawRects(*alike.bars.of(_rects(middle - half, middle + half, area.top(), BAR)))

    def _of(self, severity: str, quiet: bool) -> tuple[QColor | None, QColor]:
        """The colours of the shade, if there is one, and of the bar."""
        known = self._colours.get((severity, quiet))
        if known is None:
            assert self._theme is not None
            colour = severity_colour(severity, self._theme)
            shade = SHADE.get(severity, 0.0) * (0.5 if quiet else 1.0)
            known = self._colours[severity, quiet] = (
                QColor(self._theme.dim(colour, shade)) if shade else None,
                QColor(self._theme.dim(colour, 0.5) if quiet else colour),
            )
        return known


def regions(told: Iterable[Told], at: Callable[[float], float]) -> list[Region]:
    """Where these findings hold on an axis on which a step stands `at` a place; the worst last,
    and those of one look together."""
    found = sorted(
        told,
        key=lambda one: (
            one.alarming,
            RANK.get(one.finding.severity, 0),
            not _is_quiet(one),
            one.finding.detected_step,
        ),
    )
    return [
        Region(
            at(one.finding.first_step),
            at(max(one.finding.last_step, one.finding.detected_step)),
            one.finding.severity,
            _is_quiet(one),
        )
        for one in found
    ]


def _is_quiet(told: Told) -> bool:
    return bool(told.muted) or not told.finding.open


def _rects(left: Floats, right: Floats, top: float, height: float) -> Floats:
    """Rectangles of one height, (n, 4) as `QRectF`."""
    rows = np.empty((len(left), 4))
    rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = left, top, right - left, height
    return rows


def finding_marks(told: Iterable[Told], at: Callable[[float], float]) -> list[Mark]:
    """The same as marks to be pointed at: `time` is the finding's id."""
    return [
        Mark(
            at(one.finding.detected_step),
            "finding",
            f"{severity_word(one.finding.severity)}: {headline(one.finding)}",
            float(one.finding.id),
        )
        for one in told
    ]
