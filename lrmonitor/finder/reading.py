"""What a range test says: a rate with an interval, or that it says nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrmonitor.finder import rules
from lrmonitor.finder.sweep import MOST_POINTS, Floats, Sweep, SweepError, centred
from lrmonitor.schedules.bound import DEVIATIONS, FIRST, NOISE

WIDTH = 0.23
"""Decades of the rate that the smoothing of the curve is wide (a standard deviation)."""
LEAST = 16
"""Steps that a sweep must have before its loss leaves the bound, to be read at all."""
QUIET = 0.25
"""Share of a sweep that is taken to be too slow to change the loss."""
SIGNIFICANT = 4.0
"""Standard deviations of its own noise that the smoothed loss must fall. The lowest of about 40
independent points of noise alone is 2.2 of them below their mean, and 4 in one of 800 sweeps."""
NEAR = 0.1
"""Share of the fall within which the loss counts as being at its lowest."""
BELOW = 16.0
"""How many times lower the suggested rate is than the two ends of what still trains (`read`)."""
MARGIN = 26.0
"""How many times lower it is, at least, than the highest rate that did not break a sweep."""
MOST, REACH = 0.8, 2.5
"""The rate is at most so many times (2.5) the one at which that share (0.8) of the fall is done."""
DOWN, UP = 3.0, 1.5
"""Factors that the interval reaches below and above the sweeps' rates: too high costs more."""


@dataclass(frozen=True)
class Reading:
    """What some sweeps from one state say.

    Either `rate` with its interval `low` to `high`, or a `reason` why there is none. `others` are
    what other range tests would suggest of the first sweep, None where they say nothing.
    """

    rate: float | None
    low: float | None
    high: float | None
    reason: str
    """Why there is no rate, as a sentence for people; empty where there is one."""
    others: Mapping[str, float | None]
    lr: Floats
    """Rates of the curve below, (n,)."""
    loss: Floats
    """Mean of the sweeps, smoothed, (n,): what was read."""
    level: float
    """The loss before the rate does anything; nan where it could not be told."""
    noise: float
    """Standard deviation of one batch's loss around it."""
    fall: float
    """How far the smoothed loss fell below the level, in standard deviations of its own noise."""
    open_end: bool = False
    """Whether the loss had not turned up where the sweep ended: a higher end may tell more."""
    rates: tuple[float, ...] = field(default=())
    """The rate that each sweep alone would give."""


def read(sweeps: Sequence[Sweep], steps: int | None = None) -> Reading:
    """Read one sweep or several, all from the same state with the same rates (as far as they go).

    Level and noise are those of the first quarter, so that a sweep has to begin where the rate does
    nothing yet. `steps`: of a sweep as planned, where all ended early.

    The rate: let a be the last at which the smoothed loss is within 10 % of its fall of its lowest,
    and b the last before it left the bound (`lrmonitor.schedules.bound`) or the sweep ended. The
    rate is sqrt(a b) / 16, of several sweeps the median. That is minimum/10 with its one noisy
    point replaced by two that hardly move from sweep to sweep: where training ceases to gain, and
    where it breaks. It is b / 26, if that is lower: a loss that falls up to where it breaks shows
    no floor of its own, and rates that a step or two of a sweep stand may break a training some
    hundred steps later. And where a wide floor lies before that (a network that has learnt the mean
    alone and keeps to it at any rate), it is 2.5 times the rate at which four fifths of the fall
    are done, if that is lower. The constants were set on the setups that `tests/benchmarks/finder`
    names as those of development.

    There is none where the fall is not significant: a converged or well-trained model shows only
    noise, until it breaks, and any rule would take the noise's lowest point for an answer.
    """
    if not sweeps:
        raise SweepError("a reading needs at least one sweep")
    _same_rates(sweeps)
    ended = [s.usable() for s in sweeps]
    size = -(-max(len(s) for s in ended) // MOST_POINTS)
    usable = [s.thinned(size) for s in ended]
    others = _others(sweeps[0], steps)
    long = [s for s in usable if len(s) >= LEAST]
    if 2 * len(long) <= len(usable):
        return _refusal(_too_short(sweeps), others)
    lr, loss, count = _pooled(long)
    level, noise, known = _quiet(long)
    width = _width(lr)
    smooth = centred(loss, width)
    lowest = int(np.argmin(smooth))
    deviation = noise * math.sqrt(_variance(count, width, lowest) + _of_median(known))
    depth = level - float(smooth[lowest])
    fall = depth / deviation if deviation > 0 else math.inf if depth > 0 else 0.0
    drawn: dict[str, Any] = {"lr": lr, "loss": smooth, "level": level, "noise": noise, "fall": fall}
    if fall < SIGNIFICANT:
        reason = (
            "no usable descent: the loss does not fall by more than its noise at any rate of the "
            "test. The model may be near what it can reach at once; a trial of rates compares "
            "longer stretches."
        )
        return _refusal(reason, others, **drawn)
    rates = [_rate(s, level) for s in long]
    middle = math.exp(float(np.median(np.log(rates))))
    return Reading(
        rate=middle,
        low=min(*rates, middle) / DOWN,
        high=max(*rates, middle) * UP,
        reason="",
        others=others,
        open_end=all(len(u) == len(s) for u, s in zip(ended, sweeps, strict=True)),
        rates=tuple(rates),
        **drawn,
    )


def _same_rates(sweeps: Sequence[Sweep]) -> None:
    longest = max(sweeps, key=len).lr
    if any(not np.allclose(s.lr, longest[: len(s)], rtol=1e-6, atol=0) for s in sweeps):
        raise SweepError("sweeps that are read together go through the same rates")


def _others(sweep: Sweep, steps: int | None) -> dict[str, float | None]:
    """The suggestions of others, by their names."""
    lr, loss = rules.trimmed(sweep, steps)
    known = {
        "valley": rules.valley,
        "minimum": rules.minimum,
        "steepest": rules.steepest,
        "slide": rules.slide,
    }
    return {name: rule(lr, loss) for name, rule in known.items()}


def _refusal(reason: str, others: Mapping[str, float | None], **drawn: Any) -> Reading:
    empty = np.empty(0)
    values = {"lr": empty, "loss": empty, "level": math.nan, "noise": math.nan, "fall": 0.0}
    rest: dict[str, Any] = values | drawn
    return Reading(None, None, None, reason, others, **rest)


def _too_short(sweeps: Sequence[Sweep]) -> str:
    begin = float(sweeps[0].lr[0]) if len(sweeps[0]) else math.nan
    if all(len(s) < LEAST for s in sweeps):
        return f"too few steps: a test needs at least {LEAST}, better 100."
    return (
        f"the loss rose beyond the bound, or was not finite, within {LEAST} steps: begin lower "
        f"than {begin:.3g}, or find out first why the loss is not finite."
    )


def _pooled(sweeps: Sequence[Sweep]) -> tuple[Floats, Floats, Floats]:
    """Rates, mean losses and how many sweeps they are of, as far as half of the sweeps go."""
    lengths = np.array([len(s) for s in sweeps])
    n = int(np.sort(lengths)[len(sweeps) // 2])
    total, count = np.zeros(n), np.zeros(n)
    for s in sweeps:
        m = min(len(s), n)
        total[:m] += s.loss[:m]
        count[:m] += 1
    return max(sweeps, key=len).lr[:n], total / count, count


def _quiet(sweeps: Sequence[Sweep]) -> tuple[float, float, int]:
    """Level, noise and of how many losses: the first of the sweeps."""
    first = [s.loss[: max(FIRST, int(QUIET * len(s)))] for s in sweeps]
    noise = float(np.median([_noise(s.loss[: max(NOISE, int(QUIET * len(s)))]) for s in sweeps]))
    flat = np.concatenate(first)
    return float(np.median(flat)), noise, len(flat)


def _noise(loss: Floats) -> float:
    """From first differences, so that a trend adds little: the larger of median and root mean
    square, since the tails of a heavy-tailed loss are what could pass for a descent."""
    steps = np.abs(np.diff(loss))
    # Scaled first, as squares of large losses overflow.
    top = float(steps.max(initial=0.0))
    rms = top * math.sqrt(float(np.mean((steps / top) ** 2)) / 2) if top else 0.0
    return max(DEVIATIONS * float(np.median(steps)), rms)


def _width(lr: Floats) -> float:
    """The smoothing's width in steps of this sweep: at least one."""
    decades = math.log10(lr[-1] / lr[0]) / (len(lr) - 1)
    return min(max(WIDTH / decades, 1.0), len(lr) / 8)


def _variance(count: Floats, width: float, at: int) -> float:
    """Of a point of the smoothed mean, in units of one loss's variance."""
    weights = np.exp(-0.5 * ((np.arange(len(count)) - at) / width) ** 2)
    weights /= weights.sum()
    return float((weights**2 / count).sum())


def _of_median(n: int) -> float:
    """Variance of the median of n normal values, in units of one's: π / 2n."""
    return math.pi / (2 * n)


def _rate(sweep: Sweep, level: float) -> float:
    """What one sweep says, see `read`."""
    smooth = centred(sweep.loss, _width(sweep.lr))
    lowest = float(smooth.min())
    fall = abs(level - lowest)
    near = np.flatnonzero(smooth <= lowest + NEAR * fall)[-1]
    most = int(np.argmax(smooth <= lowest + (1 - MOST) * fall))
    last = float(sweep.lr[-1])
    ends = math.sqrt(float(sweep.lr[near]) * last)
    return min(ends / BELOW, last / MARGIN, REACH * float(sweep.lr[most]))
