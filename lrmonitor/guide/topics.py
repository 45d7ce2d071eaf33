"""The guide's topics in their order, and which one belongs to a finding. No file is read here."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CAUSES", "FIRST", "TOPICS", "Topic", "find_topic", "topic_of"]


@dataclass(frozen=True)
class Topic:
    """A page: `name` is its file's, and what it is called in links and on the command line;
    `group` is the part of the guide that it stands in."""

    name: str
    group: str


RATE, CHOOSING, FINDINGS = "rate", "choosing", "findings"

TOPICS = (
    *(
        Topic(name, RATE)
        for name in (
            "learning_rate", "too_high", "too_low", "decreasing", "schedules", "warm_up",
        )
    ),
    *(
        Topic(name, CHOOSING)
        for name in ("starting_values", "range_test", "adaptive", "fine_tuning")
    ),
    *(
        Topic(name, FINDINGS)
        for name in (
            "findings", "non_finite", "divergence", "spike", "exploding_gradient", "oscillation",
            "plateau", "slow_progress", "vanishing_updates", "overfitting", "near_convergence",
            "stalled", "not_the_rate", "undetermined",
        )
    ),
)  # fmt: skip

FIRST = "learning_rate"
"""The page that the guide opens at."""

CAUSES = {
    "lr_too_high": "too_high",
    "lr_too_low": "too_low",
    "schedule": "schedules",
    "numerics": "not_the_rate",
    "data": "not_the_rate",
    "model": "not_the_rate",
    "converged": "near_convergence",
    "overfit": "overfitting",
    "undetermined": "undetermined",
}
"""The page about each cause that a finding can have."""

_NAMES = {topic.name for topic in TOPICS}


def topic_of(kind: str, cause: str = "undetermined") -> str:
    """The name of the page for a finding: that of its kind; for a kind of somebody's own detector
    that of its cause; "findings" where neither is known."""
    if kind in _NAMES:
        return kind
    return CAUSES.get(cause, "findings")


def find_topic(words: str) -> str | None:
    """The topic that a person means: its name, also with spaces or hyphens or in capitals, or a
    cause as findings name it. None if there is none."""
    name = "_".join(words.strip().casefold().replace("-", " ").replace("_", " ").split())
    return name if name in _NAMES else CAUSES.get(name)
