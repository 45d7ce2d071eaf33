"""What `lrmonitor.log` costs a script that is not watched."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(120)]

LIMIT = 1.0
"""µs a call."""

MEASURE = """
import timeit, lrmonitor
call = "lrmonitor.log(step=n, accuracy=value)"
timer = timeit.Timer(call, "n, value = 7, 0.5", globals={"lrmonitor": lrmonitor})
print(min(timer.repeat(20, 20_000)) / 20_000 * 1e6)
"""


def test_log_without_a_run_is_a_no_op() -> None:
    """The least of 20 repetitions, as whatever else the machine does can only add to it."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, timeout=100, check=True
    )
    cost = float(done.stdout)
    print(f"\nlrmonitor.log without a run: {cost:.2f} µs")
    assert cost <= LIMIT
