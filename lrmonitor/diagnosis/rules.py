"""Rules: what is to be done by itself when something is found. All are off until a person switches
them on.

*When FINDING then ACTION, at most N times, not within M steps.* What is decided depends on the
findings and on what the record says was done before, and on nothing else, so that a program that
carries rules out may be ended and started again, or be there twice, and each action is made once.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from lrmonitor.diagnosis.engine import JUMP
from lrmonitor.diagnosis.finding import RANK, Cause, Finding, Severity

__all__ = ["Armed", "Decision", "Done", "Rule", "RuleAction", "RuleError", "decide", "slug"]

RuleAction = Literal["multiply", "hold", "release", "freeze", "pause", "stop", "advice"]
"""`multiply` the rate by `factor`; `hold` it at `value`; `advice`: what the finding advises, where
that is something that can be done to the rate of a run that goes on."""

NAME_LIMIT = 60
MOST_TIMES = 100
COMMANDS = "rule-"
"""With this the ids of the commands of rules begin."""
NEAR = 64
"""Steps by which the detection of one finding may differ between two diagnoses: what is recorded a
moment later may be placed at a later loss while the run goes on."""

_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")


class RuleError(ValueError):
    """A rule that cannot be meant; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Rule:
    """When one of `kinds` is found, of at least this severity and, if one is given, of this cause,
    then do `action`: at most `at_most` times from when it was switched on, and `not_within` steps
    from one time to the next. `least_rate`: a rate is not multiplied to below this.

    Raises RuleError for what cannot be meant.
    """

    name: str
    kinds: tuple[str, ...]
    action: RuleAction
    severity: Severity = "info"
    cause: Cause | None = None
    factor: float | None = None
    value: float | None = None
    at_most: int = 1
    not_within: int = 200
    least_rate: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", tuple(self.kinds))
        self._check_name()
        self._check_when()
        if self.action not in get_args(RuleAction):
            raise RuleError(
                f"{self.action!r} is no action of a rule: use one of "
                f"{', '.join(get_args(RuleAction))}"
            )
        self._check_numbers()
        for name, least, most in (("at_most", 1, MOST_TIMES), ("not_within", 0, 10**9)):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int):
                raise RuleError(f"{_said(name)} must be a whole number, not {number!r}")
            if not least <= number <= most:
                raise RuleError(f"{_said(name)} must be from {least} to {most}, not {number}")

    @property
    def slug(self) -> str:
        """The name as it is typed: "reduce-on-plateau"."""
        return slug(self.name)

    @property
    def lowers(self) -> bool:
        """Whether it multiplies the rate by less than 1."""
        return self.action == "multiply" and self.factor is not None and self.factor < 1

    def matches(self, finding: Finding) -> bool:
        """Whether it is about such a finding.

        A rate is never multiplied against what the diagnosis says: not lowered where it is held to
        be too low, not raised where too high; and a plateau where nothing was gained yet, whose
        cause is not known, or a divergence that only a single loss tells, is no reason for either.
        """
        if finding.kind not in self.kinds or RANK[finding.severity] < RANK[self.severity]:
            return False
        if self.cause is not None and finding.cause != self.cause:
            return False
        if self.action == "multiply":
            against = "lr_too_low" if self.lowers else "lr_too_high"
            unknown = finding.kind == "plateau" and finding.advice.action == "trial"
            doubtful = finding.kind == "divergence" and finding.advice.action == "wait"
            return finding.cause != against and not unknown and not doubtful
        return self.action != "advice" or followable(finding)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; what does not apply is left out."""
        told = {name: value for name, value in asdict(self).items() if value is not None}
        return {**told, "kinds": list(self.kinds)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rule:
        """Read back strictly; raises RuleError."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise RuleError(f"a rule has no {unknown[0]!r}")
        missing = [name for name in ("name", "kinds", "action") if name not in data]
        if missing:
            raise RuleError(f"a rule needs {missing[0]!r}")
        kinds = data["kinds"]
        if not isinstance(kinds, (list, tuple)):
            raise RuleError("the kinds of a rule are a list")
        return cls(**{**data, "kinds": tuple(kinds)})

    def _check_name(self) -> None:
        if not isinstance(self.name, str) or not 0 < len(self.name) <= NAME_LIMIT:
            raise RuleError(f"a rule needs a name of 1 to {NAME_LIMIT} characters")
        if not self.name.isprintable() or self.name != " ".join(self.name.split()):
            raise RuleError("the name of a rule has no line breaks, and single spaces inside")
        if not slug(self.name) or slug(self.name) == "all":
            raise RuleError(f"{self.name!r} cannot name a rule: use letters or digits")

    def _check_when(self) -> None:
        if not self.kinds:
            raise RuleError("a rule needs a finding to act on, such as plateau")
        for kind in self.kinds:
            if not isinstance(kind, str) or not _KIND.fullmatch(kind):
                raise RuleError(f"{kind!r} is no kind of finding, such as plateau")
        if len(set(self.kinds)) < len(self.kinds):
            raise RuleError("a kind of finding is named twice")
        if not isinstance(self.severity, str) or self.severity not in RANK:
            raise RuleError(f"{self.severity!r} is no severity: use one of {', '.join(RANK)}")
        if self.cause is not None and self.cause not in get_args(Cause):
            raise RuleError(f"{self.cause!r} is no cause: use one of {', '.join(get_args(Cause))}")

    def _check_numbers(self) -> None:
        for name, needed in (
            ("factor", self.action == "multiply"),
            ("value", self.action == "hold"),
        ):
            number = getattr(self, name)
            if needed and number is None:
                raise RuleError(f"{self.action} needs a {name}")
            if not needed and number is not None:
                raise RuleError(f"{self.action} takes no {name}")
            self._positive(name)
        self._positive("least_rate")
        if self.factor is not None and 1 / JUMP <= self.factor <= JUMP:
            # The diagnosis would not begin an era, nor look anew: the rule would act but once.
            raise RuleError(
                f"a factor of {self.factor:g} is too near to 1 for its effect to be told: use "
                f"less than {1 / JUMP:.2g}, or more than {JUMP:g}"
            )
        if self.least_rate is not None and not (self.lowers or self.action == "advice"):
            raise RuleError("a least rate is for rules that lower the rate")

    def _positive(self, name: str) -> None:
        number = getattr(self, name)
        if number is None:
            return
        plain = isinstance(number, (int, float)) and not isinstance(number, bool)
        if not plain or not math.isfinite(number) or number <= 0:
            raise RuleError(f"{_said(name)} must be a number above 0, not {number!r}")
        object.__setattr__(self, name, float(number))


@dataclass(frozen=True)
class Armed:
    """A rule that is on. `token` tells this switching on from others; `since` is the latest step
    then, of the training process `rank`: what was found up to there is no news."""

    rule: Rule
    token: str
    since: int = 0
    rank: int = 0

    def command(self, number: int) -> str:
        """The id of what it does the `number`th time, from 1 on.

        Not of the finding, whose detection two programs may place a few steps apart: who acts for
        the `number`th time sends this id, and a training process answers a repeated id as the
        first.
        """
        told = f"{self.token}/{self.rule.slug}/{number}"
        return f"{COMMANDS}{hashlib.sha256(told.encode()).hexdigest()[:24]}"


@dataclass(frozen=True)
class Done:
    """What a rule did for the `number`th time, by the record. `step`: where it took effect, or else
    the latest step when it was asked for; `about`: kind and detection of the finding that it was
    done about, where that is known."""

    number: int
    step: int
    rank: int = 0
    status: str = "applied"
    about: tuple[str, int] | None = None

    @property
    def final(self) -> bool:
        """Whether no other answer follows."""
        return self.status != "pending"

    def answers(self, finding: Finding) -> bool:
        """Whether the finding had been made by then; another program may place it a bit later."""
        kind, detected = self.about if self.about is not None else ("", 0)
        same = kind == finding.kind and abs(detected - finding.detected_step) <= NEAR
        return same or self.step >= finding.detected_step


@dataclass(frozen=True)
class Decision:
    """A rule is to act on a finding, for the `number`th time."""

    armed: Armed
    finding: Finding
    number: int

    @property
    def id(self) -> str:
        """The id of its command."""
        return self.armed.command(self.number)


def decide(
    armed: Sequence[Armed],
    findings: Iterable[Finding],
    done: Mapping[str, Sequence[Done]],
    step: int,
    rank: int = 0,
    rate: float | None = None,
) -> list[Decision]:
    """What is to be done now, at most one action a rule and one a finding.

    `done` holds for each rule's token what it did; `step` is the latest of the process `rank`;
    `rate` its effective rate, None while unknown. A finding is acted on while it is open, once, and
    if it was detected after the rule was switched on. It belongs to the first rule that is about it
    and has not acted as often as it may. What a rule did answers all that it is about and that had
    been found by then.
    """
    decided: list[Decision] = []
    busy: set[str] = set()
    for finding in findings:
        if not finding.open:
            continue
        about = [
            one
            for one in armed
            if one.rule.matches(finding) and (one.rank != rank or finding.detected_step > one.since)
        ]
        if any(
            what.rank == rank and what.answers(finding)
            for one in about
            for what in done.get(one.token, ())
        ):
            continue
        owner = next((one for one in about if not _spent(one, done, rate)), None)
        if owner is None or owner.token in busy:
            continue
        known = done.get(owner.token, ())
        if all(_over(owner.rule, one, step, rank) for one in known):
            decided.append(Decision(owner, finding, len(known) + 1))
            busy.add(owner.token)
    return decided


def followable(finding: Finding) -> bool:
    """Whether the advice is something that can be done to the rate of a run that goes on."""
    advice = finding.advice
    if advice.action == "release":
        return True
    # No rate brings back weights that are not numbers any more.
    times = advice.action in ("multiply", "restart", "rewind") and advice.factor is not None
    return times and finding.kind != "non_finite"


def slug(name: str) -> str:
    """A name as it is typed: letters and digits in lower case, with hyphens."""
    return "-".join(re.findall(r"[^\W_]+", name.casefold()))


def _spent(armed: Armed, done: Mapping[str, Sequence[Done]], rate: float | None) -> bool:
    """Whether it will not act again."""
    rule = armed.rule
    if len(done.get(armed.token, ())) >= rule.at_most:
        return True
    least = rule.least_rate
    return rule.lowers and least is not None and rate is not None and rate <= least * (1 + 1e-9)


def _over(rule: Rule, done: Done, step: int, rank: int) -> bool:
    """Whether the time after an action is over, as far as this one is concerned."""
    if done.rank != rank:
        return True  # another process made those steps
    return done.final and step - done.step >= rule.not_within


def _said(name: str) -> str:
    return {
        "at_most": "how many times at most",
        "not_within": "the steps between two times",
        "least_rate": "the least rate",
    }.get(name, f"the {name}")
