"""Work that may take a while, off the GUI thread, its result handed back by a signal."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

__all__ = ["Background"]


class Background(QObject):
    """Does one thing at a time in a short-lived thread. Lives in the GUI thread.

    `done(result)` comes in the GUI thread. Of several requests that come while one is under way the
    last is done next, the others never: who asks anew does not want the old answer. An exception
    is the result itself: whoever asked knows which to expect.
    """

    done = Signal(object)
    _finished = Signal(object, int)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._next: Callable[[], object] | None = None
        self._thread: threading.Thread | None = None
        self._wanted = 0
        self._finished.connect(self._on_finished)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._thread is not None

    def ask(self, work: Callable[[], object]) -> None:
        """Do `work`; an answer that is still on its way is dropped."""
        self._wanted += 1
        if self._thread is not None:
            self._next = work
            return
        self._next = None
        self._thread = threading.Thread(
            target=self._run, args=(work, self._wanted), name=f"lrmonitor-{self._name}", daemon=True
        )
        self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Wait for what is under way and hand nothing back any more: before whoever owns this is
        deleted, since a thread that emits just then would reach into what is gone."""
        self._wanted += 1
        self._next = None
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, work: Callable[[], object], number: int) -> None:
        """Runs in the thread."""
        try:
            result = work()
        except Exception as error:
            result = error
        with contextlib.suppress(RuntimeError):  # the dialog was closed and deleted meanwhile
            self._finished.emit(result, number)

    def _on_finished(self, result: object, number: int) -> None:
        self._thread = None
        if self._next is not None:
            work, self._next = self._next, None
            self._wanted -= 1
            self.ask(work)
        elif number == self._wanted:
            self.done.emit(result)
