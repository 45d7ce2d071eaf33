"""Does following the advice help? Faulty runs once more, with the first advice followed.

`python -m tests.benchmarks.diagnosis.advice development|test [SHARE]`, of all such runs or of a
random share of them. The first warning (or worse) of a
run is taken. `multiply`: the same run with the rate times the factor from the step after the
detection on. `restart`: from the start. `rewind`: from 32 steps before the finding began; an
injected event (a spoilt batch, a poisoned gradient) does not happen again, since other batches
would come. Other advice changes nothing of the rate and is only counted. Better and worse: the loss
of the training set at the end, by more than 2 % of what the best rate of the sweep reaches.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch

from lrmonitor.diagnosis import Finding, diagnose
from tests.benchmarks.diagnosis.cases import CASES, prepare
from tests.benchmarks.diagnosis.labels import Run, runs, sweeps
from tests.benchmarks.diagnosis.measures import whole
from tests.benchmarks.diagnosis.tasks import TASKS
from tests.benchmarks.diagnosis.training import train

SAME = 0.02
BEFORE = 32


def followed(run: Run, finding: Finding) -> float | None:
    """The loss at the end when the advice is followed; None where there is nothing to follow."""
    advice = finding.advice
    if advice.factor is None:
        return None
    factor = advice.factor
    since = {
        "multiply": finding.detected_step,
        "restart": 0,
        "rewind": finding.first_step - BEFORE,
    }.get(advice.action)
    if since is None:
        return None
    best = float(sweeps()[f"{run.task}-{run.optimizer}"]["best"])
    setup = prepare(TASKS[run.task], CASES[run.case], best, run.seed)
    event = CASES[run.case].event
    if advice.action == "rewind" and event is not None and run.case != "jump":
        plain = prepare(TASKS[run.task], CASES["plain"], best, run.seed)
        setup.spoil, setup.gradient = plain.spoil, plain.gradient
    rate: Callable[[int], float] = lambda step: factor if step > since else 1.0  # noqa: E731
    return train(setup, run.optimizer, run.seed, rate).at_end


def main(part: str, share: float = 1.0) -> None:
    """Print what became of it, by kind and cause, for a random share of the faulty runs."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    counts: Counter[tuple[str, str]] = Counter()
    faulty = [run for run in runs(part) if CASES[run.case].fault and not run.healthy]
    order = np.random.default_rng(0).permutation(len(faulty))
    for place in order[: round(share * len(faulty))]:
        run = faulty[place]
        found = [f for f in diagnose([whole(run)]) if f.severity != "info"]
        if not found:
            counts["no warning", "nothing to follow"] += 1
            continue
        first = found[0]
        what = f"{first.kind}, {first.cause}, {first.advice.action}"
        end = followed(run, first)
        if end is None:
            counts[what, "nothing to follow"] += 1
            continue
        before = run.curve.at_end if math.isfinite(run.curve.at_end) else math.inf
        after = end if math.isfinite(end) else math.inf
        least = SAME * run.range
        better, worse = before - after > least, after - before > least
        outcome = "better" if better else "worse" if worse else "the same"
        counts[what, outcome] += 1
        print(f"{run.key}: {what} ×{first.advice.factor:g}: {before:.4g} -> {after:.4g} {outcome}",
              flush=True)  # fmt: skip
    outcomes = ("better", "the same", "worse", "nothing to follow")
    print("\n| first advice | " + " | ".join(outcomes) + " |\n| --- |" + " ---: |" * 4)
    for what in sorted({w for w, _ in counts}):
        print(f"| {what} | " + " | ".join(str(counts[what, o]) for o in outcomes) + " |")
    total = {o: sum(n for (_, p), n in counts.items() if p == o) for o in outcomes}
    print("| **all** | " + " | ".join(str(total[o]) for o in outcomes) + " |")


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:3]))
