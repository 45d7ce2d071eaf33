"""What a snapshot of a training's state would take, before one was taken: an estimate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["estimated"]

COPIES = {
    "SGD": 2,
    "RMSprop": 2,
    "Adagrad": 2,
    "Adadelta": 3,
    "Rprop": 3,
    "LBFGS": 22,
    "Adafactor": 1,
}
"""Numbers for each parameter: itself, and what its optimizer keeps (Adam and its kin: two more;
LBFGS keeps ten pairs of vectors by default)."""

ADAM = 3
FLOAT = 4
"""Bytes of a number; most train in single precision."""


def estimated(events: Iterable[Mapping[str, Any]]) -> int | None:
    """Bytes, from what a process recorded of its optimizers; None where it did not say."""
    sizes: dict[int, int] = {}
    for event in events:
        if event.get("event") == "environment":
            sizes.clear()
        if event.get("event") != "optimizer" or not isinstance(event.get("optimizer"), int):
            continue
        counts = [g.get("parameters") for g in event.get("about") or () if isinstance(g, Mapping)]
        known = sum(n for n in counts if isinstance(n, int))
        sizes[event["optimizer"]] = known * FLOAT * COPIES.get(str(event.get("class")), ADAM)
    return sum(sizes.values()) or None
