"""The command that changes another number of the groups than the rate: torch calls them options."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from lrmonitor.link.command import Command, CommandError, check_index, is_number
from lrmonitor.link.rate_command import NOTE_LIMIT


@dataclass(frozen=True)
class Bounds:
    """What an option may be: a number from `low` on (above it, where `above`), below `below`."""

    low: float = 0.0
    below: float = math.inf
    above: bool = False

    @property
    def words(self) -> str:
        """As a sentence says it."""
        low = f"above {self.low:g}" if self.above else f"from {self.low:g} on"
        if math.isinf(self.below):
            return low
        return f"{low} and below {self.below:g}"

    def hold(self, value: float) -> bool:
        """Whether that number is one of them."""
        low = value > self.low if self.above else value >= self.low
        return low and value < self.below


_BELOW_ONE = Bounds(below=1.0)

OPTIONS: dict[str, Bounds] = {
    "momentum": Bounds(),
    "dampening": _BELOW_ONE,
    "beta1": _BELOW_ONE,
    "beta2": _BELOW_ONE,
    "beta3": _BELOW_ONE,
    "weight_decay": Bounds(),
    # torch takes 0 as well: a weight whose gradient is 0 then becomes NaN.
    "eps": Bounds(above=True),
    "alpha": _BELOW_ONE,
    "rho": _BELOW_ONE,
    "lr_decay": Bounds(),
    "momentum_decay": Bounds(),
}
"""The options that can be changed, by torch's names (`beta1` is `betas[0]`), in the order in which
they are shown, with torch's own limits where it has any (its constructors check them, `step` does
not)."""


def check_option(name: str, value: float) -> float:
    """The value itself if that option can have it. Raises CommandError."""
    bounds = OPTIONS.get(name)
    if bounds is None:
        if name == "betas":
            raise CommandError("betas are two numbers: change beta1 or beta2")
        if name == "lr":
            raise CommandError("the learning rate is changed by `lr`")
        raise CommandError(f"{name!r} is no option that can be changed: {', '.join(OPTIONS)} are")
    if not math.isfinite(value) or not bounds.hold(value):
        raise CommandError(f"{value:g} cannot be {name}: it is a number {bounds.words}")
    return value


def parse_option(name: str, text: str) -> float:
    """An option's value as a person types it; raises CommandError with what is wrong."""
    check_option(name, 0.5)
    plain = str(text).strip().replace("\N{MINUS SIGN}", "-")  # as pages and papers print it
    try:
        if "_" in plain or not plain.isascii():
            raise ValueError
        value = float(plain)
    except ValueError:
        raise CommandError(f"{text.strip()!r} is not a number: type one such as 0.01") from None
    return check_option(name, value)


@dataclass(frozen=True)
class OptionCommand(Command):
    """Change the option `name` of groups: `value` until it is released, or None to release it to
    what the script wants.

    `optimizer` is a number, "all", or None for the main one; `group` a number, or None for all
    groups, which all get that very value. `note` says why, in at most NOTE_LIMIT characters.
    Raises CommandError for a name or a value that cannot be meant.
    """

    kind: ClassVar[str] = "option"
    name: str = ""
    value: float | None = None
    optimizer: int | str | None = None
    group: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.note, str) or len(self.note) > NOTE_LIMIT:
            raise CommandError(f"a note is a text of at most {NOTE_LIMIT} characters")
        if not isinstance(self.name, str):
            raise CommandError("name must be an option's name")
        if self.value is None:
            check_option(self.name, 0.5)
        elif not is_number(self.value):
            raise CommandError(f"{self.name} needs a number")
        else:
            try:
                value = float(self.value)
            except OverflowError:  # a whole number of any length
                value = math.inf
            object.__setattr__(self, "value", check_option(self.name, value))
        if self.optimizer != "all":
            check_index("optimizer", self.optimizer)
        check_index("group", self.group)

    def args(self) -> dict[str, Any]:
        """The command's own fields; a note only where there is one."""
        told = super().args()
        if not self.note:
            del told["note"]
        return told
