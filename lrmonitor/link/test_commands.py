"""Commands that try rates on the run itself and then put everything back: the range test and the
trial of several rates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from lrmonitor.link.command import Command, CommandError, check_index, check_rate, is_number

STEPS_LIMIT = 100_000
"""Steps of one sweep, or of one candidate, at most."""

RATE_LIMIT = 1e3
"""The highest rate of a test. No training bears more, and where weights have 16 bits torch raises,
and so ends the script, for a rate above 65504 (which Adam multiplies by ten in its first step)."""

SWEEPS_LIMIT = 20
CANDIDATES_LIMIT = 12

AFTER = ("go", "pause")
"""What follows on a test: the training goes on, or is held."""


@dataclass(frozen=True)
class TestCommand(Command):
    """What the tests share. `optimizer` is a number, "all", or None for the main one; `group` a
    number, or None for all groups. `then` is one of AFTER."""

    optimizer: int | str | None = None
    group: int | None = None
    then: str = "go"

    def _check(self) -> None:
        if self.optimizer != "all":
            check_index("optimizer", self.optimizer)
        check_index("group", self.group)
        if self.group is not None and self.optimizer == "all":
            raise CommandError("a group needs one optimizer: groups of several are numbered apart")
        if self.then not in AFTER:
            raise CommandError(f"then must be one of {', '.join(AFTER)}, not {self.then!r}")


@dataclass(frozen=True)
class RangeTestCommand(TestCommand):
    """Over the next `steps` steps raise the rate from `start` to `stop`, by the same factor each,
    then put everything back; `sweeps` times, each from the same state.

    The rates are those of group 0, or of `group`; the other groups keep their ratio to it, unless
    `same` gives all of them the very rate. With `bound` a sweep ends early at a loss far above
    where it began; at one that is not finite it always does. Raises CommandError.
    """

    kind: ClassVar[str] = "range_test"
    start: float = 1e-7
    stop: float = 10.0
    steps: int = 100
    sweeps: int = 1
    same: bool = False
    bound: bool = True

    def __post_init__(self) -> None:
        self._check()
        for name in ("start", "stop"):
            object.__setattr__(self, name, _rate(name, getattr(self, name)))
        if not self.start < self.stop:
            raise CommandError(
                f"the test begins at {self.start:g} and rises to {self.stop:g}: the end has to be "
                "above the beginning"
            )
        if self.stop > RATE_LIMIT:
            raise CommandError(f"the test rises to {self.stop:g}: a rate is at most {RATE_LIMIT:g}")
        _count("steps", self.steps, 2, STEPS_LIMIT)
        _count("sweeps", self.sweeps, 1, SWEEPS_LIMIT)
        if not isinstance(self.same, bool) or not isinstance(self.bound, bool):
            raise CommandError("same and bound must be true or false")
        if self.same and self.group is not None:
            raise CommandError("the same rate in all groups is for a test of all groups")


@dataclass(frozen=True)
class TrialCommand(TestCommand):
    """Train `steps` steps with each of `factors` times the present rates, or at each of `rates`
    where such are given, all from the present state, then put everything back.

    The `rates` are held, whatever the schedule does meanwhile, and are those of group 0, or of
    `group`; the other groups keep their ratio to it, unless `same` gives all of them the very rate.
    The candidates take turns: each goes through its steps in so many `legs`, and goes on where its
    last one ended, so that all see batches from the whole of the time. Raises CommandError.
    """

    kind: ClassVar[str] = "trial"
    factors: tuple[float, ...] = (1 / 3, 1.0, 3.0)
    steps: int = 100
    legs: int = 4
    rates: tuple[float, ...] = ()
    same: bool = False

    def __post_init__(self) -> None:
        self._check()
        given: Any = self.rates
        if isinstance(given, (list, tuple)) and not given:
            object.__setattr__(self, "rates", ())
            self._candidates("factors", "factors of the rate", "a factor")
        else:
            self._candidates("rates", "rates", "a rate")
            if max(self.rates) > RATE_LIMIT:
                raise CommandError(f"a rate of a trial is at most {RATE_LIMIT:g}")
        _count("steps", self.steps, 2, STEPS_LIMIT)
        _count("legs", self.legs, 1, self.steps)
        if not isinstance(self.same, bool):
            raise CommandError("same must be true or false")
        if self.same and not self.rates:
            raise CommandError("the same in all groups is for rates: factors leave their ratios")
        if self.same and self.group is not None:
            raise CommandError("the same rate in all groups is for a trial of all groups")

    @property
    def count(self) -> int:
        """How many candidates there are."""
        return len(self.rates or self.factors)

    def _candidates(self, name: str, what: str, one: str) -> None:
        given: Any = getattr(self, name)  # over the wire it is a JSON array
        if not isinstance(given, (list, tuple)) or not 2 <= len(given) <= CANDIDATES_LIMIT:
            raise CommandError(f"a trial compares 2 to {CANDIDATES_LIMIT} {what}")
        found = tuple(_rate(one, x) for x in given)
        if len(set(found)) < len(found):
            raise CommandError(f"two of the {name} are the same")
        object.__setattr__(self, name, found)


def _rate(name: str, value: Any) -> float:
    if not is_number(value):
        raise CommandError(f"{name} must be a number, not {value!r}")
    try:
        found = float(value)
    except OverflowError:  # a whole number of any length
        found = math.inf
    return check_rate(found)


def _count(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise CommandError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
