"""Trainings that diverged recover by a rewind and a third of the rate: see `recovery`."""

from __future__ import annotations

import pytest

from tests.benchmarks.recovery import TASKS, apart, kept, one, share

SHARE = 0.95
SEEDS = 5


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classes", "regression"])
def test_one_that_diverged_recovers_by_a_rewind(task: str) -> None:
    # Without one it is a matter of when the finding is seen: about half recover by a third of the
    # rate alone, which is counted on the kept outcomes, below.
    with apart() as folder:
        back = one(task, 0, True, folder)
    assert back.done, back
    assert back.recovered, back


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
