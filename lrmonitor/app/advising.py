"""What the window can do about a finding in one click. Pure: no Qt.

An advice to go back is a rewind where a snapshot from before the trouble is kept. Otherwise it is,
like one to start again, followed as far as that is possible in a run that goes on: its rate is
multiplied by the same factor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lrmonitor.diagnosis.finding import Finding
from lrmonitor.model.snapshots import Kept

from .format import format_count, format_rate
from .proposal import Proposal, RateNow, multiplied

__all__ = ["Offer", "again", "may_try", "offer"]


@dataclass(frozen=True)
class Offer:
    """`words` for a button. `back` is the snapshot to rewind to, at `factor`; else `proposal` is
    the rate to ask for, None to end the run."""

    words: str
    proposal: Proposal | None = None
    instead: str = ""
    """Said beside it where it is not all that is advised."""
    back: Kept | None = None
    factor: float | None = None


def again(finding: Finding) -> float | None:
    """The factor with which the script is best started again; None where that is not advised."""
    advice = finding.advice
    ruined = finding.kind == "non_finite" and advice.factor is not None
    return advice.factor if advice.action == "restart" or ruined else None


def may_try(finding: Finding) -> bool:
    """Whether a trial of rates is offered: the cause is not told, and it may be the rate."""
    slow = finding.kind in ("plateau", "slow_progress", "near_convergence", "oscillation")
    return finding.open and finding.cause == "undetermined" and slow


def offer(
    finding: Finding,
    now: RateNow,
    tr: Callable[[str], str] = str,
    snapshot: Kept | None = None,
) -> Offer | None:
    """The advice of a finding as one action on the run; None where there is none to be made.
    `snapshot` is the newest from before the finding's first step; `tr` translates."""
    advice = finding.advice
    wanted = advice.action == "rewind" or finding.kind == "non_finite"
    if wanted and snapshot is not None and finding.open:
        words = tr("Go back to step {0}").format(format_count(snapshot.step))
        if advice.factor is not None:
            times = f"×{format_rate(advice.factor, 3)}"
            words = tr("Go back to step {0} at {1}").format(format_count(snapshot.step), times)
        return Offer(words, back=snapshot, factor=advice.factor)
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
