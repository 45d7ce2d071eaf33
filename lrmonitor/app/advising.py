"""What the window can do about a finding in one click. Pure: no Qt.

An advice to go back, or to start again, is followed as far as that is possible in a run that goes
on: its rate is multiplied by the same factor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lrmonitor.diagnosis.finding import Finding

from .format import format_rate
from .proposal import Proposal, RateNow, multiplied

__all__ = ["Offer", "again", "offer"]


@dataclass(frozen=True)
class Offer:
    """`words` for a button; `proposal` is the rate to ask for, None to end the run."""

    words: str
    proposal: Proposal | None = None
    instead: str = ""
    """Said beside it where it is not all that is advised."""


def again(finding: Finding) -> float | None:
    """The factor with which the script is best started again; None where that is not advised."""
    advice = finding.advice
    ruined = finding.kind == "non_finite" and advice.factor is not None
    return advice.factor if advice.action == "restart" or ruined else None


def offer(finding: Finding, now: RateNow, tr: Callable[[str], str] = str) -> Offer | None:
    """The advice of a finding as one action on the run; None where there is none to be made. `tr`
    translates."""
    advice = finding.advice
    if advice.action == "stop" or finding.kind == "non_finite":
        # The weights are not numbers any more: no rate brings them back.
        return Offer(tr("Stop the run…")) if finding.open else None
    if advice.action == "release":
        return Offer(tr("Release the rate"), Proposal("follow"))
    if advice.action not in ("multiply", "restart", "rewind") or advice.factor is None:
        return None
    proposal = multiplied(now, advice.factor)
    if proposal is None:
        return None
    instead = {
        "restart": tr("Now, in this run. If the loss does not come back: start again."),
        "rewind": tr("Now, without going back. If the loss does not come back: start again."),
    }.get(advice.action, "")
    times = f"×{format_rate(advice.factor, 3)}"
    return Offer(tr("Apply: rate {0}").format(times), proposal, instead)
