"""The cases of the benchmark: what is wrong with a run, or what looks wrong and is not.

Names are stable: they are keys of the cached curves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tests.benchmarks.diagnosis.task import Data, Task
from tests.benchmarks.diagnosis.training import Setup

EVENT = 480
"""The step (from 0) at which injected events happen; the first loss that may show it is EVENT +
1."""


@dataclass(frozen=True)
class Case:
    """A change to a setup that trains at the best constant rate of the sweep."""

    name: str
    fault: bool
    apply: Callable[[Setup], None]
    event: int | None = None
    """The step, from 1, whose loss is the first that can show the fault."""


def prepare(task: Task, case: Case, best: float, seed: int) -> Setup:
    """The setup of a case."""
    torch.manual_seed(seed)
    setup = Setup(task, task.data(), task.model(), best)
    case.apply(setup)
    return setup


def _times(factor: float) -> Callable[[Setup], None]:
    def apply(setup: Setup) -> None:
        setup.lr *= factor

    return apply


def _scheduled(schedule: Callable[[int], float]) -> Callable[[Setup], None]:
    def apply(setup: Setup) -> None:
        setup.schedule = schedule

    return apply


def _cosine(step: int, period: int = 800) -> float:
    return 0.5 * (1 + math.cos(math.pi * (step % period) / period))


def _warm_cosine(step: int) -> float:
    return (step + 1) / 80 if step < 80 else _cosine(step - 80, 720)


def _steps_down(step: int) -> float:
    return 1.0 if step < 400 else 0.1 if step < 600 else 0.01


def _slow_start(step: int) -> float:
    return 0.001 if step < 240 else 1.0


def _noisy(setup: Setup) -> None:
    setup.batch = 8


def _skipping(setup: Setup) -> None:
    setup.skip = lambda step: step % 97 < 2


def _scramble(y: Tensor) -> Tensor:
    return y[torch.randperm(len(y))]


def _odd(setup: Setup) -> None:
    """Half of one batch has wrong targets."""

    def spoil(step: int, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if step != EVENT:
            return x, y
        half = len(y) // 2
        return x, torch.cat((_scramble(y[:half]), y[half:]))

    setup.spoil = spoil


def _curriculum(setup: Setup) -> None:
    """Inputs grow noisier over the first 500 steps."""
    if not setup.data.x.is_floating_point():
        return

    def spoil(step: int, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return x + 0.1 * min(step / 500, 1.0) * torch.randn_like(x), y

    setup.spoil = spoil


def _scaled_weights(factor: float) -> Callable[[Setup], None]:
    def apply(setup: Setup) -> None:
        with torch.no_grad():
            for p in setup.model.parameters():
                if p.dim() > 1:
                    p.mul_(factor)

    return apply


def _resume(setup: Setup) -> None:
    setup.rewind = (400, 350)


def _unshuffled(setup: Setup) -> None:
    """Samples in the order of their targets."""
    y = setup.data.y
    key = y.float().flatten(1).sum(1) if y.dim() > 1 else y
    order = torch.argsort(key, stable=True)
    d = setup.data
    setup.data = Data(d.x[order], d.y[order], d.x_val, d.y_val)
    setup.shuffle = False


def _wrong_labels(setup: Setup) -> None:
    d = setup.data
    y = d.y.clone()
    some = torch.rand(len(y)) < 0.4
    y[some] = _scramble(y[some])
    setup.data = Data(d.x, y, d.x_val, d.y_val)


def _tiny(setup: Setup) -> None:
    d = setup.data
    setup.data = Data(d.x[:96], d.y[:96], d.x_val, d.y_val)


def _linear(model: nn.Module) -> list[nn.Module]:
    return [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv1d, nn.Conv2d))]


def _dead(setup: Setup) -> None:
    """A bias that no input overcomes, in the first layer that has one."""
    with torch.no_grad():
        bias = _linear(setup.model)[0].bias
        assert isinstance(bias, Tensor)
        bias.fill_(-20.0)


def _frozen(setup: Setup) -> None:
    """Only the biases and the first layer learn."""
    for m in _linear(setup.model)[1:]:
        for p in m.parameters():
            p.requires_grad_(False)


def _corrupt(setup: Setup) -> None:
    def spoil(step: int, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if step != EVENT:
            return x, y
        return (x * 30 if x.is_floating_point() else x), _scramble(y)

    setup.spoil = spoil


def _steep(setup: Setup) -> None:
    setup.gradient = lambda step: 100.0 if EVENT <= step < EVENT + 3 else 1.0


def _no_zero(setup: Setup) -> None:
    setup.zero_grad = False


def _jump(setup: Setup) -> None:
    setup.schedule = lambda step: 1.0 if step < EVENT else 30.0


def _poison(setup: Setup) -> None:
    setup.gradient = lambda step: math.nan if step == EVENT else 1.0


def _nothing(setup: Setup) -> None:
    pass


HEALTHY = (
    Case("plain", False, _nothing),
    Case("third", False, _times(1 / 3)),
    Case("cosine", False, _scheduled(_cosine)),
    Case("warm_cosine", False, _scheduled(_warm_cosine)),
    Case("steps_down", False, _scheduled(_steps_down)),
    Case("restarts", False, _scheduled(lambda step: _cosine(step, 200))),
    Case("slow_start", False, _scheduled(_slow_start)),
    Case("noisy", False, _noisy),
    Case("skipping", False, _skipping),
    Case("odd", False, _odd, EVENT + 1),
    Case("curriculum", False, _curriculum),
    Case("small_weights", False, _scaled_weights(0.2)),
    Case("resume", False, _resume),
)
FAULTS = (
    Case("rate/300", True, _times(1 / 300)),
    Case("rate/30", True, _times(1 / 30)),
    Case("rate*3", True, _times(3)),
    Case("rate*10", True, _times(10)),
    Case("rate*30", True, _times(30)),
    Case("rate*100", True, _times(100)),
    Case("unshuffled", True, _unshuffled),
    Case("wrong_labels", True, _wrong_labels),
    Case("tiny", True, _tiny),
    Case("dead", True, _dead),
    Case("large_weights", True, _scaled_weights(4.0)),
    Case("frozen", True, _frozen),
    Case("corrupt", True, _corrupt, EVENT + 1),
    Case("steep", True, _steep, EVENT + 2),
    Case("no_zero", True, _no_zero),
    Case("jump", True, _jump, EVENT + 2),
    Case("poison", True, _poison, EVENT + 2),
)
CASES = {case.name: case for case in (*HEALTHY, *FAULTS)}
