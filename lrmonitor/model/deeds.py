"""What the rules of a run are to do now, as commands for its training process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrmonitor.diagnosis.rules import COMMANDS, Decision, Done, decide
from lrmonitor.diagnosis.words import headline
from lrmonitor.link.messages import (
    NOTE_LIMIT,
    Author,
    Command,
    CommandError,
    LrCommand,
    PauseCommand,
    StopCommand,
)
from lrmonitor.model.findings import Told
from lrmonitor.model.rate_now import Change, RateNow, multiplied, rate_now
from lrmonitor.model.rates import short
from lrmonitor.model.rhythm import step_at
from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase

__all__ = ["Deed", "advice_event", "deeds_of", "done_of", "rule_author", "rules_problem"]

SAME = 1e-9
"""Rates that are equal to this share are held to be the same."""


@dataclass(frozen=True)
class Deed:
    """What a rule does about a finding: `commands`, of one to each group where one command for all
    would not multiply each. `words` say what to the person: "rate ×0.1"."""

    decision: Decision
    commands: tuple[Command, ...]
    words: str

    @property
    def id(self) -> str:
        """What it is told by: the id of its command, or what the ids of several begin with."""
        return self.decision.id

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.decision.armed.rule.name

    @property
    def sentence(self) -> str:
        """`Rule “Reduce on plateau”, 1 of 3: rate ×0.1, because of: Plateau, found at step 560`."""
        found, rule = self.decision.finding, self.decision.armed.rule
        return (
            f"Rule “{rule.name}”, {self.decision.number} of {rule.at_most}: {self.words}, because "
            f"of: {headline(found)}, found at step {found.detected_step}"
        )


def rule_author(rule: str, via: str) -> Author:
    """A rule that acts through the program `via`, as commands and events name it."""
    return Author(who="rule", via=via, name=rule)


def rules_problem(model: RunModel) -> str | None:
    """Why no rule can act in this run now or later, in a sentence; None where one may."""
    if model.log is not None:
        return model.control_problem
    if model.state.phase.over:
        return f"The run is over: {model.state.sentence}"
    if model.elsewhere is not None:
        return f"It trains on {model.elsewhere}: only there can a rule act."
    if len(model.live_ranks) > 1:
        return model.control_problem
    return None


def done_of(model: RunModel) -> dict[str, list[Done]]:
    """What each rule that is on did, by its token."""
    steps, about = model.step_series, model.findings.followed_by
    return {
        one.token: model.rules.done(one, lambda moment: step_at(steps, moment), about)
        for one in model.rules.armed
    }


def deeds_of(model: RunModel, told: Sequence[Told], via: str) -> list[Deed]:
    """What is to be done about these findings, as they stand at the end of what was recorded.

    Nothing where no process can be reached or the run is held, nor about what the person does not
    want to be told of, or has done something about already.
    """
    rank = model.rank
    armed = model.rules.armed
    if not armed or rank is None or rules_problem(model) is not None:
        return []
    if len(model.live_ranks) != 1 or model.state.phase is Phase.PAUSED:
        return []
    now = rate_now(model, model.main, 0)
    findings = [one.finding for one in told if not (one.muted or _followed(one))]
    step = model.state.step or 0
    decided = decide(armed, findings, done_of(model), step, rank.rank, now.effective)
    made = [_deed(model, one, now, via) for one in decided]
    return [deed for deed in made if deed is not None]


def advice_event(deed: Deed) -> dict[str, object] | None:
    """The fields of the event `ADVICE` by which what came of a changed rate is judged when its time
    has come; None of other deeds."""
    if not isinstance(deed.commands[0], LrCommand):
        return None
    found = deed.decision.finding
    return {
        "kind": found.kind,
        "detected_step": found.detected_step,
        "command": deed.commands[0].id,
        "words": f"{deed.words} (rule “{deed.rule}”)",
        "span": found.advice.judged_after or 100,
        "rule": deed.rule,
    }


def _deed(model: RunModel, decision: Decision, now: RateNow, via: str) -> Deed | None:
    """As commands; None where nothing is to be done, or it cannot be."""
    rule, finding = decision.armed.rule, decision.finding
    by = rule_author(rule.name, via)
    if rule.action == "pause":
        return Deed(decision, (PauseCommand(id=decision.id, by=by),), "the training is paused")
    if rule.action == "stop":
        return Deed(decision, (StopCommand(id=decision.id, by=by),), "the run is ended")
    if model.control_problem is not None or not _controllable(model):
        return None
    note = f"rule {rule.name}: {headline(finding)}, found at step {finding.detected_step}"
    modes, words = _modes(model, decision, now)
    if not modes:
        return None
    try:
        commands = tuple(
            LrCommand(
                id=decision.id if group is None else f"{decision.id}.{group}",
                mode=change.mode,
                value=change.value,
                plan=change.plan,
                begin=change.begin,
                group=group,
                note=note[:NOTE_LIMIT],
                by=by,
            )
            for group, change in modes
        )
    except CommandError:
        return None  # multiplied out of the numbers there are
    return Deed(decision, commands, words)


_Mode = tuple[int | None, Change]
"""A group, or None for all of them, and what is asked for it."""


def _modes(model: RunModel, decision: Decision, now: RateNow) -> tuple[list[_Mode], str]:
    """What is to be sent, and what that is in words."""
    rule, advice = decision.armed.rule, decision.finding.advice
    if rule.action == "hold":
        return [(None, Change("hold", rule.value))], f"the rate is held at {short(rule.value)}"
    if rule.action == "freeze":
        return [(None, Change("freeze"))], "the rate is frozen at 0"
    if rule.action == "release" or (rule.action == "advice" and advice.action == "release"):
        held = now.kind != "none"
        return [(None, Change("follow"))] if held else [], "the rate is released to the schedule"
    factor = rule.factor if rule.action == "multiply" else advice.factor
    least = rule.least_rate
    if factor is not None and factor < 1 and least is not None and now.effective is not None:
        factor = max(factor, least / now.effective) if now.effective > least * (1 + SAME) else None
    if factor is None:
        return [], ""
    return _times(model, factor), f"rate ×{short(factor)}"


def _times(model: RunModel, factor: float) -> list[_Mode]:
    """Multiply the rate of each group of the main optimizer: by one command where that does."""
    main = model.main
    count = next((o.groups for o in model.optimizers if o.number == main), 1)
    rates = {group: rate_now(model, main, group) for group in range(count)}
    commands = {g: multiplied(rate, factor) for g, rate in rates.items()}
    first = commands[0]
    if first is not None and _alike(rates):
        return [(None, first)]
    return [(g, command) for g, command in commands.items() if command is not None]


def _alike(rates: Mapping[int, RateNow]) -> bool:
    """Whether one command for all groups means for each what one for itself would: they are scaled
    alike, or held in the ratio of their schedules, which is how a command for all holds them."""
    first = rates[0]
    if any(one.kind != first.kind for one in rates.values()):
        return False
    if first.kind == "none" or len(rates) == 1:
        return True
    for one in rates.values():
        if one.value is None or first.value is None:
            return False
        ratio = 1.0
        if first.kind == "hold":
            if not one.scheduled or not first.scheduled:
                return False
            ratio = one.scheduled / first.scheduled
        if not math.isclose(one.value, first.value * ratio, rel_tol=SAME):
            return False
    return True


def _followed(told: Told) -> bool:
    """Whether a person followed the advice: what a rule did is told by its commands."""
    return told.taken is not None and not told.taken.command.startswith(COMMANDS)


def _controllable(model: RunModel) -> bool:
    return all(o.controllable for o in model.optimizers if o.number == model.main)
