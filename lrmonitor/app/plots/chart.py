"""One plot of the pane: its curves, its vertical range, its axis on a linear or a log scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyqtgraph import PlotItem
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication

from ..theme import Theme
from .axes import PlainAxis, PlotGrid
from .curves import LossCurve, RateCurve, Span
from .marks import AxisMarks, Mark, MarkLines
from .preview import PreviewCurves
from .ranges import grow_values
from .regions import FindingRegions
from .sampling import calm_range
from .scales import StepScale
from .stepview import StepView

__all__ = ["Chart", "LossChart", "RateChart"]


class Chart:
    """A plot item with our own axes, grid and marks. Subclasses own the curves."""

    def __init__(self, title: str, handles: bool, rates: bool = False) -> None:
        self.left = PlainAxis("left", rates)
        self.bottom = PlainAxis("bottom")
        self.view = StepView()
        self.item = PlotItem(
            viewBox=self.view, axisItems={"left": self.left, "bottom": self.bottom}
        )
        self.item.hideButtons()
        self.item.setMenuEnabled(False)
        self.item.disableAutoRange()
        self.item.setContentsMargins(0, 0, 0, 0)
        for unused in ("top", "right"):
            # Hidden, it would lay out an empty title each time that the view moves.
            self.item.getAxis(unused).unlinkFromView()
        self.log = False
        self.calm = False
        """Whether the axis is that of most values: outliers are beyond it, and told at its edge."""
        self.title = title
        self.grid = PlotGrid(self.left, self.bottom)
        self.axis_marks = AxisMarks()
        self.mark_lines = MarkLines(handles)
        for part in (self.grid, self.axis_marks, self.mark_lines):
            self.item.addItem(part, ignoreBounds=True)
        self._shown: tuple[float, float] | None = None
        self._quiet = "#888888"
        self._height = 0
        self._short = ""
        """The title of a plot that is not high enough for all of it."""
        self.view.sigResized.connect(self._on_resized)

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.left.colour(theme)
        self.bottom.colour(theme)
        self._quiet = theme.quiet
        self.view.colour(theme)
        self._show_title()
        self.grid.colour(theme)
        self.axis_marks.colour(theme)
        self.mark_lines.colour(theme)

    def _on_resized(self) -> None:
        """Also of a plot into which nothing new comes."""
        if round(self.view.height()) != self._height:
            self._show_title()

    def _show_title(self) -> None:
        """The title, or as much of it as the plot is high for."""
        self._height = round(self.view.height())
        metrics = QFontMetrics(QGuiApplication.font())
        room = max(self._height, 24)
        fits = metrics.horizontalAdvance(self.title) <= room
        # What stands in brackets goes first.
        title = self.title if fits else self._short or self.title.partition(" (")[0]
        title = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room)
        self.left.setLabel(title, color=self._quiet)
        self.left.resizeEvent()  # a label is put into the middle only when its axis is resized

    def show_steps(self, label: str | None, theme: Theme) -> None:
        """Show the step axis, titled `label`; with None this plot leaves it to the one below."""
        if label is None:
            self.item.hideAxis("bottom")
        else:
            self.bottom.setLabel(label, color=theme.quiet)

    def look_at(self, low: float, high: float) -> None:
        """Show this stretch of the common axis."""
        if self.view.viewRange()[0] != [low, high]:
            self.view.setXRange(float(low), float(high), padding=0)

    def set_scale(self, scale: StepScale) -> None:
        """The ticks of the common axis."""
        if scale != self.bottom.scale_of:
            self.bottom.scale_of = scale
            self.bottom.picture = None
            self.bottom.update()
            self.grid.update()

    def set_log(self, log: bool) -> None:
        """Draw powers of ten evenly spaced, or values."""
        if log == self.log:
            return
        self.log = log
        self.left.logarithmic = log
        self.left.picture = None
        self._shown = None

    def set_calm(self, calm: bool) -> None:
        """Let outliers choose the axis, or not."""
        if calm != self.calm:
            self.calm = calm
            self._shown = None

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """The interventions to draw."""
        self.mark_lines.set_marks(marks)

    def fit_values(self) -> None:
        """Let the next refresh choose the vertical range afresh."""
        self._shown = None

    def refresh(self, span: Span) -> None:
        """Draw what is visible and adapt the vertical range in quanta."""
        lost, ranges = self._draw(span)
        steps = [one for one in lost if len(one)]
        self.axis_marks.set_steps(
            np.unique(np.concatenate(steps)) if steps else np.empty(0, np.float64)
        )
        known = [one for one in ranges if one is not None]
        data = (min(r[0] for r in known), max(r[1] for r in known)) if known else None
        if self.calm and data is not None:
            data = calm_range(np.concatenate([y for _, y in self._lines()])) or data
        if self.left.blank != (data is None):
            # Numbers on the axis of an empty plot would mean nothing.
            self.left.blank = data is None
            self.left.picture = None
            self.left.update()
            self.grid.update()
        wanted = grow_values(self._shown, data, 0.0 if data is None else self._least(data))
        if wanted != self._shown:
            # Without data the range is a placeholder: the first value chooses afresh.
            self._shown = wanted if data is not None else None
            self.view.setYRange(float(wanted[0]), float(wanted[1]), padding=0)
        self._show_beyond(wanted if self.calm else None)

    def _show_beyond(self, shown: tuple[float, float] | None) -> None:
        """Where lines leave the axis, which does not follow them."""
        above, below = [], []
        for x, y in self._lines() if shown is not None else ():
            assert shown is not None
            above.append(x[y > shown[1]])
            below.append(x[y < shown[0]])
        empty = np.empty(0)
        self.axis_marks.set_beyond(
            np.unique(np.concatenate(above)) if above else empty,
            np.unique(np.concatenate(below)) if below else empty,
        )

    def _lines(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """The lines that were drawn (x, y), in the units of the axes."""
        return []

    def _draw(
        self, span: Span
    ) -> tuple[list[NDArray[np.float64]], list[tuple[float, float] | None]]:
        raise NotImplementedError

    def _least(self, data: tuple[float, float]) -> float:
        """The least that the vertical axis shows, for data of that range."""
        return 0.0


class LossChart(Chart):
    """The losses of the run's optimizers."""

    def __init__(self, title: str, smoothing: int) -> None:
        super().__init__(title, handles=True)
        self.findings = FindingRegions()
        self.item.addItem(self.findings, ignoreBounds=True)
        self.curves: dict[int, LossCurve] = {}
        self._smoothing = smoothing

    def colour(self, theme: Theme) -> None:
        super().colour(theme)
        self.findings.colour(theme)

    def set_smoothing(self, span: int) -> None:
        """Smooth over `span` steps; 1 for not at all."""
        self._smoothing = span
        for curve in self.curves.values():
            curve.set_smoothing(span)

    def show(self, number: int, curve: LossCurve) -> None:
        """Draw the loss of optimizer `number`, in place of what was drawn for it."""
        self.forget(number)
        curve.set_smoothing(self._smoothing)
        self.curves[number] = curve
        self.item.addItem(curve.raw, ignoreBounds=True)
        self.item.addItem(curve.smooth, ignoreBounds=True)

    def forget(self, number: int) -> None:
        """Draw optimizer `number`'s loss no more."""
        old = self.curves.pop(number, None)
        if old is not None:
            self.item.removeItem(old.raw)
            self.item.removeItem(old.smooth)

    def _draw(
        self, span: Span
    ) -> tuple[list[NDArray[np.float64]], list[tuple[float, float] | None]]:
        lost = [curve.refresh(span, self.log) for curve in self.curves.values()]
        return lost, [curve.range for curve in self.curves.values()]

    def _lines(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        return [curve.raw.getData() for curve in self.curves.values()]


class RateChart(Chart):
    """The rates of the groups: effective as solid steps, scheduled dashed where it differs."""

    def __init__(self, title: str) -> None:
        super().__init__(title, handles=False, rates=True)
        self._short = "LR"
        self.effective: dict[tuple[int, int], RateCurve] = {}
        self.scheduled: dict[tuple[int, int], RateCurve] = {}
        self._agreements: dict[tuple[int, int], _Agreement] = {}
        self.preview = PreviewCurves(self.item)

    def show(self, address: tuple[int, int], curve: RateCurve) -> None:
        """Draw a group's rate, in place of what was drawn for it."""
        kept = self.scheduled if curve.scheduled else self.effective
        old = kept.pop(address, None)
        if old is not None:
            self.item.removeItem(old.item)
        kept[address] = curve
        self._agreements.pop(address, None)
        self.item.addItem(curve.item, ignoreBounds=True)

    def _draw(
        self, span: Span
    ) -> tuple[list[NDArray[np.float64]], list[tuple[float, float] | None]]:
        lost, ranges = [], []
        for curve in self.effective.values():
            lost.append(curve.refresh(span, self.log))
            ranges.append(curve.range)
        for address, curve in self.scheduled.items():
            parted = self._parted(address)
            if parted is None or parted > span.high:
                curve.clear()
            else:
                curve.refresh(span, self.log)
                ranges.append(curve.range)
        known = [one for one in ranges if one is not None]
        data = (min(r[0] for r in known), max(r[1] for r in known)) if known else None
        ranges.append(self.preview.within(data, self.log))
        return lost, ranges

    def _lines(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        return [curve.item.getData() for curve in self.effective.values()]

    def _least(self, data: tuple[float, float]) -> float:
        # A rate that has changed by less than a few per cent looks as steady as it is.
        return 0.02 if self.log else 0.05 * max(abs(data[0]), abs(data[1]))

    def _parted(self, address: tuple[int, int]) -> int | None:
        """The first step at which a group's schedule is not what is used."""
        effective = self.effective.get(address)
        if effective is None:
            return 0
        known = self._agreements.get(address)
        if known is None:
            known = _Agreement(self.scheduled[address], effective)
            self._agreements[address] = known
        return known.until()


class _Agreement:
    """Whether a scheduled and an effective rate have been the same so far; sees new points only.

    Once they parted the schedule is drawn from there on: where they agree again it lies under
    the effective rate.
    """

    def __init__(self, scheduled: RateCurve, effective: RateCurve) -> None:
        self._pair = (scheduled.series, effective.series)
        self._same = 0
        self._parted: int | None = None

    def until(self) -> int | None:
        """The first step at which they differ, or None."""
        if self._parted is not None:
            return self._parted
        (one, first), (two, second) = ((s.step, s.value) for s in self._pair)
        count = min(len(one), len(two))
        new = slice(self._same, count)
        unlike = (one[new] != two[new]) | (first[new] != second[new])
        if unlike.any():
            at = self._same + int(np.argmax(unlike))
            self._parted = int(min(one[at], two[at]))
            return self._parted
        self._same = count
        # One changed and the other did not, unless its point is merely not written yet.
        longer = one if len(one) > count else two
        return int(longer[count]) if len(longer) > count else None
