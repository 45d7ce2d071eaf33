"""No step for much longer than the rhythm of the run."""

from __future__ import annotations

import math

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector
from lrmonitor.diagnosis.finding import Evidence
from lrmonitor.diagnosis.stats import median

TIMES = 10.0
"""A pause, in units of the longest of the usual pauses between blocks."""
LEAST = 60.0
"""And seconds."""
KEPT = 64


class Stalled(Detector):
    """The time since the last block is 10 × the longest of the latest 64, and a minute at least.

    The longest, not the usual one: evaluations, check-points and rollouts are part of the rhythm.
    Needs times; told by `Diagnosis.tick` of a live run, and afterwards by the next block.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._last = math.nan
        self._step = 0
        self._pauses: list[float] = []

    def time(self, step: int, now: float) -> None:
        """A time at a step (the same step again: no progress)."""
        if math.isnan(self._last):
            self._last, self._step = now, step
            return
        pause = now - self._last
        usual = max(self._pauses) if len(self._pauses) >= 4 else math.inf
        if pause > max(TIMES * usual, LEAST) and not self.book.is_open(self._open):
            self._open = self.book.open(
                "stalled",
                "warning",
                (self._step, step),
                "undetermined",
                0.0,
                Evidence(
                    f"no block of steps for {TIMES:g} × the longest usual pause",
                    (self._step, step),
                    {"seconds": pause, "longest": usual, "usual": median(self._pauses)},
                ),
                advise.other(
                    "Look at the data loader, the disk, other processes, or a deadlock.",
                    "steps come again",
                ),
            )
        if step != self._step:
            if self.book.is_open(self._open):
                assert self._open is not None
                self.book.close(self._open, "steps come again")
            self._pauses = [*self._pauses[-KEPT + 1 :], max(pause, 0.0)]
            self._last, self._step = now, step
