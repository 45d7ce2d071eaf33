"""How many steps a change takes."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QWidget

__all__ = ["RampField", "labelled"]

LONGEST = 10**9
"""Steps of a ramp that can be typed."""


class RampField(QSpinBox):
    """A number of steps; 0 is "at once". The arrow keys go by tenths of what stands there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, LONGEST)
        self.setSpecialValueText(self.tr("no time, at once"))
        self.setSuffix(self.tr(" steps"))
        self.setGroupSeparatorShown(True)
        self.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
        self.setAccelerated(True)
        self.setMinimumHeight(self.fontMetrics().height() + 7)
        self.setKeyboardTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Steps that a change takes"))
        self.setToolTip(
            self.tr(
                "A ramp: each step changes the rate by the same factor until it is there.\n"
                "It goes with Apply, the factors and Release; Freeze is always at once."
            )
        )

    def wheelEvent(self, event: QWheelEvent) -> None:
        # The wheel scrolls the panel: it must not change what is under the mouse on its way.
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def labelled(text: str, field: QWidget) -> QHBoxLayout:
    """A field with its words before it."""
    label = QLabel(text)
    label.setProperty("role", "caption")
    label.setBuddy(field)
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(label)
    row.addWidget(field, 1)
    return row
