"""What the tables are of: setups with five seeds each.

- `DEVELOPED`: eight tasks, each with one of the optimizers in turn. The constants of
  `lrmonitor.finder.reading` were set first on the ten tasks of `tasks_developed` with both
  optimizers, and scored on these eight; what they missed there led to the margin below the rate
  that breaks, so that these are of development since then.
- `FRESH`: six more, the quickest of the twelve tasks of `tasks_tested` that give three with each
  optimizer. The margin was frozen before any of their suggestions was looked at: they decided over
  sweeps alone. The rungs below the sweeps (`lrmonitor.finder.ladder`) are from what was missed
  there, so that these are of development for them.
- `NEW`: the six that were left. The rungs were frozen before: these decide over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.diagnosis.task import Task
from tests.benchmarks.diagnosis.tasks_second import SECONDS
from tests.benchmarks.diagnosis.tasks_tested import TESTED
from tests.benchmarks.finder.training import Setup

SEEDS = range(5)
OPTIMIZERS = ("sgd", "adamw")
LEFT = ("coupled", "experts", "forecast", "flow", "transcribed", "masked")
QUICKEST = ("graph", "bandit", "equation", "triplet", "labels", "distilled")


@dataclass(frozen=True)
class Case:
    """A setup and a seed."""

    setup: Setup
    seed: int

    @property
    def name(self) -> str:
        return f"{self.setup.name}-{self.seed}"


def _cases(tasks: Sequence[Task]) -> tuple[Case, ...]:
    return tuple(
        Case(Setup(task.name, OPTIMIZERS[i % 2]), seed)
        for seed in SEEDS
        for i, task in enumerate(tasks)
    )


DEVELOPED = _cases(SECONDS)
FRESH = tuple(case for case in _cases(TESTED) if case.setup.task in QUICKEST)
NEW = tuple(case for case in _cases(TESTED) if case.setup.task in LEFT)
CASES = (*DEVELOPED, *FRESH, *NEW)
PARTS = {"developed": DEVELOPED, "fresh": FRESH, "new": NEW}
