"""What the benchmark trains: a task with an optimizer at a rate, and sweeps of the rate.

Deterministic for one version of torch on one kind of processor.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from lrmonitor.schedules.bound import Bound
from tests.benchmarks.diagnosis.task import Data
from tests.benchmarks.diagnosis.tasks import TASKS
from tests.benchmarks.diagnosis.training import OPTIMIZERS

STEPS = (200, 400)
"""Steps that a rate has to show what it is worth: the second is what decides."""
BEFORE_END = (24, 16, 8, 0)
"""Steps before an end at which the loss is measured too; the end is the mean of the four."""
SWEPT = 100
"""Steps of a sweep."""
FROM, TO = 1e-8, 10.0
"""Rates of a sweep."""
CONVERGED = 3000
"""Steps after which a model is called converged, the rate going to zero along half a cosine."""
PART = 300
"""Steps after which it is part-trained, at a constant rate."""


@dataclass(frozen=True)
class Setup:
    """A task with an optimizer."""

    task: str
    optimizer: str

    @property
    def name(self) -> str:
        return f"{self.task}-{self.optimizer}"

    @property
    def grid(self) -> tuple[float, ...]:
        """The constant rates that a suggestion is measured against, two a decade."""
        first, last = {"sgd": (-7, 1), "adamw": (-8, -1)}[self.optimizer]
        scale = 1e-4 if self.name == "autoencoder-sgd" else 1.0  # a sum: so much larger gradients
        return tuple(scale * 10 ** (i / 2) for i in range(first, last + 1))


@dataclass
class State:
    """A model and its optimizer; a copy of it trains by itself."""

    model: nn.Module
    opt: torch.optim.Optimizer


@lru_cache(maxsize=2)
def data(task: str) -> Data:
    return TASKS[task].data()


def fresh(setup: Setup, seed: int) -> State:
    """Before the first step."""
    torch.manual_seed(seed)
    model = TASKS[setup.task].model()
    return State(model, OPTIMIZERS[setup.optimizer](list(model.parameters()), 1e-3))


def batches(setup: Setup, order: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled batches without end, in the order of a number."""
    d, size = data(setup.task), TASKS[setup.task].batch
    g = torch.Generator().manual_seed(order)
    while True:
        shuffled = torch.randperm(len(d.x), generator=g)
        for i in range(0, len(shuffled) - size + 1, size):
            index = shuffled[i : i + size]
            yield d.x[index], d.y[index]


def run(
    setup: Setup,
    state: State,
    order: int | Iterator[tuple[Tensor, Tensor]],
    rate: Callable[[int], float],
    steps: int,
    each: Callable[[int, float], bool] = lambda step, loss: False,
) -> None:
    """Train in place; `each(step from 1, loss)` says whether to end before that step's update.

    `order`: of the batches and of chance, or batches that go on, and chance with them.
    """
    if isinstance(order, int):
        torch.manual_seed(order)
        order = batches(setup, order)
    task = TASKS[setup.task]
    for step, (x, y) in zip(range(1, steps + 1), order, strict=False):
        for group in state.opt.param_groups:
            group["lr"] = rate(step)
        state.opt.zero_grad()
        loss = task.loss(state.model(x), y)
        if each(step, float(loss.detach())):
            return
        loss.backward()
        state.opt.step()


def whole(setup: Setup, model: nn.Module) -> float:
    """The loss of up to 1024 training samples, a mean over batches; chance always the same."""
    task, d = TASKS[setup.task], data(setup.task)
    model.eval()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        losses = [
            float(task.loss(model(d.x[i : i + task.batch]), d.y[i : i + task.batch]))
            for i in range(0, min(1024, len(d.x)) - task.batch + 1, task.batch)
        ]
    model.train()
    return sum(losses) / len(losses)


@dataclass(frozen=True)
class Outcome:
    """What a constant rate came to from a state."""

    ends: tuple[float, ...]
    """Loss of the training set at each of STEPS; inf where a loss was not finite."""
    losses: list[float]
    """Loss of each batch."""


def outcome(setup: Setup, state: State, order: int, rate: float) -> Outcome:
    """Train a copy of a state at a constant rate."""
    state = copy.deepcopy(state)
    at = {end - b for end in STEPS for b in BEFORE_END}
    measured: dict[int, float] = {}
    losses: list[float] = []

    def each(step: int, loss: float) -> bool:
        if step - 1 in at:
            measured[step - 1] = whole(setup, state.model)
        losses.append(loss)
        return not math.isfinite(loss)

    run(setup, state, order, constant(rate), STEPS[-1], each)
    if len(losses) == STEPS[-1] and math.isfinite(losses[-1]):
        measured[STEPS[-1]] = whole(setup, state.model)
    ends = []
    for end in STEPS:
        mean = sum(measured.get(end - b, math.inf) for b in BEFORE_END) / len(BEFORE_END)
        ends.append(mean if math.isfinite(mean) else math.inf)
    return Outcome(tuple(ends), losses)


def swept(
    setup: Setup, state: State, order: int, bound: bool = True, steps: int = SWEPT
) -> tuple[list[float], list[float]]:
    """Rates and losses of a sweep from a copy of a state, up to the bound of the stop rule."""
    state = copy.deepcopy(state)
    losses: list[float] = []
    limit = Bound()

    def rate(step: int) -> float:
        return float(FROM * (TO / FROM) ** ((step - 1) / (steps - 1)))

    def each(step: int, loss: float) -> bool:
        losses.append(loss)
        return limit.add(loss) if bound else not math.isfinite(loss)

    run(setup, state, order, rate, steps, each)
    return [rate(i + 1) for i in range(len(losses))], losses


def tried(
    setup: Setup, state: State, order: int, rates: Sequence[float], legs: int = 6, steps: int = 10
) -> list[list[list[float]]]:
    """A trial of rates from copies of a state, in turns, on batches that follow each other.

    The losses by candidate and leg.
    """
    states = [copy.deepcopy(state) for _ in rates]
    feed = batches(setup, order)
    torch.manual_seed(order)
    out: list[list[list[float]]] = [[] for _ in rates]
    for _ in range(legs):
        for rate, own, losses in zip(rates, states, out, strict=True):
            leg: list[float] = []
            losses.append(leg)
            run(setup, own, feed, constant(rate), steps, leg_of(leg))
    return out


def constant(rate: float) -> Callable[[int], float]:
    return lambda step: rate


def leg_of(losses: list[float]) -> Callable[[int, float], bool]:
    """Keeps the losses, to the first that is not finite."""

    def each(step: int, loss: float) -> bool:
        losses.append(loss)
        return not math.isfinite(loss)

    return each


def trained(setup: Setup, seed: int, best: float, stage: str) -> State:
    """A state to test: "fresh", "part" (trained at the best rate) or "converged"."""
    state = fresh(setup, seed)
    if stage == "part":
        run(setup, state, 10_000 + seed, constant(best), PART)
    elif stage == "converged":
        run(
            setup,
            state,
            20_000 + seed,
            lambda step: best * 0.5 * (1 + math.cos(math.pi * (step - 1) / CONVERGED)),
            CONVERGED,
        )
    return state
