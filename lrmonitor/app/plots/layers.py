"""What a plot is painted of: plain objects, painted in the order of their height."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPen

from .pens import pen_of

if TYPE_CHECKING:
    from .stepview import StepView

__all__ = ["Band", "Layer", "Upright"]


class Layer:
    """One kind of thing inside of a plot. It paints in the pixels of the canvas.

    No item of a graphics scene: a scene asks each of those for its bounds, its transform and its
    visibility several times a frame, which takes longer than to paint it.
    """

    def __init__(self, height: float = 0.0) -> None:
        self.height = height
        """What is higher is painted later."""
        self.view: StepView | None = None
        """The plot that it is in."""
        self._visible = True

    @property
    def visible(self) -> bool:
        """Whether it is painted."""
        return self._visible

    def set_visible(self, on: bool) -> None:
        """Paint it or not."""
        if on != self._visible:
            self._visible = on
            self.update()

    def update(self, part: QRectF | None = None) -> None:
        """Have this part of the canvas be painted anew; None: all of the plot's area."""
        if self.view is not None:
            self.view.update(part)

    def paint(self, painter: QPainter, view: StepView, part: QRectF) -> None:
        """Paint what there is of it in `part`, an area in pixels. What lies outside is clipped."""
        raise NotImplementedError


class Upright(Layer):
    """An upright line through the plot, hidden at first."""

    def __init__(self, height: float = 40.0) -> None:
        super().__init__(height)
        self.place = 0.0
        self.pen = QPen()
        self._visible = False

    def colour(self, pen: QPen) -> None:
        """Draw it with this."""
        self.pen = pen
        self.update()

    def show_at(self, place: float | None) -> None:
        """Stand at this place of the axis, or be hidden."""
        if place is not None and place != self.place:
            self.place = place
            self.update()
        self.set_visible(place is not None)

    def paint(self, painter: QPainter, view: StepView, part: QRectF) -> None:
        x = view.across(self.place)
        area = view.area
        if area.left() - 2 <= x <= area.right() + 2:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(self.pen)
            painter.drawLine(int(x), int(area.top()), int(x), int(area.bottom()))


class Band(Layer):
    """The stretch of the axis that the mouse is dragged over."""

    def __init__(self) -> None:
        super().__init__(60.0)
        self._fill = QPen().color()
        self._pen = QPen()
        self._ends = (0.0, 0.0)
        self._visible = False

    def colour(self, accent: str) -> None:
        """Take the theme's colour."""
        self._pen = pen_of(accent)
        self._fill = self._pen.color()
        self._fill.setAlpha(50)
        self.update()

    def show_between(self, low: float, high: float) -> None:
        """Cover these places."""
        self._ends = (low, high)
        self.set_visible(True)
        self.update()

    def paint(self, painter: QPainter, view: StepView, part: QRectF) -> None:
        area = view.area
        left, right = (view.across(end) for end in self._ends)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(left, area.top(), right - left, area.height()), self._fill)
        painter.setPen(self._pen)
        for x in (int(left), int(right)):
            painter.drawLine(x, int(area.top()), x, int(area.bottom()))
