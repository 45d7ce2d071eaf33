"""The bar below the menus: what is done most, in reach however the docks stand."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMainWindow, QToolBar

from .actions import Actions
from .icons import icon
from .theme import Theme

__all__ = ["ToolBar"]


class ToolBar(QToolBar):
    """Buttons for some of the window's actions, which have their keys and their menus too."""

    def __init__(self, window: QMainWindow, actions: Actions, theme: Theme) -> None:
        super().__init__(window.tr("Toolbar"), window)
        # Under this name its place is kept with those of the docks.
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(15, 15))
        self._actions = actions
        self._theme = theme
        self._drawn: object = None
        for group in (
            (actions.new_run, actions.attach, actions.open),
            (actions.pause, actions.step, actions.stop),
            (actions.undo, actions.redo),
        ):
            if self.actions():
                self.addSeparator()
            self.addActions(group)
        self._draw(paused=False)

    def show_training(self, paused: bool) -> None:
        """Offer to resume what is paused."""
        self._draw(paused)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        paused, self._drawn = self._drawn, None
        self._draw(paused is True)

    def _draw(self, paused: bool) -> None:
        if self._drawn is paused:
            return
        self._drawn = paused
        known, theme = self._actions, self._theme
        known.pause.setIconText(self.tr("Resume") if paused else self.tr("Pause"))
        for action, name, colour in (
            (known.new_run, "add", theme.text),
            (known.attach, "link", theme.text),
            (known.open, "folder", theme.text),
            (known.pause, "play" if paused else "pause", theme.good if paused else theme.text),
            (known.step, "step", theme.text),
            (known.stop, "stop", theme.bad),
            (known.undo, "undo", theme.text),
            (known.redo, "redo", theme.text),
        ):
            action.setIcon(icon(name, colour, theme.disabled))
            # A symbol beside every third line would make the menus hard to read.
            action.setIconVisibleInMenu(False)
