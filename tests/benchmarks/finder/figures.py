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
from tests.benchmarks.finder.cases import CASES, Case
from tests.benchmarks.finder.generate import RESULTS, STAGES, name, read_back, suggested
from tests.benchmarks.finder.training import STEPS

OURS = ("ours, one sweep", "ours, three sweeps", "ours, then a trial")
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
    """The numbers of a case; None where they are not all there yet."""
    path = RESULTS / f"{case.name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if "reached" not in found:
        return None
    rates = suggested(case, found).values()
    done = all(rate is None or name(rate) in found["reached"] for rate in rates)
    return found if done else None


def measured() -> list[Case]:
    """The cases that are there."""
    return [case for case in CASES if known(case) is not None]


def shares(rule: str, at: int = 1) -> dict[Case, float | None]:
    """Of each case the suggestion's reduction of the loss as a share of the best grid rate's, after
    STEPS[at] steps; None where there is no suggestion."""
    found: dict[Case, float | None] = {}
    for case in measured():
        numbers = known(case)
        assert numbers is not None
        rate = suggested(case, numbers).get(rule)
        if rate is None:
            found[case] = None
            continue
        start = numbers["start"]
        best = min(ends[at] for _, *ends in numbers["grid"] if ends[at] is not None)
        end = numbers["reached"][name(rate)][at]
        share = -math.inf if end is None else (start - end) / (start - best)
        found[case] = max(share, BROKEN)
    return found


def row(rule: str, at: int = 1) -> Row:
    """The figures of a rule."""
    found = shares(rule, at)
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


def rules() -> list[str]:
    """Ours, and those of the packages."""
    cases = measured()
    first = known(cases[0])
    assert first is not None
    others = [one for one in suggested(cases[0], first) if not one.startswith("ours")]
    return [*OURS, *others]


def table(at: int = 1) -> str:
    """The rows as Markdown, the best first."""
    rows = sorted((row(rule, at) for rule in rules()), key=lambda r: -r.reached)
    out = [
        "| range test | ≥ 95 % | of those with a rate | < 50 % | none | median | lowest |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for r in rows:
        lowest = "broken" if r.lowest <= BROKEN else f"{r.lowest:.2f}"
        out.append(
            f"| {r.name} | {r.reached:.0%} | {r.of_told:.0%} | {r.harmful} | {r.refused} | "
            f"{r.median:.3f} | {lowest} |".replace("%", " %")
        )
    return "\n".join(out)


def stages() -> dict[str, list[tuple[str, bool, bool, bool]]]:
    """By stage of each setup: its name, whether ours of one and of three sweeps refuses, and
    whether there was something to gain for which it should not."""
    found: dict[str, list[tuple[str, bool, bool, bool]]] = {stage: [] for stage in STAGES}
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
                )
            )
    return found


def interval() -> tuple[float, float, float]:
    """Shares of the cases in which both ends of the interval, the low and the high one, reach 80 %
    of the best grid rate's reduction."""
    low, high = shares("ours, low end"), shares("ours, high end")
    ends = [(a, b) for a, b in zip(low.values(), high.values(), strict=True) if a is not None]
    good = np.array([(a >= 0.8, b is not None and b >= 0.8) for a, b in ends], dtype=bool)
    return float(good.all(axis=1).mean()), float(good[:, 0].mean()), float(good[:, 1].mean())


def missed(rule: str = OURS[1]) -> Sequence[tuple[str, float | None]]:
    """The cases of a rule that do not reach 95 %."""
    return [(c.name, x) for c, x in shares(rule).items() if x is None or x < 0.95]


def main() -> None:
    cases = measured()
    print(f"{len(cases)} cases of {len({c.setup for c in cases})} setups")
    for at, steps in reversed(list(enumerate(STEPS))):
        print(f"\nafter {steps} steps\n{table(at)}")
    for rule in OURS:
        print(f"\n{rule} misses: {missed(rule)}")
    print(f"\ninterval, both ends at 80 %, low, high: {interval()}")
    for stage, rows in stages().items():
        print(f"\n{stage}: {sum(r[2] for r in rows)} of {len(rows)} refused (three sweeps)")
        for one in rows:
            print("  ", *one)


if __name__ == "__main__":
    main()
