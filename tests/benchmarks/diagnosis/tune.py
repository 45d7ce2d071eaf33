"""Tune the published rules on the development tasks: `python -m tests.benchmarks.diagnosis.tune`.

Prints for each rule the threshold that is written down in `baselines`. Some minutes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.benchmarks.diagnosis.baselines import BASELINES, STAGNATION
from tests.benchmarks.diagnosis.labels import Run, runs
from tests.benchmarks.diagnosis.measures import row, stagnation, told_by

MOST = 0.2
"""False alarms of instability per 10,000 steps that a tuned rule may have."""


def best(name: str, every: Sequence[Run], most: float = MOST) -> float:
    """The threshold with the best recall whose false alarms per 10,000 steps are at most this."""
    rule = next(b for b in BASELINES if b.name == name)

    def key(threshold: float) -> tuple[float, float, float]:
        told = told_by(name, every, threshold)
        figures = row(told)
        if rule.aim == STAGNATION:
            low, _, flat, precision = stagnation(told)
            fine = not precision < 0.9
            return (
                float(fine),
                low + flat if fine else (0.0 if math.isnan(precision) else precision),
                0,
            )
        fine = figures.per_10k <= most
        late = figures.delay if not math.isnan(figures.delay) else math.inf
        return (float(fine), figures.recall if fine else -figures.per_10k, -late)

    return max(rule.grid, key=key)


if __name__ == "__main__":
    development = list(runs("development"))
    for baseline in BASELINES:
        print(f"{baseline.name}: {best(baseline.name, development):g}", flush=True)
