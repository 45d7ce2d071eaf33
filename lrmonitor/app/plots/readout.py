"""What stands under the mouse: a line through all plots and a small card of values; and readings
that are pinned, to read how two places differ."""

from __future__ import annotations

import html
import math

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from lrmonitor.model.axis import EPOCH, STEP

from ..format import format_count, format_duration, format_loss, format_rate
from ..theme import Theme
from .chart import Chart, LossChart, RateChart
from .layers import Upright
from .marks import Mark
from .metrics import MetricChart
from .pens import pen_of
from .placing import Placing
from .reading import Reading, Row, read
from .scales import duration_label

__all__ = ["Readout"]

LONGEST_MARK = 120


class Readout(QObject):
    """The crosshair. `attach` is called once; then it follows `point`, `leave` and `pin`."""

    def __init__(self, placing: Placing, parent: QWidget) -> None:
        super().__init__(parent)
        self._placing = placing
        self._theme: Theme | None = None
        self._place: float | None = None
        self._reach = 0.0
        self._shown: Reading | None = None
        self.pins: list[float] = []
        """Places that are pinned: none, the one from which differences are told, or both ends."""
        self._lines: dict[Chart, list[Upright]] = {}
        self._card: QFrame | None = None
        self._text = QLabel()

    def attach(self, canvas: QWidget, loss: LossChart, rate: RateChart) -> None:
        """Live in these two plots, on this canvas."""
        self._canvas = canvas
        self._loss, self._rate = loss, rate
        for chart in (loss, rate):
            self.add(chart)
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
        lines = [Upright() for _ in range(3)]
        for line in lines:
            chart.view.add(line)
        self._lines[chart] = lines
        self._colour(chart)

    def remove(self, chart: Chart) -> None:
        """Point in this plot no more."""
        for line in self._lines.pop(chart):
            chart.view.remove(line)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        for chart in self._lines:
            self._colour(chart)

    def point(self, place: float, reach: float) -> None:
        """The mouse is at `place`; marks within `reach` of it are meant."""
        self._place, self._reach = place, reach
        self.refresh()

    def leave(self) -> None:
        """The mouse is elsewhere."""
        if self._place is not None:
            self._place = None
            for chart in self._lines:
                chart.mark_lines.point_at(None)
            self.refresh()

    def pin(self) -> None:
        """Keep the reading at the mouse: the first is what others are told against, the second
        stays too; a third time takes both away."""
        if len(self.pins) == 2:
            self.pins.clear()
        elif self._shown is not None and self._place is not None:
            self.pins.append(self._shown.place)
        self.refresh()

    def unpin(self) -> None:
        """Keep no reading."""
        self.pins.clear()
        self.refresh()

    def text(self) -> str:
        """The card's text (rich)."""
        return self._text.text()

    def mark_near(self, place: float, reach: float) -> Mark | None:
        """The mark nearest to a place, within `reach`; of several at one place the latest."""
        near = [m for m in self._loss.mark_lines.marks if abs(m.step - place) <= reach]
        return min(reversed(near), key=lambda m: abs(m.step - place), default=None)

    def refresh(self) -> None:
        """Show the values at the place pointed at, as they are now."""
        if self._card is None:
            return
        mark = None
        place = self._place
        if place is not None:
            mark = self.mark_near(place, self._reach)
            place = place if mark is None else mark.step
        under = None if place is None else self._read(place)
        self._shown = self._read(self.pins[1]) if len(self.pins) == 2 else under
        self._show_lines(None if under is None else under.place, mark)
        if self._shown is None:
            self._card.hide()
            return
        base = self._read(self.pins[0]) if self.pins else None
        self._text.setText(self._words(self._shown, base, mark))
        self._card.adjustSize()
        self._put_card(self._shown.place)
        self._card.show()
        self._card.raise_()

    def _read(self, place: float) -> Reading:
        metrics = [chart for chart in self._lines if isinstance(chart, MetricChart)]
        steps = self._placing.step_series
        return read(place, self._placing, steps, self._loss, self._rate, metrics)

    def _show_lines(self, place: float | None, mark: Mark | None) -> None:
        wanted = [place, *self.pins, None, None][:3]
        for chart, lines in self._lines.items():
            for line, at in zip(lines, wanted, strict=True):
                line.show_at(at)
            chart.mark_lines.point_at(mark)

    def _colour(self, chart: Chart) -> None:
        if self._theme is None:
            return
        mouse, *pinned = self._lines[chart]
        mouse.colour(pen_of(self._theme.quiet))
        for line in pinned:
            line.colour(pen_of(self._theme.accent, style=Qt.PenStyle.DashLine))

    def _words(self, found: Reading, base: Reading | None, mark: Mark | None) -> str:
        lines = [self._head(found)]
        if base is not None:
            lines.append(self._apart(found, base))
        for row in found.rows:
            before = None if base is None else base.value(row.kind, row.name)
            lines.append(self._line(row, before))
        if mark is not None and self._theme is not None:
            words = mark.text
            if len(words) > LONGEST_MARK:
                words = words[: LONGEST_MARK - 3] + "…"
            colour = self._theme.marker
            sign = "◀" if mark.kind == "rewound" else "▼"
            lines.append(f'<span style="color:{colour}">{sign} {html.escape(words)}</span>')
        return "<br>".join(lines)

    def _head(self, found: Reading) -> str:
        words = f"<b>{self.tr('Step {0}').format(format_count(found.step))}</b>"
        if self._placing.kind != STEP:
            place = html.escape(self._placing.scale.words(found.place))
            if self._placing.kind == EPOCH:
                place = self.tr("epoch {0}").format(place)
            words += f"&nbsp; {place}"
        elif found.time is not None:
            since = duration_label(max(found.time - self._placing.axis.start, 0.0), fine=True)
            words += f"&nbsp; {since}"
        return words

    def _apart(self, found: Reading, base: Reading) -> str:
        """How far a reading is from the pinned one."""
        apart = found.step - base.step
        sign = "+" if apart >= 0 else "−"
        words = self.tr("{0} steps").format(f"Δ {sign}{format_count(abs(apart))}")
        if found.time is not None and base.time is not None:
            words += f", {format_duration(abs(found.time - base.time))}"
        colour = self._theme.accent if self._theme is not None else "#888888"
        return f'<span style="color:{colour}">{words}</span>'

    def _line(self, row: Row, before: float | None) -> str:
        name, value = self._name(row), format_loss(row.value)
        if row.kind == "rate":
            value = format_rate(row.value)
        line = f"{name}&nbsp; <b>{value}</b>"
        if row.scheduled is not None:
            line += self.tr(" (scheduled {0})").format(format_rate(row.scheduled))
        if row.step is not None:
            line += self.tr(" (step {0})").format(format_count(row.step))
        if before is not None and math.isfinite(before) and math.isfinite(row.value):
            line += f"&nbsp; {_difference(row, before)}"
        return line

    def _name(self, row: Row) -> str:
        if row.kind == "metric":
            return html.escape(row.name)
        if row.kind == "rate":
            many = len(self._rate.effective) > 1
            return self.tr("rate {0}").format(row.name) if many else self.tr("rate")
        several = len(self._loss.curves) > 1
        if row.kind == "smoothed":
            return self.tr("smoothed {0}").format(row.name) if several else self.tr("smoothed")
        return self.tr("loss {0}").format(row.name) if several else self.tr("loss")

    def _put_card(self, place: float) -> None:
        card = self._card
        if card is None:
            return
        view = self._loss.view
        canvas = self._canvas
        at = round(view.across(place))
        x = at + 12
        if x + card.width() > canvas.width() - 16:
            x = at - 12 - card.width()
        # Beside the axis, not over its numbers, as long as there is room.
        least = round(view.area.left()) + 4
        most = max(canvas.width() - card.width() - 4, 4)
        card.move(min(max(x, least), most), round(view.area.top()) + 12)


def _difference(row: Row, before: float) -> str:
    """How a value differs from the pinned one: rates as a factor, others as a difference."""
    if row.kind == "rate" and before > 0 and row.value > 0:
        return f"×{format_rate(row.value / before, 3)}"
    apart = row.value - before
    return f"Δ {'+' if apart >= 0 else '−'}{format_loss(abs(apart))}"
