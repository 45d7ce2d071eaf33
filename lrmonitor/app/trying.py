"""Opening the range test and the trial of rates on a run, and the results there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from .format import format_count
from .theme import ThemeManager

if TYPE_CHECKING:
    from .dialogs.rate_test import RateTestDialog
    from .runview import RunView

__all__ = ["Trying"]

LISTED = 20
"""Tests that the menu of results has: the newest."""


class Trying:
    """At most one of the two dialogs for a window. Lives in the GUI thread."""

    def __init__(self, themes: ThemeManager) -> None:
        self._themes = themes
        self.dialog: RateTestDialog | None = None
        themes.changed.connect(self._on_theme)

    def find(self, view: RunView | None) -> None:
        """Show the range test for that run."""
        self._open(view, "range")

    def compare(self, view: RunView | None) -> None:
        """Show the trial of rates for that run."""
        self._open(view, "trial")

    def show(self, view: RunView | None, identity: str) -> None:
        """Show what came of the test that was asked for with this command."""
        test = None if view is None else view.session.model.rate_tests.find(identity)
        if test is not None and view is not None and test.kind == "ladder":
            test = view.session.model.rate_tests.swept(test)  # shown with its range test
        if test is not None:
            self._open(view, test.kind, test.id)

    def fill(self, menu: QMenu, view: RunView | None) -> None:
        """Fill a menu with the run's tests, the newest first."""
        menu.clear()
        tests = () if view is None else view.session.model.rate_tests.all
        words = {
            "range": menu.tr("Range test after step {0}"),
            "trial": menu.tr("Rate trial after step {0}"),
        }
        for test in tests[: -LISTED - 1 : -1]:
            if test.kind in words:
                action = menu.addAction(words[test.kind].format(format_count(test.step)))
                action.triggered.connect(lambda _=False, one=test.id: self.show(view, one))
        if menu.isEmpty():
            menu.addAction(menu.tr("No tests yet")).setEnabled(False)

    def close(self) -> None:
        """The run is let go of: its dialog goes too. A test that goes on is put back by itself."""
        if self.dialog is not None:
            self.dialog.reject()

    def _open(self, view: RunView | None, kind: str, identity: str | None = None) -> None:
        if view is None or self.dialog is not None:
            return
        session = view.session
        # Where nothing can be asked for any more there may be something to see.
        if session.control_problem() is not None and session.model.rate_tests.latest(kind) is None:
            return
        if kind == "range":
            from .dialogs.find_rate import FindRateDialog

            self._show(FindRateDialog(session, self._themes.theme, view, identity))
        else:
            from .dialogs.try_rates import TryRatesDialog

            self._show(TryRatesDialog(session, self._themes.theme, view, identity))

    def _show(self, dialog: RateTestDialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(self._closed)
        dialog.open()

    def _closed(self) -> None:
        self.dialog = None

    def _on_theme(self) -> None:
        if self.dialog is not None:
            self.dialog.set_theme(self._themes.theme)
