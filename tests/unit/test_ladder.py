"""Keyboard steps of a rate: human values, reversible, never stuck."""

from __future__ import annotations

import pytest

from lrmonitor.model.ladder import finer, rung


@pytest.mark.parametrize(
    ("value", "steps", "next_one"),
    [
        (3e-4, 1, 5e-4),
        (3e-4, -1, 2e-4),
        (1e-3, 1, 2e-3),
        (1e-3, -1, 5e-4),
        (2e-3, 3, 2e-2),
        (9.999999999e-4, 1, 2e-3),
        (1.0000000001e-3, -1, 5e-4),
        (7.0, 1, 10.0),
        (1e-300, -1, 5e-301),
    ],
)
def test_rungs_are_one_two_five(value: float, steps: int, next_one: float) -> None:
    assert rung(value, steps) == next_one


@pytest.mark.parametrize(
    ("value", "steps", "next_one"),
    [(3e-4, 1, 3.3e-4), (3.3e-4, -1, 3e-4), (1.0, 1, 1.1), (1.1, -1, 1.0), (1e-3, -1, 9.09e-4)],
)
def test_fine_steps_are_ten_per_cent(value: float, steps: int, next_one: float) -> None:
    assert finer(value, steps) == next_one


def test_up_and_down_again_is_where_it_was() -> None:
    value = 1e-3
    for _ in range(30):
        value = finer(value, 1)
    top = value
    for _ in range(30):
        value = finer(value, -1)
    assert top == pytest.approx(1e-3 * 1.1**30, rel=0.02)
    assert value == pytest.approx(1e-3, rel=0.02)


def test_the_least_numbers_do_not_become_nothing() -> None:
    value = 5e-324
    assert finer(value, -1) > 0
