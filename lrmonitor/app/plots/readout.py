"""What stands at the step under the mouse: a line through both plots and a small card of values."""

from __future__ import annotations

import numpy as np
from pyqtgraph import InfiniteLine, mkPen
from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from lrmonitor.record.reader import Series

from ..format import format_count, format_loss, format_rate
from ..theme import Theme
from .chart import Chart, LossChart, RateChart
from .marks import Mark
from .metrics import MetricChart

__all__ = ["Readout"]


class Readout(QObject):
    """The crosshair. `attach` is called once; then it follows `point` and `leave`."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None
        self._step: float | None = None
        self._reach = 0.0
        self._lines: dict[Chart, InfiniteLine] = {}
        self._card: QFrame | None = None
        self._text = QLabel()

    def attach(self, loss: LossChart, rate: RateChart) -> None:
        """Live in these two plots."""
        self._loss, self._rate = loss, rate
        for chart in (loss, rate):
            self.add(chart)
        canvas = loss.item.scene().views()[0]
        self._card = QFrame(canvas)
        self._card.setProperty("role", "card")
        self._card.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout = QVBoxLayout(self._card)
        layout.setContentsMargins(8, 6, 8, 6)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        layout.addWidget(self._text)
        self._card.hide()

    def add(self, chart: Chart) -> None:
        """Point in this plot too."""
        line = InfiniteLine(angle=90, movable=False)
        line.setZValue(40)
        line.hide()
        if self._theme is not None:
            line.setPen(mkPen(self._theme.quiet, width=1))
        chart.item.addItem(line, ignoreBounds=True)
        self._lines[chart] = line

    def remove(self, chart: Chart) -> None:
        """Point in this plot no more."""
        chart.item.removeItem(self._lines.pop(chart))

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        for line in self._lines.values():
            line.setPen(mkPen(theme.quiet, width=1))

    def point(self, step: float, reach: float) -> None:
        """The mouse is at `step`; marks within `reach` steps are meant."""
        self._step, self._reach = step, reach
        self.refresh()

    def leave(self) -> None:
        """The mouse is elsewhere."""
        if self._step is not None:
            self._step = None
            for chart, line in self._lines.items():
                line.hide()
                chart.mark_lines.point_at(None)
            if self._card is not None:
                self._card.hide()

    def text(self) -> str:
        """The card's text (rich)."""
        return self._text.text()

    def mark_near(self, step: float, reach: float) -> Mark | None:
        """The mark nearest to a step, within `reach` steps; of several at one place the latest."""
        near = [m for m in self._loss.mark_lines.marks if abs(m.step - step) <= reach]
        return min(reversed(near), key=lambda m: abs(m.step - step), default=None)

    def refresh(self) -> None:
        """Show the values at the step pointed at, as they are now."""
        if self._step is None or self._card is None:
            return
        step = max(round(self._step), 0)
        mark = self.mark_near(self._step, self._reach)
        if mark is not None:
            step = int(mark.step)
        for chart, line in self._lines.items():
            line.setPos(float(step))
            line.show()
            chart.mark_lines.point_at(mark)
        self._text.setText(self._words(step, mark))
        self._card.adjustSize()
        self._place(step)
        self._card.show()
        self._card.raise_()

    def _words(self, step: int, mark: Mark | None) -> str:
        lines = [f"<b>{self.tr('Step {0}').format(format_count(step))}</b>"]
        several = len(self._loss.curves) > 1
        for number, curve in self._loss.curves.items():
            value = _at(curve.series, step)
            name = self.tr("loss {0}").format(number) if several else self.tr("loss")
            if value is not None:
                lines.append(f"{name}&nbsp; <b>{format_loss(value)}</b>")
        many = len(self._rate.effective) > 1
        for address, effective in list(self._rate.effective.items())[:6]:
            value = _before(effective.series, step)
            if value is None:
                continue
            name = self.tr("rate {0}.{1}").format(*address) if many else self.tr("rate")
            line = f"{name}&nbsp; <b>{format_rate(value)}</b>"
            scheduled = self._rate.scheduled.get(address)
            wanted = None if scheduled is None else _before(scheduled.series, step)
            if wanted is not None and wanted != value:
                line += self.tr(" (scheduled {0})").format(format_rate(wanted))
            lines.append(line)
        lines += self._metrics(step)
        if mark is not None and self._theme is not None:
            words = mark.text.replace("&", "&amp;").replace("<", "&lt;")
            if len(words) > 120:
                words = words[:117] + "…"
            lines.append(f'<span style="color:{self._theme.marker}">▼ {words}</span>')
        return "<br>".join(lines)

    def _metrics(self, step: int) -> list[str]:
        """The latest value of each metric shown, and where it is from if not from this step."""
        lines = []
        for chart in self._lines:
            if not isinstance(chart, MetricChart):
                continue
            series = chart.curve.series
            last = _latest(series, step)
            if last < 0:
                continue
            name = chart.title.replace("&", "&amp;").replace("<", "&lt;")
            line = f"{name}&nbsp; <b>{format_loss(float(series.value[last]))}</b>"
            if int(series.step[last]) != step:
                line += self.tr(" (step {0})").format(format_count(int(series.step[last])))
            lines.append(line)
        return lines

    def _place(self, step: int) -> None:
        card = self._card
        if card is None:
            return
        view = self._loss.view
        canvas = view.scene().views()[0]
        at = canvas.mapFromScene(view.mapViewToScene(QPointF(step, view.viewRange()[1][1])))
        x = at.x() + 12
        if x + card.width() > canvas.width() - 16:
            x = at.x() - 12 - card.width()
        card.move(max(x, 4), at.y() + 12)


def _latest(series: Series, step: int) -> int:
    """The index of the last point that was recorded for this step or one before it; -1 if none."""
    if series.ascending:
        return int(np.searchsorted(series.step, step, side="right")) - 1
    before = np.flatnonzero(series.step <= step)
    return int(before[-1]) if len(before) else -1


def _at(series: Series, step: int) -> float | None:
    """The value recorded at exactly this step (the last of several), or None."""
    index = _latest(series, step)
    if index < 0 or int(series.step[index]) != step:
        return None
    return float(series.value[index])


def _before(series: Series, step: int) -> float | None:
    """The value that held at this step: recorded there or last before it."""
    index = _latest(series, step)
    return None if index < 0 else float(series.value[index])
