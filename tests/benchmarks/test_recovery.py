"""Trainings that diverged recover by a rewind and a third of the rate: see `recovery`."""

from __future__ import annotations

import pytest

from tests.benchmarks.recovery import TASKS, apart, kept, one, share

SHARE = 0.95
SEEDS = 5


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classes", "regression"])
def test_one_that_diverged_recovers_by_a_rewind_and_not_without(task: str) -> None:
    with apart() as folder:
        back = one(task, 0, True, folder)
    assert back.recovered, back
    with apart() as folder:
        on = one(task, 0, False, folder)
    assert not on.recovered, on


@pytest.mark.benchmark
def test_recovery() -> None:
    """On the kept outcomes, which `python -m tests.benchmarks.recovery` made."""
    found = kept()
    every = {(task, seed, way) for task in TASKS for seed in range(SEEDS) for way in (True, False)}
    assert {(o.task, o.seed, o.rewound) for o in found} == every
    assert len(found) == len(every)
    rewound, of = share(found, True)
    assert rewound >= SHARE * of
    assert share(found, False)[0] < rewound
