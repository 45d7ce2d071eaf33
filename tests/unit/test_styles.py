"""The tables of docs/frameworks.md have exactly the styles that there are tests for."""

from __future__ import annotations

import pytest

from tests.helpers import styles
from tests.helpers.programs import PROGRAMS, WITHOUT_OPTIMIZER

TABLES = pytest.mark.parametrize("table", list(styles.TABLES))


@TABLES
def test_a_table_has_a_row_for_each_style_that_is_tested_and_no_other(table: str) -> None:
    tested = styles.tested()
    assert len(tested) == len(set(tested)) > 0
    assert list(styles.rows(table)) == tested


@TABLES
def test_every_cell_is_yes_or_says_why_not(table: str) -> None:
    for style, cells in styles.rows(table).items():
        for cell in cells.values():
            assert cell.startswith(("yes", "no: ")), style
            assert cell != "no: not tried", style


def test_every_style_is_steered_or_refuses() -> None:
    steered = [one.style for one in (*PROGRAMS, *WITHOUT_OPTIMIZER)]
    assert len(steered) == len(set(steered))
    # Where several processes train, the style's own test sees all refused.
    together = {
        style
        for style, cells in styles.rows("steering table").items()
        if set(cells.values()) == {styles.TOGETHER}
    }
    assert set(styles.tested()) == set(steered) | together
    assert not set(steered) & together
