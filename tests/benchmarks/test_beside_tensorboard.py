"""A spike of one step, here and in TensorBoard: see `beside_tensorboard.py`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]


def test_the_spike_is_here_and_it_is_here_sooner() -> None:
    pytest.importorskip("tensorboard")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.beside_tensorboard"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{found}")
    assert found["lrmonitor"]["greatest"] == 50.0
    assert found["lrmonitor"]["seconds"] < found["TensorBoard"]["seconds"]
