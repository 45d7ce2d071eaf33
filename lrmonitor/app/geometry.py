"""Where the window is, and that it is there again the next time."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from .settings import Settings

__all__ = ["SIZE", "restore_geometry"]

SIZE = (1280, 800)
"""Of a first window, where the screen has room for it."""


def restore_geometry(window: QWidget, settings: Settings) -> None:
    """Put the window where it was, or give it its first size."""
    kept = settings.bytes("window/geometry")
    if kept is not None and window.restoreGeometry(kept):
        return
    screen = QGuiApplication.primaryScreen()
    free = screen.availableGeometry() if screen is not None else QRect(0, 0, *SIZE)
    window.resize(min(SIZE[0], free.width()), min(SIZE[1], free.height()))
