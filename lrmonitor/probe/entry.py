"""A command on its way from a connection to a training thread."""

from __future__ import annotations

from dataclasses import dataclass, field

from lrmonitor.link.messages import Acknowledgement, Command, GroupRate
from lrmonitor.link.server import Reply


@dataclass
class Entry:
    """A command on its way, and who wants to hear of it."""

    command: Command
    replies: list[Reply]
    answer: Acknowledgement
    done: set[int] = field(default_factory=set)
    """Optimizers that have made a step with it (a rate command for all of them)."""
    groups: list[GroupRate] = field(default_factory=list)
    begun: bool = False
    """Whether a step is using it: too late to cancel."""
    step: int | None = None
    paused: bool = False
    """Whether the training was held when it was taken."""
    warnings: list[str] = field(default_factory=list)
    starts: dict[int, float] = field(default_factory=dict)
    """By optimizer, the rate that its schedule begins at where it names none, and a command whose
    place it takes was to set one at the same step."""
