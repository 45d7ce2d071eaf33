"""The figures of docs/steering.md about range tests, from the numbers that `generate` keeps.

`python -m tests.benchmarks.finder.figures` prints them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lrmonitor.finder import read
from tests.benchmarks.finder.cases import CASES, PARTS, Case
from tests.benchmarks.finder.generate import (
    LADDER,
    RESULTS,
    STAGES,
    chosen,
    name,
    read_back,
    suggested,
)
from tests.benchmarks.finder.training import STEPS

OURS = ("ours, one sweep", "ours, three sweeps", "ours, then a trial", LADDER)
BROKEN = -10.0
"""The share of a run whose loss was not finite, or that ended far above where it began."""
WORTH = 0.02
"""A converged model is one that no rate takes further by more than this share of what it had
gained."""


@dataclass(frozen=True)
class Row:
    """How one range test did: over `cases`, `refused` of which had no suggestion."""

    name: str
    cases: int
    refused: int
    reached: float
    """Share of all cases that reach 95 % of the best grid rate's reduction of the loss."""
    of_told: float
    """The same among those with a suggestion."""
    harmful: int
    """Cases below 50 %."""
    median: float
    lowest: float


@lru_cache
def known(case: Case) -> dict[str, Any] | None:
    """The numbers of a case; None where those of ours are not there yet."""
    path = RESULTS / f"{case.name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if "sweeps" not in found:
        return None
    found.setdefault("reached", {})  # where all was refused
    return found


def measured(part: str, rule: str = OURS[1]) -> list[Case]:
    """The cases of a part ("developed", "fresh", "new") whose rate by a rule was trained with."""
    return list(shares(rule, part))


def shares(rule: str, part: str, at: int = 1) -> dict[Case, float | None]:
    """Of each case of a part the suggestion's reduction of the loss as a share of the best grid
    rate's, after STEPS[at] steps; None where there is no suggestion. Without those whose rate has
    not been trained with."""
    found: dict[Case, float | None] = {}
    for case in PARTS[part]:
        numbers = known(case)
        if numbers is None:
            continue
        rates = suggested(case, numbers)
        rate = rates.get(rule)
        if rule == OURS[2] and rate is None and rates[OURS[1]] is not None:
            continue  # the trial has not been made yet
        if rule == LADDER and rule not in rates:
            continue  # nor have the rungs
        if rate is None:
            found[case] = None
            continue
        if name(rate) not in numbers["reached"]:
            continue  # not measured yet
        start = numbers["start"]
        best = min(ends[at] for _, *ends in numbers["grid"] if ends[at] is not None)
        end = numbers["reached"][name(rate)][at]
        share = -math.inf if end is None else (start - end) / (start - best)
        found[case] = max(share, BROKEN)
    return found


def row(rule: str, part: str, at: int = 1) -> Row:
    """The figures of a rule on a part."""
    found = shares(rule, part, at)
    told = np.array([x for x in found.values() if x is not None])
    good = int((told >= 0.95).sum())
    return Row(
        rule,
        len(found),
        len(found) - len(told),
        good / max(len(found), 1),
        good / max(len(told), 1),
        int((told < 0.5).sum()),
        float(np.median(told)) if len(told) else math.nan,
        float(told.min()) if len(told) else math.nan,
    )


def rules(part: str) -> list[str]:
    """Ours, and those of the packages."""
    cases = [case for case in PARTS[part] if known(case) is not None]
    named = [suggested(case, known(case) or {}) for case in cases]
    told = [who for names in named for who, rate in names.items() if rate is not None]
    others = dict.fromkeys(who for who in told if not who.startswith("ours"))
    return [*OURS, *others]


def table(part: str, at: int = 1) -> str:
    """The rows as Markdown, the best first."""
    rows = sorted((row(rule, part, at) for rule in rules(part)), key=lambda r: -r.reached)
    out = [
        "| range test | cases | ≥ 95 % | of those with a rate | < 50 % | none | median | lowest |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for r in rows:
        lowest = "broken" if r.lowest <= BROKEN else f"{r.lowest:.2f}"
        out.append(
            f"| {r.name} | {r.cases} | {r.reached:.0%} | {r.of_told:.0%} | {r.harmful} | "
            f"{r.refused} | {r.median:.3f} | {lowest} |".replace("%", " %")
        )
    return "\n".join(out)


def stages() -> dict[str, list[tuple[str, bool, bool, bool, bool | None]]]:
    """By stage of each setup: its name, whether ours of one and of three sweeps refuses, whether
    there was something to gain for which it should not, and whether the rungs refuse (None: not
    measured)."""
    found: dict[str, list[tuple[str, bool, bool, bool, bool | None]]] = {s: [] for s in STAGES}
    for case in CASES:
        path = RESULTS / f"{case.name}.json"
        numbers = json.loads(path.read_text("utf-8")) if path.exists() else {}
        for stage in STAGES:
            if stage not in numbers:
                continue
            begun = numbers[stage]
            curves = read_back(begun["sweeps"])
            best = min(ends[-1] for _, *ends in begun["grid"] if ends[-1] is not None)
            gain = (begun["start"] - best) / (numbers["start"] - begun["start"])
            found[stage].append(
                (
                    case.setup.name,
                    all(read([one]).rate is None for one in curves),
                    read(curves).rate is None,
                    gain > WORTH,
                    chosen(curves, begun["ladder"]) is None if "ladder" in begun else None,
                )
            )
    return found


def interval(part: str) -> tuple[float, float, float]:
    """Shares of the cases in which both ends of the interval, the low and the high one, reach 80 %
    of the best grid rate's reduction."""
    low, high = shares("ours, low end", part), shares("ours, high end", part)
    ends = [(a, high[case]) for case, a in low.items() if a is not None and case in high]
    good = np.array([(a >= 0.8, b is not None and b >= 0.8) for a, b in ends], dtype=bool)
    return float(good.all(axis=1).mean()), float(good[:, 0].mean()), float(good[:, 1].mean())


def missed(rule: str, part: str) -> Sequence[tuple[str, float | None]]:
    """The cases of a rule that do not reach 95 %."""
    return [(c.name, x) for c, x in shares(rule, part).items() if x is None or x < 0.95]


def main() -> None:
    for part in PARTS:
        cases = measured(part)
        print(f"\n{part}: {len(cases)} cases of {len({c.setup for c in cases})} setups")
        if not cases:
            continue
        for at, steps in reversed(list(enumerate(STEPS))):
            print(f"\nafter {steps} steps\n{table(part, at)}")
        for rule in OURS:
            print(f"\n{rule} misses: {missed(rule, part)}")
        print(f"\ninterval, both ends at 80 %, low, high: {interval(part)}")
    for stage, rows in stages().items():
        print(f"\n{stage}: {sum(r[2] for r in rows)} of {len(rows)} refused (three sweeps)")
        for one in rows:
            print("  ", *one)


if __name__ == "__main__":
    main()
