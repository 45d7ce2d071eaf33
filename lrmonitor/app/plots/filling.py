"""What the items of a plot have in common that fill its view."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF

__all__ = ["FillsView"]


class FillsView:
    """For a `GraphicsObject` inside of a `ViewBox`: its bounds are what is visible, as it is now.

    pyqtgraph's `viewRect` keeps what it found first (its own items forget it where the transform
    changes), and an item whose bounds are out of view is not painted at all.
    """

    def boundingRect(self: Any) -> QRectF:
        """What is visible, in the item's coordinates, which are the view's."""
        box = self.getViewBox()
        return QRectF() if box is None else QRectF(box.viewRect())

    def viewRangeChanged(self: Any) -> None:
        """Be asked anew."""
        self.prepareGeometryChange()

    def viewTransformChanged(self: Any) -> None:
        """Be asked anew, and painted."""
        self.prepareGeometryChange()
        self.update()
