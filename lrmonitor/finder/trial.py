"""Comparing rates that were tried: which falls faster, and whether that is more than noise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrmonitor.diagnosis.stats import thinned, trend
from lrmonitor.finder.sweep import Floats
from lrmonitor.schedules.bound import DEVIATIONS, Bound

LEAST = 16
"""Steps of a candidate without which nothing is said of it."""
BLOCKS = 16
"""Means of equally long pieces that a slope is taken of, at most: they are nearly independent."""
SLOPE_Z = 1.96
"""Of the interval of a slope: 95 %."""
CLEAR_Z = 2.58
"""Standard deviations that two levels must be apart: 99 %, as several pairs are compared."""


class TrialError(ValueError):
    """Numbers that are no trial; the message says what is wrong with them."""


@dataclass(frozen=True)
class Candidate:
    """A rate that was tried, as a factor of the rate before the trial, and the losses of its legs.

    factor: finite, above 0. legs: arrays (k,) in their order; each begins from the state that the
    candidate's last one left, so that together they are one stretch of training.
    """

    factor: float
    legs: Sequence[Floats]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise TrialError("the factor of a candidate is finite and above 0")

    @property
    def loss(self) -> Floats:
        """All its losses, (n,) float64."""
        legs = [np.asarray(leg, np.float64).ravel() for leg in self.legs]
        return np.concatenate(legs) if legs else np.empty(0)


@dataclass(frozen=True)
class Tried:
    """What came of a candidate. Slopes are loss a step; all are nan where `broke` or too short."""

    factor: float
    steps: int
    slope: float
    low: float
    """The bounds of the slope's 95 % interval (Theil, Sen and Kendall)."""
    high: float
    late: float
    """The slope of its second half."""
    reached: float
    """The loss of its last third, a mean."""
    error: float
    """The standard error of `reached`."""
    broke: bool
    """Whether a loss was not finite or, twice in a row, beyond the bound of a range test."""


@dataclass(frozen=True)
class Comparison:
    """The outcome of a trial."""

    tried: tuple[Tried, ...]
    """By rising factor."""
    recommended: float | None
    """The factor to go on with (1 where nothing is clearly better); None if all broke or the trial
    was too short."""
    clear: bool
    """Whether the recommendation is more than noise."""
    reason: str
    """A sentence for people."""


def compare(candidates: Sequence[Candidate]) -> Comparison:
    """Compare candidates that ran round-robin from the same state, on different batches.

    The one nearest ×1 is what the others are measured against. Another one is recommended only
    where the loss that it reached is lower by more than 2.58 standard errors of the difference.
    That is not enough for a lower rate: it leaves the noise floor of the old rate at once, whether
    or not it then trains as fast, which is why choosing by the very next losses chooses rates that
    lose later (Wu et al. 2018, arXiv 1803.02021; Roulet et al. 2024, arXiv 2407.06183). So a lower
    rate must also, in its second half, fall no more slowly than the rate it would replace. The last
    loss alone decides nothing.
    """
    if len(candidates) < 2:
        raise TrialError("a trial compares at least two rates")
    ordered = sorted(candidates, key=lambda c: c.factor)
    if any(a.factor == b.factor for a, b in itertools.pairwise(ordered)):
        raise TrialError("each rate is tried once")
    found = tuple(tried(c) for c in ordered)
    return Comparison(found, *_verdict(found))


def tried(candidate: Candidate) -> Tried:
    """What came of a candidate, by itself."""
    loss = candidate.loss
    bound = Bound()
    broke = any(bound.add(x) for x in loss.tolist())
    n = len(loss)
    if broke or n < LEAST:
        nan = math.nan
        return Tried(candidate.factor, n, nan, nan, nan, nan, nan, nan, broke)
    slope, low, high = _slope(loss)
    last = loss[-(n // 3) :]
    noise = DEVIATIONS * float(np.median(np.abs(np.diff(loss))))
    return Tried(
        factor=candidate.factor,
        steps=n,
        slope=slope,
        low=low,
        high=high,
        late=_slope(loss[n // 2 :])[0],
        reached=float(last.mean()),
        error=max(noise, float(last.std(ddof=1))) / math.sqrt(len(last)),
        broke=False,
    )


def _slope(loss: Floats) -> tuple[float, float, float]:
    """Slope a step, and its interval."""
    means = thinned(loss, BLOCKS)
    found = trend(means, SLOPE_Z)
    size = -(-len(loss) // BLOCKS)
    return found.slope / size, found.low / size, found.high / size


def _verdict(tried: Sequence[Tried]) -> tuple[float | None, bool, str]:
    whole = [t for t in tried if not t.broke]
    if not whole:
        return None, True, "the loss broke at every rate that was tried: try lower ones."
    if any(math.isnan(t.slope) for t in whole):
        return None, False, f"too short to compare: each rate needs at least {LEAST} steps."
    base = min(tried, key=lambda t: (abs(math.log(t.factor)), t.factor))
    if base.broke:
        best = min(whole, key=lambda t: t.reached)
        return best.factor, True, f"the loss broke at {times(base.factor)}, not at all lower ones."
    better = [t for t in whole if t is not base and _gap(base, t) > CLEAR_Z]
    lasting = [t for t in better if t.factor > base.factor or t.late <= base.late]
    if lasting:
        best = min(lasting, key=lambda t: t.reached)
        return best.factor, True, f"{times(best.factor)} reaches a lower loss, by more than noise."
    kept = times(base.factor)
    if better:
        first = times(max(better, key=lambda t: _gap(base, t)).factor)
        return (
            base.factor,
            False,
            f"{first} is lower at once, as any lower rate is, but then falls more slowly: "
            f"keep {kept} for now.",
        )
    worse = [t for t in tried if t is not base and (t.broke or _gap(t, base) > CLEAR_Z)]
    if len(worse) == len(tried) - 1:
        return base.factor, True, f"{kept} reaches the lowest loss, by more than noise."
    return base.factor, False, f"no clear difference: keep {kept}."


def _gap(one: Tried, other: Tried) -> float:
    """How much higher the loss that `one` reached is, in standard errors of the difference."""
    error = math.hypot(one.error, other.error)
    apart = one.reached - other.reached
    return apart / error if error > 0 else math.copysign(math.inf, apart) if apart else 0.0


def times(factor: float) -> str:
    """A factor as people write it: ×3, or ÷3 for a third."""
    sign, value = ("×", factor) if factor >= 1 else ("÷", 1 / factor)
    return f"{sign}{value:.3g}"
