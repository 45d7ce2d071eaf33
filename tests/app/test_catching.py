"""Many new points are taken side by side, few are left to the curves."""

from __future__ import annotations

import os
import threading

import pytest

from lrmonitor.app.plots.catching import MUCH, catch_up


@pytest.mark.skipif((os.cpu_count() or 2) < 2, reason="one core shares no work")
def test_long_ones_are_taken_at_the_same_time() -> None:
    both = threading.Barrier(2)
    done: list[str] = []

    def take(name: str) -> None:
        both.wait(20)  # goes on once the other one is at work too
        done.append(name)

    catch_up([(MUCH, lambda: take("a")), (10, lambda: take("few")), (MUCH, lambda: take("b"))])
    assert sorted(done) == ["a", "b"]


def test_one_alone_is_left_to_its_curve() -> None:
    catch_up([(MUCH, lambda: pytest.fail("taken")), (MUCH - 1, lambda: pytest.fail("taken"))])


def test_what_goes_wrong_is_told() -> None:
    def broken() -> None:
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        catch_up([(MUCH, lambda: None), (MUCH, broken)])
