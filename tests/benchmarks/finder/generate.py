"""Make the table's numbers by real training, and keep them beside this file.

`python -m tests.benchmarks.finder.generate [PIECE PIECES [PART]]`: for each case a run at each rate
of the grid, three sweeps, the rungs below them, and a run at each rate that ours and the packages
suggest (`packages.json`, see `packages`; without it ours alone). What is there already is left
alone, so that it may be stopped and started again, in several processes with a piece of the cases
each.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lrmonitor.finder import Candidate, Sweep, choose, compare, read, rungs
from lrmonitor.finder.ladder import LEGS, STEPS
from tests.benchmarks.finder.cases import CASES, PARTS, Case
from tests.benchmarks.finder.packages import FOUND
from tests.benchmarks.finder.training import (
    State,
    fresh,
    outcome,
    swept,
    trained,
    tried,
    whole,
)

RESULTS = Path(__file__).parent / "results"
SWEEPS = 3
FACTORS = (1 / 3, 1.0, 3.0)
"""Of the trial after the sweeps."""
STAGES = ("part", "converged")
"""States that are tested too in the cases with the first of the seeds."""
LADDER = "ours, three sweeps and rungs"
ORDER = ("ladder", "ours", "packages", "stages")
"""What is measured first of all cases: the rungs below the sweeps, what else of ours suggests, the
packages, states that are trained."""


def main(piece: int = 0, pieces: int = 1, part: str = "") -> None:
    """Everything that is missing."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    RESULTS.mkdir(exist_ok=True)
    cases = (PARTS[part] if part else CASES)[piece::pieces]
    for wanted, case in itertools.product(ORDER, cases):
        path = RESULTS / f"{case.name}.json"
        known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        for _ in measured(case, known, wanted):
            path.write_text(json.dumps(known), "utf-8")
        print(case.name, flush=True)


def measured(case: Case, known: dict[str, Any], wanted: str) -> Iterator[None]:
    """Fill in what is missing of a case, piece by piece; `wanted`: one of ORDER."""
    setup, seed = case.setup, case.seed
    state = fresh(setup, seed)
    if "grid" not in known:
        known["start"] = short(whole(setup, state.model))
        known["grid"] = [[rate, *ends(case, state, rate)] for rate in setup.grid]
        yield
    if "sweeps" not in known:
        known["sweeps"] = sweeps(case, state, 1)
    found = read(read_back(known["sweeps"]))
    if found.rate is not None and known.get("trial_of") != float(name(found.rate)):
        # What the trial's rates come to is trained with the suggestions below.
        rates = [factor * found.rate for factor in FACTORS]
        legs = tried(setup, state, 1000 * seed + 51, rates)
        known["trial"] = [[[short(x) for x in leg] for leg in one] for one in legs]
        known["trial_of"] = float(name(found.rate))
        yield
    if wanted == "ladder" and "ladder" not in known:
        known["ladder"] = ladder(case, state, known["sweeps"], 1000 * seed + 71)
        yield
    reached = known.setdefault("reached", {})
    for who, rate in suggested(case, known).items():
        meant = {"ours": who.startswith("ours"), "ladder": who == LADDER}.get(wanted, True)
        if meant and rate is not None and name(rate) not in reached:
            reached[name(rate)] = ends(case, state, rate)
            yield
    if seed == 0 and wanted == "stages":
        best = min((end, rate) for rate, *_, end in known["grid"] if end is not None)[1]
        for i, stage in enumerate(STAGES):
            if stage not in known:
                begun = trained(setup, seed, best, stage)
                known[stage] = {
                    "start": short(whole(setup, begun.model)),
                    "grid": [[r, *ends(case, begun, r)] for r in setup.grid[::2]],
                    "sweeps": sweeps(case, begun, 11 + 10 * i),
                }
                yield
            if "ladder" not in known[stage]:
                begun = trained(setup, seed, best, stage)
                own = known[stage]["sweeps"]
                known[stage]["ladder"] = ladder(case, begun, own, 1000 * seed + 81 + 10 * i)
                yield
    yield


def name(rate: float) -> str:
    """A rate as a key."""
    return f"{rate:.4g}"


def ends(case: Case, state: State, rate: float) -> list[float | None]:
    return [short(x) for x in outcome(case.setup, state, case.seed, rate).ends]


def short(x: float, digits: int = 6) -> float | None:
    """So many digits; None where it is not finite (JSON has no word for it)."""
    return float(f"{x:.{digits}g}") if math.isfinite(x) else None


def sweeps(case: Case, state: State, first: int) -> list[list[float | None]]:
    """Losses of sweeps, whose rates are always the same; each from the same state."""
    return [
        [short(x) for x in swept(case.setup, state, 1000 * case.seed + first + i)[1]]
        for i in range(SWEEPS)
    ]


def ladder(
    case: Case, state: State, swept_losses: list[list[float | None]], order: int
) -> list[list[float | None]]:
    """The losses at each rung below the sweeps, to four digits; empty where there are none."""
    rates = rungs(read_back(swept_losses))
    legs = tried(case.setup, state, order, rates, LEGS, STEPS // LEGS)
    return [[short(x, 4) for leg in one for x in leg] for one in legs]


def chosen(found: list[Sweep], losses: list[list[float | None]]) -> float | None:
    """The rate that sweeps and the rungs below them say."""
    if not losses:
        return None
    one = [np.array([math.nan if x is None else x for x in own]) for own in losses]
    tried_at = [Candidate(r, [own]) for r, own in zip(rungs(found), one, strict=True)]
    return choose(found, tried_at).rate


def read_back(losses: list[list[float | None]]) -> list[Sweep]:
    """Sweeps as they were measured."""
    from tests.benchmarks.finder.training import FROM, SWEPT, TO

    ratio = (TO / FROM) ** (1 / (SWEPT - 1))
    return [
        Sweep(
            FROM * ratio ** np.arange(len(one)),
            np.array([math.nan if x is None else x for x in one]),
        )
        for one in losses
    ]


def suggested(case: Case, known: dict[str, Any]) -> dict[str, float | None]:
    """Rates by who suggests them; None where it refuses."""
    found = read_back(known["sweeps"])
    three = read(found)
    out = {"ours, one sweep": read(found[:1]).rate, "ours, three sweeps": three.rate}
    out |= {"ours, low end": three.low, "ours, high end": three.high}
    out["ours, then a trial"] = confirmed(three.rate, known)
    if "ladder" in known:
        out[LADDER] = chosen(found, known["ladder"])
    packages: dict[str, dict[str, float | None]] = (
        json.loads(FOUND.read_text("utf-8")) if FOUND.exists() else {}
    )
    return out | packages.get(case.name, {})


def confirmed(rate: float | None, known: dict[str, Any]) -> float | None:
    """The rate after the trial that follows the sweeps; None if that was of another rate."""
    if rate is None or known.get("trial_of") != float(name(rate)):
        return None
    legs = [
        Candidate(factor, [np.array([math.nan if x is None else x for x in leg]) for leg in one])
        for factor, one in zip(FACTORS, known["trial"], strict=True)
    ]
    return rate * (compare(legs).recommended or 1.0)


if __name__ == "__main__":
    piece, pieces, part = (*sys.argv[1:], *("0", "1", "")[len(sys.argv) - 1 :])
    main(int(piece), int(pieces), part)
