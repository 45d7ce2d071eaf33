"""Curves of a long run that is opened: what is drawn of them is got ready side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["MUCH", "catch_up"]

MUCH = 200_000
"""Points from which it is worth a thread of its own: of 10 million it takes 0.2 s."""


def catch_up(waiting: Iterable[tuple[int, Callable[[], None]]]) -> None:
    """Call what takes in the points of each curve (how many there are, and the call) where they are
    many; returns when all is done. Numpy lets go of the interpreter meanwhile, so that the cores of
    the machine share the work."""
    long = [take for count, take in waiting if count >= MUCH]
    if len(long) < 2:
        return
    with ThreadPoolExecutor(min(len(long), os.cpu_count() or 2), "lrmonitor-curves") as pool:
        for done in [pool.submit(take) for take in long]:
            done.result()
