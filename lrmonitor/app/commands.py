"""Sending commands to the training without ever blocking the window.

Connecting (a socket and an HMAC challenge, at most `CONNECT_SECONDS`) happens in a short-lived
thread; from then on the connection belongs to the GUI thread, where a `QSocketNotifier` says
when an answer can be read.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QCoreApplication, QObject, QSocketNotifier, Signal

from lrmonitor.link import client
from lrmonitor.link.messages import Acknowledgement

__all__ = ["Commander", "Sendable"]

CONNECT_SECONDS = 2.0


class Sendable(Protocol):
    """A command of `link.messages`."""

    @property
    def id(self) -> str:
        """The id its answers carry."""
        ...


class Commander(QObject):
    """Sends the commands of one window to one run, in order, over one connection.

    Lives in the GUI thread. Each command ends in exactly one of `finished` (a final
    acknowledgement) or `failed` (it did not get there, or the connection broke before an
    answer: the run's record tells what became of it). `pending` comes in between.
    """

    sent = Signal(str)
    pending = Signal(object)
    finished = Signal(object)
    failed = Signal(str, str)
    _opened = Signal(object, object)

    def __init__(
        self,
        run: str,
        rank: Callable[[], int] = lambda: 0,
        parent: QObject | None = None,
        connect: Callable[..., Any] = client.connect,
    ) -> None:
        super().__init__(parent)
        self._run = run
        self._rank = rank
        self._connect = connect
        self._outbox: deque[Any] = deque()
        self._waiting: dict[str, Any] = {}
        self._connection: Any = None
        self._notifier: QSocketNotifier | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._opened.connect(self._on_opened)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._outbox or self._waiting)

    def send(self, command: Any) -> str:
        """Send a command of `link.messages`; its id, which the signals carry."""
        self._outbox.append(command)
        if self._connection is not None:
            self._flush()
        elif self._thread is None:
            self._thread = threading.Thread(
                target=self._open, args=(self._rank(),), name="lrmonitor-connect", daemon=True
            )
            self._thread.start()
        return str(command.id)

    def close(self) -> None:
        """Stop listening. What was sent takes effect all the same."""
        self._closed = True
        thread = self._thread
        if thread is not None:
            thread.join(CONNECT_SECONDS + 1.0)
        self._drop()

    def _open(self, rank: int) -> None:
        """Runs in the short-lived thread; hands the result over by a queued signal."""
        connection, problem = None, None
        try:
            connection = self._connect(self._run, rank, client="window", timeout=CONNECT_SECONDS)
        except (client.LinkError, OSError, ValueError) as error:
            problem = _sentence(error)
        except Exception as error:
            # A bug must not leave commands pending for ever; it is shown as what it is.
            problem = self.tr("lrmonitor could not connect: {0}: {1}").format(
                type(error).__name__, error
            )
        try:
            self._opened.emit(connection, problem)
        except RuntimeError:
            # The window was closed meanwhile.
            if connection is not None:
                connection.close()

    def _on_opened(self, connection: Any, problem: str | None) -> None:
        self._thread = None
        if self._closed:
            if connection is not None:
                connection.close()
            return
        if connection is None:
            outbox = list(self._outbox)
            self._outbox.clear()
            for command in outbox:
                self.failed.emit(str(command.id), problem or "")
            return
        self._connection = connection
        self._notifier = QSocketNotifier(connection.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)
        self._flush()

    def _flush(self) -> None:
        while self._outbox:
            command = self._outbox.popleft()
            self._waiting[str(command.id)] = command
            try:
                self._connection.send(command)
            except (client.LinkError, OSError, ValueError) as error:
                self._break(_sentence(error))
                return
            self.sent.emit(str(command.id))

    def _read(self) -> None:
        while self._connection is not None:
            try:
                answer = self._connection.receive(0)
            except (client.LinkError, OSError, EOFError, ValueError) as error:
                self._break(_sentence(error))
                return
            if answer is None:
                return
            self._take(answer)

    def _take(self, answer: Acknowledgement) -> None:
        if answer.status == "pending":
            self.pending.emit(answer)
            return
        self._waiting.pop(answer.id, None)
        if not self.busy:
            self._drop()
        self.finished.emit(answer)

    def _break(self, problem: str) -> None:
        """The connection is gone: everything unanswered failed as far as this window knows."""
        lost = [*self._waiting, *(str(command.id) for command in self._outbox)]
        self._waiting.clear()
        self._outbox.clear()
        self._drop()
        for identity in lost:
            self.failed.emit(identity, problem)

    def _drop(self) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
            self._notifier = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _sentence(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and not isinstance(error, client.LinkError):
        words = QCoreApplication.translate("Commander", "the connection to the training broke: {0}")
        text = words.format(error.strerror or error)
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
