"""Words that are painted again and again: how their letters stand is worked out once."""

from __future__ import annotations

from PySide6.QtCore import QSizeF, Qt
from PySide6.QtGui import QFont, QGuiApplication, QStaticText

__all__ = ["Texts"]

MOST = 500
"""Texts that are kept: those of a view that moves are always new ones."""


class Texts:
    """Laid out in the application's font."""

    def __init__(self) -> None:
        self._font = QFont()
        self._known: dict[str, tuple[QStaticText, QSizeF]] = {}

    def font(self) -> QFont:
        """The font; what was laid out in another one is forgotten."""
        font = QGuiApplication.font()
        if font != self._font:
            self._font = font
            self._known.clear()
        return font

    def of(self, words: str) -> tuple[QStaticText, QSizeF]:
        """The words laid out, and their size in pixels. `font` comes first in each picture."""
        known = self._known.get(words)
        if known is None:
            if len(self._known) >= MOST:
                self._known.clear()
            text = QStaticText(words)
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.prepare(font=self._font)
            known = self._known[words] = text, text.size()
        return known
