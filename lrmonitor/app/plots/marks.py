"""What happened at a step: interventions as vertical lines, values with no place on the axis.

Both are drawn by one item each, whatever their number, and reduced to one per pixel column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from ..theme import Theme
from .layers import Layer
from .stamps import Stamps
from .stepview import StepView

__all__ = ["AxisMarks", "Mark", "MarkLines", "PixelItem"]

HANDLE = 5.0
"""Half the width of a mark's handle, in pixels."""

BESIDE = 16.0
"""Pixels that reach further than anything does from the step that it stands at."""

TOGETHER = 4.0
"""Pixels between two marks on the axis from which they are told apart; nearer ones make a band."""


@dataclass(frozen=True)
class Mark:
    """One intervention: the step it stands at, its kind, what to say of it, and when it was."""

    step: float
    kind: str
    text: str
    time: float = 0.0


class PixelItem(Layer):
    """A layer that paints all that it has, and is hidden while it has nothing."""

    def show_changes(self) -> None:
        """What there is to paint is another."""
        self.set_visible(self.any())
        self.update()

    def paint(self, painter: QPainter, view: StepView, part: QRectF) -> None:
        if self.between(view.step_at(part.left() - BESIDE), view.step_at(part.right() + BESIDE)):
            low, high = view.ranges()[0]
            self.draw(painter, view.area, (low, high))

    def any(self) -> bool:
        """Whether there is anything to paint."""
        return True

    def between(self, low: float, high: float) -> bool:
        """Whether there may be anything between these steps."""
        return True

    def draw(self, painter: QPainter, area: QRectF, shown: tuple[float, float]) -> None:
        """Paint inside `area` (pixels), where the steps `shown` are visible."""
        raise NotImplementedError


class AxisMarks(PixelItem):
    """Small marks on the lower edge for losses that have no place: nan, infinite, or ≤ 0 on log.

    Hollow ones at the upper and the lower edge where a line leaves an axis that ignores outliers.
    """

    def __init__(self) -> None:
        super().__init__(50)
        self.step: NDArray[np.float64] = np.empty(0)
        self.above: NDArray[np.float64] = np.empty(0)
        self.below: NDArray[np.float64] = np.empty(0)
        self._stamps = Stamps(9, 9)
        self._pen = QPen()
        self._visible = False

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._stamps.colour(QColor(theme.bad))
        self._pen = QPen(QColor(theme.text), 1.2)
        self.update()

    def set_steps(self, step: NDArray[np.float64]) -> None:
        """Show a mark at each of these steps."""
        if not np.array_equal(step, self.step):
            self.step = step
            self.show_changes()

    def set_beyond(self, above: NDArray[np.float64], below: NDArray[np.float64]) -> None:
        """Show that lines go on above and below the axis at these steps."""
        if len(above) or len(below) or self.goes_beyond:
            self.above, self.below = above, below
            self.show_changes()

    @property
    def goes_beyond(self) -> bool:
        """Whether it tells now that lines go on outside of the axis."""
        return bool(len(self.above) or len(self.below))

    def any(self) -> bool:
        return bool(len(self.step)) or self.goes_beyond

    def between(self, low: float, high: float) -> bool:
        first, last = np.searchsorted(self.step, (low, high)).tolist()
        return last > first or self.goes_beyond

    def draw(self, painter: QPainter, area: QRectF, shown: tuple[float, float]) -> None:
        if len(self.step):
            self._draw_lost(painter, area, shown)
        if self.goes_beyond:
            self._draw_beyond(painter, area, shown)

    def _draw_lost(self, painter: QPainter, area: QRectF, shown: tuple[float, float]) -> None:
        scale = area.width() / (shown[1] - shown[0])
        xs = area.left() + (self.step - shown[0]) * scale
        apart = np.flatnonzero(np.diff(xs) > TOGETHER) + 1
        lefts, rights = xs[np.append(0, apart)], xs[np.append(apart, len(xs)) - 1]
        self._stamps.draw(painter, lefts, rights, area.bottom() - 1)

    def _draw_beyond(self, painter: QPainter, area: QRectF, shown: tuple[float, float]) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        scale = area.width() / (shown[1] - shown[0])
        lost = area.left() + (self.step - shown[0]) * scale
        edges = ((self.above, area.top() + 1, 1), (self.below, area.bottom() - 1, -1))
        for steps, edge, way in edges:
            taken = -10.0
            for step in steps:
                x = area.left() + (float(step) - shown[0]) * scale
                if x - taken < 7:  # one for those that would lie on top of each other
                    continue
                taken = x
                y = edge
                if way < 0 and len(lost) and np.abs(lost - x).min() < self._stamps.width:
                    y -= self._stamps.height + 1  # on top of what has no place, not across it
                points = (QPointF(x - 3.5, y + 6 * way), QPointF(x, y))
                painter.drawPolyline(QPolygonF([*points, QPointF(x + 3.5, y + 6 * way)]))


class MarkLines(PixelItem):
    """Dashed vertical lines where the person intervened, with a handle to point at."""

    def __init__(self, handles: bool) -> None:
        super().__init__(-10)
        self.marks: tuple[Mark, ...] = ()
        self._lines: tuple[Mark, ...] = ()
        self.near: Mark | None = None
        self._handles = handles
        self._colour = QColor("#888888")
        self._faint = QColor("#888888")
        self._visible = False

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._colour = QColor(theme.marker)
        self._faint = QColor(theme.dim(theme.marker, 0.55))
        self.update()

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Show these, in the order of their steps."""
        if tuple(marks) != self.marks:
            self.marks = tuple(marks)
            # Findings have a shade of their own.
            self._lines = tuple(mark for mark in reversed(marks) if mark.kind != "finding")
            self.show_changes()

    def point_at(self, mark: Mark | None) -> None:
        """Make one stand out, or none."""
        if mark != self.near:
            self.near = mark
            self.update()

    def any(self) -> bool:
        return bool(self._lines)

    def draw(self, painter: QPainter, area: QRectF, shown: tuple[float, float]) -> None:
        scale = area.width() / (shown[1] - shown[0])
        taken: set[int] = set()
        for mark in self._lines:
            if not shown[0] <= mark.step <= shown[1]:
                continue
            x = round(area.left() + (mark.step - shown[0]) * scale) + 0.5
            if int(x) in taken and mark != self.near:
                continue
            taken.add(int(x))
            near = mark == self.near
            colour = self._colour if near else self._faint
            style = Qt.PenStyle.SolidLine if near else Qt.PenStyle.DashLine
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(colour, 1, style))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
            if self._handles:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._colour)
                top = area.top()
                if mark.kind == "rewound":  # it points to where the training went
                    middle = top + HANDLE
                    corners = [
                        QPointF(x, top),
                        QPointF(x, middle + HANDLE),
                        QPointF(x - 1.6 * HANDLE, middle),
                    ]
                else:
                    corners = [
                        QPointF(x - HANDLE, top),
                        QPointF(x + HANDLE, top),
                        QPointF(x, top + 1.6 * HANDLE),
                    ]
                painter.drawPolygon(QPolygonF(corners))
