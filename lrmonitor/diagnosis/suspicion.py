"""A rise that a few losses tell: whether it holds, grows, or was come out of."""

from __future__ import annotations

import math
from collections import deque

from lrmonitor.diagnosis.history import History
from lrmonitor.diagnosis.stats import median

GROWN, RECORDS = 1.0, 3
"""So many losses, each above all before by this on the u axis (× 2.7): what feeds itself sets one
record after another, while one step that was too long (as the first of an adaptive optimizer) is a
single jump."""
HELD = 1.5
"""Blocks, in losses, after which a rise that still holds is certain: as `Spike` waits."""
LATEST = 8
"""Losses whose median tells where the level is."""
CALM = 0.5
"""Below this share of the rise that was needed..."""
CAME_BACK = 4
"""...for so many losses in a row it is over."""
GIVEN_UP = 6
"""Blocks after which it is left to the slow rules."""
LEARNT = math.log(1.05)
"""What a run that exploded at its start must have gained after that, on the u axis."""


class Suspicion:
    """A rise that was told by a few losses, until it is certain or over.

    Certain is what still holds after a block and a half of losses (the median of the latest eight
    is as high as was asked for), and what grows: see `Records`. Catapults (Lewkowycz et al. 2020,
    arXiv 2003.02218), a step that was too long after the optimizer lost its state, and a single odd
    batch are over by then. At the start of a run it is over once a block is below the first loss,
    and certain if that did not happen in six: an explosion after which nothing is learnt.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self.active = False
        self.first = 0
        """The step with which it began."""
        self.by = 0.0
        """The rise that was asked for, on the u axis."""
        self.rule = ""
        self.early = False
        """Whether it began in the first blocks, where only the first loss is known."""
        self._needed = self._level = 0.0
        self.enough = 0
        """Losses after which it is certain if it still holds."""
        self._count = self._back = self._blocks = 0
        self._latest: deque[float] = deque(maxlen=LATEST)

    def begin(
        self,
        first: int,
        levels: tuple[float, float],
        by: float,
        rule: str,
        *,
        early: bool = False,
        enough: int = 0,
    ) -> None:
        """Some losses were high since a step: the level before and the one that they had to be
        above (y), the same as a distance on the u axis, and in words. It is certain after
        `enough` losses (0: a block and a half)."""
        self.active, self.first, self.by, self.rule, self.early = True, first, by, rule, early
        self.enough = enough or int(HELD * self._history.block)
        self._level, self._needed = levels
        self._count = self._back = self._blocks = 0
        self._latest.clear()

    def add(self, y: float) -> str | None:
        """One more loss: `holds` (the rise is certain), `back` (it is over), or None."""
        self._count += 1
        self._latest.append(y)
        self._back = self._back + 1 if self._calm(y) else 0
        if self._back >= CAME_BACK and not self.early:
            return "back"
        if self._count >= self.enough and median(list(self._latest)) > self._needed:
            return "holds"
        return None

    def block(self) -> str | None:
        """A block was completed: `lost`, `back`, or None."""
        history = self._history
        self._blocks += 1
        if not self.early:
            return "back" if self._blocks >= GIVEN_UP else None
        first = history.first if history.first is not None else 0.0
        if history.scale.one(first) - history.scale.one(history.level) > LEARNT:
            return "back"
        return "lost" if self._blocks >= GIVEN_UP else None

    def above(self, y: float) -> bool:
        """Whether a loss is above half of the rise still."""
        return not self._calm(y)

    def _calm(self, y: float) -> bool:
        return y - self._level < CALM * (self._needed - self._level)


class Records:
    """Counts the losses of a rise that are each × 2.7 above all before."""

    def __init__(self) -> None:
        self._count = 0
        self._highest = -math.inf

    def begin(self, level: float) -> None:
        """A new rise, from a level (u)."""
        self._count, self._highest = 0, level

    def add(self, u: float) -> bool:
        """One more loss; whether there are three by now."""
        if u > self._highest + GROWN:
            self._count, self._highest = self._count + 1, u
        return self._count >= RECORDS
