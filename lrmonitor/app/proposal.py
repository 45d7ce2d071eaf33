"""What the control panel would send, and what it warns of first. Pure: no Qt, no link.

"Rate now" is what the run's record says about one group: see `model.rate_now`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lrmonitor.model import rate_now
from lrmonitor.model.plans import words as plan_words
from lrmonitor.model.preview import Wish
from lrmonitor.model.rate_now import RateNow, is_rising
from lrmonitor.schedules.base import Schedule, ScheduleError

from .format import format_count, format_rate

__all__ = ["LARGE_CHANGE", "Caution", "Proposal", "RateNow", "caution", "is_rising", "multiplied"]

LARGE_CHANGE = 10.0
"""A change by more than this factor is asked about before it is sent (as the plan says)."""


@dataclass(frozen=True)
class Proposal:
    """A rate command in the making: `mode` as the command line says it, `value` or None.

    `plan`, `begin`, `ramp` and `same` are those of `LrCommand`.
    """

    mode: str
    value: float | None = None
    ramp: int = 0
    plan: Schedule | None = None
    begin: int | None = None
    same: bool = False

    def wish(self, optimizer: int | str | None, group: int | None) -> Wish:
        """The same for a preview."""
        return Wish(
            self.mode,
            self.value,
            optimizer,
            group,
            ramp=self.ramp,
            same=self.same,
            plan=self.plan,
            begin=self.begin,
        )

    @property
    def words(self) -> str:
        """As the panel says it: `hold 3e-4`, `×2, schedule continues`, `script's schedule`."""
        told = self._goal
        if self.begin is not None:
            told += f", from step {format_count(self.begin)}"
        if self.ramp > 1:
            told += f", in {format_count(self.ramp)} steps"
        return told

    @property
    def _goal(self) -> str:
        if self.plan is not None:
            return plan_words(self.plan)
        value = "" if self.value is None else format_rate(self.value)
        return {
            "hold": f"hold {value}",
            "set": f"{value} now, schedule continues",
            "scale": f"×{value}, schedule continues",
            "freeze": "frozen at 0",
            "follow": "script's schedule",
        }.get(self.mode, f"{self.mode} {value}".strip())


@dataclass(frozen=True)
class Caution:
    """Something to say before sending. `hold` is the safer proposal, where there is one.

    `ask`: it can do harm, so it is not sent before the person has said so twice. A rate that is
    far too low only loses time; one that is far too high can ruin the weights.
    """

    text: str
    hold: Proposal | None = None
    ask: bool = True


def multiplied(now: RateNow, factor: float) -> Proposal | None:
    """What the ×`factor` button sends; None where multiplying means nothing: see `rate_now`."""
    found = rate_now.multiplied(now, factor)
    if found is None:
        return None
    return Proposal(found.mode, found.value, plan=found.plan, begin=found.begin)


def expected(now: RateNow, proposal: Proposal) -> float | None:
    """The effective rate that the proposal would give at the next step (of a plan: at its highest),
    or None if unknown. A ramp only leads there."""
    if proposal.mode in ("hold", "set"):
        return proposal.value
    if proposal.mode == "freeze":
        return 0.0
    if proposal.plan is not None:
        # The highest that it comes to: what there is to be careful of.
        try:
            plan = proposal.plan.begun(now.effective or 0.0)
        except ScheduleError:
            return None
        return max(plan.rate(t) for t in plan.knots())
    if now.scheduled is None:
        return None
    if proposal.mode == "follow":
        return now.scheduled
    return None if proposal.value is None else proposal.value * now.scheduled


def caution(now: RateNow, proposal: Proposal) -> Caution | None:
    """What to say before `proposal` is sent, or None when there is nothing to say."""
    if proposal.mode in ("follow", "freeze"):
        return None
    after = expected(now, proposal)
    if proposal.mode == "set" and after is not None and now.rising and now.scheduled:
        factor = after / now.scheduled
        return Caution(
            f"The script's schedule is rising, it is at {format_rate(now.scheduled)} now. "
            f"“Set” multiplies all that is still to come by {format_rate(factor, 3)}, "
            f"so the rate keeps rising above {format_rate(after)}. "
            f"“Hold” keeps it at {format_rate(after)}.",
            hold=Proposal("hold", after),
        )
    before = now.effective
    if before is None or after is None or before <= 0 or after <= 0:
        return None
    factor = after / before
    if abs(math.log10(factor)) <= math.log10(LARGE_CHANGE) + 1e-9:
        return None
    size = f"{_times(factor)} times" if factor > 1 else f"1/{_times(1 / factor)} of"
    what = "That" if proposal.plan is None else f"Its highest rate, {format_rate(after)},"
    return Caution(f"{what} is {size} the present rate ({format_rate(before)}).", ask=factor > 1)


def _times(factor: float) -> str:
    return format_rate(factor, 3) if factor < 1000 else format_count(round(factor))
