"""Trainings that diverged recover by a rewind and a third of the rate: see `recovery`."""

from __future__ import annotations

import pytest

from tests.benchmarks.recovery import TASKS, apart, measure, one, share

SHARE = 0.95


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
@pytest.mark.timeout(3600)
def test_recovery() -> None:
    found = measure(5)
    rewound, of = share(found, True)
    assert of == 5 * len(TASKS)
    assert rewound >= SHARE * of
    assert share(found, False)[0] < rewound
