"""What a desktop does with a window that comes up: a bare X server has no window manager for it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

__all__ = ["come_up"]


def come_up(widget: QWidget, qtbot: QtBot) -> None:
    """Show a window and give it the keyboard."""
    with qtbot.waitExposed(widget):
        widget.show()
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
