"""What the table is of: eight setups, five seeds each, none of which anything was developed on.

Development was on the ten tasks of `tests.benchmarks.diagnosis.tasks_developed` with the same two
optimizers and seeds from 100 on; the eight tasks of `tasks_tested`, each with one of the optimizers
in turn, and seeds 0 to 4, decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.diagnosis.tasks_tested import TESTED
from tests.benchmarks.finder.training import Setup

SEEDS = range(5)
OPTIMIZERS = ("sgd", "adamw")


@dataclass(frozen=True)
class Case:
    """A setup and a seed."""

    setup: Setup
    seed: int

    @property
    def name(self) -> str:
        return f"{self.setup.name}-{self.seed}"


CASES = tuple(
    Case(Setup(task.name, OPTIMIZERS[i % 2]), seed)
    for seed in SEEDS
    for i, task in enumerate(TESTED)
)
