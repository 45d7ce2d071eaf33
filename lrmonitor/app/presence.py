"""One window a run: who opens a run that another window shows gets that window instead.

A window that shows a run listens on a local socket in the user's private runtime folder, named
after the run's folder. A socket whose window died is taken over.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from lrmonitor.link.paths import make_private, window_address

__all__ = ["Presence"]

PATIENCE_MS = 1500
"""How long another window may take to answer; one that hangs longer is not waited for."""

SHOW = b"show\n"
SHOWN = b"shown\n"


class Presence(QObject):
    """A window's claim to a run, and its questions about those of other windows. GUI thread.

    `asked()`: somebody opened the run that this window shows: it should come to the front.
    """

    asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server: QLocalServer | None = None
        self._folder: Path | None = None

    def claim(self, folder: Path | None) -> bool:
        """Be the window of a run, or of none. False where another window is, or no socket can be
        made: the run is shown all the same."""
        if self._server is not None:
            self._server.close()
            self._server.deleteLater()
            self._server = None
        self._folder = folder
        if folder is None:
            return True
        address = window_address(folder)
        try:
            make_private(Path(address).parent)
        except OSError:
            return False
        server = QLocalServer(self)
        if not server.listen(address):
            if _connected(address) is not None:
                server.deleteLater()
                return False
            # Left by a window that was killed.
            QLocalServer.removeServer(address)
            if not server.listen(address):
                server.deleteLater()
                return False
        server.newConnection.connect(self._answer)
        self._server = server
        return True

    def elsewhere(self, folder: Path, show: bool = True) -> bool:
        """Whether another window of this user shows the run; with `show` it comes to the front."""
        if folder == self._folder:
            return False
        socket = _connected(window_address(folder))
        if socket is None:
            return False
        answered = True
        if show:
            socket.write(SHOW)
            answered = socket.waitForReadyRead(PATIENCE_MS)
        socket.disconnectFromServer()
        return answered

    def _answer(self) -> None:
        socket = self._server.nextPendingConnection() if self._server is not None else None
        if socket is None:
            return
        socket.readyRead.connect(lambda: self._read(socket))
        socket.disconnected.connect(socket.deleteLater)
        if socket.bytesAvailable():
            self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        if bytes(socket.readAll().data()).startswith(SHOW):
            socket.write(SHOWN)
            socket.flush()
            self.asked.emit()


def _connected(address: str) -> QLocalSocket | None:
    if sys.platform != "win32" and not os.path.exists(address):
        return None
    socket = QLocalSocket()
    socket.connectToServer(address)
    return socket if socket.waitForConnected(PATIENCE_MS) else None
