"""What stands at the step under the mouse: a line through both plots and a small card of values."""

from __future__ import annotations

import numpy as np
from pyqtgraph import InfiniteLine, mkPen
from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from lrmonitor.record.reader import Series

from ..format import format_count, format_loss, format_rate
from ..theme import Theme
from .chart import LossChart, RateChart
from .marks import Mark

__all__ = ["Readout"]


class Readout(QObject):
    """The crosshair. `attach` is called once; then it follows `point` and `leave`."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._step: float | None = None
        self._reach = 0.0
        self._lines = [InfiniteLine(angle=90, movable=False) for _ in range(2)]
        self._card: QFrame | None = None
        self._text = QLabel()

    def attach(self, loss: LossChart, rate: RateChart) -> None:
        """Live in these two plots."""
        self._loss, self._rate = loss, rate
        for chart, line in zip((loss, rate), self._lines, strict=True):
            line.setZValue(40)
            line.hide()
            chart.item.addItem(line, ignoreBounds=True)
        canvas = loss.item.scene().views()[0]
        self._card = QFrame(canvas)
        self._card.setProperty("role", "card")
        self._card.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout = QVBoxLayout(self._card)
        layout.setContentsMargins(8, 6, 8, 6)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        layout.addWidget(self._text)
        self._card.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        for line in self._lines:
            line.setPen(mkPen(theme.quiet, width=1))

    def point(self, step: float, reach: float) -> None:
        """The mouse is at `step`; marks within `reach` steps are meant."""
        self._step, self._reach = step, reach
        self.refresh()

    def leave(self) -> None:
        """The mouse is elsewhere."""
        if self._step is not None:
            self._step = None
            for line in self._lines:
                line.hide()
            self._loss.mark_lines.point_at(None)
            self._rate.mark_lines.point_at(None)
            if self._card is not None:
                self._card.hide()

    def text(self) -> str:
        """The card's text (rich)."""
        return self._text.text()

    def refresh(self) -> None:
        """Show the values at the step pointed at, as they are now."""
        if self._step is None or self._card is None:
            return
        step = max(round(self._step), 0)
        mark = self._mark(self._step)
        if mark is not None:
            step = int(mark.step)
        for chart, line in zip((self._loss, self._rate), self._lines, strict=True):
            line.setPos(float(step))
            line.show()
            chart.mark_lines.point_at(mark)
        self._text.setText(self._words(step, mark))
        self._card.adjustSize()
        self._place(step)
        self._card.show()
        self._card.raise_()

    def _mark(self, step: float) -> Mark | None:
        near = [m for m in self._loss.mark_lines.marks if abs(m.step - step) <= self._reach]
        # Of several at one place the latest is told.
        return min(reversed(near), key=lambda m: abs(m.step - step), default=None)

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
        if mark is not None:
            words = mark.text.replace("&", "&amp;").replace("<", "&lt;")
            if len(words) > 120:
                words = words[:117] + "…"
            lines.append(f'<span style="color:{self._theme.marker}">▼ {words}</span>')
        return "<br>".join(lines)

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


def _at(series: Series, step: int) -> float | None:
    """The value recorded at exactly this step (the last of several), or None."""
    index = int(np.searchsorted(series.step, step, side="right")) - 1
    if index < 0 or int(series.step[index]) != step:
        return None
    return float(series.value[index])


def _before(series: Series, step: int) -> float | None:
    """The value that held at this step: recorded there or last before it."""
    index = int(np.searchsorted(series.step, step, side="right")) - 1
    return None if index < 0 else float(series.value[index])
