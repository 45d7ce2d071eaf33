"""Telling a person who looks elsewhere that a run is over, or that something is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from .preferences import Preferences

__all__ = ["Notifier", "system_tray"]

SHOWN_MS = 15_000

ALL = Preferences()


def system_tray(icon: QIcon, parent: QObject) -> QSystemTrayIcon | None:
    """An icon in the system's tray that can show messages; None where the desktop has none."""
    if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
        return None
    return QSystemTrayIcon(icon, parent)


class Notifier(QObject):
    """Draws attention to a window: it asks for it in the task bar, and where there is a tray it
    shows a message. The window itself tells the news too, always: see `Notices`.

    `clicked()`: the message was clicked. `tray` makes the icon, or None.
    """

    clicked = Signal()

    def __init__(
        self,
        window: QWidget,
        tray: Callable[[QIcon, QObject], QSystemTrayIcon | None] = system_tray,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._make = tray
        self._tray: QSystemTrayIcon | None = None

    def tell(self, title: str, text: str, bad: bool, how: Preferences = ALL) -> None:
        """Tell it, unless the person is looking at the window or prefers not to be told."""
        if how.tell_failed if bad else how.tell_ended:
            self._tell(title, text, bad, how)

    def tell_finding(self, title: str, severity: str, how: Preferences = ALL) -> None:
        """Tell that a finding opened, on the same conditions."""
        if how.tell_findings:
            text = self.tr("The window tells why, and what to do.")
            self._tell(title, text, severity == "critical", how)

    def _tell(self, title: str, text: str, bad: bool, how: Preferences) -> None:
        if self._window.isActiveWindow():
            return
        if how.task_bar:
            QApplication.alert(self._window)
        if how.tray:
            self._show_message(title, text, bad)

    def seen(self) -> None:
        """The person came to the window: the icon has done its work."""
        if self._tray is not None:
            self._tray.hide()

    def _show_message(self, title: str, text: str, bad: bool) -> None:
        if self._tray is None:
            self._tray = self._make(self._window.windowIcon(), self)
            if self._tray is None:
                return
            self._tray.messageClicked.connect(self._on_clicked)
            self._tray.activated.connect(self._on_clicked)
        self._tray.setToolTip(f"{title}\n{text}")
        self._tray.show()
        kinds = QSystemTrayIcon.MessageIcon
        self._tray.showMessage(title, text, kinds.Critical if bad else kinds.Information, SHOWN_MS)

    def _on_clicked(self) -> None:
        self.seen()
        self.clicked.emit()
