"""The plots of one run: loss over learning rate on one step axis, with their small toolbar.

The pane echoes a `RunModel`; it is told by the window's timer that something is new and asks
the model for the rest. It never reads the run folder and holds no truth of its own but what
is on the screen: the visible steps, the scales, the smoothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pyqtgraph import GraphicsLayoutWidget
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from lrmonitor.model.preview import Wish
from lrmonitor.model.run import RunModel

from ..theme import Theme
from .below import MetricPlots
from .chart import Chart, LossChart, RateChart
from .curves import LossCurve, RateCurve, Span
from .marks import Mark
from .metrics import MOST, MetricChart
from .preview import PreviewLayer
from .ranges import StepWindow
from .readout import Readout
from .tools import Legend, LegendEntry, PlotTools

__all__ = ["PlotPane"]

COLUMNS_PER_PIXEL = 1.5
POINTING_PIXELS = 7.0


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
        self._columns = 0
        self._stale = True
        self._message = ""
        self._mouse: QPointF | None = None
        self._spot: int | None = None
        self._rate_scale_chosen = False
        self._colours: dict[tuple[int, int], int] = {}
        self._legend_key: Sequence[LegendEntry] = ()

        self.tools = PlotTools(self)
        self.legend = Legend(self)
        self.canvas = GraphicsLayoutWidget(self)
        self.canvas.setAccessibleName(self.tr("Plots of loss and learning rate"))
        self.canvas.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.loss = LossChart(self.tr("Loss"), self.tools.smoothing())
        self.rate = RateChart(self.tr("Learning rate"))
        self.readout = Readout(self)
        self.metrics = MetricPlots(self.canvas, self._begin_metric, self.readout.remove)
        self.ahead = PreviewLayer(self.canvas, model, self.rate.preview)
        self._note = QLabel(self.canvas)
        self._rate_note = QLabel(self.canvas)
        self._lay_out()
        self._connect()
        self.set_theme(theme)

    @property
    def shown(self) -> StepWindow:
        """The visible steps."""
        return self._window

    def newest(self) -> float:
        """The newest step of the run that anything was recorded for."""
        shown = [*self._curves(), *(chart.curve for chart in self.metrics.charts.values())]
        steps = [int(curve.series.step[-1]) for curve in shown if len(curve.series)]
        return float(max([*steps, self._model.state.step or 0]))

    def refresh(self, new: bool = True) -> None:
        """Show what the model holds now. Cheap when nothing is `new` and nothing was moved."""
        columns = int(self.loss.view.width() * COLUMNS_PER_PIXEL)
        if not new and not self._stale and columns == self._columns:
            return
        if new:
            self._take_series()
            self._take_metrics()
            self._take_marks()
            self._show_message()
        newest = self.newest()
        window = self._window.advanced(newest)
        self._columns = max(columns, 100)
        shown = self.ahead.room(window, newest)
        self._show_window(window, shown)
        span = Span(math.floor(shown.low), math.ceil(shown.high), self._columns, int(newest))
        self._draw_ahead(span)
        for chart in self._charts():
            chart.refresh(span)
        self._write_ahead()
        if self._spot is not None:
            self.readout.point(self._spot, 0.5)
        elif self._mouse is not None:
            # Another step may have moved under the mouse.
            self._point(self._mouse)
        self._stale = False

    def think_of(self, wish: Wish | None) -> None:
        """Show what this rate command would do, or no longer."""
        if self.ahead.think_of(wish):
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
        self._move(self._window.centred(step, self.newest()))
        self._spot = step
        self.refresh(new=False)

    def zoom(self, factor: float) -> None:
        """Show `factor` times as many steps, around the middle; around the newest while it is
        followed."""
        window = self._window
        around = self.newest() if window.follow else (window.low + window.high) / 2
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
        self._theme = theme
        self.canvas.setBackground(theme.base)
        for chart in self._charts():
            chart.colour(theme)
        self.metrics.colour(theme)
        self.loss.show_steps(None, theme)
        self.rate.show_steps(self.tr("Step"), theme)
        self.readout.set_theme(theme)
        for note in (self._note, self._rate_note):
            colours = note.palette()
            colours.setColor(QPalette.ColorRole.WindowText, theme.quiet)
            note.setPalette(colours)
        for number, curve in self.loss.curves.items():
            self._colour_loss(number, curve)
        for kept in (self.rate.effective, self.rate.scheduled):
            for address, rate in kept.items():
                self._colour_rate(address, rate)
        self._legend_key = ()
        self._show_legend()
        self._stale = True

    def set_message(self, text: str) -> None:
        """Words in the middle of empty plots: why there is nothing to see yet."""
        self._message = text
        self._show_message()

    def choices(self) -> dict[str, Any]:
        """What the person chose, for the settings."""
        return {
            "loss_log": self.loss.log,
            "rate_log": self.rate.log if self._rate_scale_chosen else None,
            "smoothing": self.tools.smoothing(),
            "metrics": dict(self.metrics.choice),
        }

    def set_choices(self, choices: dict[str, Any]) -> None:
        """Take up what was chosen before."""
        kept = choices.get("metrics")
        if isinstance(kept, dict):
            self.metrics.choice = {str(key): bool(on) for key, on in kept.items()}
        self.tools.set_smoothing(int(choices.get("smoothing") or self.tools.smoothing()))
        self._set_smoothing(self.tools.smoothing())
        if choices.get("loss_log") is not None:
            self._set_loss_log(bool(choices["loss_log"]))
        if choices.get("rate_log") is not None:
            self._rate_scale_chosen = True
            self._set_rate_log(bool(choices["rate_log"]))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tools)
        layout.addWidget(self.legend)
        layout.addWidget(self.canvas, 1)
        grid = self.canvas.ci.layout
        grid.setContentsMargins(4, 6, 14, 4)
        grid.setSpacing(8)
        self.canvas.addItem(self.loss.item, row=0, col=0)
        self.canvas.addItem(self.rate.item, row=MOST + 1, col=0)
        grid.setRowStretchFactor(0, 3)
        grid.setRowStretchFactor(MOST + 1, 2)
        self.rate.view.setXLink(self.loss.view)
        for note in (self._note, self._rate_note):
            note.setAlignment(Qt.AlignmentFlag.AlignCenter)
            note.setWordWrap(True)
            note.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            note.hide()
        self.readout.attach(self.loss, self.rate)

    def _connect(self) -> None:
        for chart in (self.loss, self.rate):
            self._connect_view(chart)
        self.tools.metric_toggled.connect(self._metric_chosen)
        self.tools.remove_wanted.connect(self.remove_wanted)
        self.canvas.scene().sigMouseMoved.connect(self._point)
        self.canvas.installEventFilter(self)
        self.tools.fit_wanted.connect(self.fit)
        self.tools.follow_changed.connect(self.set_following)
        self.tools.loss_log_changed.connect(self._loss_log_chosen)
        self.tools.rate_log_changed.connect(self._rate_log_chosen)
        self.tools.smoothing_changed.connect(self._smoothing_chosen)

    def _connect_view(self, chart: Chart) -> None:
        chart.view.zoomed.connect(self._zoom)
        chart.view.panned.connect(self._pan)
        chart.view.fit_wanted.connect(self.fit)
        chart.view.clicked.connect(self._click)

    def _charts(self) -> list[Chart]:
        return [self.loss, *self.metrics.charts.values(), self.rate]

    def _curves(self) -> list[LossCurve | RateCurve]:
        return [
            *self.loss.curves.values(),
            *self.rate.effective.values(),
            *self.rate.scheduled.values(),
        ]

    def _colour_index(self, address: tuple[int, int]) -> int:
        return self._colours.setdefault(address, len(self._colours))

    def _take_series(self) -> None:
        """Curves for the series that the model has by now."""
        before = len(self._curves())
        optimizers = self._model.optimizers
        numbers = [info.number for info in optimizers] or [self._model.main]
        for number in numbers:
            series = self._model.loss(number)
            known = self.loss.curves.get(number)
            if series is not None and (known is None or known.series is not series):
                curve = LossCurve(series, self.tools.smoothing())
                self.loss.show(number, curve)
                self._colour_loss(number, curve)
        for info in optimizers:
            for group in range(info.groups):
                self._take_rate((info.number, group), scheduled=True)
                self._take_rate((info.number, group), scheduled=False)
        if not self._rate_scale_chosen and not self.rate.log and self._all_positive():
            self._set_rate_log(True)
        if len(self._curves()) != before:
            self._show_legend()

    def _take_rate(self, address: tuple[int, int], scheduled: bool) -> None:
        find = self._model.scheduled if scheduled else self._model.lr
        series = find(*address)
        kept = self.rate.scheduled if scheduled else self.rate.effective
        known = kept.get(address)
        if series is not None and (known is None or known.series is not series):
            curve = RateCurve(series, scheduled)
            self.rate.show(address, curve)
            self._colour_rate(address, curve)

    def _all_positive(self) -> bool:
        values = [curve.series.value for curve in self.rate.effective.values()]
        return any(len(v) for v in values) and all((v > 0).all() for v in values)

    def _take_marks(self) -> None:
        marks = [Mark(float(m.step), m.kind, m.text, m.time) for m in self._model.markers]
        for chart in self._charts():
            chart.set_marks(marks)

    def _take_metrics(self) -> None:
        if self.metrics.take(self._model.metrics(), self._theme):
            self._stale = True
        self.tools.show_metrics(self.metrics.choices)

    def _begin_metric(self, chart: MetricChart) -> None:
        chart.view.setXLink(self.loss.view)
        self._connect_view(chart)
        self.readout.add(chart)

    def _metric_chosen(self, key: str, on: bool) -> None:
        self.metrics.choose(key, on)
        self._take_metrics()
        self._take_marks()
        self._choice_made()

    def _colour_loss(self, number: int, curve: LossCurve) -> None:
        colour = self._theme.curve(self._colour_index((number, 0)))
        curve.colour(colour, self._theme.dim(colour, 0.4 if self._theme.name == "light" else 0.5))

    def _colour_rate(self, address: tuple[int, int], curve: RateCurve) -> None:
        colour = self._theme.curve(self._colour_index(address))
        curve.colour(colour, self._theme.dim(colour, 0.7))

    def _show_legend(self) -> None:
        entries = []
        several_groups = any(info.groups > 1 for info in self._model.optimizers)
        several = several_groups or len(self._model.optimizers) > 1
        if several:
            for info in self._model.optimizers:
                for group in range(info.groups):
                    name = f"{info.name} {info.number}"
                    if info.groups > 1:
                        name += self.tr(" · group {0}").format(group)
                    colour = self._theme.curve(self._colour_index((info.number, group)))
                    entries.append(LegendEntry(name, colour))
        if entries != self._legend_key:
            self._legend_key = entries
            self.legend.show_entries(entries, self._theme.quiet)

    def _draw_ahead(self, span: Span) -> None:
        addresses = [*self.rate.effective]
        colours = {one: self._theme.curve(self._colour_index(one)) for one in addresses}
        self.ahead.refresh(span.newest, span.high, self.rate.log, self._theme, colours)

    def _write_ahead(self) -> None:
        view = self.rate.view
        area = self.canvas.mapFromScene(view.sceneBoundingRect()).boundingRect()
        low, high = view.viewRange()[1]
        self.ahead.write(QRectF(area), (low, high), self._theme)

    def _show_window(self, window: StepWindow, shown: StepWindow) -> None:
        changed = window != self._window
        self._window = window
        if changed or self.loss.view.viewRange()[0] != [shown.low, shown.high]:
            self.loss.view.setXRange(float(shown.low), float(shown.high), padding=0)
        self.tools.show_following(window.follow, not self._model.state.phase.over)

    def _move(self, window: StepWindow) -> None:
        self._window = window
        self._stale = True

    def _zoom(self, factor: float, around: float) -> None:
        self._move(self._window.zoomed(factor, around, self.newest()))
        self.refresh(new=False)

    def _pan(self, steps: float) -> None:
        if steps:
            self._move(self._window.panned(steps))
            self.refresh(new=False)

    def _set_smoothing(self, span: int) -> None:
        self.loss.set_smoothing(span)
        for number, curve in self.loss.curves.items():
            self._colour_loss(number, curve)
        self._stale = True

    def _set_loss_log(self, on: bool) -> None:
        self.loss.set_log(on)
        self.tools.show_loss_log(on)
        self._stale = True

    def _set_rate_log(self, on: bool) -> None:
        self.rate.set_log(on)
        self.tools.show_rate_log(on)
        self._stale = True

    def _smoothing_chosen(self, span: int) -> None:
        self._set_smoothing(span)
        self._choice_made()

    def _loss_log_chosen(self, on: bool) -> None:
        self._set_loss_log(on)
        self._choice_made()

    def _rate_log_chosen(self, on: bool) -> None:
        self._rate_scale_chosen = True
        self._set_rate_log(on)
        self._choice_made()

    def _choice_made(self) -> None:
        self.refresh(new=False)
        self.choices_changed.emit()

    def _point(self, position: QPointF) -> None:
        if self._mouse != position:
            self._mouse = QPointF(position)
            self._spot = None
        for chart in self._charts():
            if chart.view.sceneBoundingRect().contains(position):
                step = float(chart.view.mapSceneToView(position).x())
                self.readout.point(step, self._reach())
                return
        self._leave()

    def _reach(self) -> float:
        """How many steps off the mouse may be to mean a mark."""
        pixels = max(float(self.loss.view.width()), 1.0)
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
        for note, words in ((self._note, text), (self._rate_note, why)):
            if words != note.text():
                note.setText(words)
                note.setVisible(bool(words))
                self._place_notes()

    def _place_notes(self) -> None:
        for note, chart in ((self._note, self.loss), (self._rate_note, self.rate)):
            area = self.canvas.mapFromScene(chart.view.sceneBoundingRect()).boundingRect()
            width = min(460, max(area.width() - 40, 120))
            height = max(note.heightForWidth(width), 24)
            note.setGeometry(
                area.center().x() - width // 2, area.center().y() - height // 2, width, height
            )

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._stale = True
            QTimer.singleShot(0, self, self._place_notes)
        elif event.type() == QEvent.Type.Leave:
            self._leave()
        return super().eventFilter(watched, event)
