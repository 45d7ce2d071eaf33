"""A single loss that is beyond everything seen: no second one is needed to say so."""

from __future__ import annotations

import math

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
        self._now = max(self._now, rows.top)

    def block(self) -> None:
        """A block was completed."""
        kept = WINDOW // self._history.block
        self._peaks = [*self._peaks, self._now][-kept:]
        self._peak = max(self._peaks)
        self._now = -math.inf

    def among(self, rows: Rows) -> list[int]:
        """The places of the losses, not yet `seen`, that are far beyond all before them."""
        history = self._history
        highest = max(self._now, self._peak)
        if not math.isfinite(highest) or rows.top <= highest:
            return []
        start = history.scale.one(max(history.origin, history.first or 0.0))
        gained = history.scale.one(history.origin) - history.scale.one(history.best) > RAISED_GAIN
        found = []
        for i, (y, u) in enumerate(zip(rows.ys, rows.us, strict=True)):
            if y <= highest:
                continue
            above = u - history.scale.one(highest)
            highest = y
            row = rows.row + i
            far = above > RATIO and u - start > RATIO and y - history.origin > history.gain
            soon = gained and row - self._raised < RAISED_ROWS
            if (far or (soon and above > RAISED_RATIO and u > start)) and row >= self._muted:
                found.append(i)
        return found

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
