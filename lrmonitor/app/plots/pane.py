"""The plots of one run: loss over learning rate on one step axis, with their small toolbar.

The pane echoes a `RunModel`; it is told by the window's timer that something is new and asks
the model for the rest. It never reads the run folder and holds no truth of its own but what
is on the screen: the visible steps, the scales, the smoothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from lrmonitor.model.axis import EPOCH, RELATIVE, STEP, WALL
from lrmonitor.model.findings import Told
from lrmonitor.model.preview import Wish
from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series

from ..theme import Theme
from .below import MetricPlots
from .catching import catch_up
from .chart import Chart, LossChart, RateChart
from .choices import choices_of, take_choices
from .colours import CurveColours
from .curves import LossCurve, RateCurve, Span
from .marks import Mark
from .metrics import MOST, MetricChart
from .placing import Placing
from .plotmenu import PlotMenus
from .preview import PreviewLayer
from .ranges import StepWindow
from .readout import Readout
from .regions import finding_marks, regions
from .sheet import PlotSheet
from .tools import Legend, PlotTools
from .words import PlotWords

__all__ = ["PlotPane"]

COLUMNS_PER_PIXEL = 1.5
POINTING_PIXELS = 7.0

_DRAW = QEvent.Type(QEvent.registerEventType())


class PlotPane(QWidget):
    """Loss over learning rate. Lives in the GUI thread.

    `choices_changed()`: the person switched a scale, the smoothing or following.
    `mark_clicked(Mark)`: a marker was clicked. `remove_wanted(str)`: the series of that name, made
    of printed numbers, is not wanted any more.
    """

    choices_changed = Signal()
    mark_clicked = Signal(object)
    remove_wanted = Signal(str)

    def __init__(self, model: RunModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._window = StepWindow()
        self.placing = Placing(model)
        self._columns = 0
        self._stale = True
        self._asked = False
        self._message = ""
        self._mouse: QPointF | None = None
        self._spot: int | None = None
        self._told: tuple[Told, ...] = ()
        self._marks: tuple[Mark, ...] = ()
        self._marks_of: tuple[object, ...] = ()
        self._breaks: tuple[int, ...] = ()
        self.rate_scale_chosen = False

        self.tools = PlotTools(self)
        self.legend = Legend(self)
        self.colours = CurveColours(self.legend, theme)
        self.canvas = PlotSheet(self)
        self.canvas.setAccessibleName(self.tr("Plots of loss and learning rate"))
        self.canvas.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.loss = LossChart(self.tr("Loss"), self.tools.smoothing())
        self.rate = RateChart(self.tr("Learning rate"))
        self.readout = Readout(self.placing, self)
        self.metrics = MetricPlots(self.canvas, self._begin_metric, self.readout.remove)
        self.ahead = PreviewLayer(self.canvas, model, self.rate.preview)
        self.menus = PlotMenus(self)
        self._note = PlotWords(self.canvas, self.loss)
        self._rate_note = PlotWords(self.canvas, self.rate)
        self._lay_out()
        self._connect()
        self.set_theme(theme)

    @property
    def pointed(self) -> bool:
        """Whether the mouse points into a plot."""
        return self._mouse is not None

    @property
    def shown(self) -> StepWindow:
        """What is visible, in the units of the axis."""
        return self._window

    def shown_steps(self) -> tuple[float, float]:
        """The first and the last step that are visible."""
        return self.placing.steps(self._window.low, self._window.high)

    def newest(self) -> float:
        """Where the newest step stands that anything was recorded for."""
        shown = [*self._curves(), *(chart.curve for chart in self.metrics.charts.values())]
        places = [int(curve.series.step[-1]) for curve in shown if len(curve.series)]
        if self.placing.kind == STEP:
            places.append(self._model.state.step or 0)
        return float(max(places, default=0))

    def refresh(self, new: bool = True) -> None:
        """Show what the model holds now. Cheap when nothing is `new` and nothing was moved."""
        columns = int(self.loss.view.width() * COLUMNS_PER_PIXEL)
        if not new and not self._stale and columns == self._columns:
            return
        if new:
            self.placing.update()
            self._take_series()
            self._take_metrics()
            self._take_marks()
            self._catch_up()
            self._show_message()
        newest = self.newest()
        window = self._window.advanced(newest)
        self._columns = max(columns, 100)
        shown = self.ahead.room(window, newest)
        self._show_window(window, shown)
        ends, width = (math.floor(shown.low), math.ceil(shown.high)), self.loss.view.width()
        span = Span(*ends, self._columns, int(newest), pixels=width)
        self._draw_ahead(span)
        for chart in self._charts():
            # The axis may have been chosen before the first step told when time begins.
            chart.set_scale(self.placing.scale)
            chart.refresh(span)
        self._write_ahead()
        if self._spot is not None:
            self.readout.point(self._spot, 0.5)
        elif self._mouse is not None:
            # Another step may have moved under the mouse.
            self._point(self._mouse)
        self._stale = False

    def think_of(self, wish: Wish | None) -> None:
        """Show what this rate command would do, or no longer; on the axis of the steps alone."""
        if self.ahead.think_of(wish if self.placing.kind == STEP else None):
            if wish is None:
                self.rate.fit_values()
            self._stale = True
            self.refresh(new=False)

    def fit(self) -> None:
        """Show the whole run; a live run has room to grow."""
        newest = self.newest()
        fitted = self._window.fitted(newest)
        if self._model.state.phase.over:
            fitted = fitted.closed(newest)
        self._move(fitted)
        for chart in self._charts():
            chart.fit_values()
        self.refresh(new=False)

    def show_step(self, step: int) -> None:
        """Bring a step into the middle and mark it, until the mouse points elsewhere."""
        place = self.placing.at(step)
        self._move(self._window.centred(place, self.newest()))
        self._spot = round(place)
        self.refresh(new=False)

    def zoom(self, factor: float) -> None:
        """Show `factor` times as many steps, around the middle; around the newest while it is
        followed."""
        window = self._window
        following = window.follow and not self._model.state.phase.over
        around = self.newest() if following else (window.low + window.high) / 2
        self._zoom(factor, around)

    def pan(self, share: float) -> None:
        """Show later steps (earlier ones where negative), by that share of those that are seen."""
        self._pan(share * (self._window.high - self._window.low))

    def set_following(self, on: bool) -> None:
        """Keep the newest step in view, or leave the view where it is."""
        self._move(self._window.following(on, self.newest()))
        self.refresh(new=False)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = self.colours.theme = theme
        self.canvas.set_background(theme.base)
        for chart in self._charts():
            chart.colour(theme)
        self.metrics.colour(theme)
        self.loss.show_steps(None)
        self._show_axis()
        self.readout.set_theme(theme)
        for note in (self._note, self._rate_note):
            note.set_theme(theme)
        for number, curve in self.loss.curves.items():
            self.colours.loss(number, curve)
        for kept in (self.rate.effective, self.rate.scheduled):
            for address, rate in kept.items():
                self.colours.rate(address, rate)
        self.colours.explain(self._model.optimizers)
        self._stale = True

    def show_findings(self, told: Sequence[Told]) -> None:
        """Shade where these findings hold."""
        self._told = tuple(told)
        self._take_marks()

    def set_message(self, text: str) -> None:
        """Words in the middle of empty plots: why there is nothing to see yet."""
        self._message = text
        self._show_message()

    def choices(self) -> dict[str, Any]:
        """What the person chose, for the settings."""
        return choices_of(self)

    def set_choices(self, choices: Mapping[str, Any]) -> None:
        """Take up what was chosen before."""
        take_choices(self, choices)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tools)
        layout.addWidget(self.legend)
        layout.addWidget(self.canvas, 1)
        self.canvas.add(self.loss, 0, 4)
        self.canvas.add(self.rate, MOST + 1, 2)
        self.readout.attach(self.canvas, self.loss, self.rate)

    def _connect(self) -> None:
        for chart in (self.loss, self.rate):
            self._connect_view(chart)
        self.tools.metric_toggled.connect(self.show_metric)
        self.tools.remove_wanted.connect(self.remove_wanted)
        self.canvas.pointed.connect(self._point)
        self.canvas.installEventFilter(self)
        self.tools.fit_wanted.connect(self.fit)
        self.tools.follow_changed.connect(self.set_following)
        self.tools.loss_log_changed.connect(self._loss_log_chosen)
        self.tools.rate_log_changed.connect(self._rate_log_chosen)
        self.tools.smoothing_changed.connect(self._smoothing_chosen)
        self.tools.axis_changed.connect(self._axis_chosen)

    def _connect_view(self, chart: Chart) -> None:
        chart.view.zoomed.connect(self._zoom)
        chart.view.panned.connect(self._pan)
        chart.view.fit_wanted.connect(self.fit)
        chart.view.clicked.connect(self._click)
        chart.view.region_chosen.connect(self._show_region)
        chart.view.menu_wanted.connect(lambda where: self.menus.of(chart).popup(where))

    def _charts(self) -> list[Chart]:
        return [self.loss, *self.metrics.charts.values(), self.rate]

    def _curves(self) -> list[LossCurve | RateCurve]:
        return [
            *self.loss.curves.values(),
            *self.rate.effective.values(),
            *self.rate.scheduled.values(),
        ]

    def _take_series(self) -> None:
        """Curves for the series that the model has by now."""
        before = len(self._curves())
        optimizers = self._model.optimizers
        numbers = [info.number for info in optimizers] or [self._model.main]
        for number in numbers:
            series = self._on_axis(self._model.loss(number))
            known = self.loss.curves.get(number)
            if series is not None and (known is None or known.series is not series):
                curve = LossCurve(series, self.tools.smoothing())
                self.loss.show(number, curve)
                self.colours.loss(number, curve)
        for info in optimizers:
            for group in range(info.groups):
                self._take_rate((info.number, group), scheduled=True)
                self._take_rate((info.number, group), scheduled=False)
        if len(self._curves()) != before:
            self.colours.explain(self._model.optimizers)

    def _catch_up(self) -> None:
        """Have the curves take what is new, and choose the scale of the rate by it."""
        # What was scheduled may never be drawn.
        curves: list[LossCurve | RateCurve] = [*self.loss.curves.values()]
        curves += self.rate.effective.values()
        metrics = [chart.curve for chart in self.metrics.charts.values()]
        catch_up(
            [(one.behind, one.follow) for one in curves]
            + [(one.behind, one.take) for one in metrics]
        )
        if not self.rate_scale_chosen and not self.rate.log and self._all_positive():
            self.set_rate_log(True)

    def _take_rate(self, address: tuple[int, int], scheduled: bool) -> None:
        find = self._model.scheduled if scheduled else self._model.lr
        series = self._on_axis(find(*address))
        kept = self.rate.scheduled if scheduled else self.rate.effective
        known = kept.get(address)
        if series is not None and (known is None or known.series is not series):
            curve = RateCurve(series, scheduled)
            self.rate.show(address, curve)
            self.colours.rate(address, curve)

    def _on_axis(self, series: Series | None) -> Series | None:
        return None if series is None else self.placing.of(series)

    def _all_positive(self) -> bool:
        curves = self.rate.effective.values()
        return any(len(one.series) for one in curves) and all(c.all_positive() for c in curves)

    def _take_marks(self) -> None:
        of = (self.placing.kind, self._told, tuple(self._model.markers))
        # Steps stand where they stood; where time began, and epochs, may be told later.
        if of != self._marks_of or self.placing.kind != STEP:
            self._marks_of = of
            self._place_marks()
        for curve in self.loss.curves.values():
            curve.begin_anew_after(self._breaks)
        for chart in self._charts():
            chart.set_marks(self._marks)

    def _place_marks(self) -> None:
        at = self.placing.at
        marks = [Mark(at(m.step, m.time), m.kind, m.text, m.time) for m in self._model.markers]
        self._marks = (*marks, *finding_marks(self._told, at))
        apart = [m for m in self._model.markers if m.kind in ("rewound", "test")]
        self._breaks = tuple(int(at(m.step, m.time)) for m in apart)
        self.loss.findings.show_regions(regions(self._told, at))

    def _take_metrics(self) -> None:
        found = [*self._model.metrics(), *self._model.measured()]
        if self.metrics.take(found, self._theme, self.placing.of):
            self._stale = True
        self.tools.show_metrics(self.metrics.choices)
        self.tools.show_epochs(bool(self._model.epochs))

    def _begin_metric(self, chart: MetricChart) -> None:
        self._connect_view(chart)
        self.readout.add(chart)

    def show_metric(self, key: str, on: bool) -> None:
        """Show the plot of a metric, or not."""
        self.metrics.choose(key, on)
        self._take_metrics()
        self._take_marks()
        self._choice_made()

    def _draw_ahead(self, span: Span) -> None:
        addresses = [*self.rate.effective]
        colours = {one: self.colours.of(one) for one in addresses}
        if self.placing.kind == STEP:
            self.ahead.refresh(span.newest, span.high, self.rate.log, self._theme, colours)

    def _write_ahead(self) -> None:
        if not self.ahead.shown:
            return
        view = self.rate.view
        low, high = view.ranges()[1]
        self.ahead.write(view.area, (low, high), self._theme)

    def _show_window(self, window: StepWindow, shown: StepWindow) -> None:
        self._window = window
        for chart in self._charts():
            chart.look_at(shown.low, shown.high)
        self.tools.show_following(window.follow, not self._model.state.phase.over)

    def _move(self, window: StepWindow) -> None:
        self._window = window
        self._stale = True

    def _zoom(self, factor: float, around: float) -> None:
        newest, window = self.newest(), self._window
        if self._model.state.phase.over:
            window = window.following(False, newest)  # there is nothing to follow
        self._move_soon(window.zoomed(factor, around, newest))

    def _pan(self, steps: float) -> None:
        if steps:
            self._move_soon(self._window.panned(steps))

    def _move_soon(self, window: StepWindow) -> None:
        """Move the axis now and draw before the next picture: once, if a mouse moves on until then
        or new points come."""
        self._move(window)
        self._show_window(window, self.ahead.room(window, self.newest()))
        if not self._asked:
            self._asked = True
            QCoreApplication.postEvent(self, QEvent(_DRAW))

    def set_axis(self, kind: str) -> None:
        """Another kind of axis: all curves are placed anew, and the whole run is shown. Pins, which
        are places on the axis that was, go."""
        self.think_of(None)
        self.readout.unpin()
        self.placing.choose(kind)
        self.tools.show_axis(kind)
        self._show_axis()
        self._window = StepWindow()
        self.refresh()
        self.fit()

    def _show_axis(self) -> None:
        titles = {
            STEP: self.tr("Step"),
            RELATIVE: self.tr("Time since the first step"),
            WALL: self.tr("Time of day"),
            EPOCH: self.tr("Epoch"),
        }
        self.rate.show_steps(titles[self.placing.kind])

    def _axis_chosen(self, kind: str) -> None:
        self.set_axis(kind)
        self.choices_changed.emit()

    def _show_region(self, low: float, high: float) -> None:
        """Show this stretch of the axis."""
        self._move(StepWindow(max(low, 0.0), high, follow=False, whole=False))
        self.refresh(new=False)

    def set_log(self, chart: Chart, on: bool) -> None:
        """Draw a plot on a logarithmic scale, or not."""
        if chart is self.loss:
            self._loss_log_chosen(on)
        elif chart is self.rate:
            self._rate_log_chosen(on)
        else:
            self.metrics.set_log(chart, on)
            self._stale = True
            self._choice_made()

    def set_calm(self, chart: Chart, on: bool) -> None:
        """Have a plot's axis ignore outliers, or not."""
        self.metrics.set_calm(chart, on)
        self._stale = True
        self._choice_made()

    def move_metric(self, key: str, by: int) -> None:
        """Move the plot of a metric so many places down."""
        self.metrics.move(key, by)
        self._take_metrics()
        self._take_marks()
        self._choice_made()

    def set_smoothing(self, span: int) -> None:
        """Smooth the losses over so many steps."""
        self.loss.set_smoothing(span)
        for number, curve in self.loss.curves.items():
            self.colours.loss(number, curve)
        self._stale = True

    def set_loss_log(self, on: bool) -> None:
        """Draw the loss on a logarithmic scale, or not."""
        self.loss.set_log(on)
        self.tools.show_loss_log(on)
        self._stale = True

    def set_rate_log(self, on: bool) -> None:
        """Draw the rate on a logarithmic scale, or not."""
        self.rate.set_log(on)
        self.tools.show_rate_log(on)
        self._stale = True

    def _smoothing_chosen(self, span: int) -> None:
        self.set_smoothing(span)
        self._choice_made()

    def _loss_log_chosen(self, on: bool) -> None:
        self.set_loss_log(on)
        self._choice_made()

    def _rate_log_chosen(self, on: bool) -> None:
        self.rate_scale_chosen = True
        self.set_rate_log(on)
        self._choice_made()

    def _choice_made(self) -> None:
        self.refresh(new=False)
        self.choices_changed.emit()

    def _point(self, position: QPointF) -> None:
        if self._mouse != position:
            self._mouse = QPointF(position)
            self._spot = None
        for chart in self._charts():
            if chart.view.area.contains(position):
                self.readout.point(chart.view.step_at(position.x()), self._reach())
                return
        self._leave()

    def _reach(self) -> float:
        """How many steps off the mouse may be to mean a mark."""
        pixels = max(self.loss.view.width(), 1.0)
        return POINTING_PIXELS * (self._window.high - self._window.low) / pixels

    def _click(self, step: float) -> None:
        mark = self.readout.mark_near(step, self._reach())
        if mark is not None:
            self.mark_clicked.emit(mark)

    def _leave(self) -> None:
        self._mouse = None
        self._spot = None
        self.readout.leave()

    def _show_message(self) -> None:
        text = "" if any(len(curve.series) for curve in self._curves()) else self._message
        why = self._model.no_optimizer or ""
        if why:
            why = self.tr("No learning rate to show: {0}").format(why[:1].lower() + why[1:])
        self._note.say(text)
        self._rate_note.say(why)

    def _place_notes(self) -> None:
        for note in (self._note, self._rate_note):
            note.place()
        self._write_ahead()

    def event(self, event: QEvent) -> bool:
        if event.type() == _DRAW:
            self._asked = False
            self.refresh(new=False)
            return True
        return super().event(event)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._stale = True
            QTimer.singleShot(0, self, self._place_notes)
        elif event.type() == QEvent.Type.Leave:
            self._leave()
        return super().eventFilter(watched, event)
