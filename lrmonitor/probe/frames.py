"""Who called whom: what the frames of Python's stack tell of a step that is going on, or raised."""

from __future__ import annotations

import signal
import sys
from typing import Any

from lrmonitor.probe.threads import Thread

LOOKS = 4
"""Looks at the frames of a thread that does not hold still, before it is taken to be in a step."""

_callers: set[tuple[str, str]] = set()
"""File and name of the functions that call step hooks: torch's wrapper of an optimizer's `step`."""


def seen_calling(frame: Any) -> None:
    """That frame calls a step hook."""
    _callers.add((frame.f_code.co_filename, frame.f_code.co_name))


def in_step(thread: Thread) -> bool:
    """Whether a thread is in a step of the optimizer that it stepped last, its hooks included, or
    may be: it does not wait while its frames are looked at, and one that has returned (a
    generator's, say) does not tell any more who called it."""
    for _ in range(LOOKS):
        top = sys._current_frames().get(thread.ident)
        if top is None:
            return False
        at = top.f_lasti
        if within_step(thread, top):
            return True
        if sys._current_frames().get(thread.ident) is top and top.f_lasti == at:
            return False  # it has held still meanwhile
    return True


def within_step(thread: Thread, frame: Any) -> bool:
    """Whether `frame` or one that called it makes the step that was begun in that thread.

    To hold the frame of each step that begins would cost an ordinary one a microsecond. It is not
    needed: whatever calls step hooks has called ours as well, so that the outermost of such frames
    is the step that was begun, if that goes on.
    """
    actual = None if thread.known is None else thread.known.ref()
    while frame is not None:
        code = frame.f_code
        # torch calls the optimizer so; where it should not, the function tells enough.
        if (code.co_filename, code.co_name) in _callers and (
            frame.f_locals.get("self", actual) is actual
        ):
            return True
        frame = frame.f_back
    return False


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
