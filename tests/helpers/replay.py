"""What was done to a training under lrmonitor, done once more in the script without it.

Each rate that was recorded is put into its group for the duration of its step; states are kept and
put back after the steps where lrmonitor did so; steps that it left out have no effect. All that by
mechanisms of its own: plain copies. If losses and weights come out bit by bit as they did under
lrmonitor, then that is what lrmonitor did, and nothing else.
"""

from __future__ import annotations

import copy
import gc
import random
import sys
from collections import deque
from typing import Any

import torch

from tests.helpers.starter import Move


class OfOptimizer:
    """A copy of the parameters and the state of an optimizer."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self._parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self._values = [p.detach().clone() for p in self._parameters]
        self._states = [copy.deepcopy(optimizer.state.get(p)) for p in self._parameters]

    def back(self) -> None:
        """Put it back."""
        state = self._optimizer.state
        for p, value, kept in zip(self._parameters, self._values, self._states, strict=True):
            p.data.copy_(value)
            if kept is None:
                state.pop(p, None)
                continue
            live = state.get(p, {})
            if live.keys() == kept.keys() and all(_tensors(live)) and all(_tensors(kept)):
                # In place: compiled steps hold on to these tensors.
                for key, one in kept.items():
                    live[key].copy_(one)
            else:
                state[p] = copy.deepcopy(kept)


def _tensors(state: dict[str, Any]) -> list[bool]:
    return [isinstance(one, torch.Tensor) for one in state.values()]


class Everything:
    """A copy of all that goes on in a training: what is in optimizers, modules and GradScalers, and
    the random number generators."""

    def __init__(self, optimizers: list[Any]) -> None:
        self._optimizers = [OfOptimizer(one) for one in optimizers]
        found = [(type(one), one) for one in gc.get_objects()]
        modules = [one for kind, one in found if issubclass(kind, torch.nn.Module)]
        places = [one._buffers for one in modules] + [one._parameters for one in modules]
        self._tensors = [
            (place, name, tensor.detach().clone())
            for place in places
            for name, tensor in place.items()
            if tensor is not None
        ]
        self._scalers = [
            (one, one._scale.clone(), one._growth_tracker.clone())
            for kind, one in found
            if issubclass(kind, torch.amp.GradScaler) and one._scale is not None
        ]
        self._torch, self._python = torch.get_rng_state(), random.getstate()
        numpy = sys.modules.get("numpy")
        self._numpy = None if numpy is None else numpy.random.get_state()

    def back(self, rng: bool) -> None:
        """Put it back; the random number generators with `rng` only."""
        for place, name, tensor in self._tensors:
            place[name].data.copy_(tensor)
        for one in self._optimizers:
            one.back()
        for scaler, scale, tracker in self._scalers:
            scaler._scale.copy_(scale)
            scaler._growth_tracker.copy_(tracker)
        if rng:
            torch.set_rng_state(self._torch)
            random.setstate(self._python)
            if self._numpy is not None:
                sys.modules["numpy"].random.set_state(self._numpy)


class Replay:
    """torch's step hooks; optimizers are numbered in the order of their first steps."""

    def __init__(self, told: dict[str, Any]) -> None:
        """`told` is a `Record` as JSON has it."""
        self._rates: dict[str, dict[str, float]] = told["rates"]
        self._moves = deque(Move(**move) for move in told["moves"])
        self._left_out = {tuple(one) for one in told["left_out"]}
        self._last: int = told["last"]
        self._optimizers: list[Any] = []
        self._step = 0
        self._outer: Any = None
        self._saved: list[Any] = []
        self._undone: OfOptimizer | None = None
        self._kept: dict[str, Everything] = {}

    def before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Put the recorded rates."""
        if self._outer is not None:
            return
        self._outer = optimizer
        number = self._number(optimizer)
        at = self._step + (number == 0)
        self._saved = [group["lr"] for group in optimizer.param_groups]
        for j, group in enumerate(optimizer.param_groups):
            rate = self._rates.get(f"{number}.{j}", {}).get(str(at))
            if rate is None or rate == float(group["lr"]):
                continue
            if isinstance(group["lr"], float):
                group["lr"] = rate
            else:  # a tensor, which compiled steps hold on to
                self._saved[j] = float(group["lr"])
                group["lr"].fill_(rate)
        if (number, at) in self._left_out:
            self._undone = OfOptimizer(optimizer)

    def after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Put the script's own rates back; keep and put back states."""
        if self._outer is not optimizer:
            return
        self._outer = None
        number = self._number(optimizer)
        self._step += number == 0
        for group, rate in zip(optimizer.param_groups, self._saved, strict=True):
            if isinstance(rate, float) and not isinstance(group["lr"], float):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        if self._undone is not None:
            self._undone.back()
            self._undone = None
        while number == self._last and self._moves and self._moves[0].step == self._step:
            move = self._moves.popleft()
            if move.keep is not None:
                self._kept[move.keep] = Everything(self._optimizers)
            if move.back is not None:
                self._kept[move.back].back(move.rng)

    def _number(self, optimizer: Any) -> int:
        for number, one in enumerate(self._optimizers):
            if one is optimizer:
                return number
        self._optimizers.append(optimizer)
        return len(self._optimizers) - 1


def install(told: dict[str, Any]) -> None:
    """Have all that is recorded done again in this process."""
    import torch._dynamo
    from torch.optim import optimizer

    replay = Replay(told)
    # Kept out of what a script compiles, as lrmonitor keeps itself.
    optimizer.register_optimizer_step_pre_hook(torch._dynamo.disable(replay.before))
    optimizer.register_optimizer_step_post_hook(torch._dynamo.disable(replay.after))
