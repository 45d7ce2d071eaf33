"""One plot of the pane: its curves, its vertical range, its axis on a linear or a log scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QPainter
from PySide6.QtWidgets import QWidget

from ..theme import Theme
from .axes import HEIGHT, OVER, WIDTH, PlainAxis, PlotGrid
from .curves import LossCurve, RateCurve, Span
from .marks import AxisMarks, Mark, MarkLines
from .preview import PreviewCurves
from .ranges import grow_values
from .regions import FindingRegions
from .sampling import calm_range
from .scales import StepScale
from .stepview import StepView

__all__ = ["Chart", "LossChart", "RateChart"]

_NO_STEPS: NDArray[np.float64] = np.empty(0)


class Chart:
    """A view with its axes, grid and marks. Subclasses own the curves."""

    def __init__(self, title: str, handles: bool, rates: bool = False) -> None:
        self.left = PlainAxis("left", rates)
        self.bottom = PlainAxis("bottom")
        self.view = StepView()
        self.log = False
        self.calm = False
        """Whether the axis is that of most values: outliers are beyond it, and told at its edge."""
        self.title = title
        self.grid = PlotGrid(self.left, self.bottom)
        self.axis_marks = AxisMarks()
        self.mark_lines = MarkLines(handles)
        for part in (self.grid, self.axis_marks, self.mark_lines):
            self.view.add(part)
        self.frame = QRectF()
        """Where it is on the canvas, with its axes."""
        self._told_steps = True
        self._lay_out: Callable[[], None] = lambda: None
        self._shown: tuple[float, float] | None = None
        self._height = 0
        self._short = ""
        """The title of a plot that is not high enough for all of it."""

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.left.colour(theme)
        self.bottom.colour(theme)
        self.view.colour(theme)
        self._show_title()
        self.grid.colour(theme)
        self.axis_marks.colour(theme)
        self.mark_lines.colour(theme)

    def join(self, canvas: QWidget | None, lay_out: Callable[[], None]) -> None:
        """Be painted on this canvas, at the place that `place` tells; None: on none. `lay_out` is
        called when it needs another height."""
        self.view.canvas = canvas
        self._lay_out = lay_out

    @property
    def below(self) -> int:
        """Pixels that it takes for its step axis."""
        return HEIGHT if self._told_steps else 0

    def place(self, frame: QRectF) -> None:
        """Be there on the canvas (whole pixels)."""
        self.frame = frame
        area = frame.adjusted(WIDTH, 0, 0, -self.below)
        area.setSize(area.size().expandedTo(QRectF(0, 0, 1, 1).size()))
        self.left.box = QRectF(frame.left(), area.top(), WIDTH, area.height())
        self.bottom.box = QRectF(area.left(), area.bottom(), area.width(), self.below)
        self.view.place(area, frame.adjusted(-2, -OVER, OVER, OVER))
        if round(area.height()) != self._height:
            self._show_title()

    def paint(self, painter: QPainter, part: QRectF) -> None:
        """Paint what lies in this part of the canvas."""
        if self.left.reach.intersects(part):
            self.left.paint(painter, self.view)
        if self._told_steps and self.bottom.reach.intersects(part):
            self.bottom.paint(painter, self.view)
        self.view.paint(painter, part)

    def _show_title(self) -> None:
        """The title, or as much of it as the plot is high for."""
        self._height = round(self.view.area.height())
        metrics = QFontMetrics(QGuiApplication.font())
        room = max(self._height, 24)
        # What stands in brackets goes first. (Whether it fits is asked of what would cut it: the
        # advance is rounded to whole pixels.)
        title = metrics.elidedText(self.title, Qt.TextElideMode.ElideRight, room)
        if title != self.title:
            less = self._short or self.title.partition(" (")[0]
            title = metrics.elidedText(less, Qt.TextElideMode.ElideRight, room)
        self.left.title = title
        self._paint_axes()

    def _paint_axes(self) -> None:
        canvas = self.view.canvas
        if canvas is not None:
            canvas.update(self.view.reach.toAlignedRect())

    def show_steps(self, label: str | None) -> None:
        """Show the step axis, titled `label`; with None this plot leaves it to the one below."""
        told = label is not None
        self.bottom.title = label or ""
        if told != self._told_steps:
            self._told_steps = told
            self._lay_out()
        self._paint_axes()

    def look_at(self, low: float, high: float) -> None:
        """Show this stretch of the common axis."""
        self.view.show_steps(float(low), float(high))

    def set_scale(self, scale: StepScale) -> None:
        """The ticks of the common axis."""
        if scale != self.bottom.scale_of:
            self.bottom.scale_of = scale
            self._paint_axes()

    def set_log(self, log: bool) -> None:
        """Draw powers of ten evenly spaced, or values."""
        if log == self.log:
            return
        self.log = log
        self.left.logarithmic = log
        self._shown = None
        self._paint_axes()

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
        self.axis_marks.set_steps(_together([one for one in lost if len(one)]))
        known = [one for one in ranges if one is not None]
        data = (min(r[0] for r in known), max(r[1] for r in known)) if known else None
        if self.calm and data is not None:
            data = calm_range(np.concatenate([y for _, y in self._lines()])) or data
        if self.left.blank != (data is None):
            # Numbers on the axis of an empty plot would mean nothing.
            self.left.blank = data is None
            self._paint_axes()
        wanted = grow_values(self._shown, data, 0.0 if data is None else self._least(data))
        if wanted != self._shown:
            # Without data the range is a placeholder: the first value chooses afresh.
            self._shown = wanted if data is not None else None
            self.view.show_values(float(wanted[0]), float(wanted[1]))
        self._show_beyond(wanted if self.calm else None)

    def _show_beyond(self, shown: tuple[float, float] | None) -> None:
        """Where lines leave the axis, which does not follow them."""
        above, below = [], []
        for x, y in self._lines() if shown is not None else ():
            assert shown is not None
            above.append(x[y > shown[1]])
            below.append(x[y < shown[0]])
        if above or below or self.axis_marks.goes_beyond:
            self.axis_marks.set_beyond(_together(above), _together(below))

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


def _together(steps: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Steps of several curves, each ascending, as one row."""
    if len(steps) == 1:
        return steps[0]
    return np.unique(np.concatenate(steps)) if steps else _NO_STEPS


class LossChart(Chart):
    """The losses of the run's optimizers."""

    def __init__(self, title: str, smoothing: int) -> None:
        super().__init__(title, handles=True)
        self.findings = FindingRegions()
        self.view.add(self.findings)
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
        self.view.add(curve.raw)
        self.view.add(curve.smooth)

    def forget(self, number: int) -> None:
        """Draw optimizer `number`'s loss no more."""
        old = self.curves.pop(number, None)
        if old is not None:
            self.view.remove(old.raw)
            self.view.remove(old.smooth)

    def _draw(
        self, span: Span
    ) -> tuple[list[NDArray[np.float64]], list[tuple[float, float] | None]]:
        lost = [curve.refresh(span, self.log) for curve in self.curves.values()]
        return lost, [curve.range for curve in self.curves.values()]

    def _lines(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        return [curve.raw.points() for curve in self.curves.values()]


class RateChart(Chart):
    """The rates of the groups: effective as solid steps, scheduled dashed where it differs."""

    def __init__(self, title: str) -> None:
        super().__init__(title, handles=False, rates=True)
        self._short = "LR"
        self.effective: dict[tuple[int, int], RateCurve] = {}
        self.scheduled: dict[tuple[int, int], RateCurve] = {}
        self._agreements: dict[tuple[int, int], _Agreement] = {}
        self.preview = PreviewCurves(self.view)

    def show(self, address: tuple[int, int], curve: RateCurve) -> None:
        """Draw a group's rate, in place of what was drawn for it."""
        kept = self.scheduled if curve.scheduled else self.effective
        old = kept.pop(address, None)
        if old is not None:
            self.view.remove(old.item)
        kept[address] = curve
        self._agreements.pop(address, None)
        self.view.add(curve.item)

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
        return [curve.item.points() for curve in self.effective.values()]

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
