"""A loss that swings instead of falling."""

from __future__ import annotations

import math

import numpy as np

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector
from lrmonitor.diagnosis.finding import Evidence
from lrmonitor.diagnosis.stats import MAD, median, trend

BLOCKS = 24
"""Blocks that are looked at."""
EVERY = 4
"""Blocks between looks."""
WANDER = 3.0
"""The swing of block medians, in units of what the noise of single losses would give them."""
AMPLITUDE = math.log(1.25)
"""And this far on the u axis."""
NOISIER = 4.0
"""Or: the noise of single losses, in units of what it was at its calmest."""
CLEARED = 3
"""Looks in a row without it."""


class Oscillation(Detector):
    """Block medians swing by more than noise explains while the long slope does not improve.

    Over 24 blocks: the median absolute deviation from the Theil–Sen line is > 3 × 1.25 σ / √16 (the
    standard error of a median of 16) and a quarter of the level, the line's interval (99 %) does
    not exclude a rise, and the level is above the best one by more than that swing. Or the noise of
    single losses is 4 × what it was at its calmest since the loss was as low as at its best, with
    the same conditions: on the way down the noise of a logarithm grows, and means nothing, since
    losses near zero are of few hard examples. (AutoTrainer counts
    epochs whose accuracy swings by .03, which depends on the scale.) Edge of stability (Cohen et
    al. 2021, arXiv 2103.00065) swings too, but falls over long windows, and so is silent here.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._without = 0
        self._next = BLOCKS
        self._calmest = math.inf
        self._reached = math.inf
        """u: the level for which `_calmest` holds, on the axis that was used then."""
        self._signed = False

    def era(self) -> None:
        """Look again once there are enough blocks in it."""
        self._next = self.history.blocks + BLOCKS

    def block(self) -> None:
        """Look, each fourth block."""
        history = self.history
        if history.blocks >= 8:
            best = history.scale.one(history.best)
            if best < self._reached - AMPLITUDE or history.scale.signed != self._signed:
                self._reached, self._calmest = best, history.noise
                self._signed = history.scale.signed
            self._calmest = min(self._calmest, history.noise)
        if history.blocks < self._next:
            return
        self._next = history.blocks + EVERY
        evidence = self._swings()
        if evidence is not None:
            self._without = 0
            if self.book.is_open(self._open):
                assert self._open is not None
                self.book.last(self._open, history.step)
                return
            self._open = self.book.open(
                "oscillation",
                "warning",
                evidence.window,
                "lr_too_high",
                0.6,
                evidence,
                advise.lower(0.3, "The loss swings around a level that a lower rate falls below."),
            )
        elif self.book.is_open(self._open):
            assert self._open is not None
            self._without += 1
            if self._without >= CLEARED:
                self.book.close(self._open, "the loss is calm, or falls")

    def _swings(self) -> Evidence | None:
        """Why the latest blocks are held to swing; None if they are not."""
        history = self.history
        levels = history.medians[-BLOCKS:].tolist()
        u = history.scale.each(levels)
        above = median(u) - history.scale.one(history.best)
        big = median(levels) - history.best > 0.05 * history.gain
        if not (big and above > AMPLITUDE):
            return None  # whatever the swing, which takes longer to tell
        points = np.array(u)
        line = trend(points)
        rest = points - line.slope * np.arange(len(u))
        rest = rest - median(rest.tolist())
        swing = MAD * median(np.abs(rest).tolist())
        by_noise = 1.25 * history.noise / math.sqrt(history.block)
        wanders = swing > WANDER * by_noise and swing > AMPLITUDE
        noisier = history.noise > max(NOISIER * self._calmest, 2 * AMPLITUDE)
        if not (wanders or noisier) or line.high < 0 or not above > swing:
            return None
        first = int(history.steps[-BLOCKS])
        return Evidence(
            "block medians swing more than noise explains"
            if wanders
            else "losses became noisier, and do not fall",
            (first, history.step),
            {
                "swing": swing,
                "swing_by_noise": by_noise,
                "noise": history.noise,
                "calmest_noise": self._calmest,
            },
            (line.low, line.high),
        )
