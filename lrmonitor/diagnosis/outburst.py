"""A single loss that is beyond everything seen: no second one is needed to say so."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis.detector import Rows
from lrmonitor.diagnosis.finding import Evidence
from lrmonitor.diagnosis.history import History

RATIO = math.log(3.0)
"""Above the first loss and above each of the losses of the window, on the u axis; and above the
first level by as much as was gained (which × 3 implies where no loss is negative)."""
RAISED_RATIO, RAISED_ROWS = math.log(1.5), 32
"""So many losses after the rate was raised at a jump: above the window by this, and by nothing
above the first loss, if something had been gained."""
RAISED_GAIN = math.log(2.0)
"""What counts as something, on the u axis."""
MUTED = 32
"""Losses after the step went back in which nothing is said: an optimizer that lost its state may
take one step that is far too long."""
WINDOW = 128
"""Losses of the window: after a catapult that was come out of, it is forgotten."""


class Outburst:
    """Knows the highest loss of the latest 128, in whole blocks and the one that is not whole yet.

    OLMo-core's rule (above the mean by 6 standard deviations of 128) looks back as far; the
    highest loss in the place of the deviation holds for any distribution: a loss is as often the
    highest of 129 as any other of them, and one three times as high is no matter of chance.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._peaks: list[float] = []  # y of the latest whole blocks
        self._now = self._peak = -math.inf
        self._raised = -RAISED_ROWS
        self._muted = 0

    def era(self) -> None:
        """The rate jumped, or the step went back."""
        if self._history.era_kind == "raise":
            self._raised = self._history.rows
        elif self._history.era_kind == "back":
            self._muted = self._history.rows + MUTED

    def seen(self, rows: Rows) -> None:
        """These losses belong to the window from now on."""
        self._now = max(self._now, float(rows.y.max()))

    def block(self) -> None:
        """A block was completed."""
        kept = WINDOW // self._history.block
        self._peaks = [*self._peaks, self._now][-kept:]
        self._peak = max(self._peaks)
        self._now = -math.inf

    def among(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which losses, not yet `seen`, are far beyond all before them."""
        history = self._history
        if rows.row + len(rows.y) <= self._muted:
            return np.zeros(len(rows.y), np.bool_)
        highest = max(self._now, self._peak)
        if not math.isfinite(highest) or float(rows.y.max()) <= highest:
            return np.zeros(len(rows.y), np.bool_)
        before = np.maximum.accumulate(np.concatenate(([highest], rows.y[:-1])))
        above = rows.u - history.scale.of(before)
        start = history.scale.one(max(history.origin, history.first or 0.0))
        worse = rows.y - history.origin > history.gain
        far = (above > RATIO) & (rows.u - start > RATIO) & worse
        gained = history.scale.one(history.origin) - history.scale.one(history.best) > RAISED_GAIN
        if gained and rows.row - self._raised < RAISED_ROWS:
            soon = rows.row + np.arange(len(rows.y)) - self._raised < RAISED_ROWS
            far |= soon & (above > RAISED_RATIO) & (rows.u > start)
        return np.asarray(far & (rows.row + np.arange(len(rows.y)) >= self._muted))

    def beyond(self, y: float) -> bool:
        """Whether such a loss is so by itself, and not only for the rate that was raised."""
        history = self._history
        start = history.scale.one(max(history.origin, history.first or 0.0))
        highest = history.scale.one(max(self._now, self._peak))
        far = history.scale.one(y) - max(start, highest) > RATIO
        return far and y - history.origin > history.gain

    def evidence(self, y: float, step: int, noise: float) -> Evidence:
        """Of such a loss, y, at a step; with the noise of the best level, y."""
        history = self._history
        return Evidence(
            f"one loss far above the first loss and above all of the {WINDOW} before",
            (step, step),
            {
                "loss": history.raw(y),
                "best_level": history.raw(history.best),
                "first": history.raw(history.origin),
                "noise": history.raw(noise),
            },
        )
