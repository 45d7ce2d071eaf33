"""Who called whom: what the frames of Python's stack tell of a step that is going on, or raised."""

from __future__ import annotations

import signal
import sys
from typing import Any

from lrmonitor.probe.threads import Thread


def in_step(thread: Thread) -> bool:
    """Whether a thread really is in the step that was begun there; one that raised never ended."""
    running = sys._current_frames().get(thread.ident)
    return thread.frame is not None and running is not None and calls(thread.frame, running)


def alive(thread: Thread) -> bool:
    """Whether that thread goes on."""
    return thread.ident in sys._current_frames()


def from_signal_handler(error: BaseException) -> bool:
    """Whether a signal handler of the script's is among the frames that an exception came through:
    it may have been called amid any line of ours."""
    codes = set()
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        handler = getattr(handler, "func", handler)  # of a functools.partial
        handler = getattr(handler, "__func__", handler)
        if not hasattr(handler, "__code__"):
            handler = getattr(type(handler), "__call__", None)  # noqa: B004
        codes.add(getattr(handler, "__code__", None))
    codes.discard(None)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def calls(outer: Any, frame: Any) -> bool:
    """Whether `outer` is `frame` or one of those that called it."""
    while frame is not None:
        if frame is outer:
            return True
        frame = frame.f_back
    return False
