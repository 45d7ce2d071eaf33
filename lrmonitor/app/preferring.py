"""The preferences in force in a window: applied at once, and taken over from other windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from . import preferences
from .preferences import Preferences
from .settings import Settings
from .theme import ThemeManager

if TYPE_CHECKING:
    from .dialogs.preferences import PreferencesDialog

__all__ = ["Preferring"]


class Preferring(QObject):
    """Holds the preferences of a window. Lives in the GUI thread.

    `changed(Preferences)`: they are others now, by this window or another (see `look`).
    """

    changed = Signal(object)

    def __init__(self, settings: Settings, themes: ThemeManager, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._settings = settings
        self._themes = themes
        self.now = preferences.load(settings)
        self.dialog: PreferencesDialog | None = None
        # The colours may have been given on the command line, for this window.
        themes.choose(themes.choice, self.now.curves)

    def put(self, wanted: Preferences) -> None:
        """Prefer these from now on, in all windows."""
        if wanted != self.now:
            preferences.save(self._settings, wanted)
            self._apply(wanted)

    def put_colours(self, choice: str) -> None:
        """Prefer "system", "light" or "dark"."""
        self.put(replace(self.now, colours=choice))
        # Also where they differ from what this window was started with.
        self._themes.choose(choice, self.now.curves)

    def look(self) -> None:
        """Take over what another window changed; called when this one becomes active."""
        self._settings.save()
        kept = preferences.load(self._settings)
        if kept != self.now:
            self._apply(kept)

    def show_dialog(self, home: Path) -> None:
        """Open the dialog, once. `home`: the folder of the runs that the window lists."""
        from .dialogs.preferences import PreferencesDialog

        if self.dialog is None:
            self.dialog = PreferencesDialog(self, home, self._window)
            self.dialog.destroyed.connect(self._forget_dialog)
        self.dialog.show()
        self.dialog.activateWindow()

    def _apply(self, wanted: Preferences) -> None:
        before, self.now = self.now, wanted
        if wanted.colours != before.colours or wanted.curves != before.curves:
            choice = self._themes.choice if wanted.colours == before.colours else wanted.colours
            self._themes.choose(choice, wanted.curves)
        self.changed.emit(wanted)

    def _forget_dialog(self) -> None:
        self.dialog = None
