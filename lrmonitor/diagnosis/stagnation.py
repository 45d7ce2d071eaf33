"""A loss that does not fall, or much too slowly; and one that is done."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector
from lrmonitor.diagnosis.finding import RANK, Advice, Cause, Evidence, Severity
from lrmonitor.diagnosis.gradients import no_gradient, usual_ratio
from lrmonitor.diagnosis.history import History
from lrmonitor.diagnosis.stats import Trend, median, thinned, trend

Floats = npt.NDArray[np.float64]

LEAST = 12
"""Blocks of one era before anything is said."""
UNSURE = 24
"""Blocks where nothing but the flatness speaks for it: long flats before a drop are real."""
PART = 0.4
"""The window: this part of the era, or `LEAST` blocks if that is more."""
POINTS = 36
"""Points that a window is thinned to."""
FLAT = 0.06
"""Flat, where little was gained: going on like this for as long as the window, the loss would gain
less than this share of its level, by the interval's favourable bound."""
DONE = 0.05
"""Flat after a real gain: going on for as long as the era has lasted, it would gain less than this
share of the level and of what was gained."""
DONE_RULES = ("flat after a real gain", "flat after a real gain, and noisy")
LITTLE = 0.25
"""Little was gained: less than this on the u axis since the start."""
LOST = 0.5
"""More than this was gained at the best, and is lost: no plateau, since divergence tells it."""
SOME = 1.2
"""The same for slow progress where update ratios are low..."""
UNMEASURED = 0.5
"""...and where they are not known."""
SURE = 0.1
"""Where no update ratios are known, it is a warning only if this little was gained."""
LOWERED = 0.3
"""Share of the highest rate so far below which progress is slow by the schedule."""
STEADY = 0.6
"""Slow: the second half of the run gained this share of the first half, so that it goes straight
on."""
LOW_RATIO = 5e-4
"""Median update ratio below which a low rate is likely."""
VERY_LOW_RATIO = 3e-4
"""The same where the losses do not tell how much was gained."""
NOISES = 40.0
"""And no more than this was gained, in units of the noise of one loss in calm blocks (their lower
quartile)."""
HIDDEN = 4.0
"""Where update ratios are below `VERY_LOW_RATIO`: a gain, or a loss, of less than this, in units of
the same noise, is none that can be told."""
HIDDEN_RULE = "updates are tiny, and what was gained is within the noise of a loss"
HIGH_RATIO = 0.1
"""One of the first eight update ratios above which, if nothing is learnt, the rate is too high."""
USUAL_HIGH = 0.05
"""The same for the median of the latest eight."""
NOT_LOW = 2e-3
"""From this ratio on progress is not slow for want of long steps."""
CLEARED = 3
"""Looks in a row after which it is over, or something else."""


@dataclass(frozen=True)
class _Seen:
    """What a look found."""

    kind: str
    severity: Severity
    cause: Cause
    confidence: float
    rule: str
    advice: Advice


class _Window:
    """The part of the era that a look is at, and its trends, which not each look needs."""

    def __init__(self, history: History) -> None:
        self._scale = history.scale
        self.era = history.blocks - history.era
        """Blocks of the era."""
        self.blocks = max(int(PART * self.era), LEAST)
        """Blocks of the window."""
        self.levels = thinned(history.medians[-self.blocks :], POINTS)
        """Their medians, y, thinned."""
        self.points = len(self.levels)

    @cached_property
    def level(self) -> float:
        """The median of the latest quarter, y."""
        return median(self.levels[-max(self.points // 4, 3) :].tolist())

    @cached_property
    def line(self) -> Trend:
        """Their trend on the u axis."""
        return trend(self._scale.of(self.levels))

    @cached_property
    def linear(self) -> Trend:
        """The same, y."""
        return trend(self.levels)

    @property
    def ahead(self) -> float:
        """Points in which the era would last as long once more."""
        return self.points * self.era / self.blocks


class Stagnation(Detector):
    """`plateau`, `slow_progress` and `near_convergence`: what the trend and the total gain say
    together.

    The trend is Theil–Sen's over the latest 40 % of the era (at least 12 blocks), thinned to 36
    points, with Kendall's 99 % interval. *Flat* is a test of equivalence: by the favourable bound
    of the interval, going on for as long as the window gains less than 6 % of the level; after a
    real gain, going on for as long as the era has lasted, less than 5 % of the level and of the
    gain. An interval that holds zero is not enough, since noise makes it wide.

    - little gain (u < 0.25 since the start) and flat: plateau. The rate is too low if update ratios
      are tiny (below 5e-4), unless the latest eight gradient norms are exactly 0: then it is the
      model. (Dead units below a layer that still learns leave a norm like any other, and are not
      told apart.) Else nothing is said before 24 blocks, and where no update ratios are
      known it is info: a log may begin in the middle of a run. It is too high if one of the first
      eight ratios was above 0.1, or the median of the latest eight is above 0.05.
      Nor is it a plateau where more than u = 0.5 was gained at the best and is lost: divergence
      tells that.
    - little gain (u < 1.2 where update ratios are tiny, < 0.5 where they are not known; never
      from 2e-3 on), falling as a whole, and straight on (the second half gained 60 % of the first,
      or more): slow_progress. Not where the schedule has brought the rate below 0.3 of its highest.
      Losses that begin near zero and go below it have no ratio that tells how little was gained:
      there update ratios below 3e-4, 24 blocks, and a gain of less than 40 × the noise of one
      loss stand for it. Where losses are so noisy that neither a fall nor flatness can be told,
      such ratios and a level within 4 × the noise of the first one, after 24 blocks, do.
    - flat after a real gain: near_convergence where the noise is small against the gain, else
      plateau of severity info, whose remedy is a lower rate. Over when the loss falls by the
      interval, not when noise has made the interval too wide to tell.

    ReduceLROnPlateau compares single values with the best one ever (factor .1, patience 10, 1e-4),
    so that one lucky batch starts the count; dlib counts steps since P(slope < 0) was below .51.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._without = self._otherwise = 0
        self._next = LEAST

    def era(self) -> None:
        """Trends begin anew."""
        self._next = self.history.blocks + LEAST
        if self.book.is_open(self._open):
            assert self._open is not None
            self.book.close(self._open, "the rate changed, or the step went back")

    def block(self) -> None:
        """Look: each block at first, at a thirty-second of the era later."""
        history = self.history
        if history.blocks < self._next:
            return
        length = history.blocks - history.era
        self._next = history.blocks + max(length // 32, 1)
        window = _Window(history)
        seen = self._judge(window)
        first = int(history.steps[-window.blocks])
        if seen is None:
            if self.book.is_open(self._open):
                assert self._open is not None
                if self._undecided(window):
                    self.book.last(self._open, history.step)
                    return
                self._without += 1
                if self._without >= CLEARED:
                    self.book.close(self._open, "the loss falls again")
            return
        self._without = 0
        if not self.book.is_open(self._open):
            self._otherwise = 0
        else:
            assert self._open is not None
            opened = self.book.findings[self._open]
            same = opened.kind == seen.kind
            self._otherwise = 0 if same else self._otherwise + 1
            if same and RANK[seen.severity] > RANK[opened.severity]:
                # Update ratios are sampled, and on a busy machine they come later than losses.
                told = (self._evidence(seen, first, window), seen.advice)
                if seen.cause == opened.cause:
                    self.book.worsen(self._open, seen.severity, *told)
                else:
                    sure = (seen.cause, seen.confidence)
                    self.book.confirm(self._open, seen.severity, *sure, *told)
                    if not self.book.is_open(self._open):
                        return
            if self._otherwise < CLEARED:
                self.book.last(self._open, history.step)
                return
            self.book.close(self._open, f"went over into: {seen.kind}")
        self._open = self.book.open(
            seen.kind,
            seen.severity,
            (first, history.step),
            seen.cause,
            seen.confidence,
            self._evidence(seen, first, window),
            seen.advice,
        )

    def _evidence(self, seen: _Seen, first: int, window: _Window) -> Evidence:
        """What was seen over the window that began at step `first`."""
        history = self.history
        ratio = usual_ratio(history.update_ratio.values)
        linear, scale = window.linear, window.points / window.blocks
        values = {
            "level": history.raw(median(window.levels.tolist())),
            "first": history.raw(history.origin),
            "best": history.raw(history.best),
            "slope_per_block": history.raw(linear.slope) * scale,
        }
        if not math.isnan(ratio):
            values["update_ratio"] = ratio
        bounds = (history.raw(linear.low) * scale, history.raw(linear.high) * scale)
        return Evidence(seen.rule, (first, history.step), values, bounds)

    def _judge(self, window: _Window) -> _Seen | None:
        if self._warming():
            return None
        history, level, line = self.history, window.level, window.line
        origin_u = history.scale.one(history.origin)
        gain_u = origin_u - history.scale.one(level)
        gain = history.origin - level
        flat = -line.low * window.points < math.log1p(FLAT)
        rising = line.low > 0
        ratio = usual_ratio(history.update_ratio.values)
        low = ratio < LOW_RATIO  # False where it is not known
        sure = low or history.blocks - history.era >= UNSURE
        most = SOME if low else UNMEASURED if math.isnan(ratio) else LITTLE
        short = not ratio >= NOT_LOW  # or not known
        few = -LITTLE < gain_u < most or self._from_zero(gain, ratio)
        if sure and short and few and not self._lowered() and self._straight():
            return self._slow(low, ratio, gain_u)
        if self._hidden(gain, ratio) and not flat and not rising:
            return self._slow(low, ratio, gain_u, HIDDEN_RULE)
        if gain_u < LITTLE:
            if origin_u - history.scale.one(history.best) > LOST:
                return None  # it was better: what was gained is lost
            return self._little(low, ratio) if sure and flat and not rising else None
        ahead = window.ahead
        if rising or not -line.low * ahead < math.log1p(DONE):
            return None
        if not -window.linear.low * ahead < DONE * gain:
            return None
        noise = history.noise
        if noise < 0.5 * gain_u:
            return _Seen(
                "near_convergence",
                "info",
                "converged",
                0.6,
                DONE_RULES[0],
                advise.stop(
                    "Going on like this gains next to nothing; a lower rate may gain some."
                ),
            )
        return _Seen(
            "plateau",
            "info",
            "undetermined",
            0.3,
            DONE_RULES[1],
            advise.lower(0.3, "The noise of the steps may be what holds the loss up.", 200),
        )

    def _undecided(self, window: _Window) -> bool:
        """Whether a loss that was said to be done neither is so by the interval nor falls: flatness
        must be proved to say it, and a fall to take it back, else noise alone would open and close
        it at each other look. A fall: the interval holds no zero, and by the slope itself more than
        what counts would be gained."""
        assert self._open is not None
        found = self.book.findings[self._open]
        if found.evidence.rule not in DONE_RULES or self._warming() or window.line.low > 0:
            return False
        line, ahead = window.line, window.ahead
        gains = -line.slope * ahead >= math.log1p(DONE)
        gains |= -window.linear.slope * ahead >= DONE * (self.history.origin - window.level)
        return not (gains and line.high < 0)

    def _warming(self) -> bool:
        """Whether the rate has been rising over the window, or is far below its highest."""
        history = self.history
        if history.lr is None:
            return False
        rates = [r for r in history.lr_blocks[-LEAST:] if not math.isnan(r)]
        return bool(rates) and rates[-1] > 1.2 * rates[0]

    def _lowered(self) -> bool:
        """Whether the schedule has brought the rate far below its highest: steps are short then for
        that reason."""
        history = self.history
        return history.lr is not None and history.lr < LOWERED * history.lr_most

    def _calm(self) -> float:
        """The noise of one loss in calm blocks, y."""
        return sorted(self.history.linear_noises)[len(self.history.linear_noises) // 4]

    def _hidden(self, gain: float, ratio: float) -> bool:
        """Whether updates are so short that it can hardly be much, and losses so noisy that neither
        a fall nor flatness can be told."""
        history = self.history
        long = history.blocks - history.era >= UNSURE
        tiny = ratio < VERY_LOW_RATIO and not self._lowered()
        return long and tiny and abs(gain) < HIDDEN * self._calm()

    def _from_zero(self, gain: float, ratio: float) -> bool:
        """Whether losses begin near zero and go below it, so that no ratio of losses tells how much
        a gain is, and updates are so short that it can hardly be much."""
        history = self.history
        if not history.scale.signed or abs(history.origin) > gain:
            return False
        if gain > NOISES * self._calm():
            return False
        return ratio < VERY_LOW_RATIO and history.blocks - history.era >= UNSURE

    def _straight(self) -> bool:
        """Whether the era falls as a whole, and goes on as it began: its second half gained nearly
        as much as its first."""
        history = self.history
        levels = history.medians[history.era :]
        if trend(thinned(levels, POINTS)).high >= 0:
            return False
        n = len(levels)
        third = max(n // 6, 2)
        begin = median(levels[:third].tolist())
        middle = median(levels[n // 2 - third // 2 : n // 2 + third - third // 2].tolist())
        end = median(levels[-third:].tolist())
        early, late = begin - middle, middle - end
        return early > 0 and late > STEADY * early

    def _little(self, low: bool, ratio: float) -> _Seen:
        rule = "flat, and little was gained since the start"
        if low and no_gradient(self.history.grad_norm.values):
            return _Seen(
                "plateau",
                "warning",
                "model",
                0.8,
                f"{rule}; gradients are exactly 0",
                advise.other(
                    "No gradient reaches the weights, so that no rate changes anything: look for "
                    "dead units, a detached part, gradients that are cleared before the step, or "
                    "half precision that is not scaled.",
                    "gradients that are not 0",
                ),
            )
        if low:
            return _Seen(
                "plateau",
                "warning",
                "lr_too_low",
                0.8,
                rule,
                advise.raise_rate(_upwards(ratio), "Weights change by far less than is usual."),
            )
        first = max(self.history.update_ratio.values[:8], default=0.0)
        if first > HIGH_RATIO or ratio > USUAL_HIGH:
            return _Seen(
                "plateau",
                "warning",
                "lr_too_high",
                0.6,
                "flat, and little was gained, by steps that change the weights by much",
                advise.restart(
                    0.1, "Steps this long throw the weights to where nothing is learnt any more."
                ),
            )
        return _Seen(
            "plateau",
            "info" if math.isnan(ratio) else "warning",
            "undetermined",
            0.3,
            rule,
            advise.trial(
                "The rate may be too low or too high, or the data or the model may not let it "
                "learn. A short trial of ÷3, ×1 and ×3 tells.",
                "one of the three falls",
            ),
        )

    def _slow(
        self,
        low: bool,
        ratio: float,
        gain_u: float,
        rule: str = "the loss falls, but little and straight on",
    ) -> _Seen:
        return _Seen(
            "slow_progress",
            "warning" if low or gain_u < SURE or not math.isnan(ratio) else "info",
            "lr_too_low",
            0.8 if low else 0.5,
            rule,
            advise.raise_rate(
                _upwards(ratio), "The loss falls straight and slowly: steps are short."
            ),
        )


def _upwards(ratio: float) -> float:
    """The factor that brings the update ratio near 1e-3, of 3, 10, 30; 10 where it is not known."""
    if math.isnan(ratio):
        return 10.0
    return min(max(1e-3 / max(ratio, 1e-9), 3.0), 30.0)
