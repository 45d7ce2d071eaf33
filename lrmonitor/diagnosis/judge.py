"""Whether an action helped: the loss after it against the loss before it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis.stats import MAD, trend

Verdict = Literal["helped", "no_clear_change", "worse"]

POINTS = 24
"""Block medians on each side that are compared, at most."""
LEAST = 8
"""And losses, at least."""
Z = 1.96
"""Of the intervals: 95 %."""
PER = 100
"""Steps in whose unit a slope is told."""


@dataclass(frozen=True)
class Judgement:
    """What became of an action that took effect at step `at`, looked at for `span` steps.

    `before` and `after` are slopes of the loss per 100 steps (Theil and Sen's, over block
    medians); `level_before` and `level_after` the losses at the end of each side. Slopes are nan
    where a side has too few losses.
    """

    verdict: Verdict
    at: int
    span: int
    before: float
    after: float
    level_before: float
    level_after: float

    @property
    def words(self) -> str:
        """`Helped: loss 2.31 → 1.87, slope −0.002 → −0.011 per 100 steps`."""
        said = {"helped": "Helped", "no_clear_change": "No clear change", "worse": "Worse"}
        text = f"{said[self.verdict]}: loss {self.level_before:.4g} → {self.level_after:.4g}"
        if math.isfinite(self.before) and math.isfinite(self.after):
            text += f", slope {_signed(self.before)} → {_signed(self.after)} per {PER} steps"
        return text

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def judge(
    step: npt.NDArray[np.int64], loss: npt.NDArray[np.float64], at: int, span: int
) -> Judgement | None:
    """Compare the `span` steps from step `at` on with as many before; None while they are not over.

    `step` (n,) and `loss` (n,) are what was recorded; where steps went back, what came after that
    counts. It *helped* if the loss falls faster than before, the 95 % intervals of the slopes
    being apart, or if it did not fall before and is lower now; it is *worse* if it is higher now
    and does not fall, or no longer a number. "Higher" and "lower" are by 2 standard errors.
    """
    if not len(step) or span < 1 or step[-1] < at + span - 1:
        return None
    back = np.flatnonzero(step[1:] < step[:-1])
    if len(back):
        step, loss = step[back[-1] + 1 :], loss[back[-1] + 1 :]
    first, cut, last = np.searchsorted(step, (at - span, at, at + span), "left")
    early, late = _Side(step[first:cut], loss[first:cut]), _Side(step[cut:last], loss[cut:last])
    verdict: Verdict = "no_clear_change"
    error = 2 * math.hypot(early.error, late.error)
    if late.broken:
        verdict = "worse" if not early.broken else "no_clear_change"
    elif early.broken:
        verdict = "helped"
    elif early.known and late.known:
        lower, higher = late.level < early.level - error, late.level > early.level + error
        if late.high < early.low or (early.high >= 0 and lower):
            verdict = "helped"
        elif higher and late.high >= 0:
            verdict = "worse"
    return Judgement(verdict, at, span, early.slope, late.slope, early.level, late.level)


class _Side:
    """The losses on one side of the action."""

    def __init__(self, step: npt.NDArray[np.int64], loss: npt.NDArray[np.float64]) -> None:
        finite = np.isfinite(loss)
        self.broken = bool(len(loss)) and not finite[-min(len(loss), LEAST) :].any()
        values = loss[finite]
        self.slope = self.low = self.high = self.level = math.nan
        self.error = 0.0
        self.known = len(values) >= LEAST
        if not len(values):
            return
        size = max(-(-len(values) // POINTS), 1)
        count = len(values) // size
        blocks = np.median(values[len(values) - count * size :].reshape(count, size), axis=1)
        end = blocks[-max(count // 3, 1) :]
        self.level = float(np.median(end))
        if count >= 2:
            spread = MAD * float(np.median(np.abs(np.diff(blocks)))) / math.sqrt(2)
            self.error = 1.25 * spread / math.sqrt(len(end))
        if count >= 4:
            apart = max(float(step[-1] - step[0]) / max(len(step) - 1, 1) * size, 1e-9)
            found = trend(blocks, Z)
            unit = PER / apart
            self.slope, self.low, self.high = (
                one * unit for one in (found.slope, found.low, found.high)
            )


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")
