"""Rules that are offered ready-made, and rules in words."""

from __future__ import annotations

from lrmonitor.diagnosis.rules import Rule, slug
from lrmonitor.diagnosis.words import CAUSES, KINDS

__all__ = ["PRESETS", "action_said", "limits_said", "preset", "sentence", "when_said"]

PRESETS = (
    Rule(
        "Reduce on plateau",
        ("plateau", "near_convergence"),
        "multiply",
        factor=0.1,
        at_most=3,
        not_within=500,
    ),
    Rule(
        "Lower on divergence",
        ("divergence", "oscillation"),
        "multiply",
        severity="warning",
        factor=0.3,
        at_most=2,
        not_within=200,
    ),
    Rule(
        "Follow the advice",
        ("divergence", "oscillation", "plateau", "slow_progress"),
        "advice",
        severity="warning",
        at_most=2,
        not_within=500,
    ),
    Rule("Pause on NaN", ("non_finite",), "pause", severity="critical"),
    Rule("Stop on convergence", ("near_convergence",), "stop"),
)
"""In the order in which a finding that several are about belongs to them.

The factors are those of the advice that was measured (docs/diagnosis.md), but for the tenth of the
first, which is ReduceLROnPlateau's: there the rate is lowered to come nearer to an optimum that has
been found, and the noise floor of SGD falls in proportion to the rate.
"""


def preset(name: str) -> Rule | None:
    """The preset of that name, however it is typed."""
    return next((one for one in PRESETS if one.slug == slug(name)), None)


def when_said(rule: Rule) -> str:
    """`Plateau or near convergence`; the cause and the least severity where they matter."""
    kinds = [KINDS.get(kind, kind.replace("_", " ")) for kind in rule.kinds]
    words = [kinds[0], *(kind[:1].lower() + kind[1:] for kind in kinds[1:])]
    said = " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    if rule.cause is not None:
        said += f", because of {CAUSES[rule.cause]}"
    return said + {"warning": " (as a warning or worse)", "critical": " (critical)"}.get(
        rule.severity, ""
    )


def action_said(rule: Rule) -> str:
    """`multiply the rate by 0.1`."""
    return {
        "multiply": f"multiply the rate by {_number(rule.factor)}",
        "hold": f"hold the rate at {_number(rule.value)}",
        "release": "release the rate to the script’s schedule",
        "freeze": "freeze the rate at 0",
        "pause": "pause the training",
        "stop": "end the run, as Ctrl-C does",
        "advice": "do to the rate what the finding advises",
    }[rule.action]


def limits_said(rule: Rule) -> str:
    """`at most 3 times, not within 500 steps of the last time, not below a rate of 1e-6`."""
    if rule.at_most == 1:
        said = "once"
    else:
        said = f"at most {rule.at_most} times"
        if rule.not_within:
            said += f", not within {rule.not_within} steps of the last time"
    if rule.least_rate is not None:
        said += f", not below a rate of {_number(rule.least_rate)}"
    return said


def sentence(rule: Rule) -> str:
    """`When: plateau or near convergence. Then: multiply the rate by 0.1, at most 3 times …`."""
    return f"When: {when_said(rule)}. Then: {action_said(rule)}; {limits_said(rule)}."


def _number(value: float | None) -> str:
    """As it would be typed: 0.1, 1e-6."""
    return "?" if value is None else f"{value:.6g}".replace("e-0", "e-").replace("e+0", "e")
