"""Commands and what became of them, read from the run's events. Pure: no Qt.

This is the panel's only truth about outcomes: a command of another window or of a verb shows up
exactly like one of this window, and a command is never "applied" because it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lrmonitor.model import options, plans
from lrmonitor.model.journal import author
from lrmonitor.model.rates import GroupChange, changes, number

from .format import format_count, format_rate
from .proposal import Proposal

__all__ = ["CommandLog", "Outcome", "told"]

LISTED = 4
"""Groups that an outcome names one by one."""


@dataclass(frozen=True)
class Outcome:
    """A command and its fate: `status` is "pending", "applied", "refused" or "cancelled".

    `asked` and `answered` are unix seconds; `step` the first step that used it.
    """

    id: str
    command: str
    args: Mapping[str, Any]
    by: str | None
    asked: float
    status: str = "pending"
    answered: float | None = None
    step: int | None = None
    reason: str | None = None
    warning: str | None = None
    groups: tuple[GroupChange, ...] = ()

    @property
    def words(self) -> str:
        """What was asked for: `hold 3e-4`, `pause`."""
        args = self.args
        if self.command == "option":
            return options.asked(args)
        return self.proposal.words if self.command == "lr" else self.command

    @property
    def proposal(self) -> Proposal:
        """What a rate command asks for."""
        args = self.args
        ramp, begin = args.get("ramp"), args.get("begin")
        return Proposal(
            str(args.get("mode", "")),
            number(args.get("value")),
            ramp=ramp if isinstance(ramp, int) else 0,
            plan=plans.read(args["plan"]) if "plan" in args else None,
            begin=begin if isinstance(begin, int) else None,
            same=args.get("same") is True,
        )

    @property
    def stem(self) -> str:
        """What the ids of commands that were given as one have in common."""
        return self.id.partition(".")[0]

    @property
    def note(self) -> str:
        """Why, as the person said it; mostly nothing."""
        return str(self.args.get("note") or "")


class CommandLog:
    """Follows the events of one training process."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}
        self._taken = 0
        self._source: object = None

    def take(self, source: object, events: Sequence[Mapping[str, Any]]) -> bool:
        """Read on in `events`, which only grows; another `source` starts afresh. True if new."""
        if source is not self._source or len(events) < self._taken:
            self._source = source
            self._taken = 0
            self._outcomes.clear()
        new = events[self._taken :]
        self._taken = len(events)
        found = [event for event in new if event.get("event") in ("command", "acknowledgement")]
        for event in found:
            self._take(event)
        return bool(found)

    @property
    def pending(self) -> list[Outcome]:
        """Commands without an answer yet, in the order in which they came."""
        return [outcome for outcome in self._outcomes.values() if outcome.status == "pending"]

    def latest(self, commands: Iterable[str] = ("lr",)) -> Outcome | None:
        """The one of these kinds that was asked for or answered last."""
        wanted = [o for o in self._outcomes.values() if o.command in set(commands)]
        # Of two at the same instant the one that was read later.
        wanted.reverse()
        found = max(wanted, key=lambda o: max(o.asked, o.answered or 0.0), default=None)
        return (
            found
            if found is None
            else _together([o for o in reversed(wanted) if o.stem == found.stem])
        )

    def find(self, identity: str) -> Outcome | None:
        """The command of that id."""
        return self._outcomes.get(identity)

    def _take(self, event: Mapping[str, Any]) -> None:
        identity = str(event.get("id", ""))
        when = number(event.get("time")) or 0.0
        args = event.get("args")
        known = self._outcomes.get(identity)
        if event.get("event") == "command":
            if known is None:
                self._outcomes[identity] = Outcome(
                    id=identity,
                    command=str(event.get("command", "")),
                    args=args if isinstance(args, Mapping) else {},
                    by=author(event.get("by")),
                    asked=when,
                )
            return
        status = str(event.get("status", ""))
        if known is None or status == "pending":
            return
        step = event.get("step")
        self._outcomes[identity] = replace(
            known,
            status=status,
            answered=when,
            step=step if isinstance(step, int) else None,
            reason=_text(event.get("reason")),
            warning=_text(event.get("warning")),
            groups=tuple(changes(event)),
        )


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """Commands that were given as one, as one; what went wrong with any of them is told first."""
    ranked = ("pending", "refused", "cancelled", "applied")
    worst = min(outcomes, key=lambda o: ranked.index(o.status) if o.status in ranked else 0)
    if len(outcomes) == 1 or worst.status != "applied":
        return worst
    steps = [o.step for o in outcomes if o.step is not None]
    warnings = dict.fromkeys(o.warning for o in outcomes if o.warning)
    return replace(
        outcomes[-1],
        step=max(steps, default=None),
        warning="; ".join(warnings) or None,
        groups=tuple(change for o in outcomes for change in o.groups),
    )


def told(outcome: Outcome, tr: Callable[[str], str] = str) -> str:
    """The outcome of a rate command in a sentence: `Applied at step 120: 0.001 → 3e-4`.

    `tr` translates the fixed parts.
    """
    if outcome.status == "applied":
        at = tr("Applied")
        if outcome.step is not None:
            back = outcome.command == "rewind"
            at = tr("Rewound after step {0}") if back else tr("Applied at step {0}")
            at = at.format(format_count(outcome.step))
        return _changes_told(at, outcome.groups, tr)
    if outcome.status == "refused":
        return tr("Refused: {0}").format(outcome.reason or tr("no reason was given"))
    if outcome.status == "cancelled":
        reason = f" ({outcome.reason})" if outcome.reason else ""
        return tr("Cancelled before it took effect") + reason
    return tr("Pending: {0}").format(outcome.words)


def _changes_told(at: str, groups: Sequence[GroupChange], tr: Callable[[str], str]) -> str:
    shown = [
        (c, f"{format_rate(c.previous)} → {format_rate(c.effective)}")
        for c in groups
        if c.previous is not None and c.effective is not None
    ]
    if not shown:
        return f"{at}."
    if len({text for _, text in shown}) == 1:
        return f"{at}: {shown[0][1]}"
    several = len({c.optimizer for c, _ in shown}) > 1
    lines = [f"{at}:"]
    for change, text in shown[:LISTED]:
        group = tr("group {0}").format(change.group)
        if several:
            group = tr("optimizer {0}, group {1}").format(change.optimizer, change.group)
        lines.append(f"{group}: {text}")
    if len(shown) > LISTED:
        lines.append(tr("and {0} more groups").format(len(shown) - LISTED))
    return "\n".join(lines)


def _text(value: object) -> str | None:
    return str(value) if value else None
