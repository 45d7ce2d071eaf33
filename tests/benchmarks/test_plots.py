"""What plots of ten million points cost: see `plots.py`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.measured import measured

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

OPENING = 1.5
"""Seconds to the first picture."""

MEMORY = 32.0
"""Bytes a point."""

FRAME = 8.0
"""Milliseconds, of the median frame."""

WORST = 33.0
"""Milliseconds, of the 99th percentile while very many points arrive: the window's tick."""


@pytest.fixture(scope="module")
def cost() -> dict[str, Any]:
    """Measured in a process of its own: its memory is the window's alone."""
    found: dict[str, Any] = measured("plots", seconds=500)
    print(f"\n{found}")
    return found


def test_ten_million_steps_are_open_in_a_second_and_a_half(cost: dict[str, Any]) -> None:
    assert cost["opening"] <= OPENING


def test_a_point_takes_little_more_than_its_columns(cost: dict[str, Any]) -> None:
    assert cost["memory"] <= MEMORY


@pytest.mark.parametrize(
    "act",
    [
        "following all of it",
        "following the newest hundredth",
        "panning",
        "zooming",
        "drawing all of it anew",
    ],
)
def test_a_frame_is_cheap(cost: dict[str, Any], act: str) -> None:
    assert cost["frames"][act]["median"] <= FRAME


def test_a_hundred_thousand_points_a_second_are_kept_up_with(cost: dict[str, Any]) -> None:
    assert cost["frames"]["100,000 points a second"]["percentile_99"] <= WORST
    assert cost["dropped"] == 0
