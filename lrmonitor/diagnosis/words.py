"""Findings in the words of the screen. Plain English; the window translates the fixed ones."""

from __future__ import annotations

from collections.abc import Callable

from lrmonitor.diagnosis.finding import Advice, Evidence, Finding

__all__ = [
    "ACTIONS",
    "CAUSES",
    "KINDS",
    "action_words",
    "evidence_words",
    "headline",
    "severity_word",
]

Translate = Callable[[str], str]

KINDS = {
    "non_finite": "Loss is not a number",
    "spike": "Loss spike",
    "divergence": "Loss diverges",
    "oscillation": "Loss oscillates",
    "exploding_gradient": "Gradient explodes",
    "plateau": "Plateau",
    "slow_progress": "Slow progress",
    "vanishing_updates": "Updates vanish",
    "overfitting": "Overfitting",
    "near_convergence": "Near convergence",
    "stalled": "No steps come",
}

CAUSES = {
    "lr_too_high": "learning rate too high",
    "lr_too_low": "learning rate too low",
    "schedule": "the schedule",
    "numerics": "numerics",
    "data": "the data",
    "model": "the model",
    "converged": "it has converged",
    "overfit": "it has learned the training set by heart",
    "undetermined": "undetermined",
}

ACTIONS = {
    "restart": "start again with the rate {0}",
    "rewind": "go back to before it, with the rate {0}",
    "multiply": "multiply the rate: {0}",
    "schedule": "change the schedule",
    "warm_up": "warm up",
    "release": "release the rate to the script’s schedule",
    "stop": "end the run",
    "clip": "clip the gradients",
    "trial": "try ÷3, ×1 and ×3 of the rate",
    "other": "look elsewhere than at the rate",
    "wait": "wait",
}


def headline(finding: Finding, tr: Translate = str) -> str:
    """What it is and why, in one line: "Loss diverges – learning rate too high (85 %)". `tr`
    translates the fixed parts, here and below."""
    kind = tr(KINDS.get(finding.kind, finding.kind.replace("_", " ").capitalize()))
    if finding.cause == "undetermined":
        return kind
    cause = tr(CAUSES.get(finding.cause, finding.cause.replace("_", " ")))
    return f"{kind} – {cause} ({finding.confidence:.0%})".replace("%", " %")


def action_words(advice: Advice, tr: Translate = str) -> str:
    """What to do, in a few words: "go back to before it, with the rate ×0.3"."""
    factor = "" if advice.factor is None else f"×{advice.factor:.3g}"
    return tr(ACTIONS.get(advice.action, advice.action)).format(factor).strip()


def evidence_words(evidence: Evidence, tr: Translate = str) -> str:
    """Its numbers: "loss 3.2, best level 1.1, interval -0.1 to 0.3"; "" where it has none."""
    told = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in evidence.values.items()]
    if evidence.interval is not None:
        low, high = evidence.interval
        told.append(tr("interval {0} to {1}").format(f"{low:.3g}", f"{high:.3g}"))
    return ", ".join(told)


def severity_word(severity: str, tr: Translate = str) -> str:
    """As a heading."""
    return tr(severity[:1].upper() + severity[1:])
