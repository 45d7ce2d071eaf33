"""Rates as they were recorded: overrides in force, and changes told in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SCHEDULE = "script's schedule"


@dataclass(frozen=True)
class Override:
    """What the person wants of one group's rate, and how the panel says it.

    `kind` is "none", "scale" (value k: the effective rate is k × the scheduled one) or "hold"
    (value v). `mode` is the command that made it.
    """

    kind: str = "none"
    value: float | None = None
    text: str = SCHEDULE
    mode: str = "follow"


@dataclass(frozen=True)
class GroupChange:
    """One group's rates at the step where a change took effect."""

    optimizer: int
    group: int
    scheduled: float | None
    previous: float | None
    effective: float | None


def number(value: object) -> float | None:
    """A float as it stands in JSON, where "nan", "inf" and "-inf" are strings; None otherwise."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if value in ("nan", "inf", "-inf"):
        return float(str(value))
    return None


def short(value: float | None) -> str:
    """A rate for a person: the shortest text of at most 4 digits, "0.001", "3e-4"."""
    if value is None:
        return "unknown"
    if value != value or math.isinf(value):
        return str(value)
    if value == 0:
        return "0"
    text = f"{value:.4g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{int(exponent)}"
    # 0.0003 is easier to read and to type as 3e-4.
    if 0 < abs(value) < 1e-3:
        mantissa, exponent = f"{value:.3e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}"
    return text


def exact(value: float | None) -> str:
    """A rate so that no digit is lost: `repr`, or "unknown"."""
    return "unknown" if value is None else repr(value)


def changes(event: Mapping[str, Any]) -> list[GroupChange]:
    """The groups of a `rates` or `acknowledgement` event; what makes no sense is left out."""
    found = []
    for item in _dicts(event.get("groups")):
        optimizer, group = item.get("optimizer"), item.get("group")
        if isinstance(optimizer, int) and isinstance(group, int):
            found.append(
                GroupChange(
                    optimizer,
                    group,
                    number(item.get("scheduled")),
                    number(item.get("previous")),
                    number(item.get("effective")),
                )
            )
    return found


def overrides(event: Mapping[str, Any]) -> dict[tuple[int, int], Override]:
    """The overrides that a `rates` event tells, by (optimizer, group)."""
    mode = str(event.get("mode", ""))
    effective = {(c.optimizer, c.group): c.effective for c in changes(event)}
    told = {}
    for item in _dicts(event.get("overrides")):
        key = item.get("optimizer"), item.get("group")
        if isinstance(key[0], int) and isinstance(key[1], int):
            address = (key[0], key[1])
            told[address] = _override(
                str(item.get("kind", "none")),
                number(item.get("value")),
                # Only the groups that were addressed now bear this command's words.
                mode if address in effective else "",
                effective.get(address),
            )
    return told


def about(groups: object) -> tuple[str, ...]:
    """What an `optimizer` event tells of each group: "head · 1.2 M numbers · weight decay 0.01"."""
    if not isinstance(groups, list):
        return ()
    told = []
    for item in groups:
        known = item if isinstance(item, dict) else {}
        words = [str(known["name"])[:60]] if known.get("name") else []
        count = number(known.get("parameters"))
        if count is not None:
            words.append(_many(count))
        decay = number(known.get("weight_decay"))
        if decay is not None:
            words.append(f"weight decay {short(decay)}" if decay else "no weight decay")
        told.append(" · ".join(words))
    return tuple(told)


def _many(count: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count:.0f}"


def headline(event: Mapping[str, Any], main: int = 0) -> str:
    """A `rates` event as a marker says it: "hold 3e-4: 0.001 → 3e-4"."""
    mode, value = str(event.get("mode", "")), number(event.get("value"))
    words = {
        "set": f"set {short(value)}",
        "scale": f"×{short(value)}",
        "hold": f"hold {short(value)}",
        "freeze": "frozen",
        "follow": "released",
    }.get(mode, mode or "changed")
    found = changes(event)
    first = min(found, key=lambda c: (c.optimizer != main, c.optimizer, c.group), default=None)
    if first is None:
        return words
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{words}: {short(first.previous)} → {short(first.effective)}{more}"


def _override(kind: str, value: float | None, mode: str, effective: float | None) -> Override:
    if kind == "hold":
        if value == 0:
            return Override(kind, 0.0, "frozen", "freeze")
        return Override(kind, value, f"hold {short(value)}", mode or "hold")
    if kind == "scale":
        if mode == "set" and effective is not None:
            return Override(kind, value, f"{short(effective)} now, schedule continues", "set")
        return Override(kind, value, f"×{short(value)}, schedule continues", mode or "scale")
    return Override()


def _dicts(items: object) -> Iterable[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
