"""Where findings hold, on the plot of the loss: a shade over their steps, and a bar on top."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from lrmonitor.diagnosis.words import headline, severity_word
from lrmonitor.model.findings import Told

from ..severity import severity_colour
from ..theme import Theme
from .marks import Mark, PixelItem

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


class FindingRegions(PixelItem):
    """All of them, whatever their number; those narrower than a pixel are drawn once a pixel."""

    def __init__(self) -> None:
        super().__init__(-20)
        self.regions: tuple[Region, ...] = ()
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
            self.show_changes()

    def any(self) -> bool:
        return bool(self.regions)

    def draw(self, painter: QPainter, area: QRectF, shown: tuple[float, float]) -> None:
        scale = area.width() / (shown[1] - shown[0])
        taken: set[tuple[int, int, str]] = set()
        for region in self.regions:
            if region.last < shown[0] or region.first > shown[1]:
                continue
            left = max(area.left() + (region.first - shown[0]) * scale, area.left())
            right = min(area.left() + (region.last - shown[0]) * scale, area.right())
            place = (round(left), round(right), region.severity)
            if place in taken:
                continue
            taken.add(place)
            shade, strong = self._of(region.severity, region.quiet)
            if shade is not None and right - left >= 1:
                painter.fillRect(QRectF(left, area.top(), right - left, area.height()), shade)
            middle, half = (left + right) / 2, max((right - left) / 2, BAR)
            painter.fillRect(QRectF(middle - half, area.top(), 2 * half, BAR), strong)

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
    """Where these findings hold on an axis on which a step stands `at` a place; the worst last."""
    found = sorted(told, key=lambda one: (one.alarming, one.finding.detected_step))
    return [
        Region(
            at(one.finding.first_step),
            at(max(one.finding.last_step, one.finding.detected_step)),
            one.finding.severity,
            bool(one.muted) or not one.finding.open,
        )
        for one in found
    ]


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
