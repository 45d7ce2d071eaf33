"""The probe's cost per training step, beside other ways to record loss and rate."""

from __future__ import annotations

import importlib.util

import pytest

from tests.benchmarks import step_cost
from tests.helpers.measured import measured

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS = 300

FRACTION = 20
"""The probe may cost this part of what TensorBoard costs."""

NORMS_SHARE = 0.01
"""Gradient norm and update ratio may take this part of the time."""


def test_the_probe_costs_a_fraction_of_tensorboard() -> None:
    if importlib.util.find_spec("tensorboard") is None:
        pytest.skip("tensorboard is not installed: pip install 'lrmonitor[tensorboard]'")
    found = measured("step_cost", str(ROUNDS), seconds=570)
    for kind, told in found.items():
        added = told["added"]
        print(f"\n{kind}: a step without any recording {told['step']:.1f} µs; added to it")
        for arm, cost in added.items():
            ratio = added[step_cost.TENSORBOARD] / cost if cost > 0 else float("inf")
            print(
                f"  {cost:8.2f} ± {told['within'][arm]:.1f} µs  {arm} "
                f"(TensorBoard costs {ratio:.1f} times that)"
            )
        print(f"  {told['norms']:8.2%}  of the time, sampled norms")
    for kind, told in found.items():
        assert told["norms"] <= NORMS_SHARE
        added = told["added"]
        limit = added[step_cost.TENSORBOARD] / FRACTION
        for arm in (step_cost.PROBE, step_cost.OVERRIDE):
            assert added[arm] <= limit, f"{kind}: {arm} costs {added[arm]:.2f} µs > {limit:.2f} µs"
