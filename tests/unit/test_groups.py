"""The groups of a run's optimizers, and the value for all that gives one of them a rate."""

from __future__ import annotations

import pytest

from lrmonitor.model.groups import GroupRow, addressed, for_all
from lrmonitor.model.optimizer import OptimizerInfo
from lrmonitor.model.rates import about

OPTIMIZERS = [OptimizerInfo(0, groups=2, main=True), OptimizerInfo(1, groups=1)]


def row(group: int, scheduled: float | None) -> GroupRow:
    """A group with that scheduled rate."""
    return GroupRow(optimizer=0, group=group, name="SGD", scheduled=scheduled)


@pytest.mark.parametrize(
    ("optimizer", "group", "found"),
    [
        (None, None, [(0, 0), (0, 1)]),
        (None, 1, [(0, 1)]),
        (1, None, [(1, 0)]),
        ("all", None, [(0, 0), (0, 1), (1, 0)]),
        (7, None, []),
    ],
)
def test_which_groups_a_command_is_for(
    optimizer: int | str | None, group: int | None, found: list[tuple[int, int]]
) -> None:
    assert addressed(OPTIMIZERS, 0, optimizer, group) == found


def test_the_value_for_all_gives_the_row_what_was_typed() -> None:
    rows = [row(0, 1e-3), row(1, 5e-4)]
    assert for_all(rows, rows[0], 3e-4) == 3e-4
    assert for_all(rows, rows[1], 3e-4) == pytest.approx(6e-4, rel=1e-15)


def test_groups_with_one_schedule_get_exactly_what_was_typed() -> None:
    rows = [row(0, 0.1 + 0.2), row(1, 0.1 + 0.2)]
    assert for_all(rows, rows[1], 3e-4) == 3e-4
    zero = [row(0, 0.0), row(1, 0.0)]
    assert for_all(zero, zero[1], 3e-4) == 3e-4


@pytest.mark.parametrize(
    ("base", "own"), [(0.0, 1e-3), (1e-3, 0.0), (None, 1e-3), (1e-3, None), (1e300, 1e-300)]
)
def test_where_there_is_no_ratio_there_is_no_value(base: float | None, own: float | None) -> None:
    rows = [row(0, base), row(1, own)]
    assert for_all(rows, rows[1], 3e-4) is None


def test_what_is_recorded_of_groups_in_words() -> None:
    told = [
        {"parameters": 1234567, "weight_decay": 0.01, "name": "body"},
        {"parameters": 10, "weight_decay": 0},
        {"parameters": None},
        "nonsense",
    ]
    words = ("body · 1.23 M · weight decay 0.01", "10 · no weight decay", "", "")
    assert about(told) == words
    assert about(None) == ()
