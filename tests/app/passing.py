"""Time that passes while a window goes on, for what takes pictures of it."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["pass_time", "wait"]


def wait(found: Callable[[], object], limit: float) -> None:
    """Go on until something is true; raises TimeoutError after `limit` seconds."""
    from PySide6.QtTest import QTest  # chosen by then: the platform and the home

    end = time.monotonic() + limit
    while not found():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit:g} s in vain for {found}")
        QTest.qWait(10)


def pass_time(seconds: float) -> None:
    """Go on for a while: what is drawn after some ticks is drawn then."""
    from PySide6.QtTest import QTest

    QTest.qWait(round(seconds * 1000))
