"""What a run's record tells of its optimizers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lrmonitor.model import rates


@dataclass(frozen=True)
class OptimizerInfo:
    """An optimizer that registered. `reason` says why its rate cannot be set, if so.

    `about` says what is known of each group, as far as it was recorded.
    """

    number: int
    name: str = "optimizer"
    groups: int = 1
    main: bool = False
    controllable: bool = True
    reason: str | None = None
    about: tuple[str, ...] = ()


def told_of(line: Mapping[str, Any], known: Sequence[OptimizerInfo]) -> OptimizerInfo | None:
    """The optimizer that an event tells of, with what was known of it before; None where the event
    does not say which it is."""
    number, groups = line.get("optimizer"), line.get("groups")
    if not isinstance(number, int):
        return None
    before = next((o for o in known if o.number == number), OptimizerInfo(number))
    reason = line.get("reason")
    return OptimizerInfo(
        number=number,
        name=str(line.get("class") or before.name),
        groups=groups if isinstance(groups, int) else before.groups,
        main=bool(line.get("main", before.main)),
        controllable=line.get("controllable", before.controllable) is not False,
        reason=str(reason) if reason else None,
        about=rates.about(line.get("about")),
    )


def sentence(reason: str) -> str:
    """A reason on its own. A probe tells it as a part of a sentence, an imported record as one."""
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith((".", "!", "?")) else ".")
