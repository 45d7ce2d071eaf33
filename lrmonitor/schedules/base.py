"""What all schedules share: their parameters, the checks of them, and how they end."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

THEN = ("hold", "follow")
"""At the end: hold the last rate, or return to the script's own schedule."""

MAX_STEPS = 10**12
"""The longest length: floats tell steps up to 2**53 apart, with room for their multiples."""

UNITS = (
    *("rate", "steps", "count", "factor", "number", "share"),
    *("milestones", "choice", "flag", "schedule"),
)

S = TypeVar("S", bound="Schedule")


class ScheduleError(ValueError):
    """A schedule that cannot be meant; the message is a sentence that says what to do.

    `parameter` is the name of the one that is wrong, where it is one.
    """

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kind of schedule, as an editor or a help text needs it.

    `unit` is one of UNITS; `default` is None where `needed` or where leaving it out means something
    of its own (said in `help`).
    """

    name: str
    unit: str
    help: str
    needed: bool
    default: Any = None
    choices: tuple[str, ...] = ()


def parameter(
    unit: str, help: str, default: Any = dataclasses.MISSING, choices: tuple[str, ...] = ()
) -> Any:
    """A field of a schedule, with its unit and what it means."""
    told = {"unit": unit, "help": help, "choices": choices}
    if default is dataclasses.MISSING:
        return field(metadata=told)
    return field(default=default, metadata=told)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A rate for each step t = 0, 1, 2… since it began; t = 0 is the first step that uses it.

    The rates of a schedule whose `start` is known are finite and above 0 at each step that uses it;
    anything else raises ScheduleError when it is made. Without a `start` it begins at the rate that
    the run then has, see `begun`. Immutable, so that it may cross threads.
    """

    kind: ClassVar[str] = ""
    title: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    """p(t) in words of the parameters, for people."""

    start: float | None = parameter("rate", "the rate it begins at (default: the rate now)", None)
    then: str = parameter("choice", "what comes after its length", "hold", THEN)

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):
            self._check_field(one.name, getattr(self, one.name), one.metadata)
        self._check()
        if self.then == "follow" and self.steps is None:
            raise ScheduleError(
                "to return to the script's schedule it needs a length: say after how many steps",
                "length",
            )
        if self.start is not None:
            self._check_course()

    @property
    def steps(self) -> int | None:
        """Steps after which it is over, and holds its last rate or returns; None: it never is."""
        length: int | None = getattr(self, "length", None)
        return length

    @property
    def last(self) -> int | None:
        """The step with the last rate of it that is used: what comes after it is the same rate, or
        the script's. None if it goes on for ever."""
        if self.steps is None:
            return None
        return self.steps if self.then == "hold" else self.steps - 1

    def rate(self, t: int) -> float:
        """The rate at step t >= 0; past the end the last rate, whatever is to come then."""
        if self.start is None:
            raise ScheduleError("it has not begun: its start is not known yet", "start")
        steps = self.steps
        return self._rate(self.start, t if steps is None or t < steps else steps)

    def over(self, t: int) -> bool:
        """Whether step t is past its end."""
        return self.steps is not None and t >= self.steps

    def begun(self: S, rate: float) -> S:
        """This schedule with its start known: its own, else `rate`. Raises ScheduleError."""
        return self if self.start is not None else dataclasses.replace(self, start=rate)

    def scaled(self: S, factor: float) -> S:
        """The same shape with all rates times `factor` (as groups that keep their ratio have it).
        Raises ScheduleError where that gives no rate."""
        changed: dict[str, Any] = {}
        for one in dataclasses.fields(self):
            value, unit = getattr(self, one.name), one.metadata["unit"]
            if unit == "rate" and value is not None:
                changed[one.name] = value * factor
            elif unit == "schedule":
                changed[one.name] = value.scaled(factor)
        return dataclasses.replace(self, **changed)

    def knots(self) -> list[int]:
        """Steps between which the rate only rises or only falls: its extremes are at these."""
        last = self.last
        return [0] if last is None else [0, last]

    def _rate(self, start: float, t: int) -> float:
        """The formula, for 0 <= t <= `steps`."""
        raise NotImplementedError

    def _check(self) -> None:
        """What the kind itself asks of its parameters, beyond their units. Raises ScheduleError."""

    def _check_course(self) -> None:
        for t in self.knots():
            try:
                rate = self.rate(t)
            except (OverflowError, ZeroDivisionError):
                rate = math.inf
            if rate > 0 and math.isfinite(rate):
                continue
            if math.isfinite(rate):
                raise ScheduleError(
                    f"its rate would reach {rate:g} at step {t} of it: choose an end above 0, such "
                    "as 1e-6, or a shorter length (to stop learning there is freeze)"
                )
            raise ScheduleError(
                f"its rate would be {rate} at step {t} of it: choose a smaller factor or a shorter "
                "length"
            )

    def _check_field(self, name: str, value: Any, told: Any) -> None:
        unit = told["unit"]
        if value is None and name in ("start", "length"):
            return
        if unit in ("rate", "factor", "number", "share"):
            number = _finite(name, value)
            object.__setattr__(self, name, number)
            # A course may end at 0 if the script's schedule takes over there.
            if number < 0 or (number == 0 and name != "end"):
                raise ScheduleError(f"{name} must be above 0, not {value!r}", name)
            if unit == "share" and number > 1:
                raise ScheduleError(f"{name} is a share from 0 to 1, not {value!r}", name)
        elif unit in ("steps", "count"):
            _whole(name, value, "steps" if unit == "steps" else "times")
        elif unit == "choice":
            if value not in told["choices"]:
                raise ScheduleError(
                    f"{name} is {' or '.join(told['choices'])}, not {value!r}", name
                )
        elif unit == "flag" and not isinstance(value, bool):
            raise ScheduleError(f"{name} is true or false, not {value!r}", name)


def _finite(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ScheduleError(f"{name} must be a number, not {value!r}", name)
    try:
        number = float(value)
    except OverflowError:  # a whole number of any length
        number = math.inf
    if not math.isfinite(number):
        raise ScheduleError(f"{name} must be a finite number, not {number}", name)
    return number


def _whole(name: str, value: Any, of: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScheduleError(f"{name} must be a whole number of {of}, not {value!r}", name)
    if not 1 <= value <= MAX_STEPS:
        limits = f"from 1 to {MAX_STEPS:g}"
        told = value if abs(value) <= 10 * MAX_STEPS else "a longer number"
        raise ScheduleError(f"{name} must be a number of {of} {limits}, not {told}", name)


def parameters(kind: type[Schedule]) -> list[Parameter]:
    """The parameters of a kind of schedule; those that it cannot do without first."""
    found = []
    for one in dataclasses.fields(kind):
        needed = one.default is dataclasses.MISSING
        found.append(
            Parameter(
                one.name,
                one.metadata["unit"],
                one.metadata["help"],
                needed,
                None if needed else one.default,
                tuple(one.metadata["choices"]),
            )
        )
    return sorted(found, key=lambda p: not p.needed)
