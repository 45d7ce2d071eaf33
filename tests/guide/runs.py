"""The trainings that the guide's pictures show, beside those of the diagnosis benchmark.

`python -m tests.guide.runs` trains all of them anew (two minutes on one core) and keeps their
curves in `curves.npz` beside this file. All are small and real: the shipped example's network and
data, and a task of the benchmark. Deterministic for one version of torch on one kind of processor.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrmonitor.resources import resource_path
from tests.benchmarks.diagnosis.cases import CASES, prepare
from tests.benchmarks.diagnosis.generate import write
from tests.benchmarks.diagnosis.tasks import TASKS
from tests.benchmarks.diagnosis.training import train

CURVES = Path(__file__).with_name("curves.npz")
Arrays = dict[str, npt.NDArray[Any]]

SWEEP = (1e-5, 10.0, 400)
"""The range test: the first and the last rate, and how many steps."""
WARM_UP, WARM_STEPS = 100, 600
"""Steps of the warm-up, and of the run with it."""


@dataclass
class Training:
    """A network, its data, and how it is trained. `rate` is a function of the step, from 0."""

    model: nn.Module
    x: Tensor
    y: Tensor
    rate: Callable[[int], float]
    steps: int
    vary: Callable[[Tensor], Tensor]
    validation: tuple[Tensor, Tensor] | None = None
    old: tuple[Tensor, Tensor] | None = None
    every: int = 25
    batch: int = 32


def run(training: Training) -> Arrays:
    """Train as the example does (SGD, momentum 0.9); loss and rate of each step, and the loss of
    the validation before the first step and every so many."""
    t = training
    optimizer = torch.optim.SGD(t.model.parameters(), lr=1.0, momentum=0.9, weight_decay=5e-4)
    losses: list[float] = []
    rates: list[float] = []
    steps: list[int] = []
    checks: dict[str, list[float]] = {}
    sets = [(name, s) for name, s in (("val", t.validation), ("old", t.old)) if s is not None]

    def check() -> None:
        steps.append(len(losses))
        for name, samples in sets:
            checks.setdefault(name, []).append(_check(t.model, *samples))

    order = torch.empty(0, dtype=torch.int64)
    for step in range(t.steps):
        if sets and step % t.every == 0:
            check()
        if len(order) < t.batch:
            order = torch.randperm(len(t.x))
        index, order = order[: t.batch], order[t.batch :]
        optimizer.param_groups[0]["lr"] = t.rate(step)
        loss = F.cross_entropy(t.model(t.vary(t.x[index])), t.y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        rates.append(t.rate(step))
        if not math.isfinite(losses[-1]):
            break
    found = {"loss": np.array(losses, np.float32), "lr": np.array(rates, np.float32)}
    if sets:
        check()
        found["val_at"] = np.array(steps, np.int16)
        found |= {name: np.array(values, np.float32) for name, values in checks.items()}
    return found


@torch.no_grad()
def _check(model: nn.Module, x: Tensor, y: Tensor) -> float:
    return F.cross_entropy(model(x), y).item()


def example() -> ModuleType:
    """The shipped example as a module."""
    spec = importlib.util.spec_from_file_location("digits", resource_path("examples", "digits.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sweep(digits: ModuleType) -> Arrays:
    """A range test of the example: its rate rises by the same factor each step."""
    first, last, steps = SWEEP
    torch.manual_seed(0)
    x, y = digits.load_digits()

    def rate(step: int) -> float:
        return float(first * (last / first) ** (step / (steps - 1)))

    return run(Training(digits.make_model(), x[:1437], y[:1437], rate, steps, digits.vary))


def decay(digits: ModuleType) -> dict[str, Arrays]:
    """The example at a constant rate, and the same with the rate divided by ten half-way."""
    found = {}
    for name, factor in (("kept", 1.0), ("lowered", 0.1)):
        torch.manual_seed(0)
        x, y = digits.load_digits()

        def rate(step: int, factor: float = factor) -> float:
            return 0.1 if step < 1500 else 0.1 * factor

        found[name] = run(
            Training(
                digits.make_model(),
                x[:1437],
                y[:1437],
                rate,
                3000,
                digits.vary,
                (x[1437:], y[1437:]),
            )
        )
    return found


def fine_tuning(digits: ModuleType) -> dict[str, Arrays]:
    """The example's network, trained on the digits, goes on with 200 that are slanted: `val` is the
    loss of other slanted ones, `old` that of upright ones."""
    torch.manual_seed(0)
    x, y = digits.load_digits()
    model = digits.make_model()

    def cosine(step: int) -> float:
        return 0.01 * (1 + math.cos(math.pi * step / 6000))

    run(Training(model, x[:1437], y[:1437], cosine, 6000, digits.vary))
    state = {key: value.clone() for key, value in model.state_dict().items()}
    found = {}
    for rate in (0.2, 0.02, 0.002):
        torch.manual_seed(1)
        model.load_state_dict(state)

        def constant(step: int, rate: float = rate) -> float:
            return rate

        found[f"{rate:g}"] = run(
            Training(
                model,
                _slanted(x)[:200],
                y[:200],
                constant,
                400,
                digits.vary,
                (_slanted(x)[1437:], y[1437:]),
                (x[1437:], y[1437:]),
                every=10,
            )
        )
    return found


def _slanted(x: Tensor) -> Tensor:
    by = torch.tensor([[1.0, 0.8, 0.0], [0.0, 1.0, 0.0]]).repeat(len(x), 1, 1)
    return F.grid_sample(
        x, F.affine_grid(by, list(x.shape), align_corners=False), align_corners=False
    )


def warm_up() -> dict[str, Arrays]:
    """A small network at a high rate that falls as a cosine, with and without a warm-up."""
    found = {}
    for name, warm in (("without", 0), ("with", WARM_UP)):
        setup = prepare(TASKS["mlp"], CASES["plain"], 0.3, 0)
        setup.steps = WARM_STEPS

        def schedule(step: int, warm: int = warm) -> float:
            if step < warm:
                return (step + 1) / warm
            return 0.5 * (1 + math.cos(math.pi * (step - warm) / (WARM_STEPS - warm)))

        setup.schedule = schedule
        curve = train(setup, "sgd", 0)
        found[name] = {"loss": curve.loss.astype(np.float32), "lr": curve.lr.astype(np.float32)}
    return found


def main() -> None:
    """Train everything and write the curves."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    digits = example()
    groups: dict[str, dict[str, Arrays]] = {
        "sweep": {"digits": sweep(digits)},
        "decay": decay(digits),
        "fine_tuning": fine_tuning(digits),
        "warm_up": warm_up(),
    }
    write(
        CURVES,
        {
            f"{group}/{name}/{key}": array
            for group, runs in groups.items()
            for name, arrays in runs.items()
            for key, array in arrays.items()
        },
    )
    print(CURVES, CURVES.stat().st_size)


if __name__ == "__main__":
    main()
