"""What a diagnosis says: findings with their evidence, and the advice that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal[
    "non_finite",
    "spike",
    "divergence",
    "oscillation",
    "exploding_gradient",
    "plateau",
    "slow_progress",
    "vanishing_updates",
    "overfitting",
    "near_convergence",
    "stalled",
]
"""The symptom. A detector of a user's may use other words."""

Cause = Literal[
    "lr_too_high",
    "lr_too_low",
    "schedule",
    "numerics",
    "data",
    "model",
    "converged",
    "overfit",
    "undetermined",
]

Severity = Literal["info", "warning", "critical"]

RANK: dict[str, int] = {"info": 0, "warning": 1, "critical": 2}
"""Severities in their order."""

Action = Literal[
    "multiply",
    "restart",
    "rewind",
    "schedule",
    "warm_up",
    "release",
    "stop",
    "clip",
    "trial",
    "other",
    "wait",
]
"""`multiply`: the rate by `factor`, now. `restart` and `rewind`: from the start, or from a state
before the trouble, with the rate times `factor`. `trial`: rates in turns, to learn which is right.
`other`: not the rate (data, model)."""


@dataclass(frozen=True)
class Evidence:
    """Why a finding was opened: the rule in words, and the numbers that fired it.

    `window` are the first and last step that were looked at. `values` are in the units of the log
    where they are losses. `interval` is the bounds of the estimate that decided, where there is
    one.
    """

    rule: str
    window: tuple[int, int]
    values: dict[str, float]
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Advice:
    """What to do about a finding. Never carried out by itself."""

    action: Action
    reason: str
    expect: str
    factor: float | None = None
    """By which the rate is multiplied, for the actions that do."""
    judged_after: int | None = None
    """Steps after which it shows whether it helped."""


@dataclass(frozen=True)
class Finding:
    """A diagnosed condition, as it stands: a later snapshot of the same finding has the same id.

    `first_step` is where the condition began, `detected_step` where it was known, `last_step` the
    latest step at which it held. `confidence` (0 to 1) is that of the cause, not of the symptom.
    """

    id: int
    kind: str
    severity: Severity
    first_step: int
    detected_step: int
    last_step: int
    cause: Cause
    confidence: float
    evidence: Evidence
    advice: Advice
    open: bool = True
    outcome: str = ""
    """How it ended, in words; empty while it is open."""

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Finding:
        """What `to_json` gave, read back from JSON. KeyError, TypeError or ValueError for anything
        else."""
        evidence = dict(data["evidence"])
        first, last = evidence["window"]
        evidence["window"] = (first, last)
        if evidence["interval"] is not None:
            low, high = evidence["interval"]
            evidence["interval"] = (low, high)
        made = {"evidence": Evidence(**evidence), "advice": Advice(**data["advice"])}
        return Finding(**{**data, **made})

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)
