"""The pane's toolbar and legend: plain widgets, so that they cost the plots nothing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal, SignalInstance
from PySide6.QtGui import QPalette, QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QWidget,
)

from lrmonitor.model.axis import EPOCH, RELATIVE, STEP, WALL

from ..panels.flow import FlowLayout
from .metrics import MEASURED, MetricChoice

__all__ = ["Legend", "LegendEntry", "PlotTools"]

SMOOTHING = (1, 10, 30, 100, 300, 1000)
DEFAULT_SMOOTHING = 30


@dataclass(frozen=True)
class LegendEntry:
    """A name and the colour of its curves."""

    name: str
    colour: str


class PlotTools(QFrame):
    """Following, fitting, scales and smoothing. Emits what the person chose; shows what holds."""

    fit_wanted = Signal()
    follow_changed = Signal(bool)
    loss_log_changed = Signal(bool)
    rate_log_changed = Signal(bool)
    smoothing_changed = Signal(int)
    axis_changed = Signal(str)
    metric_toggled = Signal(str, bool)
    remove_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "tools")
        self.follow = self._toggle(
            self.tr("Follow"), self.tr("Keep the newest step in view (F)"), self.follow_changed
        )
        self.fit = QToolButton(self)
        self.fit.setProperty("role", "tool")
        self.fit.setText(self.tr("Fit"))
        self.fit.setToolTip(self.tr("Show the whole run (Home, or double click)"))
        self.fit.clicked.connect(self.fit_wanted)
        self.loss_log = self._toggle(
            self.tr("Log loss"), self.tr("Loss on a logarithmic scale (L)"), self.loss_log_changed
        )
        self.rate_log = self._toggle(
            self.tr("Log rate"),
            self.tr("Learning rate on a logarithmic scale (Shift+L)"),
            self.rate_log_changed,
        )
        self.smooth = QComboBox(self)
        self.smooth.setToolTip(
            self.tr(
                "The strong curve is an average over about this many steps of all the data;\n"
                "the faint one behind it is every step's loss."
            )
        )
        self.smooth.setAccessibleName(self.tr("Smoothing of the loss"))
        for span in SMOOTHING:
            label = self.tr("1 step") if span == 1 else self.tr("{0} steps").format(span)
            self.smooth.addItem(label, span)
        self.smooth.setMinimumWidth(self.smooth.sizeHint().width())
        self.set_smoothing(DEFAULT_SMOOTHING)
        self.smooth.currentIndexChanged.connect(self._smoothing_picked)
        self.axis = QComboBox(self)
        self.axis.setAccessibleName(self.tr("What the horizontal axis shows"))
        self.axis.setToolTip(self.axis.accessibleName())
        for kind, text in (
            (STEP, self.tr("Steps")),
            (RELATIVE, self.tr("Time since start")),
            (WALL, self.tr("Time of day")),
            (EPOCH, self.tr("Epochs")),
        ):
            self.axis.addItem(text, kind)
        self.axis.setMinimumWidth(self.axis.sizeHint().width())
        self.axis.activated.connect(lambda: self.axis_changed.emit(self.axis.currentData()))
        self.series = QToolButton(self)
        self.series.setProperty("role", "tool")
        self.series.setText(self.tr("Series ▾"))
        self.series.setToolTip(self.tr("Which of the logged and printed numbers have a plot"))
        self.series.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.series.setMenu(QMenu(self.series))
        self.series.hide()
        self._metrics: list[MetricChoice] = []
        self._lay_out()

    def smoothing(self) -> int:
        """Steps that the smoothed loss averages over; 1 for not at all."""
        return int(self.smooth.currentData())

    def set_smoothing(self, span: int) -> None:
        """Show a choice; one that is not offered is ignored."""
        index = self.smooth.findData(span)
        if index >= 0:
            with QSignalBlocker(self.smooth):
                self.smooth.setCurrentIndex(index)

    def show_following(self, on: bool, live: bool = True) -> None:
        """Echo whether the newest step is kept in view; a run that is over has none to come."""
        self._echo(self.follow, on and live)
        if self.follow.isEnabled() != live:
            self.follow.setEnabled(live)

    def show_axis(self, kind: str) -> None:
        """Echo the kind of the axis."""
        with QSignalBlocker(self.axis):
            self.axis.setCurrentIndex(self.axis.findData(kind))

    def show_epochs(self, known: bool) -> None:
        """Offer epochs where the script's data loader tells them."""
        model = self.axis.model()
        item = (
            model.item(self.axis.findData(EPOCH)) if isinstance(model, QStandardItemModel) else None
        )
        if item is not None and item.isEnabled() != known:
            item.setEnabled(known)
            why = "" if known else self.tr("No data loader tells the epochs of this run")
            item.setToolTip(why)

    def show_loss_log(self, on: bool) -> None:
        """Echo the scale of the loss."""
        self._echo(self.loss_log, on)

    def show_rate_log(self, on: bool) -> None:
        """Echo the scale of the rate."""
        self._echo(self.rate_log, on)

    def show_metrics(self, metrics: list[MetricChoice]) -> None:
        """Offer these series; the button is hidden where there are none."""
        if metrics == self._metrics:
            return
        self._metrics = metrics
        menu = self.series.menu()
        menu.clear()
        before = ""
        for one in metrics:
            if before and one.measured and before != MEASURED:
                menu.addSeparator()
            before = MEASURED if one.measured else "told"
            action = menu.addAction(_plain(one.name))
            action.setCheckable(True)
            action.setChecked(one.shown)
            action.triggered.connect(
                lambda on=False, key=one.key: self.metric_toggled.emit(key, bool(on))
            )
        removable = [one for one in metrics if one.removable]
        if removable:
            menu.addSeparator()
        for one in removable:
            action = menu.addAction(self.tr("Remove “{0}”").format(_plain(one.name)))
            action.triggered.connect(lambda _=False, name=one.name: self.remove_wanted.emit(name))
        self.series.setVisible(bool(metrics))

    def _echo(self, button: QToolButton, on: bool) -> None:
        if button.isChecked() != on:
            with QSignalBlocker(button):
                button.setChecked(on)

    def _toggle(self, text: str, tip: str, signal: SignalInstance) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("role", "tool")
        button.setText(text)
        button.setToolTip(tip)
        button.setCheckable(True)
        button.toggled.connect(signal)
        return button

    def _smoothing_picked(self) -> None:
        self.smoothing_changed.emit(self.smoothing())

    def _lay_out(self) -> None:
        self._caption = QLabel(self.tr("Smooth over"), self)
        self._caption.setProperty("role", "quiet")
        self._caption.setBuddy(self.smooth)
        self._row = (
            *(self.follow, self.fit, self.loss_log, self.rate_log),
            *(self._caption, self.smooth, self.axis, self.series),
        )
        self._flow = FlowLayout()
        height = self.follow.sizeHint().height()
        for widget in self._row:
            # In one row all stand at one height.
            widget.setFixedHeight(height)
            self._flow.addWidget(widget)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 14, 4)
        layout.addLayout(self._flow)

    def _fit(self) -> None:
        """In a narrow window the buttons need the room more than the caption."""
        if self.layout() is None:
            return
        wanted = [one for one in self._row if one is self._caption or not one.isHidden()]
        needed = sum(one.sizeHint().width() + self._flow.spacing() for one in wanted)
        fits = needed + 24 <= self.width()
        if self._caption.isHidden() == fits:
            self._caption.setVisible(fits)

    def event(self, event: QEvent) -> bool:
        # Other buttons came or went.
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()


class Legend(QLabel):
    """Names beside their colours, wrapping where the window is narrow; hidden without entries."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setContentsMargins(16, 2, 14, 4)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.hide()

    def show_entries(self, entries: Sequence[LegendEntry], quiet: str) -> None:
        """Show these in the place of those before; `quiet` is the colour of the explanation."""
        parts = [
            f'<span style="color:{entry.colour}">━━</span>&nbsp;{_unbroken(entry.name)}'
            for entry in entries
        ]
        note = _unbroken(self.tr("dashed: the scheduled rate, where it differs"))
        parts.append(f'<span style="color:{quiet}">{note}</span>')
        # One place to break at, so that no line begins with a space.
        self.setText("&nbsp;&nbsp;&nbsp;&nbsp; ".join(parts) if entries else "")
        self.setVisible(bool(entries))


def _plain(name: str) -> str:
    return name.replace("&", "&&")


def _unbroken(text: str) -> str:
    return html.escape(text).replace(" ", "&nbsp;")
