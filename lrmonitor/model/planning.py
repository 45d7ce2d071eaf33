"""Making a schedule from what a person types: for the verb and for the editor alike."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lrmonitor.model.run import RunModel
from lrmonitor.schedules.base import THEN, Parameter, Schedule, ScheduleError, parameters
from lrmonitor.schedules.warm import Warmup, WarmupStableDecay
from lrmonitor.schedules.wire import KINDS, from_json

__all__ = ["AFTER", "Draft", "compose", "draft_of", "length_of", "value_of"]

AFTER = "after."
"""What the names of the parameters begin with that belong to the schedule after a warm-up."""

_LENGTH = re.compile(r"(?P<number>[0-9.]+(?:e\+?[0-9]+)?)\s*(?P<unit>[a-z]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Draft:
    """A schedule as it is typed: the texts of its parameters by name, those that are left out
    missing or empty; how long it is; and what comes then."""

    kind: str
    texts: Mapping[str, str] = field(default_factory=dict)
    length: str = ""
    then: str = "hold"

    def made(self, model: RunModel | None) -> Schedule:
        """The schedule; raises ScheduleError."""
        length = length_of(self.length, model) if self.length.strip() else None
        texts = {name: text for name, text in self.texts.items() if text.strip()}
        return compose(self.kind, texts, length, self.then)

    def to_json(self) -> dict[str, Any]:
        """For the settings."""
        texts = {name: text for name, text in self.texts.items() if text.strip()}
        return {"kind": self.kind, "texts": texts, "length": self.length, "then": self.then}

    @classmethod
    def from_json(cls, told: object) -> Draft | None:
        """What `to_json` gave; None for anything else."""
        if not isinstance(told, Mapping) or told.get("kind") not in KINDS:
            return None
        texts, length, then = told.get("texts"), told.get("length"), told.get("then")
        if not isinstance(texts, Mapping) or then not in THEN:
            return None
        kept = {str(name): str(text) for name, text in texts.items()}
        return cls(str(told["kind"]), kept, str(length or ""), str(then))


def draft_of(plan: Schedule) -> Draft:
    """A schedule as it would be typed."""
    texts = _texts(plan)
    length = texts.pop("length", "")
    then = texts.pop("then")
    if isinstance(plan, Warmup):
        inner = _texts(plan.after)
        inner.pop("then")
        inner.pop("length", "")
        texts["after"] = plan.after.kind
        texts |= {AFTER + name: text for name, text in inner.items()}
        length = "" if plan.steps is None else str(plan.steps)
    return Draft(plan.kind, texts, length, then)


def _texts(plan: Schedule) -> dict[str, str]:
    told = {}
    for one in parameters(type(plan)):
        value = getattr(plan, one.name)
        if value is None or one.unit == "schedule":
            continue
        if isinstance(value, tuple):
            told[one.name] = ", ".join(map(str, value))
        elif isinstance(value, bool):
            told[one.name] = "true" if value else "false"
        elif isinstance(value, float):
            told[one.name] = repr(value).replace("e-0", "e-")
        else:
            told[one.name] = str(value)
    return told


def length_of(text: str, model: RunModel | None) -> int:
    """A number of steps as a person says it: "2000", "5 epochs", or "rest" for what is left of the
    run. Raises ScheduleError where it is none, or where `model` does not know what it takes."""
    said = text.strip().lower()
    if said == "rest":
        left = None if model is None else model.progress.left
        if left is None:
            raise ScheduleError(
                "how long this run will be is not known: say a number of steps", "length"
            )
        if left < 1:
            raise ScheduleError("no step of this run is left", "length")
        return round(left)
    found = _LENGTH.fullmatch(said)
    unit = found["unit"] if found else ""
    try:
        number = float(found["number"]) if found else math.nan
    except ValueError:
        number = math.nan
    if unit in ("", "s", "step", "steps"):
        if not number.is_integer():
            raise ScheduleError(
                f"{text!r} is no length: type a number of steps such as 2000, or 5 epochs", "length"
            )
        return int(number)
    if unit not in ("ep", "epoch", "epochs") or not math.isfinite(number):
        raise ScheduleError(
            f"{text!r} is no length: type a number of steps such as 2000, or 5 epochs", "length"
        )
    each = None if model is None else model.steps_per_epoch
    if each is None:
        raise ScheduleError(
            "how many steps an epoch has is not known of this run: say a number of steps", "length"
        )
    return round(number * each)


def value_of(parameter: Parameter, text: str) -> Any:
    """The value of a parameter as a person types it; ScheduleError where it is none."""
    said, name = text.strip(), parameter.name
    if parameter.unit in ("rate", "factor", "number", "share"):
        try:
            return float(said.replace("\N{MINUS SIGN}", "-"))
        except ValueError:
            raise ScheduleError(
                f"{name} must be a number such as 3e-4, not {said!r}", name
            ) from None
    if parameter.unit in ("steps", "count"):
        return _whole(said, name)
    if parameter.unit == "milestones":
        return [_whole(one, name) for one in re.split(r"[\s,;]+", said) if one]
    if parameter.unit == "flag":
        if said.lower() not in ("true", "false", "yes", "no"):
            raise ScheduleError(f"{name} is true or false, not {said!r}", name)
        return said.lower() in ("true", "yes")
    return said


def compose(
    kind: str, texts: Mapping[str, str], length: int | None = None, then: str | None = None
) -> Schedule:
    """The schedule of a kind with these parameters, as they were typed; raises ScheduleError.

    `length` is how long all of it is: of a warm-up with what follows, that of what follows is the
    rest; of warm-up, stable, decay the stable part is.
    """
    told: dict[str, Any] = {"kind": kind}
    inner: dict[str, Any] = {}
    made = _kind(kind)
    for name, text in texts.items():
        if made is Warmup and name == "after":
            inner["kind"] = text.strip()
        elif made is Warmup and name.startswith(AFTER):
            name = name.removeprefix(AFTER)
            if name == "kind":
                inner["kind"] = text.strip()
            else:
                inner[name] = text
        else:
            told[name] = value_of(_parameter(made, name), text)
    if then is not None:
        told["then"] = then
    if made is Warmup:
        after = _kind(str(inner.pop("kind", "constant")))
        values = {name: value_of(_parameter(after, name), text) for name, text in inner.items()}
        if length is not None:
            _fill(after, values, length - told.get("warmup", 0))
        told["after"] = {"kind": after.kind, **values}
    elif length is not None:
        _fill(made, told, length)
    return from_json(told)


def _fill(made: type[Schedule], told: dict[str, Any], length: int) -> None:
    """Put a length where a kind has it."""
    if made is WarmupStableDecay:
        if "stable" in told:
            raise ScheduleError("say the length or the stable steps, not both", "stable")
        told["stable"] = length - told.get("warmup", 0) - told.get("decay", 0)
        if told["stable"] < 1:
            raise ScheduleError("its warm-up and decay leave no step of this length", "length")
        return
    if "length" in told:
        raise ScheduleError("its length is said twice", "length")
    told["length"] = length


def _kind(name: str) -> type[Schedule]:
    if name not in KINDS:
        raise ScheduleError(f"{name!r} is no kind of schedule: use one of {', '.join(KINDS)}")
    return KINDS[name]


def _parameter(made: type[Schedule], name: str) -> Parameter:
    known = {one.name: one for one in parameters(made)}
    if name not in known:
        raise ScheduleError(
            f"{name!r} is no parameter of {made.kind}: it has {', '.join(known)}", name
        )
    return known[name]


def _whole(text: str, name: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value.is_integer():
        raise ScheduleError(f"{name} must be a whole number of steps, not {text!r}", name)
    return int(value)
