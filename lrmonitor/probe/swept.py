"""The rates of a test, as overrides that stand in for those of the persons while it lasts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lrmonitor.probe.overrides import Override, Overrides


class Leg:
    """Steps that belong together: a sweep, or a candidate's turn."""

    def __init__(self, number: int, which: int, steps: int) -> None:
        self.number = number
        """From 0."""
        self.which = which
        """The number of the sweep or of the candidate, from 0."""
        self.steps = steps
        self.done = 0
        """Steps of the main optimizer that were made in it."""
        self.first = 0
        """The run's number of its first step."""
        self.why: str | None = None
        """Why it ended early; None: it did not."""


@dataclass(frozen=True)
class Swept(Override):
    """`share` times start · (stop / start)^(i / (steps - 1)) in step i = 0, 1, … of a leg: one rate
    where both are the same. It follows the main optimizer's steps, whichever optimizer it is of;
    one that is `after` it steps when the main one has made the iteration's step already."""

    leg: Leg = field(default_factory=lambda: Leg(0, 0, 2))
    start: float = 1.0
    stop: float = 1.0
    share: float = 1.0
    after: bool = False

    @property
    def moving(self) -> bool:
        """It is another rate at each step."""
        return True

    def effective(self, scheduled: float, tick: int) -> float:
        """The rate of the step that comes."""
        if self.start == self.stop:
            return self.start * self.share  # to the bit, which powers are not
        last = self.leg.steps - 1
        done = min(max(self.leg.done - self.after, 0), last)
        if done == 0:
            return self.start * self.share
        if done == last:
            return self.stop * self.share
        part = done / last
        # Two powers: the power of their ratio may overflow.
        return math.pow(self.start, 1 - part) * math.pow(self.stop, part) * self.share


@dataclass(frozen=True)
class Times(Override):
    """`value` times what another override, or the schedule, wants at each step."""

    inner: Override | None = None

    @property
    def moving(self) -> bool:
        """What it multiplies may be."""
        return True

    def effective(self, scheduled: float, tick: int) -> float:
        """The rate of the step that comes."""
        inner = self.inner
        return self.value * (scheduled if inner is None else inner.effective(scheduled, tick))


def sweep(
    overrides: Overrides,
    count: int,
    shares: dict[int, float],
    leg: Leg,
    ends: tuple[float, float],
    after: bool = False,
) -> Overrides:
    """The overrides of an optimizer with `count` groups in a sweep between two rates, or at one
    where both are the same: those in `shares` are swept, each at its share of it; the others go on
    as they would. `after`: it is not the main one."""
    start, stop = ends
    made: dict[int, Override] = {
        j: Swept("test", start * share, leg=leg, start=start, stop=stop, share=share, after=after)
        for j, share in shares.items()
    }
    return _rest(made, overrides, count)


def times(overrides: Overrides, count: int, chosen: list[int], factor: float) -> Overrides:
    """The overrides with the rates of the chosen groups multiplied."""
    made: dict[int, Override] = {
        j: Times("test", factor, inner=overrides.groups.get(j)) for j in chosen
    }
    return _rest(made, overrides, count)


def _rest(made: dict[int, Override], overrides: Overrides, count: int) -> Overrides:
    """With the other groups as they are; nothing of it is ever over during a test."""
    for j in range(count):
        if j not in made and j in overrides.groups:
            made[j] = Times("test", 1.0, inner=overrides.groups[j])
    return Overrides(made, tick=overrides.tick)
