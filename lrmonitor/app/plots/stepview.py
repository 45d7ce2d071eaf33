"""The area of a plot, and what the person does in it with the mouse."""

from __future__ import annotations

from typing import Any

from pyqtgraph import LinearRegionItem, ViewBox, mkBrush, mkPen
from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor

from ..theme import Theme

__all__ = ["StepView"]

LEAST_PIXELS = 6.0
"""A region less wide than this was a click that slipped."""

PAN = 0.1
"""Share of the width that a notch of the wheel moves the view, sideways or with Shift."""


class StepView(ViewBox):  # type: ignore[misc]
    """It moves nothing itself: it tells what the person did.

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
        super().__init__(enableMenu=False)
        self.disableAutoRange()
        self.setMouseEnabled(x=True, y=False)
        self.setDefaultPadding(0.0)
        self._marking = False
        self.band = LinearRegionItem(movable=False)
        self.band.setZValue(60)
        self.band.hide()
        self.addItem(self.band, ignoreBounds=True)

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        fill = QColor(theme.accent)
        fill.setAlpha(50)
        self.band.setBrush(mkBrush(fill))
        for line in self.band.lines:
            line.setPen(mkPen(theme.accent, width=1))

    def boundingRect(self) -> QRectF:
        # As pyqtgraph's, in one call: it is asked for several times a frame.
        box: QRectF = self.rect()
        return box.adjusted(0, 0, 0.5, 0.5)

    def paint(self, *_: object) -> None:
        """Nothing: it has no border."""

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:
        ev.accept()
        sideways = ev.orientation() == Qt.Orientation.Horizontal
        if sideways or ev.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            low, high = self.viewRange()[0]
            self.panned.emit(-float(ev.delta()) / 120.0 * PAN * (high - low))
            return
        factor = 1.0 / 1.0015 ** float(ev.delta())
        self.zoomed.emit(factor, float(self.mapSceneToView(ev.scenePos()).x()))

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        button = ev.button()
        if ev.isStart():
            # What it began as it stays, also if the key is let go of first.
            shift = bool(ev.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            left = button == Qt.MouseButton.LeftButton
            self._marking = button == Qt.MouseButton.RightButton or (left and shift)
        if self._marking:
            ev.accept()
            self._mark_region(ev)
        elif button in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            ev.accept()
            before = self.mapToView(ev.lastPos()).x()
            now = self.mapToView(ev.pos()).x()
            self.panned.emit(float(before - now))
        else:
            ev.ignore()

    def _mark_region(self, ev: Any) -> None:
        begun, now = self.mapToView(ev.buttonDownPos()).x(), self.mapToView(ev.pos()).x()
        low, high = float(min(begun, now)), float(max(begun, now))
        if not ev.isFinish():
            self.band.setRegion((low, high))
            self.band.show()
            return
        self.band.hide()
        if abs(ev.pos().x() - ev.buttonDownPos().x()) >= LEAST_PIXELS:
            self.region_chosen.emit(low, high)

    def mouseClickEvent(self, ev: Any) -> None:
        if ev.double() and ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.fit_wanted.emit()
        elif ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.clicked.emit(float(self.mapSceneToView(ev.scenePos()).x()))
        elif ev.button() == Qt.MouseButton.RightButton:
            ev.accept()
            self.menu_wanted.emit(ev.screenPos().toPoint())
        else:
            ev.ignore()

    def keyPressEvent(self, ev: Any) -> None:
        ev.ignore()
