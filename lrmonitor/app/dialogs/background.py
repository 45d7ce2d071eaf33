"""Work that may take a while, off the GUI thread, its result handed back by a signal."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

__all__ = ["Background"]

LOOK_MILLISECONDS = 15
"""Between two looks whether the work is done."""


class Background(QObject):
    """Does one thing at a time in a short-lived thread. Lives in the GUI thread.

    `done(result)` comes in the GUI thread. Of several requests that come while one is under way the
    last is done next, the others never: who asks anew does not want the old answer. An exception
    is the result itself: whoever asked knows which to expect.

    The thread touches nothing of Qt's: its result waits in a queue that is looked at while there is
    work. A signal sent from the thread would crash if this object were deleted at that moment.
    """

    done = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._next: Callable[[], object] | None = None
        self._results: queue.SimpleQueue[object] | None = None
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._results is not None

    def ask(self, work: Callable[[], object]) -> None:
        """Do `work`; an answer that is still on its way is dropped."""
        if self._results is not None:
            self._next = work
            return
        results: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._results = results
        self._thread = threading.Thread(
            target=_run, args=(work, results), name=f"lrmonitor-{self._name}", daemon=True
        )
        self._thread.start()
        self._timer.start()

    def close(self, timeout: float = 2.0) -> None:
        """Drop what is under way, and wait until its thread touches nothing any more."""
        self._timer.stop()
        self._next = self._results = None
        if self._thread is not None:
            self._thread.join(timeout)

    def _look(self) -> None:
        if self._results is None:
            return
        try:
            result = self._results.get_nowait()
        except queue.Empty:
            return
        self._results = None
        self._timer.stop()
        if self._next is not None:
            work, self._next = self._next, None
            self.ask(work)
        else:
            self.done.emit(result)


def _run(work: Callable[[], object], results: queue.SimpleQueue[object]) -> None:
    """Runs in the thread."""
    try:
        results.put(work())
    except Exception as error:
        results.put(error)
