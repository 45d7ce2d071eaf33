"""Losses that have been far above the first one ever since."""

from __future__ import annotations

import math

from lrmonitor.diagnosis.detector import Rows
from lrmonitor.diagnosis.history import History

RATIO = math.log(3.0)
"""Above the first loss, on the u axis."""
LOSSES = 8
"""So many after the first one, all of them; or as many as a block has, if that is more."""


class LostStart:
    """Tells once, at the eighth loss after the first (the sixteenth, where a block has as many), if
    all of them are × 3 above it.

    They need not be large against the noise: where rows are far apart, the first blocks are short,
    and know no other noise than that of the rise.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._so_far = True

    @property
    def _losses(self) -> int:
        return max(LOSSES, self._history.block)

    @property
    def rule(self) -> str:
        """In words."""
        return f"all of the {self._losses} losses after the first are × {math.exp(RATIO):.2g} above"

    def possible(self, rows: Rows) -> bool:
        """Whether these losses must be told one by one."""
        if not self._so_far or rows.row > self._losses:
            return False
        return rows.top_u - self._start() > RATIO

    def told(self, rows: Rows) -> int | None:
        """The place of the loss among these at which it is told."""
        if not self._so_far or rows.row > self._losses:
            return None
        start = self._start()
        for i, u in enumerate(rows.us):
            if rows.row + i == 0:
                continue
            high = u - start > RATIO
            self._so_far = high
            if not high:
                return None
            if rows.row + i == self._losses:
                return i
        return None

    def _start(self) -> float:
        return self._history.scale.one(self._history.first or 0.0)
