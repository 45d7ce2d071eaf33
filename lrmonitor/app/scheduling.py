"""Opening the editor of schedules on the run that a window shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .presets import Presets
from .settings import Settings
from .theme import ThemeManager

if TYPE_CHECKING:
    from .dialogs.schedule import ScheduleDialog
    from .runview import RunView

__all__ = ["Scheduling"]


class Scheduling:
    """At most one editor for a window. Lives in the GUI thread."""

    def __init__(self, settings: Settings, themes: ThemeManager) -> None:
        self._presets = Presets(settings)
        self._themes = themes
        self.dialog: ScheduleDialog | None = None
        themes.changed.connect(self._on_theme)

    def show(self, view: RunView | None) -> None:
        """Show the editor for that run: a new one, or the one that is open already."""
        if view is None or not view.control.schedule.isEnabled():
            return
        if self.dialog is None:
            from .dialogs.schedule import ScheduleDialog

            theme = self._themes.theme
            self.dialog = ScheduleDialog(view.session, theme, self._presets, view)
            self.dialog.thought_of.connect(view.think_of)
            self.dialog.outcome.undo_wanted.connect(view.control.undo_wanted)
            self.dialog.finished.connect(self._closed)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def close(self) -> None:
        """The run is let go of: its editor goes too."""
        if self.dialog is not None:
            self.dialog.reject()

    def _closed(self) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.deleteLater()

    def _on_theme(self) -> None:
        if self.dialog is not None:
            self.dialog.set_theme(self._themes.theme)
