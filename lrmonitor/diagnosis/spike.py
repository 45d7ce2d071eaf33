"""A loss far above those before it, and whether it came back."""

from __future__ import annotations

import math

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector, Rows
from lrmonitor.diagnosis.finding import Evidence

SIGMA = 8.0
"""Above the median of the 32 before it, in units of their noise."""
RATIO = math.log(1.5)
"""And this far on the u axis: half as much again."""
SHARE = 0.05
"""And by this share of all that was gained: a converged loss near zero jumps by large ratios."""
BACK = 4.0
"""It is over when it is below the old median and so many times the noise, twice in a row."""
LONG = 24
"""Losses after which one that has not come back is a warning."""
GIVEN_UP = 64
"""Losses after which it is the level, not a spike: divergence has to say more."""
OFTEN, OFTEN_ROWS = 6, 200
"""So many spikes within so many losses are a warning."""


class Spike(Detector):
    """z = (loss - median of 32) / noise > 8 and a loss half as much again, both on the u axis.

    The noise is 1.48 × the median absolute first difference / √2, so that neither a trend nor the
    spikes themselves count. A spike that comes back at once is *info*; one that has not after 24
    losses, or the sixth within 200, is a *warning*. Muted for 16 losses after the rate was raised
    at a jump and after a step back. (Published rules compare with a mean over a window, which near
    zero or below it means nothing: Lightning 2 × of 10 steps, LLM-Foundry 2 × of max(100, 5 %) for
    5 steps; OLMo's 6 σ over 128 counts earlier spikes into σ.)
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._level = self._noise = 0.0
        self._since = self._calm = 0
        self._rows: list[int] = []
        self._muted = 0

    def era(self) -> None:
        """Mute."""
        if self.history.era_kind in ("raise", "back"):
            self._muted = self.history.rows + 16

    def broken(self, first: int, last: int) -> None:
        """Another matter now."""
        if self.book.is_open(self._open):
            assert self._open is not None
            self.book.close(self._open, "the loss is not finite any more")

    def stirs(self, rows: Rows) -> bool:
        """Whether one may be a spike, or one is open."""
        return self.book.is_open(self._open) or self._leaps(rows)

    def rows(self, rows: Rows) -> None:
        """Look for a new one, or follow the open one."""
        if len(rows.us) > 1:
            return  # none of them stirs
        if self.book.is_open(self._open):
            self._follow(rows.steps[0], rows.us[0])
        elif rows.row >= self._muted and self._leaps(rows):
            self._begin(rows)

    def _leaps(self, rows: Rows) -> bool:
        """Whether one is as far above the losses before it."""
        least = rows.least_usual()
        most = rows.top_u - least
        if not (most > RATIO and most > SIGMA * rows.least_noise()):
            return False
        for i, u in enumerate(rows.us):
            if u - least > RATIO:
                rise = u - rows.usual(i)
                if rise > RATIO and rise > SIGMA * rows.usual_noise(i):
                    return True
        return False

    def _begin(self, row: Rows) -> None:
        history = self.history
        y, u, usual, noise = row.top, row.top_u, row.usual(0), row.usual_noise(0)
        level = history.scale.back(usual)
        if y - level < SHARE * history.gain:
            return
        number, step = row.row, row.steps[0]
        self._rows = [r for r in self._rows if number - r < OFTEN_ROWS] + [number]
        lost = level - history.best > SHARE * history.gain
        often = len(self._rows) >= OFTEN and lost and not self._explained()
        evidence = Evidence(
            f"loss > median of 32 + {SIGMA:g} × noise, and half as much again",
            (step, step),
            {
                "loss": history.raw(y),
                "median": history.raw(level),
                "z": (u - usual) / noise if noise > 0 else math.inf,
                "spikes_in_200": float(len(self._rows)),
            },
        )
        advice = (
            advise.lower(0.3, "Spikes come again and again: steps are too long for this place.")
            if often
            else advise.wait("A single odd batch passes by itself.", LONG)
        )
        self._open = self.book.open(
            "spike",
            "warning" if often else "info",
            (step, step),
            "lr_too_high" if often else "undetermined",
            0.6 if often else 0.3,
            evidence,
            advice,
        )
        self._level, self._noise = usual, noise
        self._since = self._calm = 0

    def _follow(self, step: int, u: float) -> None:
        assert self._open is not None
        self._since += 1
        calm = u - self._level < max(BACK * self._noise, RATIO / 2)
        self._calm = self._calm + 1 if calm else 0
        if not calm:
            self.book.last(self._open, step)
        if self._calm >= 2:
            self.book.close(self._open, f"recovered within {self._since} losses")
        elif self._since == LONG and not self._explained():
            found = self.book.findings[self._open]
            self.book.worsen(
                self._open,
                "warning",
                found.evidence,
                advise.lower(0.3, f"The loss has not come back within {LONG} losses."),
            )
        elif self._since >= GIVEN_UP:
            self.book.close(self._open, "the loss did not come back")

    def _explained(self) -> bool:
        """Whether a divergence tells it already."""
        return self.book.any_open("divergence", least="warning")
