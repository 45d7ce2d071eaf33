"""The rate commands that multiply what an optimizer uses now, as a person would give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrmonitor.link.messages import CommandError, LrCommand

if TYPE_CHECKING:
    from lrmonitor.probe.optimizers import Optimizer


def multiplied(optimizer: Optimizer, factor: float) -> tuple[list[LrCommand], str | None]:
    """×2 on "×k" is ×2k, on "hold v" it is hold 2v, and ×2 on the script's own schedule. The
    commands, and why a group is left as it is, if one is."""
    number = optimizer.number
    if optimizer.reason:
        return [], f"the rate of optimizer {number} cannot be set: {optimizer.reason}"
    groups = optimizer.overrides.groups
    ways = [_way(groups.get(j), factor) for j in range(optimizer.count)]
    why = None
    if None in ways:
        why = f"the rate of optimizer {number} is frozen or follows a plan, and is left as it is"
    try:
        if (
            len(set(ways)) == 1
            and ways[0] is not None
            and (ways[0][0] == "scale" or len(ways) == 1)
        ):
            return [LrCommand(mode=ways[0][0], value=ways[0][1], optimizer=number)], why
        return [
            LrCommand(mode=way[0], value=way[1], optimizer=number, group=j)
            for j, way in enumerate(ways)
            if way is not None
        ], why
    except CommandError as error:
        return [], f"the rate of optimizer {number} is left as it is: {error}"


def _way(override: object, factor: float) -> tuple[str, float] | None:
    if override is None:
        return "scale", factor
    kind, value = getattr(override, "kind", None), getattr(override, "value", 0.0)
    if kind == "follow":  # on its way back to the script's schedule
        return "scale", factor
    if kind not in ("scale", "hold") or not value:
        return None
    return str(kind), value * factor
