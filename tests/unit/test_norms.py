"""From the norm after clipping back to the one before."""

from __future__ import annotations

import math

import pytest

from lrmonitor.probe.norms import unclipped


def test_nothing_clipped() -> None:
    assert unclipped(3.0, []) == 3.0


def test_all_clipped_is_what_was_found_to_the_bit() -> None:
    assert unclipped(1.0000001, [(7.3, 1.0)]) == 7.3
    assert unclipped(0.5, [(0.5, 1.0)]) == 0.5


def test_parts_clipped_each_by_itself() -> None:
    assert unclipped(math.sqrt(2.0), [(3.0, 1.0), (4.0, 1.0)]) == pytest.approx(5.0)


def test_a_part_was_not_clipped() -> None:
    # 3 became 1, the other 4 stayed.
    assert unclipped(math.sqrt(17.0), [(3.0, 1.0)]) == pytest.approx(5.0)


def test_other_gradients_were_clipped() -> None:
    assert unclipped(0.1, [(9.0, 1.0)]) is None


def test_a_norm_that_is_not_finite_is_told() -> None:
    assert math.isnan(unclipped(math.nan, [(math.nan, 1.0)]) or 0.0)
    assert unclipped(math.nan, [(math.inf, 1.0)]) == math.inf


def test_another_kind_of_norm_tells_nothing() -> None:
    assert unclipped(1.0, [(7.3, math.nan)]) is None
