"""A loss that rose and stays up: from the first steps, at once, or slowly."""

from __future__ import annotations

import math

import numpy as np

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector, Rows
from lrmonitor.diagnosis.finding import Evidence, Severity

SIGMA = 6.0
"""A block's median above the best one, in units of one loss's noise."""
RATIO = math.log(1.5)
"""And this far on the u axis."""
BLOCKS = 2
"""For so many blocks in a row."""
FAST_SIGMA, FAST_RATIO, FAST_LOSSES = 10.0, math.log(4.0), 4
"""A rise by this, for so many losses in a row, needs no block."""
EARLY_BLOCKS = 6
"""An early rise may be a catapult, which comes back by itself: so many blocks it is waited for."""
EARLY_FAST = math.log(10.0)
"""Unless it is as far as this above the first loss."""
SHARE = 0.1
"""And by this share of all that was gained, y."""
LOST = 0.5
"""After the rate was raised the loss may rise: only this share of the gain lost is too much."""
CALM = 0.5
"""Over when two blocks are below this share of what was needed."""


class Divergence(Detector):
    """The level is far above the best one: block medians, or at once if it is far enough.

    Slow: two block medians in a row above the best by 6 × the noise of a loss there, half as much
    again, and a tenth of all that was gained. Fast: four losses in a row above the best level by 10 × the
    noise and × 4; in the first six blocks × 10 above the first loss. Early: still half as much again above the
    first loss after six blocks (catapults recover within about a hundred steps: Lewkowycz et al.
    2020, arXiv 2003.02218). After the rate was raised at a jump: half of the gain lost for three blocks.
    dlib's trainer instead tests the slope of all losses since about twice the last state that was kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._run = 0  # losses in a row that are high
        self._first_high = 0
        self._high_blocks = self._calm_blocks = 0
        self._high_since = 0
        self._spike_before = False

    def era(self) -> None:
        """A new era: what was high must be seen again."""
        self._run = self._high_blocks = 0

    def rows(self, rows: Rows) -> None:
        """The fast rule."""
        history = self.history
        if self.book.is_open(self._open) or history.first is None:
            return
        if history.blocks:
            best, sigma = history.scale.one(self._reference()), self._sigma()
        else:
            best, sigma = history.scale.one(history.first), 0.0
        early = history.blocks < EARLY_BLOCKS
        threshold = max(EARLY_FAST if early else FAST_RATIO, FAST_SIGMA * sigma)
        high = rows.u - best > threshold
        if not high.any():
            self._run = 0
            return
        gain = history.gain
        for i in np.arange(len(high)).tolist():
            if not high[i] or float(rows.y[i]) - self._reference() < SHARE * gain:
                self._run = 0
                continue
            if not self._run:
                self._first_high = int(rows.step[i])
            self._run += 1
            if self._run >= FAST_LOSSES:
                step = int(rows.step[i])
                rule = f"{FAST_LOSSES} losses in a row × {math.exp(threshold):.3g} above the best level"
                self._report(step, self._first_high, float(rows.y[i]), threshold, rule)
                return

    def block(self) -> None:
        """The slow rules, and whether it is over."""
        history = self.history
        y = float(history.medians[-1])
        reference = self._reference(before=True)
        rise = history.scale.one(y) - history.scale.one(reference)
        threshold = max(SIGMA * self._sigma(), RATIO)
        share = SHARE * history.gain
        if self.book.is_open(self._open):
            assert self._open is not None
            calm = rise < CALM * threshold or y - reference < CALM * share
            self._calm_blocks = self._calm_blocks + 1 if calm else 0
            if self._calm_blocks >= 2:
                self.book.close(self._open, "the loss came back to its level")
            elif not calm:
                self.book.last(self._open, history.step)
            return
        high = rise > threshold and y - reference >= share
        needed = BLOCKS
        rule = f"{BLOCKS} block medians in a row above the best one by {SIGMA:g} × noise and half as much again"
        if history.blocks <= EARLY_BLOCKS:
            needed = EARLY_BLOCKS
        if self._raised():
            high = high and y - history.best > LOST * max(history.gain, 1e-12)
            needed, rule = 3, "half of what had been gained is lost since the rate was raised"
        if not high:
            self._high_blocks = 0
            return
        if not self._high_blocks:
            self._high_since = int(history.steps[-2]) if history.blocks > 1 else history.start
        self._high_blocks += 1
        early = history.blocks >= EARLY_BLOCKS and self._high_blocks >= EARLY_BLOCKS - 1
        if self._high_blocks >= needed or early:
            self._report(history.step, self._high_since, y, threshold, rule)

    def _reference(self, before: bool = False) -> float:
        """The level that a rise is measured from, y."""
        history = self.history
        best = history.best
        if before and history.blocks > 1 and history.medians[-1] == best:
            return best
        if history.blocks <= 1 and history.first is not None:
            return history.first
        return best

    def _sigma(self) -> float:
        return max(self.history.best_noise, min(self.history.noise, 2 * self.history.best_noise))

    def _raised(self) -> bool:
        return self.history.era_kind == "raise" and self.history.blocks > EARLY_BLOCKS

    def _report(self, step: int, first: int, y: float, threshold: float, rule: str) -> None:
        history = self.history
        early = history.blocks <= EARLY_BLOCKS + 2
        raised = self._raised()
        worse_than_start = history.first is not None and y > history.origin
        severity: Severity = "critical" if worse_than_start or early else "warning"
        best = self._reference()
        evidence = Evidence(
            rule,
            (first, step),
            {
                "loss": history.raw(y),
                "best_level": history.raw(best),
                "rise_needed": history.raw(history.scale.back(history.scale.one(best) + threshold)),
                "noise": self._sigma(),
            },
        )
        if early:
            cause_confidence = 0.75
            advice = advise.restart(
                0.1, "The loss rose from the first steps: the rate is too high, or needs a warm-up."
            )
        elif raised:
            cause_confidence = 0.9
            advice = advise.rewind(0.1, "The loss rose when the rate was raised.")
        else:
            cause_confidence = 0.5
            advice = advise.rewind(
                0.3, "The level that was reached is lost; a lower rate passes such a place."
            )
        self._open = self.book.open(
            "divergence", severity, (first, step), "lr_too_high", cause_confidence, evidence, advice
        )
        self._calm_blocks = self._high_blocks = self._run = 0
