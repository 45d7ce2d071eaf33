"""A comparison of 20 runs of a million steps: see `overlay.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

LIMIT = 16.0
"""Milliseconds of a frame, at the median."""


def test_twenty_runs_are_overlaid_at_sixty_frames_a_second() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.overlay"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(f"\n{found}")
    for what in ("drawing", "moving", "zooming"):
        assert found[what] <= LIMIT, what
