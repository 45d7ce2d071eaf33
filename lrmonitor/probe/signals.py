"""Being told when a signal handler of the script's raises, as Ctrl-C's does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

WATCHED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")


class Signals:
    """While it is watched, `raised` is called before what a handler raises goes its way. Only the
    main thread may set handlers: on another one nothing is watched."""

    def __init__(self, raised: Callable[[], None]) -> None:
        self._raised = raised
        self._handlers: dict[int, Any] = {}
        """Those that there were. They are kept: who has taken ours for the script's calls on."""
        self._watching = False

    def watch(self) -> None:
        """Stand before the handlers that there are."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._watching = True
        for name in WATCHED:
            number = getattr(signal, name, None)
            handler = None if number is None else signal.getsignal(number)
            if number is not None and callable(handler):
                self._handlers[number] = handler
                signal.signal(number, self._handle)

    def leave(self) -> None:
        """Give the handlers their places back, but where the script has set others meanwhile."""
        self._watching = False
        if threading.current_thread() is not threading.main_thread():
            return
        for number, handler in self._handlers.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> Any:
        try:
            return self._handlers[number](number, frame)
        except BaseException as error:
            if self._watching:
                self._raised()
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next
            raise
