"""One training run of the benchmark: a task, an optimizer, a case (fault or healthy), a seed.

Deterministic for one version of torch on one kind of processor. What is recorded is what the probe
records: loss and rate of each step, gradient norm and update ratio each tenth step, and what a
script itself would log: the validation loss each fiftieth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tests.benchmarks.diagnosis.task import Data, Task

STEPS = 800
SAMPLED = 10
VALIDATED = 50
AFTER_NAN = 20
"""Steps that a run goes on once its loss is not finite."""

OPTIMIZERS: dict[str, Callable[[list[nn.Parameter], float], torch.optim.Optimizer]] = {
    "sgd": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr),
    "rmsprop": lambda p, lr: torch.optim.RMSprop(p, lr),
}
Schedule = Callable[[int], float]


@dataclass
class Setup:
    """What a case may change before the first step."""

    task: Task
    data: Data
    model: nn.Module
    lr: float
    schedule: Schedule = field(default=lambda step: 1.0)
    steps: int = STEPS
    batch: int = 0
    shuffle: bool = True
    zero_grad: bool = True
    skip: Callable[[int], bool] = field(default=lambda step: False)
    spoil: Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]] = field(
        default=lambda step, x, y: (x, y)
    )
    gradient: Callable[[int], float] = field(default=lambda step: 1.0)
    rewind: tuple[int, int] | None = None
    """At the first of these steps the run goes on from its checkpoint at the second."""


@dataclass(frozen=True)
class Curve:
    """What a run recorded; arrays of shape (steps,), nan where a step has no value."""

    step: npt.NDArray[np.int64]
    loss: npt.NDArray[np.float64]
    lr: npt.NDArray[np.float64]
    grad_norm: npt.NDArray[np.float64]
    update_ratio: npt.NDArray[np.float64]
    val: npt.NDArray[np.float64]
    at_start: float
    """Loss of the whole training set before the first step (no fault applied to the batches)."""
    at_end: float
    """The same after the last."""


def train(setup: Setup, optimizer: str, seed: int, rate: Schedule | None = None) -> Curve:
    """Train and record. `rate` multiplies the rate further (advice that was followed)."""
    torch.manual_seed(1000 + seed)
    task, data, model = setup.task, setup.data, setup.model
    parameters = [p for p in model.parameters() if p.requires_grad]
    opt = OPTIMIZERS[optimizer](parameters, setup.lr)
    batch = setup.batch or task.batch
    rows: list[tuple[float, ...]] = []
    order = torch.empty(0, dtype=torch.int64)
    place, step, broken = 0, 0, 0
    saved: tuple[dict[str, Tensor], int] | None = None
    rewound = False
    at_start = _whole(task, model, data)
    while step < setup.steps and broken < AFTER_NAN:
        if setup.rewind is not None and not rewound:
            if step == setup.rewind[1]:
                saved = ({k: v.clone() for k, v in model.state_dict().items()}, step)
            if step == setup.rewind[0] and saved is not None:
                model.load_state_dict(saved[0])
                opt = OPTIMIZERS[optimizer](parameters, setup.lr)
                step, rewound = saved[1], True
        if place + batch > len(order):
            n = len(data.x)
            order = torch.randperm(n) if setup.shuffle else torch.arange(n)
            place = 0
        index = order[place : place + batch]
        place += batch
        lr = setup.lr * setup.schedule(step) * (rate(step + 1) if rate else 1.0)
        for group in opt.param_groups:
            group["lr"] = lr
        if setup.zero_grad:
            opt.zero_grad(set_to_none=False)
        x, y = setup.spoil(step, data.x[index], data.y[index])
        loss = task.loss(model(x), y)
        loss.backward()
        factor = setup.gradient(step)
        if factor != 1.0:
            for p in parameters:
                if p.grad is not None:
                    p.grad.mul_(factor)
        sampled = step % SAMPLED == 0
        norm = ratio = val = math.nan
        if sampled:
            grads = [p.grad for p in parameters if p.grad is not None]
            norm = _norm(grads)
            before = [p.detach().clone() for p in parameters]
        if not setup.skip(step):
            opt.step()
        if sampled:
            moved = _norm([p.detach() - b for p, b in zip(parameters, before, strict=True)])
            ratio = moved / max(_norm(before), 1e-30)
        step += 1
        if step % VALIDATED == 0:
            model.eval()
            val = _mean(task, model, data.x_val, data.y_val, batch)
            model.train()
        value = float(loss.detach())
        broken += not math.isfinite(value)
        rows.append((step, value, lr, norm, ratio, val))
    table = np.array(rows, np.float64)
    step_column, (loss_column, *rest) = table[:, 0].astype(np.int64), table[:, 1:].T
    lr_column, norms, ratios, vals = rest
    return Curve(
        step_column,
        loss_column,
        lr_column,
        norms,
        ratios,
        vals,
        at_start,
        _whole(task, model, data),
    )


def _norm(tensors: list[Tensor]) -> float:
    return math.sqrt(sum(float(t.pow(2).sum()) for t in tensors))


def _whole(task: Task, model: nn.Module, data: Data) -> float:
    """The loss of (up to 1024 samples of) the training set, in the units of a batch."""
    return _mean(task, model, data.x[:1024], data.y[:1024], task.batch)


def _mean(task: Task, model: nn.Module, x: Tensor, y: Tensor, batch: int) -> float:
    """The loss of some samples in the units of a batch."""
    with torch.no_grad():
        if task.in_batches:
            # Whole batches only, or the few samples that there are.
            size = min(task.batch, len(x))
            whole = range(0, len(x) - size + 1, size)
            losses = [float(task.loss(model(x[i : i + size]), y[i : i + size])) for i in whole]
            return sum(losses) / len(losses)
        value = float(task.loss(model(x), y))
    return value * batch / len(x) if task.name == "autoencoder" else value  # a sum over the batch
