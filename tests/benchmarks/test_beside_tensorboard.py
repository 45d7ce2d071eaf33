"""A spike of one step, here and in TensorBoard: see `beside_tensorboard.py`."""

from __future__ import annotations

import pytest

from tests.helpers.measured import measured

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]


def test_the_spike_is_here_and_it_is_here_sooner() -> None:
    pytest.importorskip("tensorboard")
    found = measured("beside_tensorboard")
    print(f"\n{found}")
    assert found["lrmonitor"]["greatest"] == 50.0
    assert found["lrmonitor"]["seconds"] < found["TensorBoard"]["seconds"]
