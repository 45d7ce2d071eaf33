"""The figures of docs/diagnosis.md that have a target, on the cached curves of the test tasks."""

from __future__ import annotations

import time

import numpy as np
import pytest

from lrmonitor.diagnosis import Chunk, diagnose
from tests.benchmarks.diagnosis.baselines import BASELINES, STAGNATION
from tests.benchmarks.diagnosis.labels import runs, sound, steady
from tests.benchmarks.diagnosis.measures import (
    Told,
    against,
    alike,
    row,
    stagnation,
    told_by,
    told_by_us,
    whole,
)

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def told() -> list[Told]:
    """What is said of the test tasks (of those whose labels hold)."""
    every = [r for r in runs("test") if sound(r.task, r.optimizer) and steady(r.task, r.optimizer)]
    return told_by_us(every, whole)


def test_harmful_runs_are_caught_early(told: list[Told]) -> None:
    figures = row(told)
    print(figures)
    assert figures.recall >= 0.95
    assert figures.delay <= 20


def test_healthy_runs_are_left_alone(told: list[Told]) -> None:
    figures = row(told)
    assert figures.per_10k <= 0.2
    assert figures.share <= 0.05


def test_no_rule_with_as_few_false_alarms_is_earlier(told: list[Told]) -> None:
    every = [t.run for t in told]
    ours = row(told).per_10k
    for rule in (b for b in BASELINES if b.aim != STAGNATION):
        threshold = alike(rule, ours, lambda name, at: told_by(name, every, at))
        if threshold is None:
            continue  # at no threshold it has as few
        compared = against(told, told_by(rule.name, every, threshold))
        print(rule.name, threshold, compared)
        assert compared.earlier > compared.later, rule.name
        assert compared.only_ours > compared.only_theirs, rule.name


def test_rates_that_are_too_low_are_found(told: list[Told]) -> None:
    print(stagnation(told))
    assert stagnation(told)[1] >= 0.85


def test_stagnation_that_is_said_is_true(told: list[Told]) -> None:
    assert stagnation(told)[3] >= 0.9


def test_what_a_step_costs() -> None:
    n = 1_000_000
    draw = np.random.default_rng(0)
    loss = 0.5 + 2 * np.exp(-np.arange(n) / 2e5) + 0.1 * draw.standard_normal(n)
    begin = time.process_time()
    diagnose([Chunk(np.arange(n), loss, lr=np.full(n, 0.1))])
    took = time.process_time() - begin
    print(f"a million steps at once: {took:.1f} s")
    assert took <= 20
    for size, count in ((100, 64_000), (32, 64_000), (10, 20_000), (1, 5_000)):
        begin = time.process_time()
        diagnose(Chunk(np.arange(i, i + size), loss[i : i + size]) for i in range(0, count, size))
        each = (time.process_time() - begin) / count
        print(f"{size} at a time: {1e6 * each:.1f} µs a step")
        if size > 1:  # 20 steps a second and more: what comes one by one costs little in all
            assert each <= 20e-6
