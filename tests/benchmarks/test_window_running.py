"""What the window costs while it runs: see `window_running.py`."""

from __future__ import annotations

import pytest

from tests.benchmarks import window_running
from tests.conftest import Isolated

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

SECONDS = 60.0
SHARE = 0.10
"""Of one core, that the window's GUI thread may take while the demo trains."""

HOURS = 8.0
REPLAY_SECONDS = 120.0


def test_the_demo_costs_a_tenth_of_a_core(isolated: Isolated) -> None:
    took = window_running.demo(SECONDS)
    print(f"\n{took}")
    assert took.steps > 0
    assert took.share <= SHARE


@pytest.mark.parametrize("docks", [(), ("console",)])
def test_eight_hours_take_no_more_memory_than_their_data(
    isolated: Isolated, docks: tuple[str, ...]
) -> None:
    grew = window_running.replay(HOURS, REPLAY_SECONDS, isolated.runs, *docks)
    print(f"\n{grew}")
    assert 0 < grew.memory <= grew.data
