"""A range test, then a trial of rates below where it broke: the rate that trained best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrmonitor.finder.reading import LEAST, MARGIN, QUIET, SIGNIFICANT
from lrmonitor.finder.sweep import Sweep
from lrmonitor.finder.trial import CLEAR_Z, Candidate, Tried, tried
from lrmonitor.schedules.bound import FIRST

RATIO = math.sqrt(10)
"""From rung to rung: what trains within 5 % of the best is mostly wider than half a decade."""
RUNGS = 5
"""Down to 1/2600 of the rate that broke: a loss that is bounded, as a policy's, breaks some three
decades above the rate that trains best."""
STEPS = 200
"""Steps at each rung. In fewer of them a rate that falls fastest at first, and comes to a stop
higher up, is not told from a good one."""
LEGS = 4
"""Turns that they take."""


@dataclass(frozen=True)
class Choice:
    """What a ladder says: either `rate`, within `low` and `high`, or a `reason` why there is none.

    The interval holds the rungs beside the chosen one that reached a loss no worse by more than the
    noise, and half a rung beyond on both sides.
    """

    rate: float | None
    low: float | None
    high: float | None
    reason: str
    """Why there is no rate, as a sentence for people; empty where there is one."""
    tried: tuple[Tried, ...]
    """By rising rate; their `factor` is the rate."""


def rungs(sweeps: Sequence[Sweep]) -> tuple[float, ...]:
    """The rates to try after some sweeps from one state, the highest first; empty where the sweeps
    are too short to tell.

    The highest is 1/26 of the last rate before the loss left the bound, or the sweep ended (the
    margin that a reading of the sweeps alone keeps too); of several sweeps the median. Nothing else
    of the sweeps counts: what a rate does in the few steps that a sweep has for it says little of
    what it does in some hundred.
    """
    ends = [math.log(float(s.lr[-1])) for s in (one.usable() for one in sweeps) if len(s) >= LEAST]
    if 2 * len(ends) <= len(sweeps):
        return ()
    top = math.exp(float(np.median(ends))) / MARGIN
    return tuple(top / RATIO**i for i in range(RUNGS))


def choose(sweeps: Sequence[Sweep], candidates: Sequence[Candidate]) -> Choice:
    """The rate of the rungs that reached the lowest loss, a mean of the last third of its steps.

    The factors of the candidates are the rates themselves. There is none where the loss that was
    reached is not lower, by four standard errors, than the loss before any rate did anything (the
    first quarter of the sweeps): a converged model.
    """
    found = tuple(tried(c) for c in sorted(candidates, key=lambda c: c.factor))
    whole = [t for t in found if not t.broke and not math.isnan(t.reached)]
    if not whole:
        short = any(not t.broke for t in found)
        why = f"too short to compare: each rate needs at least {LEAST} steps."
        broke = "the loss broke at every rate that was tried: sweep from and to lower ones."
        return Choice(None, None, None, why if short else broke, found)
    best = min(whole, key=lambda t: t.reached)
    level, error = _level(sweeps)
    if not level - best.reached > SIGNIFICANT * math.hypot(error, best.error):
        reason = (
            "no usable descent: in these steps the loss falls by no more than its noise at any of "
            "the rates. The model may be near what it can reach."
        )
        return Choice(None, None, None, reason, found)
    alike = {t.factor for t in whole if not _worse(t, best)}
    at = found.index(best)
    low = high = at
    while low > 0 and found[low - 1].factor in alike:
        low -= 1
    while high < len(found) - 1 and found[high + 1].factor in alike:
        high += 1
    half = math.sqrt(RATIO)
    return Choice(best.factor, found[low].factor / half, found[high].factor * half, "", found)


def _level(sweeps: Sequence[Sweep]) -> tuple[float, float]:
    """The loss of the state that all began from, and its standard error."""
    first = np.concatenate([s.loss[: max(FIRST, int(QUIET * len(s)))] for s in sweeps])
    first = first[np.isfinite(first)]
    if len(first) < 2:
        return math.nan, math.nan
    return float(first.mean()), float(first.std(ddof=1)) / math.sqrt(len(first))


def _worse(one: Tried, best: Tried) -> bool:
    return one.reached - best.reached > CLEAR_Z * math.hypot(one.error, best.error)
