"""Which snapshots a training process keeps, as its events tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lrmonitor.model.rates import number

__all__ = ["Kept", "Snapshots"]


@dataclass(frozen=True)
class Kept:
    """One snapshot: the state after `step`, taken at `time` (unix seconds), which took `bytes` of
    memory and `seconds`. `why` is "command", "every", "auto" or "change". `left`: a rewind went
    back to before it."""

    number: int
    step: int
    time: float
    bytes: int
    seconds: float
    why: str
    left: bool = False


class Snapshots:
    """Of one process, fed with its events. Nothing is kept any more once it has ended."""

    def __init__(self) -> None:
        self.kept: tuple[Kept, ...] = ()
        """Oldest first."""
        self.every = 0
        """One is taken every so many steps; 0: none by itself."""
        self.automatic = False
        """Whether they are taken unasked, since they cost next to nothing."""
        self.before = False
        """Whether one is taken before each change of the rate."""
        self.budget: int | None = None
        """Bytes that all may take; None where it was not told yet."""
        self.rewound: tuple[int, ...] = ()
        """Steps after which the training went back: the next one is from an earlier state."""
        self.target: int | None = None
        """The step whose state the last of these put back."""

    @property
    def own(self) -> tuple[Kept, ...]:
        """Those that are of the run's own steps, the newest first."""
        return tuple(one for one in reversed(self.kept) if not one.left)

    @property
    def best(self) -> Kept | None:
        """The newest that is of the run's own steps."""
        return next(iter(self.own), None)

    @property
    def returned(self) -> Kept | None:
        """The one that the last rewind went to, while it is kept."""
        return next((one for one in self.own if one.step == self.target), None)

    def before_step(self, step: int) -> Kept | None:
        """The newest of the run's own steps that was taken before `step`; None without one."""
        return next((one for one in self.own if one.step < step), None)

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event of the process; others than those of snapshots change nothing."""
        name = event.get("event")
        try:
            if name == "snapshot":
                self.kept = (*self.kept, _kept(event))
            elif name == "snapshots_dropped":
                gone = set(event["ids"])
                self.kept = tuple(one for one in self.kept if one.number not in gone)
            elif name == "snapshots":
                self.every, self.before = int(event["every"]), bool(event["before"])
                self.budget = int(event["budget"])
                self.automatic = bool(event.get("automatic"))
            elif name == "rewound":
                to = int(event["to"])
                self.rewound = (*self.rewound, int(event["step"]))
                self.target = to
                self.kept = tuple(replace(one, left=one.left or one.step > to) for one in self.kept)
            elif name == "ended":
                self.kept = ()
        except (KeyError, TypeError, ValueError):
            return  # a field is not what it should be


def _kept(event: Mapping[str, Any]) -> Kept:
    return Kept(
        number=int(event["id"]),
        step=int(event["step"]),
        time=number(event.get("time")) or 0.0,
        bytes=int(event["bytes"]),
        seconds=number(event.get("seconds")) or 0.0,
        why=str(event.get("why") or ""),
    )
