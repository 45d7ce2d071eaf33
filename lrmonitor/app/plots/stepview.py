"""The area of a plot: what it shows and where, and what the person does in it with the mouse."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QWidget

from ..theme import Theme
from .layers import Band, Layer

__all__ = ["StepView"]

LEAST_PIXELS = 6.0
"""A region less wide than this was a click that slipped."""

PAN = 0.1
"""Share of the width that a notch of the wheel moves the view, sideways or with Shift."""

SLIPS = 5.0
"""Pixels that a mouse may move with its button down and still click."""


class StepView(QObject):
    """Layers over a stretch of the common axis and a range of values. It moves nothing itself: it
    tells what the person did.

    `zoomed(factor, step)`: the wheel; `panned(steps)`: a drag, or the wheel sideways;
    `region_chosen(low, high)`: a drag with Shift or the right button; `fit_wanted()`: a double
    click; `clicked(step)`: a click; `menu_wanted(QPoint)`: a right click, on the screen.
    """

    zoomed = Signal(float, float)
    panned = Signal(float)
    region_chosen = Signal(float, float)
    fit_wanted = Signal()
    clicked = Signal(float)
    menu_wanted = Signal(QPoint)

    def __init__(self) -> None:
        super().__init__()
        self.area = QRectF(0, 0, 1, 1)
        """Where it is on the canvas, in whole pixels."""
        self.reach = QRectF()
        """What has to be painted anew when it moves: its axes too."""
        self.canvas: QWidget | None = None
        self._x = (0.0, 1.0)
        self._y = (0.0, 1.0)
        self._layers: list[Layer] = []
        self._scale()
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragged = False
        self._marking = False
        self.band = Band()
        self.add(self.band)

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.band.colour(theme.accent)

    def add(self, layer: Layer) -> None:
        """Paint this too, above those of its height."""
        layer.view = self
        self._layers.append(layer)
        self._layers.sort(key=lambda one: one.height)
        self.update()

    def remove(self, layer: Layer) -> None:
        """Paint this no more."""
        self._layers.remove(layer)
        layer.view = None
        self.update()

    def ranges(self) -> list[list[float]]:
        """What is visible: of the axis, and of the values."""
        return [[*self._x], [*self._y]]

    def width(self) -> float:
        """Pixels across."""
        return self.area.width()

    def place(self, area: QRectF, reach: QRectF) -> None:
        """Be there on the canvas."""
        self.area, self.reach = area, reach
        self._scale()

    def show_steps(self, low: float, high: float) -> None:
        """Show this stretch of the common axis."""
        if (low, high) != self._x:
            self._x = (low, high)
            self._moved()

    def show_values(self, low: float, high: float) -> None:
        """Show this range of values."""
        if (low, high) != self._y:
            self._y = (low, high)
            self._moved()

    def across(self, place: float) -> float:
        """The x on the canvas of a place of the axis."""
        return place * self.scale_x + self.offset_x

    def to_canvas(self, point: QPointF) -> QPointF:
        """Where on the canvas a place and a value are."""
        return QPointF(self.across(point.x()), point.y() * self.scale_y + self.offset_y)

    def step_at(self, x: float) -> float:
        """The place of the axis at an x on the canvas."""
        return (x - self.offset_x) / self.scale_x

    def update(self, part: QRectF | None = None) -> None:
        """Have a part of the canvas be painted anew; None: all of the area."""
        if self.canvas is not None:
            wanted = self.area if part is None else part & self.area
            self.canvas.update(wanted.toAlignedRect())

    def paint(self, painter: QPainter, part: QRectF) -> None:
        """Paint the layers, as far as they lie in this part of the canvas."""
        inside = part & self.area
        if inside.isEmpty():
            return
        painter.save()
        painter.setClipRect(self.area, Qt.ClipOperation.IntersectClip)
        for layer in self._layers:
            if layer.visible:
                layer.paint(painter, self, inside)
        painter.restore()

    def wheel(self, event: QWheelEvent) -> None:
        """A wheel was turned over the plot."""
        event.accept()
        turned = event.angleDelta()
        sideways = abs(turned.x()) > abs(turned.y())
        delta = float(turned.x() if sideways else turned.y())
        if sideways or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            low, high = self._x
            self.panned.emit(-delta / 120.0 * PAN * (high - low))
            return
        self.zoomed.emit(1.0 / 1.0015**delta, self.step_at(event.position().x()))

    def press(self, event: QMouseEvent) -> None:
        """A button went down over the plot."""
        self._pressed = self._last = event.position()
        self._dragged = False
        # What it began as it stays, also if the key is let go of first.
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        left = event.button() == Qt.MouseButton.LeftButton
        self._marking = event.button() == Qt.MouseButton.RightButton or (left and shift)

    def drag(self, event: QMouseEvent) -> None:
        """The mouse was moved with the button down."""
        if self._pressed is None:
            return
        at = event.position()
        if not self._dragged and (at - self._pressed).manhattanLength() < SLIPS:
            return
        self._dragged = True
        if self._marking:
            self.band.show_between(*self._region(at))
        else:
            self.panned.emit(self.step_at(self._last.x()) - self.step_at(at.x()))
        self._last = at

    def release(self, event: QMouseEvent) -> None:
        """The button is up again."""
        if self._pressed is None:
            return
        at, begun = event.position(), self._pressed
        if self._dragged:
            self.drag(event)
            if self._marking and abs(at.x() - begun.x()) >= LEAST_PIXELS:
                self.region_chosen.emit(*self._region(at))
        elif event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(self.step_at(at.x()))
        elif event.button() == Qt.MouseButton.RightButton:
            self.menu_wanted.emit(event.globalPosition().toPoint())
        self.band.set_visible(False)
        self._pressed = None

    def _region(self, at: QPointF) -> tuple[float, float]:
        assert self._pressed is not None
        one, two = self.step_at(self._pressed.x()), self.step_at(at.x())
        return min(one, two), max(one, two)

    def _moved(self) -> None:
        self._scale()
        if self.canvas is not None:
            self.canvas.update(self.reach.toAlignedRect())

    def _scale(self) -> None:
        """From places and values to pixels: × scale + offset."""
        (x0, x1), (y0, y1), area = self._x, self._y, self.area
        self.scale_x = area.width() / (x1 - x0)
        self.offset_x = area.left() - x0 * self.scale_x
        self.scale_y = -area.height() / (y1 - y0)
        self.offset_y = area.bottom() - y0 * self.scale_y
