"""A loss that rose and stays up: from the first steps, at once, or slowly."""

from __future__ import annotations

import math

from lrmonitor.diagnosis import advise, lost_start
from lrmonitor.diagnosis.book import Book
from lrmonitor.diagnosis.detector import Detector, Rows
from lrmonitor.diagnosis.finding import Advice, Evidence, Severity
from lrmonitor.diagnosis.history import History
from lrmonitor.diagnosis.lost_level import LATEST, LostLevel
from lrmonitor.diagnosis.lost_start import LostStart
from lrmonitor.diagnosis.outburst import Outburst
from lrmonitor.diagnosis.suspicion import Records, Suspicion

SIGMA = 3.0
"""A block's median above the best one, in units of one loss's noise: ten of a block's median."""
RATIO = math.log(1.5)
"""And this far on the u axis."""
BLOCKS = 2
"""For so many blocks in a row."""
FAST_SIGMA, FAST_RATIO, FAST_LOSSES = 8.0, math.log(3.0), 4
"""A rise by this, for so many losses in a row, needs no block."""
FAR_RATIO, FAR_LOSSES = math.log(3.0), 2
"""And above the first loss by this, and by as much as was gained (see `Outburst`), even fewer
losses (one more in the first blocks)."""
EARLY_BLOCKS = 6
"""The first so many blocks, in which there is no level yet but the first loss."""
EARLY_RATIO = math.log(1.25)
"""In those blocks two medians this far above the first loss are enough..."""
EARLY_SIGMA = 4.0
"""...and so many units of noise on the u axis, where the rise has made the linear noise large..."""
EARLY_FAST, EARLY_LOSSES = math.log(1.8), 5
"""...or so many losses in a row as far as this."""
SHARE = 0.1
"""And by this share of all that was gained, y."""
LOST, LOST_SIGMA, LOST_BLOCKS = 0.25, 4.0, 4
"""This share of the gain, and so many units of noise, lost for so many blocks is too much at any
ratio."""
RAISED, RAISED_BLOCKS = 0.5, 3
"""After the rate was raised the loss may rise: only this share, for so many blocks, is too much."""
CALM = 0.5
"""Over when two blocks are below this share of what was needed."""
UNSETTLED = 48
"""Losses after the step went back in which a few high ones prove nothing: an optimizer that lost
its state may take steps that are far too long at first."""
PASSED = math.log(3.0)
"""A rise up to this, on the u axis, above one that the run came out of by itself..."""
PASSED_RATE = 1.5
"""...at a rate not lower by more than this factor, may well pass too."""
GROWS = "three losses that are each × 2.7 above all before"
NOT_LEARNT = "the loss exploded at the start, and has not been below its first value since"


class Divergence(Detector):
    """The level is far above the best one: block medians, or at once if it is far enough.

    Slow: two block medians in a row above the best by 3 × the noise of a loss there, half as much
    again, and a tenth of all that was gained; or, at any ratio, a quarter of the gain lost for four
    blocks. Fast: four losses in a row above the best level by 8 × the noise and × 3; two (three in
    the first blocks) × 3 above the first loss.

    So are eight losses after the first one that are all × 3 above it, whatever the noise.

    A single loss tells it (see `Outburst`) if it is × 3 above the first loss and above all of the
    latest 128: as a warning without a cause, which goes when four losses in a row are back, and
    becomes what the other rules say as soon as one of them holds.

    In the first six blocks there is no level but the first loss: five losses × 1.8 or two medians
    × 1.25 above it are enough, if the rise is large against the noise on either axis. (A catapult,
    Lewkowycz et al. 2020, arXiv 2003.02218, rises so too and comes back: then it is closed.)
    After the rate was raised at a jump the loss may rise: only half of the gain lost for three
    blocks is told. Where losses are so noisy that no block is far from the best one, `LostLevel`
    tests six blocks against twelve.

    Where a rise has passed by itself, at a rate that was not lower, and the run has learnt since, a
    few losses that are about as high are a suspicion until they hold: some optimizers explode for
    a few steps again and again, and train all the same.

    dlib's trainer instead tests the slope of all losses since about twice the last state that was
    kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._run = self._far = self._very_far = 0  # losses in a row that are high, and very high
        self._first_high = 0
        self._high = self._lost = self._calm = 0  # blocks in a row
        self._needed = 0.0  # y: the rise that opened the finding
        self._passed: tuple[float, float, float] | None = None
        """The highest rise that passed (y), the highest rate then, and the best level (y) when the
        latest of them had."""
        self._peak = -math.inf  # y: the highest loss of the rise that is open
        self._helped = False  # whether the rate was lowered, or the step went back, meanwhile
        self._unsettled = 0  # the loss up to which the optimizer may have to find its way again

    def attach(self, history: History, book: Book) -> None:
        """Called once, before anything else."""
        super().attach(history, book)
        self._outburst, self._lost_start = Outburst(history), LostStart(history)
        self._suspicion, self._records = Suspicion(history), Records()
        self._lost_level = LostLevel(history)

    def era(self) -> None:
        """A new era: what was high must be seen again."""
        self._outburst.era()
        self._lost_level.era()
        if self.history.era_kind != "raise":
            self._helped = True
        if self.history.era_kind == "back":
            self._unsettled = self.history.rows + UNSETTLED
        self._run = self._far = self._very_far = self._high = self._lost = 0

    def broken(self, first: int, last: int) -> None:
        """Nothing more is to be learnt about what was only suspected."""
        if self._suspicion.active:
            self._dismiss("the loss is not finite any more")

    def stirs(self, rows: Rows) -> bool:
        """Whether one is far above the best level, or some were."""
        if not self._watches():
            return False
        if self._suspicion.active or self._far_above(rows) or self._alone(rows):
            return True
        return self._lost_start.possible(rows)

    def rows(self, rows: Rows) -> None:
        """The fast rules."""
        if self._watches():
            if len(rows.us) > 1:  # none of them stirs
                self._run = self._far = self._very_far = 0
                self._lost_start.told(rows)
            else:
                self._one(rows)
        self._outburst.seen(rows)
        if self.book.is_open(self._open):
            self._peak = max(self._peak, rows.top)

    def _one(self, row: Rows) -> None:
        """The fast rules, of a single loss."""
        alone = self._alone(row)
        self._in_a_row(row)
        if self._lost_start.told(row) is not None and self._watches():
            first = self.history.start
            self._report(row.steps[0], first, row.top, lost_start.RATIO, self._lost_start.rule)
        if self._watches() and self._suspicion.active:
            self._follow(row)
        elif self._watches() and alone:
            self._suspect_one(row)

    def _in_a_row(self, row: Rows) -> None:
        history = self.history
        if not self._far_above(row):
            self._run = self._far = self._very_far = 0
            return
        assert history.first is not None
        early = history.blocks < EARLY_BLOCKS
        threshold = EARLY_FAST if early else FAST_RATIO
        level = history.scale.one(self._reference())
        start = history.scale.one(history.first)
        y, u, step = row.top, row.top_u, row.steps[0]
        if not self._run:
            self._first_high = step
            if not self._suspicion.active:
                self._records.begin(level)
                self._peak = -math.inf
        self._run += 1
        self._far = self._far + 1 if u - level > FAST_RATIO else 0
        self._peak = max(self._peak, y)
        very_far = u - start > FAR_RATIO and y - history.origin > history.gain
        self._very_far = self._very_far + 1 if very_far else 0
        if self._records.add(u) and not self._passed_before(y):
            self._report(step, self._first_high, y, threshold, GROWS)
            return
        for count, needed, by, what in (
            (self._very_far, FAR_LOSSES + early, FAR_RATIO, "first loss"),
            (self._far, FAST_LOSSES, FAST_RATIO, "best level"),
            (self._run, EARLY_LOSSES, threshold, "best level"),
        ):
            if count < needed:
                continue
            rule = f"{count} losses in a row × {math.exp(by):.2g} above the {what}"
            if not self._passing(y):
                self._report(step, self._first_high, y, by, rule)
                return
            if not self._suspicion.active:
                self._suspect(row, by, rule)
            break

    def _alone(self, rows: Rows) -> bool:
        """Whether one of these losses tells by itself that the level is lost."""
        history = self.history
        if history.blocks < EARLY_BLOCKS:
            return False
        least = FAST_SIGMA * self._noise()
        return any(rows.ys[i] - history.best > least for i in self._outburst.among(rows))

    def _suspect_one(self, row: Rows) -> None:
        """A single loss is far beyond all before it."""
        y, step, history = row.top, row.steps[0], self.history
        self._peak = y
        self._records.begin(history.scale.one(history.best))
        self._records.add(row.top_u)
        levels = (history.best, 0.5 * (y + history.best))
        by = history.scale.one(levels[1]) - history.scale.one(history.best)
        evidence = self._outburst.evidence(y, step, self._noise())
        beyond = self._outburst.beyond(y) and not self._passed_before(y)
        enough = 0 if beyond or self._passed_before(y) else 1
        self._suspicion.begin(step, levels, by, evidence.rule, enough=enough)
        self._note("warning" if beyond else "info", (step, step), evidence)

    def _suspect(self, row: Rows, by: float, rule: str) -> None:
        """Some losses are far above the level."""
        history = self.history
        y, step, level = row.top, row.steps[0], self._reference()
        early = history.blocks < EARLY_BLOCKS and by >= FAR_RATIO
        needed = level + self._least(level, by)
        self._suspicion.begin(self._first_high, (level, needed), by, rule, early=early)
        steps = (self._first_high, step)
        self._note("info", steps, self._evidence(rule, steps, y, level, needed))

    def _note(self, severity: Severity, steps: tuple[int, int], evidence: Evidence) -> None:
        self._helped = False
        self._open = self.book.open(
            "divergence",
            severity,
            steps,
            "undetermined",
            0.4,
            evidence,
            advise.wait(
                "A single odd batch, or a single step that was too long, passes by itself. If the "
                "next losses are as high, the level is lost.",
                self._suspicion.enough,
            ),
        )

    def _follow(self, row: Rows) -> None:
        """Whether it passes by itself."""
        y, step = row.top, row.steps[0]
        told = self._suspicion.add(y)
        if self._open is not None and self._suspicion.above(y):
            self.book.last(self._open, step)
        if told == "holds":
            rule = f"{self._suspicion.rule}, and the loss has stayed there"
            self._report(step, self._suspicion.first, y, self._suspicion.by, rule)
        elif told == "back":
            self._peak = max(self._peak, y)
            self._has_passed()
            self._dismiss("it passed: the losses after it are back")

    def _dismiss(self, outcome: str) -> None:
        self._suspicion.active = False
        if self.book.is_open(self._open):
            assert self._open is not None
            self.book.close(self._open, outcome)

    def block(self) -> None:
        """The slow rules, and whether it is over."""
        self._outburst.block()
        self._lost_level.block()
        history = self.history
        y = history.level
        reference = self._reference()
        rise = history.scale.one(y) - history.scale.one(reference)
        least = max(SIGMA * self._noise(), SHARE * history.gain)
        if self._suspicion.active:
            told = self._suspicion.block()
            if told == "back":
                self._has_passed()
                self._dismiss("it passed: the losses after it are back")
            elif told == "lost":
                self._report(history.step, self._suspicion.first, y, EARLY_RATIO, NOT_LEARNT)
        if not self._watches():
            assert self._open is not None
            calm = y - reference < CALM * self._needed
            self._calm = self._calm + 1 if calm else 0
            if self._calm >= 2:
                self._has_passed()
                self.book.close(self._open, "the loss came back to its level")
            elif not calm:
                self.book.last(self._open, history.step)
                if y > history.origin:
                    # Worse than at the start by now, which it was not when it was told.
                    found = self.book.findings[self._open]
                    self.book.worsen(self._open, "critical", found.evidence, found.advice)
            return
        above = y - reference > least or self._early_loud(rise)
        self._lost = self._lost + 1 if above and self._is_lost(y) else 0
        early = history.blocks <= EARLY_BLOCKS
        ratio = EARLY_RATIO if early else RATIO
        high = rise > ratio and above and not (self._raised() and not early)
        self._high = self._high + 1 if high else 0
        if not self._suspicion.active:
            self._peak = y
        lost = self._lost_level.lost_at()
        if self._high >= BLOCKS:
            rule = (
                f"{self._high} block medians in a row × {math.exp(ratio):.3g} above the best level"
            )
            self._report(history.step, self._began(self._high), y, ratio, rule)
        elif self._lost >= (RAISED_BLOCKS if self._raised() else LOST_BLOCKS):
            share = RAISED if self._raised() else LOST
            rule = f"{share:.0%} of what had been gained is lost for {self._lost} blocks"
            needed = history.best + share * history.gain
            by = history.scale.one(needed) - history.scale.one(history.best)
            self._report(history.step, self._began(self._lost), y, by, rule)
        elif lost is not None:
            level = self._lost_level.level
            by = max(history.scale.one(lost) - history.scale.one(history.best), 0.0)
            self._report(history.step, self._began(LATEST), y, by, self._lost_level.rule)
            # Noise alone may bring a block near the best one, which is not back.
            self._needed = (0.5 * (level + lost) - reference) / CALM

    def _passing(self, y: float) -> bool:
        """Whether a few high losses, the latest of them y, may well pass by themselves: at the
        start, after the step went back, and where as high ones have passed before."""
        history = self.history
        if history.blocks < EARLY_BLOCKS or history.rows < self._unsettled:
            return True
        return self._passed_before(y)

    def _passed_before(self, y: float) -> bool:
        """Whether the run came out of a rise that was about as high by itself, at a rate that was
        not lower, and has gone on to learn."""
        if self._passed is None:
            return False
        history = self.history
        high, rate, best = self._passed
        lr = history.lr if history.lr is not None else math.nan
        if lr > PASSED_RATE * rate or history.best >= best:
            return False
        return history.scale.one(y) <= history.scale.one(high) + PASSED

    def _has_passed(self) -> None:
        """The rise that is open is over: remember how high it was, if it passed by itself."""
        if self._helped:
            return
        history = self.history
        lr = history.lr if history.lr is not None else math.nan
        high, rate, _ = self._passed or (-math.inf, -math.inf, 0.0)
        rate = lr if math.isnan(rate) else rate if math.isnan(lr) else max(rate, lr)
        self._passed = (max(high, self._peak), rate, history.best)

    def _watches(self) -> bool:
        known = self.book.is_open(self._open) and not self._suspicion.active
        return not known and self.history.first is not None

    def _far_above(self, rows: Rows) -> bool:
        """Whether one is above the best level by the ratio, the noise and the share."""
        history = self.history
        reference = self._reference()
        threshold = EARLY_FAST if history.blocks < EARLY_BLOCKS else FAST_RATIO
        level = history.scale.one(reference)
        if not rows.top_u - level > threshold:
            return False
        least = max(FAST_SIGMA * self._noise(), SHARE * history.gain)
        return any(
            u - level > threshold and (y - reference > least or self._early_loud(u - level))
            for y, u in zip(rows.ys, rows.us, strict=True)
        )

    def _early_loud(self, rise: float) -> bool:
        """At the start the only noise known is that of the rise itself, which may be huge: there a
        rise also counts if it is large against the noise on the u axis."""
        history = self.history
        early = history.blocks <= EARLY_BLOCKS
        return early and rise > EARLY_SIGMA * history.noise

    def _noise(self) -> float:
        """The noise of one loss, y: at the best level, but not that of the rise itself."""
        return min(self.history.best_noise, self.history.linear_noise)

    def _least(self, level: float, by: float) -> float:
        """The rise above a level (y) that is asked for: a ratio, and a share of the gain."""
        history = self.history
        ratio = history.scale.back(history.scale.one(level) + by) - level
        return max(ratio, SHARE * history.gain)

    def _evidence(
        self, rule: str, steps: tuple[int, int], y: float, level: float, needed: float
    ) -> Evidence:
        history = self.history
        return Evidence(
            rule,
            steps,
            {
                "loss": history.raw(y),
                "best_level": history.raw(level),
                "needed": history.raw(needed),
                "noise": history.raw(self._noise()),
            },
        )

    def _is_lost(self, y: float) -> bool:
        history = self.history
        share = RAISED if self._raised() else LOST
        real = history.gain > LOST_SIGMA * history.best_noise
        return real and y - history.best > max(
            share * history.gain, LOST_SIGMA * history.best_noise
        )

    def _began(self, blocks: int) -> int:
        """The last step before so many blocks."""
        steps = self.history.steps
        return int(steps[-blocks - 1]) if len(steps) > blocks else self.history.start

    def _reference(self) -> float:
        """The level that a rise is measured from, y."""
        history = self.history
        first = history.first if history.first is not None else 0.0
        return min(first, history.best) if history.blocks <= EARLY_BLOCKS else history.best

    def _raised(self) -> bool:
        return self.history.era_kind == "raise" and self.history.blocks > EARLY_BLOCKS

    def _report(self, step: int, first: int, y: float, threshold: float, rule: str) -> None:
        history = self.history
        early = history.blocks <= EARLY_BLOCKS + 2
        raised = self._raised()
        worse_than_start = history.first is not None and y > history.origin
        best = self._reference()
        needed = best + self._least(best, threshold)
        # What was enough to open it, and half of that closes it.
        self._needed = max(min(needed, y) - best, SIGMA * self._noise(), 0.0)
        severity: Severity = "critical" if worse_than_start or early else "warning"
        evidence = self._evidence(rule, (first, step), y, best, needed)
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
        self._tell(severity, (first, step), cause_confidence, evidence, advice)
        self._calm = self._high = self._lost = self._run = self._far = self._very_far = 0

    def _tell(
        self,
        severity: Severity,
        steps: tuple[int, int],
        confidence: float,
        evidence: Evidence,
        advice: Advice,
    ) -> None:
        if self.book.is_open(self._open):
            assert self._open is not None
            self.book.confirm(self._open, severity, "lr_too_high", confidence, evidence, advice)
            self.book.last(self._open, steps[1])
        else:
            self._helped = False
            self._open = self.book.open(
                "divergence", severity, steps, "lr_too_high", confidence, evidence, advice
            )
        self._suspicion.active = False
