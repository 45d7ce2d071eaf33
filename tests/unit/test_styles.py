"""The table of docs/frameworks.md has exactly the styles that there are tests for."""

from __future__ import annotations

from tests.helpers import styles


def test_the_table_has_a_row_for_each_style_that_is_tested_and_no_other() -> None:
    tested = styles.tested()
    assert len(tested) == len(set(tested)) > 0
    assert [style for style, _ in styles.committed_rows()] == tested


def test_every_cell_is_yes_or_says_why_not() -> None:
    for style, line in styles.committed_rows():
        cells = line.strip("|").split("|")[1:]
        assert len(cells) == len(styles.COLUMNS), style
        assert all(cell.startswith((" yes", " no: ")) for cell in cells), style
