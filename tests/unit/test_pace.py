"""How often the window looks and draws."""

from __future__ import annotations

import pytest

pytest.importorskip("PySide6")

from lrmonitor.app.pace import LEAST, MOST, SHARE, Pace
from lrmonitor.app.ticker import TICK_MS


class Clock:
    """Processor time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(pace: Pace, clock: Clock, cost: float, ticks: int) -> int:
    """Tick so often, each look costing so many seconds; how many looks there were."""
    looks = 0
    for _ in range(ticks):
        if pace.due():
            with pace.measured():
                clock.now += cost
            looks += 1
    return looks


@pytest.mark.parametrize("cost", [0.0, 0.001, 0.003, 0.009, 0.02])
def test_looking_takes_no_more_than_its_share(cost: float) -> None:
    clock = Clock()
    pace = Pace(clock)
    run(pace, clock, cost, 200)  # until it is known what a look costs
    before = clock.now
    looks = run(pace, clock, cost, 3000)
    assert (clock.now - before) / (3000 * TICK_MS / 1000) <= SHARE + 1e-3
    assert looks >= 3000 // MOST
    if cost <= 0.003:
        assert looks >= 3000 // LEAST - 1


def test_a_costly_look_now_and_then_does_not_slow_it_for_long() -> None:
    clock = Clock()
    pace = Pace(clock)
    run(pace, clock, 0.05, 10)
    assert pace.ticks == MOST
    run(pace, clock, 0.0, 200)
    assert pace.ticks == LEAST


def test_a_window_too_slow_for_its_share_is_still_alive() -> None:
    clock = Clock()
    pace = Pace(clock)
    run(pace, clock, 1.0, 10)
    assert run(pace, clock, 1.0, 150) == 150 // MOST
