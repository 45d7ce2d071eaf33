"""From the disk to the screen: see `freshness.py`."""

from __future__ import annotations

import pytest

from tests.helpers.measured import measured

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

LIMIT = 100.0
"""Milliseconds, at the 95th percentile."""


def test_a_new_value_is_on_the_screen_within_a_tenth_of_a_second() -> None:
    found = measured("freshness")
    for rate, told in found.items():
        print(f"\n{rate}: {told['median']:.0f} ms, 95th percentile {told['percentile_95']:.0f} ms")
    for rate, told in found.items():
        assert told["percentile_95"] <= LIMIT, rate
