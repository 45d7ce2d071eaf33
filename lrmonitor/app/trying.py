"""Opening the range test and the trial of rates on the run that a window shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .theme import ThemeManager

if TYPE_CHECKING:
    from .dialogs.rate_test import RateTestDialog
    from .runview import RunView

__all__ = ["Trying"]


class Trying:
    """At most one of the two dialogs for a window. Lives in the GUI thread."""

    def __init__(self, themes: ThemeManager) -> None:
        self._themes = themes
        self.dialog: RateTestDialog | None = None
        themes.changed.connect(self._on_theme)

    def find(self, view: RunView | None) -> None:
        """Show the range test for that run."""
        if view is not None and self._may(view):
            from .dialogs.find_rate import FindRateDialog

            self._show(FindRateDialog(view.session, self._themes.theme, view))

    def compare(self, view: RunView | None) -> None:
        """Show the trial of rates for that run."""
        if view is not None and self._may(view):
            from .dialogs.try_rates import TryRatesDialog

            self._show(TryRatesDialog(view.session, self._themes.theme, view))

    def close(self) -> None:
        """The run is let go of: its dialog goes too. A test that goes on is put back by itself."""
        if self.dialog is not None:
            self.dialog.reject()

    def _may(self, view: RunView) -> bool:
        return self.dialog is None and view.session.control_problem() is None

    def _show(self, dialog: RateTestDialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(self._closed)
        dialog.open()

    def _closed(self) -> None:
        self.dialog = None

    def _on_theme(self) -> None:
        if self.dialog is not None:
            self.dialog.set_theme(self._themes.theme)
