"""A loss that has turned and rises, by less than makes a divergence."""

from __future__ import annotations

import math

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector
from lrmonitor.diagnosis.finding import Evidence
from lrmonitor.diagnosis.stats import median, trend

BLOCKS = 24
"""Blocks that are looked at."""
EVERY = 2
"""Blocks between looks."""
SIGMA = 5.0
"""The latest six blocks above the lowest level of as many, in units of what noise gives the median
of a block."""
LATEST = 6
CLEARED = 3
"""Looks in a row without it."""


class Rising(Detector):
    """The trend has turned: over 24 blocks the Theil-Sen slope's 99 % interval lies above zero, and
    the median of the latest six block medians is above the lowest median of six in a row so far by
    5 × 1.25 σ / √16, the standard error of one block's median.

    A divergence is told where a share of the gain is lost; a log that begins in the middle of a run
    has no gain, and a large run is given up for a rise of a few hundredths that does not end
    (IDEFICS at +0.03). Levels wander by themselves, so that this alone is worth knowing and no
    warning (*info*). Not said after the rate was raised, nor while it rises.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._without = 0
        self._next = BLOCKS
        self._lowest = math.inf

    def era(self) -> None:
        """Look again once there are enough blocks in it."""
        self._next = self.history.blocks + BLOCKS
        self._lowest = math.inf

    def block(self) -> None:
        """Look, each second block."""
        history = self.history
        if history.blocks - history.era >= LATEST:
            level = median(history.medians[-LATEST:].tolist())
            self._lowest = min(self._lowest, level)
        if history.blocks < self._next:
            return
        self._next = history.blocks + EVERY
        needed = SIGMA * 1.25 * history.linear_noise / math.sqrt(history.block)
        high = level - self._lowest > needed and history.era_kind != "raise"
        # Most of the time the trend is not needed.
        line = trend(history.medians[-BLOCKS:]) if high and not self._warming() else None
        rises = line is not None and line.low > 0
        if self.book.is_open(self._open):
            assert self._open is not None
            self._without = 0 if rises else self._without + 1
            if rises:
                self.book.last(self._open, history.step)
            elif self._without >= CLEARED:
                self.book.close(self._open, "the loss does not rise any more")
        elif line is not None and rises and not self.book.any_open("divergence"):
            self._without = 0
            first = int(history.steps[-BLOCKS])
            self._open = self.book.open(
                "divergence",
                "info",
                (first, history.step),
                "undetermined",
                0.3,
                Evidence(
                    f"the trend over {BLOCKS} blocks rises, and the level is above the lowest",
                    (first, history.step),
                    {
                        "level": history.raw(level),
                        "lowest": history.raw(self._lowest),
                        "noise": history.raw(history.linear_noise),
                        "slope_per_block": history.raw(line.slope),
                    },
                    (history.raw(line.low), history.raw(line.high)),
                ),
                advise.wait(
                    "It rises by little so far. If it goes on, go back to before it rose, with a "
                    "lower rate.",
                    BLOCKS * history.block,
                ),
            )

    def _warming(self) -> bool:
        rates = [rate for rate in self.history.lr_blocks[-BLOCKS:] if not math.isnan(rate)]
        return bool(rates) and rates[-1] > 1.05 * rates[0]
