"""A level that was reached and is lost, where single losses are as noisy as what was gained."""

from __future__ import annotations

import math

from lrmonitor.diagnosis.history import History
from lrmonitor.diagnosis.stats import median, noise

LATEST, BEFORE = 6, 12
"""Blocks of the two samples. That each of six is above each of twelve happens by chance once in
18,564 (Mann and Whitney's test at its extreme)."""
SHARE = 0.25
"""The distance of their medians, as a share of what had been gained until the sample before..."""
AGAIN = 0.5
"""...or this after the rate was raised to what it had been already: a restart may cost something
for a while."""
SIGMA = 5.0
"""And in units of its standard error, by how block medians differ from their neighbours."""
UNSEEN = 1.5
"""A rate above all before by this factor."""


class LostLevel:
    """Compares the latest six block medians with the best twelve in a row before them.

    The best block alone is a matter of luck where losses are noisy (a policy's rewards, batches of
    a few): runs of such losses lie a quarter of the gain below their best block most of the time.
    A sample of twelve has a level and a spread, and a second one can be tested against it.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._level = self._top = self._spread = math.inf
        self._again = False

    def era(self) -> None:
        """The rate jumped, or the step went back. The sample before stays."""
        history = self._history
        lr, most = history.lr, history.lr_most
        raised = history.era_kind == "raise"
        self._again = raised and lr is not None and lr <= UNSEEN * most

    def block(self) -> None:
        """A block was completed."""
        sample = self._history.medians[-LATEST - BEFORE : -LATEST].tolist()
        if len(sample) < BEFORE:
            return
        level = median(sample)
        if level < self._level:
            self._level, self._top, self._spread = level, max(sample), noise(sample)

    @property
    def level(self) -> float:
        """Of the sample before, y."""
        return self._level

    @property
    def rule(self) -> str:
        """In words."""
        return (
            f"each of {LATEST} block medians is above each of the best {BEFORE} in a row before, "
            f"by {self._share:.0%} of what had been gained"
        )

    def lost_at(self) -> float | None:
        """The level now, y, if that of before is lost; else None."""
        history = self._history
        if math.isinf(self._level):
            return None
        latest = history.medians[-LATEST:].tolist()
        gained = history.origin - self._level
        if min(latest) <= self._top or gained < SIGMA * self._spread:
            return None
        now = median(latest)
        error = 1.25 * self._spread * math.sqrt(1 / LATEST + 1 / BEFORE)
        lost = now - self._level > max(self._share * gained, SIGMA * error)
        return now if lost else None

    @property
    def _share(self) -> float:
        return AGAIN if self._again else SHARE
