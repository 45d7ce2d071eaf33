"""The findings of a run, with what the person made of them and what came of it.

Findings are computed from the record by whoever looks at it; what a window tells, and what the
person decides, is added to the record, so that it holds for the next window too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lrmonitor.diagnosis.finding import RANK, Finding
from lrmonitor.diagnosis.rules import NEAR

__all__ = ["ADVICE", "FINDING", "JUDGED", "MUTED", "Findings", "Taken", "Told"]

FINDING = "finding"
MUTED = "finding_muted"
ADVICE = "advice_taken"
JUDGED = "advice_judged"
"""Names of the events in a client's log."""


@dataclass(frozen=True)
class Taken:
    """An advice that was followed. `at` is the first step that used the new rate, None while it is
    not known; `judged` the verdict in words, "" before there is one; `verdict` its name."""

    command: str
    words: str
    span: int
    at: int | None = None
    verdict: str = ""
    judged: str = ""


@dataclass(frozen=True)
class Told:
    """A finding as it stands. `muted` is "snooze" or "dismiss" where the person asked for it, else
    ""."""

    finding: Finding
    muted: str = ""
    until: int | None = None
    taken: Taken | None = None

    @property
    def alarming(self) -> bool:
        """Whether the person is to be told: it is open, more than worth knowing, not muted."""
        found = self.finding
        return found.open and RANK.get(found.severity, 0) > 0 and not self.muted


class Findings:
    """Not thread-safe. `take` reads the clients' events in the order of their time, `told` joins
    them with what a diagnosis found."""

    def __init__(self) -> None:
        self.recorded: dict[tuple[str, int], dict[str, Any]] = {}
        """What was told of each finding last, by kind and step of detection."""
        self._muted: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._taken: dict[tuple[str, int], Taken] = {}
        self._answers: dict[str, int] = {}

    def take(self, event: Mapping[str, Any]) -> bool:
        """Read one event of a client; whether it was about findings."""
        name = event.get("event")
        if name == FINDING:
            return self._record(event)
        kind = event.get("kind")
        if name == MUTED and isinstance(kind, str):
            self._muted[kind, str(event.get("cause"))] = dict(event)
            return True
        detected = event.get("detected_step")
        if name not in (ADVICE, JUDGED) or not isinstance(kind, str) or not _whole(detected):
            return False
        assert isinstance(detected, int)
        if name == ADVICE:
            span = event.get("span")
            command = str(event.get("command") or "")
            self._taken[kind, detected] = Taken(
                command,
                str(event.get("words") or ""),
                span if _whole(span) and isinstance(span, int) else 100,
                self._answers.get(command),
            )
        elif (known := self._taken.get((kind, detected))) is not None:
            self._taken[kind, detected] = replace(
                known, verdict=str(event.get("verdict")), judged=str(event.get("text") or "")
            )
        return True

    def answered(self, command: str, step: int) -> None:
        """A command took effect at a step."""
        self._answers[command] = step
        for key, taken in self._taken.items():
            if taken.command == command:
                self._taken[key] = replace(taken, at=step)

    def followed_by(self, command: str) -> tuple[str, int] | None:
        """Kind and detection of the finding about which a command was given, if that is told."""
        return next((key for key, one in self._taken.items() if one.command == command), None)

    def told(self, findings: Iterable[Finding], step: int) -> list[Told]:
        """These findings with what is known of each, at the run's latest step."""
        if not self._muted and not self._taken:
            return [Told(finding) for finding in findings]
        return [self._told(finding, step) for finding in findings]

    def is_recorded(self, finding: Finding) -> bool:
        """Whether the record says of this finding already what it is now."""
        known = self._same(self.recorded, finding)
        return known is not None and all(
            known.get(key) == value
            for key, value in (("severity", finding.severity), ("open", finding.open))
        )

    def alarm(self, step: int | None) -> tuple[str, str] | None:
        """Severity and kind of the worst that the record tells of open findings, a warning or
        more, that are not muted; None if there is none."""
        found = [
            (str(data.get("severity")), kind)
            for (kind, _), data in self.recorded.items()
            if data.get("open") is True
            and RANK.get(str(data.get("severity")), 0) > 0
            and not self._how(kind, str(data.get("cause")), step)
        ]
        return max(found, key=lambda one: RANK[one[0]], default=None)

    def _told(self, finding: Finding, step: int) -> Told:
        how = self._how(finding.kind, finding.cause, step)
        mute = self._muted.get((finding.kind, finding.cause), {})
        until = mute.get("until_step")
        return Told(
            finding,
            how,
            until if how == "snooze" and isinstance(until, int) else None,
            self._same(self._taken, finding),
        )

    def _how(self, kind: str, cause: str, step: int | None) -> str:
        mute = self._muted.get((kind, cause))
        if mute is None:
            return ""
        how = str(mute.get("how") or "")
        if how == "snooze":
            until = mute.get("until_step")
            over = not isinstance(until, int) or (step is not None and step >= until)
            return "" if over else how
        return how if how == "dismiss" else ""

    def _record(self, event: Mapping[str, Any]) -> bool:
        data = event.get("finding")
        if not isinstance(data, Mapping):
            return False
        kind, detected = data.get("kind"), data.get("detected_step")
        if not isinstance(kind, str) or not _whole(detected):
            return False
        assert isinstance(detected, int)
        near = [k for k in self.recorded if k[0] == kind and abs(k[1] - detected) <= NEAR]
        self.recorded[near[0] if near else (kind, detected)] = dict(data)
        return True

    def _same(self, kept: Mapping[tuple[str, int], Any], finding: Finding) -> Any:
        """What is kept of this finding, though its detection may differ by a few steps."""
        exact = kept.get((finding.kind, finding.detected_step))
        if exact is not None:
            return exact
        best, apart = None, math.inf
        for (kind, detected), value in kept.items():
            off = abs(detected - finding.detected_step)
            if kind == finding.kind and off <= NEAR and off < apart:
                best, apart = value, off
        return best


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
