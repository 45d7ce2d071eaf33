"""The command that sets guards: what is done about a step before it touches the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lrmonitor.link.command import Command, CommandError, check_index, check_rate, is_number

KINDS = ("non-finite", "spike", "gradient")
"""What a guard looks for: a loss or gradient that is no finite number, a loss far above those
before it, a gradient norm far above those before it."""

ACTIONS = ("skip", "pause", "rewind")

NOISES = 8.0
"""Without a bound that was set: so many times the noise above the median, as in the diagnosis."""

TIMES = 1.5
"""And half as much again, which a loss that hardly varies does not reach by rounding alone."""

AT_MOST = 10
"""Times that a guard acts before it switches itself off."""


@dataclass(frozen=True)
class GuardCommand(Command):
    """Set the guard of one kind, or with `then` "off" take it away (without `on`: all of them).

    `then` is what is done about a step before it touches the weights. A spike is a value above
    median + `bound` × noise of the last 64 and above `times` that median: see `probe.usual`.
    `scale` multiplies the rates after a rewind. After it has acted `at_most` times a guard switches
    itself off. `sync` accepts that each step waits for a GPU. Raises CommandError.
    """

    kind: ClassVar[str] = "guard"
    on: str | None = None
    then: str = "skip"
    bound: float | None = None
    times: float | None = None
    at_most: int | None = None
    scale: float | None = None
    sync: bool = False

    def __post_init__(self) -> None:
        if self.then == "off":
            if self.on not in (None, *KINDS):
                raise CommandError(f"on must be one of {', '.join(KINDS)}")
            rest = (self.bound, self.times, self.at_most, self.scale)
            if any(one is not None for one in rest):
                raise CommandError("off takes no bound, number or factor")
            return
        if self.on not in KINDS:
            raise CommandError(f"on must be one of {', '.join(KINDS)}")
        if self.then not in ACTIONS:
            raise CommandError(f"then must be one of {', '.join(ACTIONS)}, or off")
        if self.on == "non-finite" and (self.bound is not None or self.times is not None):
            raise CommandError("non-finite has no bound: a number is finite or it is not")
        _check("bound", self.bound, 0.0)
        _check("times", self.times, 1.0)
        if self.bound == 0 and self.times == 1:
            raise CommandError("a bound of 0 and times 1 would act on every second step")
        check_index("at_most", self.at_most)
        if self.at_most == 0:
            raise CommandError("at_most must be 1 or more: use off for none")
        if self.scale is not None:
            if self.then != "rewind":
                raise CommandError("scale goes with rewind alone")
            if not is_number(self.scale):
                raise CommandError("scale must be a factor")
            try:
                value = float(self.scale)
            except OverflowError:  # a whole number of any length
                value = math.inf
            object.__setattr__(self, "scale", check_rate(value))
        if not isinstance(self.sync, bool):
            raise CommandError("sync must be true or false")


def _check(name: str, value: object, least: float) -> None:
    if value is None:
        return
    if not is_number(value) or not least <= value < 1e300:  # type: ignore[operator]
        raise CommandError(f"{name} must be a number from {least:g}, not {value!r}")
