"""Pictures that tell what is under the mouse."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip, QWidget

__all__ = ["Hovered"]


class Hovered(QWidget):
    """Shows as a tool tip what `told_at` gives."""

    def told_at(self, place: QPointF) -> str:
        """What is at a place of the widget, in words; empty where there is nothing."""
        raise NotImplementedError

    def event(self, event: QEvent) -> bool:
        if not isinstance(event, QHelpEvent) or event.type() != QEvent.Type.ToolTip:
            return super().event(event)
        text = self.told_at(QPointF(event.pos()))
        if text:
            QToolTip.showText(event.globalPos(), text, self)
        else:
            QToolTip.hideText()
        return True
