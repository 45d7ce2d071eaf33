"""Which guards of a training process are on, and what they did, as its events tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lrmonitor.link.guard_command import KINDS
from lrmonitor.model.rates import number, short

__all__ = ["Acted", "Guards", "Set", "acted_words", "set_words", "words"]

LOOKS = {
    "non-finite": "a loss or gradient that is not finite",
    "spike": "a spike of the loss",
    "gradient": "a spike of the gradient norm",
}
THEN = {"skip": "skip the step", "pause": "pause before the step", "rewind": "rewind"}


@dataclass(frozen=True)
class Set:
    """A guard that is on: see `GuardCommand`."""

    on: str
    then: str
    bound: float | None
    times: float | None
    at_most: int
    scale: float | None


@dataclass(frozen=True)
class Acted:
    """What a guard did before `step`: `what` it found (a loss, a gradient, …), its value, and the
    bound that it is above (None: it is not finite). `instead`: why a rewind only left it out."""

    on: str
    then: str
    step: int
    optimizer: int
    what: str
    value: float | None
    bound: float | None
    acted: int
    at_most: int
    instead: str | None


class Guards:
    """Of one process, fed with its events. None is on any more once it has ended."""

    def __init__(self) -> None:
        self.on: dict[str, Set] = {}
        self.counts: dict[str, int] = dict.fromkeys(KINDS, 0)
        """How often those of each kind acted in this process, those that are off included."""
        self.last: Acted | None = None

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event of the process; others than those of guards change nothing."""
        name = event.get("event")
        try:
            if name == "guards":
                self.on = {one.on: one for one in map(_set, event["on"])}
            elif name == "guard":
                self.last = acted(event)
                self.counts[self.last.on] = self.counts.get(self.last.on, 0) + 1
            elif name == "ended":
                self.on = {}
        except (KeyError, TypeError, ValueError):
            return  # a field is not what it should be


def acted(event: Mapping[str, Any]) -> Acted:
    """What a "guard" event tells. Raises KeyError, TypeError or ValueError for another."""
    return Acted(
        on=str(event["on"]),
        then=str(event["then"]),
        step=int(event["step"]),
        optimizer=int(event.get("optimizer") or 0),
        what=str(event["what"]),
        value=number(event.get("value")),
        bound=number(event.get("bound")),
        acted=int(event["acted"]),
        at_most=int(event["at_most"]),
        instead=None if event.get("instead") is None else str(event["instead"]),
    )


def set_words(event: Mapping[str, Any]) -> str:
    """What a "guards" event says: which are on now."""
    told = [words(_set(one)) for one in event["on"]]
    why = f" ({event['reason']})" if event.get("reason") else ""
    return f"Guards: {'; '.join(told) if told else 'none is on'}{why}"


def acted_words(event: Mapping[str, Any]) -> str:
    """What a "guard" event says: what was found and what was done."""
    one = acted(event)
    above = "" if one.bound is None else f", above {short(one.bound)}"
    found = f"{one.what} {short(one.value)}{above}" if one.value is not None else one.what
    if one.value is None or one.value != one.value or abs(one.value) == float("inf"):
        found = f"{one.what} is not finite"
    done = {
        "skip": "step left out",
        "pause": "paused before the step, which is left out",
        "rewind": "rewound, step left out",
    }.get(one.then, one.then)
    if one.instead is not None:
        done = f"step left out, not rewound: {one.instead}"
    where = f" of optimizer {one.optimizer}" if one.optimizer else ""
    return f"Guard: {found}{where}; {done} ({one.acted} of {one.at_most})"


def words(one: Set) -> str:
    """What a guard looks for and does."""
    scale = "" if one.scale is None else f" with the rate ×{short(one.scale)}"
    bound = "" if one.bound is None else f" (above {one.bound:g} × noise and {one.times:g} ×)"
    look = LOOKS.get(one.on, one.on)
    return f"at {look}{bound} {THEN.get(one.then, one.then)}{scale}, {one.at_most} times at most"


def _set(told: Mapping[str, Any]) -> Set:
    return Set(
        on=str(told["on"]),
        then=str(told["then"]),
        bound=number(told.get("bound")),
        times=number(told.get("times")),
        at_most=int(told["at_most"]),
        scale=number(told.get("scale")),
    )
