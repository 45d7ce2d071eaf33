"""Which part of the data the plots show. Pure: no Qt, so that it is tested by arithmetic.

Ranges move in quanta: a range that chased every new point would relayout axes, ticks and
grid thirty times a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

__all__ = ["StepWindow", "grow_values"]

PAD = 0.05
AHEAD = 0.1
"""Share of its width by which a view that follows moves on at a time, or is wider than the run: the
plots are painted whole then, and in between only their ends."""
MINIMUM_STEPS = 20.0


@dataclass(frozen=True)
class StepWindow:
    """The visible steps. `follow`: the newest step stays in view; `whole`: all steps are shown."""

    low: float = 0.0
    high: float = MINIMUM_STEPS
    follow: bool = True
    whole: bool = True

    def advanced(self, newest: float) -> StepWindow:
        """The window once `newest` (a step) exists: unchanged unless it follows and must move."""
        if not self.follow or self.low <= newest <= self.high:
            return self
        if self.whole:
            return self.fitted(newest)
        width = self.high - self.low
        high = newest + AHEAD * width
        return replace(self, low=high - width, high=high)

    def fitted(self, newest: float, oldest: float = 0.0) -> StepWindow:
        """All steps, with room to grow; following."""
        span = max(newest - oldest, 0.0)
        high = oldest + max(span * (1 + AHEAD), MINIMUM_STEPS)
        return StepWindow(oldest, high, True, True)

    def ahead(self, newest: float, share: float) -> StepWindow:
        """With `share` of the width lying beyond the newest step: the whole run is shown narrower,
        a part of it moved."""
        if self.whole:
            return replace(self, high=(newest - share * self.low) / (1 - share))
        width = self.high - self.low
        high = newest + share * width
        return replace(self, low=high - width, high=high)

    def closed(self, newest: float, oldest: float = 0.0) -> StepWindow:
        """All steps of a run that grows no more: no empty room on the right."""
        span = max(newest - oldest, 1.0)
        return replace(self, low=oldest - 0.01 * span, high=newest + 0.01 * span)

    def zoomed(self, factor: float, around: float, newest: float) -> StepWindow:
        """Scaled by `factor` (< 1 zooms in) around a step; a following window keeps its right end.

        Zooming out beyond the whole run ends at the whole run.
        """
        width = (self.high - self.low) * factor
        width = max(width, 4.0)
        if width >= self.fitted(newest).high and factor > 1:
            fitted = self.fitted(newest)
            return replace(fitted, follow=self.follow)
        if self.follow and self.low <= newest <= self.high:
            around = newest
        share = (around - self.low) / (self.high - self.low)
        low = around - share * width
        return replace(self, low=low, high=low + width, whole=False)

    def panned(self, delta: float) -> StepWindow:
        """Moved by `delta` steps; the person looks elsewhere, so it no longer follows."""
        return replace(
            self, low=self.low + delta, high=self.high + delta, follow=False, whole=False
        )

    def centred(self, step: float, newest: float) -> StepWindow:
        """Moved so that `step` is in the middle, as far as there are steps to show around it."""
        width = self.high - self.low
        lowest = min(self.low, 0.0)
        highest = max(self.high, self.fitted(newest).high)
        low = max(min(step - width / 2, highest - width), lowest)
        return self.panned(low - self.low) if abs(low - self.low) > 1e-9 * width else self

    def following(self, on: bool, newest: float) -> StepWindow:
        """With follow switched on (jumps to the newest step when it is out of view) or off."""
        return replace(self, follow=on).advanced(newest)


def grow_values(
    shown: tuple[float, float] | None,
    data: tuple[float, float] | None,
    least: float = 0.0,
) -> tuple[float, float]:
    """The vertical range for data that spans `data` while `shown` is on the screen.

    Unchanged while the data stays inside and fills at least a third of it; otherwise the
    data's range padded by 5 %. A single value gets room around it, data that spans less than
    `least` gets at least that.
    """
    if data is None or not (math.isfinite(data[0]) and math.isfinite(data[1])):
        return shown if shown is not None else (0.0, 1.0)
    low, high = data
    if 0 < high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    span = high - low
    if shown is not None:
        width = shown[1] - shown[0]
        inside = shown[0] <= low and high <= shown[1]
        if inside and (span * 3 >= width or (span == 0 and width <= 4 * _room(low))):
            return shown
    room = PAD * span
    if not (low - room < low and high < high + room):
        # One value, or several that floating point can hardly tell apart.
        room = _room(low)
    return low - room, high + room


def _room(value: float) -> float:
    return abs(value) * 0.5 if abs(value) > 1e-300 else 0.5
