"""Text that changes several times a second."""

from __future__ import annotations

import re

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QWidget

__all__ = ["LiveText"]

_DIGIT = re.compile(r"\d")


class LiveText(QLabel):
    """A plain text of which mostly the digits change.

    A label that is given another text has the whole window laid out anew, which takes longer than
    all else that its figures need. This one is laid out for its text with a 0 for each digit, all
    of which are of one width in a font for the screen, and paints the digits that there are: as
    long as no more of them come it is merely painted.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setBackgroundRole(QPalette.ColorRole.Button)
        self.setAutoFillBackground(True)
        if text:
            self.setText(text)

    def text(self) -> str:
        """What it shows."""
        return self._text

    def setText(self, text: str) -> None:
        """Show another text."""
        if text == self._text:
            return
        self._text = text
        room = _DIGIT.sub("0", text)
        if room != super().text():
            super().setText(room)
        else:
            self.update()
        self.setAccessibleName(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.drawFrame(painter)
        style = self.style()
        flags = style.visualAlignment(self.layoutDirection(), self.alignment())
        wrapped = Qt.TextFlag.TextWordWrap if self.wordWrap() else Qt.TextFlag(0)
        style.drawItemText(
            painter,
            self._place(flags),
            flags.value | wrapped.value,
            self.palette(),
            self.isEnabled(),
            self._text,
            self.foregroundRole(),
        )
        painter.end()

    def _place(self, flags: Qt.AlignmentFlag) -> QRect:
        """Where a label has its text."""
        margin, indent = self.margin(), self.indent()
        place = self.contentsRect().adjusted(margin, margin, -margin, -margin)
        if indent < 0 and self.frameWidth():
            indent = self.fontMetrics().horizontalAdvance("x") // 2 - margin
        if indent > 0:
            left, right, top, bottom = (
                indent if flags & side else 0
                for side in (
                    Qt.AlignmentFlag.AlignLeft,
                    Qt.AlignmentFlag.AlignRight,
                    Qt.AlignmentFlag.AlignTop,
                    Qt.AlignmentFlag.AlignBottom,
                )
            )
            place.adjust(left, top, -right, -bottom)
        return place
