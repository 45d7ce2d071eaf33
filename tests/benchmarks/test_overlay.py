"""A comparison of 20 runs of a million steps: see `overlay.py`."""

from __future__ import annotations

import pytest

from tests.helpers.measured import measured

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

LIMIT = 16.0
"""Milliseconds of a frame, at the median."""


def test_twenty_runs_are_overlaid_at_sixty_frames_a_second() -> None:
    found = measured("overlay")
    print(f"\n{found}")
    for what in ("drawing", "moving", "zooming"):
        assert found[what][0] <= LIMIT, what
