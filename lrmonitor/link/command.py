"""What all commands of a client share, and what their fields are checked with."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


class CommandError(ValueError):
    """A command that cannot be meant; the message says what to do."""


def parse_rate(text: str) -> float:
    """A learning rate as a person types it; raises CommandError with what is wrong.

    Whatever the locale, a number is as code writes it. A comma is never guessed at: it is a decimal
    point to some and parts thousands for others.
    """
    said = str(text).strip()
    plain = said.replace("\N{MINUS SIGN}", "-")  # as pages and papers print it
    try:
        if "_" in plain or not plain.isascii():
            raise ValueError
        value = float(plain)
    except ValueError:
        raise CommandError(_no_rate(said, plain)) from None
    return check_rate(value, said)


def _no_rate(said: str, plain: str) -> str:
    if not said:
        return "There is no number yet: type a rate such as 3e-4 or 0.0003"
    if "," in plain:
        point = plain.replace(",", ".")
        try:
            float(point)
        except ValueError:
            point = "0.0003"
        return f"{said!r} has a comma in it: write the decimals after a point, as in {point}"
    return f"{said!r} is not a number: type a rate such as 3e-4 or 0.0003"


def check_rate(value: float, text: str | None = None) -> float:
    """The rate itself if it can be one: finite and above 0. Raises CommandError."""
    said = text if text is not None else repr(value)
    if math.isnan(value):
        raise CommandError(f"{said} is not a rate: type a number such as 3e-4")
    if math.isinf(value):
        raise CommandError(f"{said} is too large for a number: type a rate such as 3e-4")
    if value == 0:
        raise CommandError(f"{said} as a rate stops learning: use freeze if that is what you want")
    if value < 0:
        raise CommandError(f"{said} is below 0: type a positive rate such as 3e-4")
    return value


@dataclass(frozen=True)
class Author:
    """Who gives a command: a person or a rule, through which program, under what name."""

    who: str = "person"
    via: str = "cli"
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """What all commands share. `id` makes a repeated command one command."""

    kind: ClassVar[str] = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    by: Author = Author()

    def args(self) -> dict[str, Any]:
        """The command's own fields."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("id", "by")}

    def to_json(self) -> dict[str, Any]:
        """The message that carries this command."""
        return {
            "type": "command",
            "id": self.id,
            "command": self.kind,
            "args": self.args(),
            "by": vars(self.by),
        }


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_index(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CommandError(f"{name} must be a whole number from 0, not {value!r}")
