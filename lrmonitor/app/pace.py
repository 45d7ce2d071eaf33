"""How often the window looks into the folder and draws: as often as its share of a core allows."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator

from .ticker import TICK_MS

__all__ = ["Pace"]

SHARE = 0.05
"""Of one core that looking and drawing may take; the rest of the tenth that a window may have goes
to figures, lists and what Qt does by itself."""

LEAST, MOST = 2, 15
"""Ticks between two looks: a new value is on the screen within a tenth of a second where drawing is
cheap, and within half a second where it is not."""

FADES = 0.8
"""What is left at the next look of what an earlier one cost: one that brought nothing costs little,
and says little of the next that does."""


class Pace:
    """`due` is asked at each tick; the work is done within `measured`. `clock` is the processor
    time of the thread, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._cost = 0.0
        self._waited = 0

    @property
    def ticks(self) -> int:
        """Ticks between two looks, as they cost now."""
        wanted = math.ceil(self._cost / SHARE / (TICK_MS / 1000.0) - 1e-9)
        return min(max(wanted, LEAST), MOST)

    @property
    def looked(self) -> bool:
        """Whether the last tick was one at which to look."""
        return self._waited == 0

    def due(self) -> bool:
        """Whether to look at this tick."""
        self._waited += 1
        return self._waited >= self.ticks

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Look and draw inside of this."""
        self._waited = 0
        begun = self._clock()
        yield
        self._cost = max(self._clock() - begun, FADES * self._cost)
