"""Opens the guide's window, one for a main window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from ..theme import Theme, ThemeManager

if TYPE_CHECKING:
    from .window import GuideWindow

__all__ = ["GuideOpener"]


class GuideOpener(QObject):
    """Lives in the GUI thread. `failed(sentence)`: the guide's files are missing.

    `window` is the guide's window while it is open, else None.
    """

    failed = Signal(str)

    def __init__(self, parent: QWidget, themes: ThemeManager) -> None:
        super().__init__(parent)
        self._parent = parent
        self._themes = themes
        self.window: GuideWindow | None = None
        themes.changed.connect(self._on_theme)

    def show(self, topic: str = "") -> None:
        """Bring the guide to the front, at the page of a topic (see `lrmonitor.guide.topic_of`); by
        default where it was, at first at its first page."""
        from lrmonitor.guide import GuideError

        from .window import GuideWindow

        try:
            if self.window is None:
                self.window = GuideWindow(self._themes.theme, self._parent)
                self.window.destroyed.connect(self._forget)
            self.window.open_topic(topic)
        except GuideError as error:
            self.failed.emit(str(error))
            return
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def _on_theme(self, theme: Theme) -> None:
        if self.window is not None:
            self.window.set_theme(theme)

    def _forget(self) -> None:
        self.window = None
