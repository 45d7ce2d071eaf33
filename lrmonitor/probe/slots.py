"""Where the options of a group stand: momentum, weight decay, … by torch's names."""

from __future__ import annotations

import sys
from typing import Any, TypeGuard

from lrmonitor.link.option_command import OPTIONS
from lrmonitor.probe.rates import is_tensor, read

Slot = tuple[str, int | None]
"""Where an option stands in a group: its key, and its place in the pair `betas`."""


def slot_of(group: dict[str, Any], name: str) -> Slot | None:
    """Where a group keeps that option as a number; None where it does not."""
    if name in group:
        return (name, None) if read(group[name]) is not None else None
    betas = group.get("betas")
    if name.startswith("beta") and name[4:].isdigit() and isinstance(betas, (tuple, list)):
        at = int(name[4:]) - 1
        if 0 <= at < len(betas) and read(betas[at]) is not None:
            return "betas", at
    return None


def found_in(group: dict[str, Any], tensors: bool = True) -> dict[str, float]:
    """The options of a group by their names, in the order of `OPTIONS`; without `tensors` those
    that are not tensors, which to read may have to wait for a device."""
    found = {}
    for name in OPTIONS:
        slot = slot_of(group, name) if tensors or not _in_tensors(group, name) else None
        value = None if slot is None else read(value_at(group, slot))
        if value is not None:
            found[name] = value
    return found


def _in_tensors(group: dict[str, Any], name: str) -> bool:
    value = group.get(name)
    if value is None and name.startswith("beta"):
        betas = group.get("betas")
        return pair(betas) and any(is_tensor(one) for one in betas)
    return is_tensor(value)


def pair(value: Any) -> TypeGuard[tuple[Any, ...] | list[Any]]:
    """Whether a key holds several numbers."""
    return isinstance(value, (tuple, list))


def value_at(group: dict[str, Any], slot: Slot) -> Any:
    """What stands there."""
    value = group[slot[0]]
    return value if slot[1] is None else value[slot[1]]


def like(original: Any, value: float) -> Any:
    """That value in the original's form: where it is a tensor, another one like it."""
    if not is_tensor(original):
        return value
    torch = sys.modules["torch"]
    with torch.no_grad():
        return original.detach().clone().fill_(value)
