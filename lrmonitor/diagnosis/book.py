"""The findings of a run: opened once a cause, followed, and closed when the condition is over."""

from __future__ import annotations

from dataclasses import replace

from lrmonitor.diagnosis.finding import RANK, Advice, Cause, Evidence, Finding, Severity


class Book:
    """All findings, and which of them changed since they were last asked for.

    One open finding a cause: while `lr_too_high` is open as an oscillation, a spike of that cause
    adds nothing, but a divergence, which is worse, takes its place, as `non_finite` does anyhow.
    `undetermined` is no cause: there it is one a kind.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._changed: dict[int, None] = {}

    def open(
        self,
        kind: str,
        severity: Severity,
        steps: tuple[int, int],
        cause: Cause,
        confidence: float,
        evidence: Evidence,
        advice: Advice,
    ) -> int | None:
        """Open a finding that began and was detected at these steps; None if its cause is known."""
        for other in self.findings:
            if not other.open:
                continue
            same = other.kind == kind or (other.cause == cause != "undetermined")
            if not same:
                continue
            if other.kind == kind and RANK[other.severity] >= RANK[severity]:
                return None
            if kind != "non_finite" and RANK[other.severity] >= RANK[severity]:
                return None
            self.close(other.id, f"went over into: {kind}")
        first, detected = steps
        number = len(self.findings)
        self.findings.append(
            Finding(
                number,
                kind,
                severity,
                min(first, detected),
                detected,
                detected,
                cause,
                round(confidence, 2),
                evidence,
                advice,
            )
        )
        self._changed[number] = None
        return number

    def is_open(self, number: int | None) -> bool:
        """Whether this finding is open still."""
        return number is not None and self.findings[number].open

    def any_open(self, *kinds: str, least: Severity = "info") -> bool:
        """Whether a finding of one of these kinds is open, and at least as bad as this."""
        latest = self.findings[-32:]
        return any(f.open and f.kind in kinds and RANK[f.severity] >= RANK[least] for f in latest)

    def last(self, number: int, step: int) -> None:
        """The condition holds at this step still."""
        if self.findings[number].last_step != step:
            self._change(number, last_step=step)

    def worsen(self, number: int, severity: Severity, evidence: Evidence, advice: Advice) -> None:
        """It is worse than was thought."""
        if RANK[severity] > RANK[self.findings[number].severity]:
            self._change(number, severity=severity, evidence=evidence, advice=advice)

    def confirm(
        self,
        number: int,
        severity: Severity,
        cause: Cause,
        confidence: float,
        evidence: Evidence,
        advice: Advice,
    ) -> None:
        """What was only a suspicion is certain, and so has a cause; of the same cause the worse
        finding stays open, or this one if it is as bad."""
        for other in self.findings:
            if other.id == number or not other.open or other.cause != cause:
                continue
            if RANK[other.severity] > RANK[severity]:
                self.close(number, f"went over into: {other.kind}")
                return
            self.close(other.id, f"went over into: {self.findings[number].kind}")
        self._change(
            number,
            severity=severity,
            cause=cause,
            confidence=round(confidence, 2),
            evidence=evidence,
            advice=advice,
        )

    def close(self, number: int, outcome: str) -> None:
        """The condition is over."""
        if self.findings[number].open:
            self._change(number, open=False, outcome=outcome)

    def taken(self) -> list[Finding]:
        """The findings that are new or changed since the last call, by id."""
        changed = [self.findings[number] for number in sorted(self._changed)]
        self._changed.clear()
        return changed

    def _change(self, number: int, **fields: object) -> None:
        self.findings[number] = replace(self.findings[number], **fields)  # type: ignore[arg-type]
        self._changed[number] = None
