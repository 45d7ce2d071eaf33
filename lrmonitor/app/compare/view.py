"""Several runs in the middle of the window: their curves, and a table of what they were and did."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.comparison import Statistics, matching, statistics

from ..format import format_count
from ..plots.curves import Span
from ..plots.ranges import StepWindow
from ..plots.sheet import PlotSheet
from ..theme import Theme
from .bar import CompareBar
from .chart import CompareChart
from .runs import Compared, keys_of
from .table import CompareTable, Sorted, SwatchDelegate

__all__ = ["CompareView"]

MOST = 4
"""Plots at a time."""

POLL_TICKS = 15
"""Ticks of the window between two looks at the live ones: twice a second."""

COLUMNS_PER_PIXEL = 1.5

FULL = 3
"""Curves that are drawn in columns as fine as a single one's."""

COUNTING = 0.004
"""Seconds of a frame in which figures are counted: those of a million points take as long."""


class CompareView(QWidget):
    """Follows its runs on the window's ticks. `done()`: the person has seen enough."""

    done = Signal()

    def __init__(
        self, folders: Sequence[Path], theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.runs = [Compared(folder, number) for number, folder in enumerate(folders)]
        self.baseline: Compared | None = None
        self.charts: dict[str, CompareChart] = {}
        self._window = StepWindow()
        self._ticks = 0
        self._width = 0
        self._cursor: float | None = None
        self._figures: dict[Path, Statistics] = {}
        self._counted: dict[Path, tuple[object, ...]] = {}
        self._owing = False
        self.bar = CompareBar(self)
        self.canvas = PlotSheet(self)
        self.canvas.setAccessibleName(self.tr("Curves of the compared runs"))
        self.note = QLabel(self.canvas)
        self.table = CompareTable(theme, self)
        self.sorted: QSortFilterProxyModel = Sorted(self.table, self)
        self.rows = QTableView(self)
        self._lay_out()
        self._connect()
        self.set_theme(theme)
        self._choose()
        self.fit()

    @property
    def shown(self) -> StepWindow:
        """The visible steps."""
        return self._window

    def newest(self) -> float:
        """The last step of any of the runs that are shown."""
        return float(max((r.model.state.step or 0 for r in self.runs if r.shown), default=0))

    def tick(self) -> None:
        """Look at the live ones now and then, and draw what came."""
        self._ticks += 1
        width = round(self.canvas.width())
        if self._ticks % POLL_TICKS == 0:
            polled = [run.poll() for run in self.runs]
            if any(polled):
                self._choose()
        elif width != self._width:
            self.refresh()
        elif self._owing:
            self._show_figures()
        self._width = width

    def fit(self) -> None:
        """Show all steps."""
        self._window = StepWindow().closed(self.newest())
        for chart in self.charts.values():
            chart.fit_values()
        self.refresh()

    def set_baseline(self, number: int) -> None:
        """Draw differences to the run of that number; -1: the values themselves."""
        self.baseline = self.runs[number] if number >= 0 else None
        for chart in self.charts.values():
            chart.set_log(False)
        self._choose()
        self.fit()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.table.theme = theme
        self.canvas.set_background(theme.base)
        for chart in self.charts.values():
            chart.colour(theme)
        self._show_axis()
        self.rows.viewport().update()

    def refresh(self, moving: bool = False) -> None:
        """Draw what is visible, and tell its figures; while it is `moving` they wait for a tick."""
        window = self._window = self._window.advanced(self.newest())
        charts = list(self.charts.values())
        if not charts:
            return
        # Many curves share the pixels: each has its extremes in wider columns, none is lost.
        shown = max(sum(run.shown for run in self.runs), 1)
        share = COLUMNS_PER_PIXEL * min(1.0, FULL / shown)
        columns = max(int(charts[0].view.width() * share), 150)
        for chart in charts:
            chart.look_at(window.low, window.high)
        low, high = math.floor(window.low), math.ceil(window.high)
        width = charts[0].view.width()
        span = Span(low, high, columns, int(self.newest()), pixels=width)
        ends = {run.folder: run.model.state.step or 0 for run in self.runs}
        for chart in charts:
            chart.ends = ends
            chart.refresh(span)
        if moving:
            self._owing = True
        else:
            self._show_figures()

    def _choose(self) -> None:
        """Plots for the series that are wanted, curves for the runs that have them."""
        keys, problem = matching(self.bar.pattern.text(), keys_of(self.runs))
        self.bar.show_pattern(problem)
        keys = keys[:MOST]
        if list(self.charts) != keys:
            self._place(keys)
        for key, chart in self.charts.items():
            changed = False
            for run in self.runs:
                series = run.curve(key, self.baseline) if run.shown else None
                if series is None:
                    changed |= run.folder in chart.curves
                    chart.forget(run.folder)
                else:
                    changed |= chart.show(run.folder, series, run.look)
            title = self.tr("Δ {0}").format(key) if self.baseline else key
            if changed or title != chart.title:
                chart.title = title
                chart.colour(self._theme)
        self.bar.show_runs([run.name for run in self.runs], self._number(self.baseline))
        first = next(iter(self.charts.values()), None)
        self.bar.show_log(first is not None and first.log, self.baseline is None)
        self.table.show_runs(self.runs, self.baseline)
        self._say(keys)
        self.refresh()

    def _number(self, run: Compared | None) -> int:
        return -1 if run is None else self.runs.index(run)

    def _place(self, keys: Sequence[str]) -> None:
        known, self.charts = self.charts, {}
        for chart in known.values():
            self.canvas.remove(chart)
        for row, key in enumerate(keys):
            chart = known.get(key) or self._made(key)
            self.charts[key] = chart
            self.canvas.add(chart, row, 4 if row == 0 else 2)
        for chart in self.charts.values():
            chart.colour(self._theme)
        self._show_axis()

    def _made(self, key: str) -> CompareChart:
        chart = CompareChart(key, self.bar.smoothing())
        chart.view.zoomed.connect(self._zoom)
        chart.view.panned.connect(self._pan)
        chart.view.fit_wanted.connect(self.fit)
        return chart

    def _show_axis(self) -> None:
        charts = list(self.charts.values())
        for chart in charts:
            chart.show_steps(self.tr("Step") if chart is charts[-1] else None)

    def _show_figures(self) -> None:
        key = next(iter(self.charts), "")
        self._count(key)
        at = [self._value_at(key, run) for run in self.runs]
        where = "" if self._cursor is None else format_count(round(self._cursor))
        name = self.tr("Δ {0}").format(key) if self.baseline else key
        figures = [self._figures.get(run.folder, Statistics()) for run in self.runs]
        self.table.show_figures(name, figures, at, where)

    def _count(self, key: str) -> None:
        """The figures of what is visible, run by run until a frame's time is over; the others wait
        for the next tick."""
        low, high = self._window.low, self._window.high
        limit = time.perf_counter() + COUNTING
        for run in self.runs:
            series = run.curve(key, self.baseline) if key and run.shown else None
            of = (key, low, high, id(series), 0 if series is None else len(series))
            if self._counted.get(run.folder) == of:
                continue
            if time.perf_counter() > limit:
                self._owing = True
                return
            self._figures[run.folder] = statistics(series, low, high)
            self._counted[run.folder] = of
        self._owing = False

    def _value_at(self, key: str, run: Compared) -> float | None:
        """The value of the latest point at or before the cursor."""
        series = run.curve(key, self.baseline) if key else None
        if self._cursor is None or series is None or not len(series) or not series.ascending:
            return None
        index = int(np.searchsorted(series.step, round(self._cursor), "right")) - 1
        if index < 0 or (round(self._cursor) > series.step[-1] and series.info.kind != "lr"):
            return None
        return float(series.value[index])

    def _point(self, position: QPointF) -> None:
        inside = [c for c in self.charts.values() if c.view.area.contains(position)]
        self._cursor = inside[0].view.step_at(position.x()) if inside else None
        for chart in self.charts.values():
            chart.cursor.show_at(None if self._cursor is None else round(self._cursor))
        self._show_figures()

    def _zoom(self, factor: float, around: float) -> None:
        self._window = self._window.following(False, self.newest())
        self._window = self._window.zoomed(factor, around, self.newest())
        self.refresh(moving=True)

    def _pan(self, steps: float) -> None:
        if steps:
            self._window = self._window.panned(steps)
            self.refresh(moving=True)

    def _set_log(self, on: bool) -> None:
        for chart in self.charts.values():
            chart.set_log(on)
        self.refresh()

    def _set_smoothing(self, span: int) -> None:
        for chart in self.charts.values():
            chart.set_smoothing(span)
            chart.colour(self._theme)
        self.refresh()

    def _say(self, keys: Sequence[str]) -> None:
        text = ""
        if not keys:
            text = self.tr("No series of these runs is named like “{0}”.").format(
                self.bar.pattern.text()
            )
            there = keys_of(self.runs)
            if there:
                some = ", ".join(there[:12]) + (", …" if len(there) > 12 else "")
                text += "\n\n" + self.tr("They have: {0}").format(some)
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.note.adjustSize()
        self.note.move(24, 20)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.table.text())

    def _make_baseline(self) -> None:
        index = self.rows.currentIndex()
        if index.isValid():
            number = self.sorted.mapToSource(index).row()
            self.set_baseline(-1 if self.runs[number] is self.baseline else number)

    def _connect(self) -> None:
        for keys, do in (("Home", self.fit), ("L", self.bar.log.toggle), ("Esc", self.done.emit)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(do)
        self.bar.pattern_changed.connect(lambda _: self._choose())
        self.bar.baseline_changed.connect(self.set_baseline)
        self.bar.log_changed.connect(self._set_log)
        self.bar.smoothing_changed.connect(self._set_smoothing)
        self.bar.fit_wanted.connect(self.fit)
        self.bar.copy_wanted.connect(self._copy)
        self.bar.done.connect(self.done)
        self.table.toggled.connect(self._choose)
        self.rows.doubleClicked.connect(lambda _: self._make_baseline())
        self.canvas.pointed.connect(self._point)

    def _lay_out(self) -> None:
        rows = self.rows
        rows.setModel(self.sorted)
        rows.setItemDelegateForColumn(0, SwatchDelegate(self.table, rows))
        rows.setSortingEnabled(True)
        rows.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        rows.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        rows.setColumnWidth(0, 210)
        rows.setWordWrap(False)
        rows.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        rows.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows.verticalHeader().hide()
        rows.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        rows.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        rows.setShowGrid(False)
        rows.setAlternatingRowColors(True)
        rows.setAccessibleName(self.tr("Settings and results of the compared runs"))
        rows.setToolTip(self.tr("Double click: a run is the baseline, or no longer"))
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.addWidget(self.canvas)
        split.addWidget(rows)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setSizes([520, 190])
        split.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(split, 1)
