"""What one training step costs under each way of recording it; run by `test_step_cost.py`.

All ways are measured in one process, on one model, in short blocks of steps whose order is drawn
anew in each of many rounds, so that a busy machine slows all of them alike: with long blocks, what
else it does differs more between them than the ways do. The cost of a way is the difference between
its block's median step and that of the block without any recording in the same round; what is
printed (JSON) is the median of these differences over the rounds, with the half-width of its 95 %
confidence interval, in microseconds.
"""

from __future__ import annotations

import csv
import gc
import json
import math
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.optim import optimizer as torch_optimizer

import lrmonitor
from lrmonitor.link.messages import Acknowledgement, LrCommand
from lrmonitor.probe import hooks as probe
from lrmonitor.probe.steps import Steps

WARM = 6
"""Steps of a block before those that are measured: what switching the ways costs is over then."""

STEPS = 24
"""Measured steps of a block."""

NORMS_STEPS = 6000
"""Steps over which the share of time that the sampled norms take is measured."""

PLAIN = "no probe"
IDLE = "hooks without a run"
PROBE = "probe"
OVERRIDE = "probe with an override"
CSV = "CSV line and flush"
TENSORBOARD = "TensorBoard add_scalar x 2"

Log = Callable[[int, torch.Tensor], None]


def nothing(step: int, loss: torch.Tensor) -> None:
    """What a script without any recording does after a step."""


class Training:
    """A small multi-layer perceptron on the CPU."""

    def __init__(self, kind: str) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)
        )
        make: Any = getattr(torch.optim, kind)
        self.optimizer = make(self.model.parameters(), lr=1e-3)
        self.inputs = torch.randn(32, 16)
        self.targets = self.inputs.sum(dim=1, keepdim=True)
        self.step = 0

    def block(self, count: int, log: Log) -> list[int]:
        """Train `count` steps; what each took, in nanoseconds."""
        model, optimizer, inputs, targets = self.model, self.optimizer, self.inputs, self.targets
        mse, clock, took = torch.nn.functional.mse_loss, time.perf_counter_ns, []
        for _ in range(count):
            begin = clock()
            loss = mse(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            self.step += 1
            log(self.step, loss)
            took.append(clock() - begin)
        return took


class Hooks:
    """Takes what the probe put into torch out, and puts it back."""

    def __init__(self) -> None:
        self._tables: list[tuple[dict[Any, Any], dict[Any, Any]]] = [
            (table, dict(table))
            for table in (
                torch_optimizer._global_optimizer_pre_hooks,
                torch_optimizer._global_optimizer_post_hooks,
            )
        ]
        assert all(kept for _, kept in self._tables)
        self._backward: Any = torch.autograd.backward

    def take_out(self) -> None:
        """As if the probe had never been there."""
        for table, _ in self._tables:
            table.clear()
        torch.autograd.backward = self._backward.__wrapped__

    def put_back(self) -> None:
        """As the probe left it."""
        for table, kept in self._tables:
            table.clear()
            table.update(kept)
        torch.autograd.backward = self._backward


def command(steps: Steps, training: Training, mode: str, value: float | None = None) -> None:
    """Give a rate command as a client would, and train until it is in effect."""
    number = steps.known[id(training.optimizer)].number
    applied = threading.Event()

    def reply(answer: Acknowledgement) -> None:
        if answer.status == "applied":
            applied.set()

    steps.control.submit(LrCommand(mode=mode, value=value, optimizer=number), reply)
    training.block(1, nothing)
    assert applied.is_set(), f"{mode} did not take effect"


def loggers(
    folder: Path, training: Training
) -> tuple[dict[str, Log], Callable[[], None], Callable[[], None]]:
    """The other ways to record loss and rate, how to let them finish what waits, and how to end
    them."""
    groups = training.optimizer.param_groups
    file = (folder / "log.csv").open("w", newline="")
    writer = csv.writer(file)

    def write(step: int, loss: torch.Tensor) -> None:
        writer.writerow((step, loss.item(), groups[0]["lr"]))
        file.flush()

    made: dict[str, Log] = {CSV: write}
    board: Any = None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        pass
    else:
        board = SummaryWriter(str(folder / "tensorboard"))

        def add(step: int, loss: torch.Tensor) -> None:
            board.add_scalar("loss", loss.item(), step)
            board.add_scalar("lr", groups[0]["lr"], step)

        made[TENSORBOARD] = add

    def drain() -> None:
        if board is not None:
            board.flush()

    def end() -> None:
        file.close()
        if board is not None:
            board.close()

    return made, drain, end


def measure(kind: str, rounds: int, folder: Path, hooks: Hooks) -> dict[str, Any]:
    """Medians for one kind of optimizer: the plain step, and what each way adds, in µs."""
    folder.mkdir()
    steps = probe.current()
    assert steps is not None
    training = Training(kind)
    training.block(50, nothing)
    others, drain, end = loggers(folder, training)
    arms = [PLAIN, IDLE, PROBE, OVERRIDE, *others]
    plain: list[float] = []
    added: dict[str, list[float]] = {arm: [] for arm in arms if arm != PLAIN}
    order = random.Random(0)
    gc.disable()
    for number in range(rounds):
        if number % 200 == 0:
            gc.collect()
        order.shuffle(arms)
        typical = {}
        for arm in arms:
            if arm == OVERRIDE:
                command(steps, training, "hold", 5e-4)
            if arm not in (PROBE, OVERRIDE, IDLE):
                hooks.take_out()
            if arm == IDLE:
                probe.set_current(None)
            took = training.block(WARM + STEPS, others.get(arm, nothing))[WARM:]
            typical[arm] = statistics.median(took) / 1000
            probe.set_current(steps)
            hooks.put_back()
            if arm == OVERRIDE:
                command(steps, training, "follow")
            if arm == TENSORBOARD:
                drain()  # its thread must not work on beside the next way
        plain.append(typical[PLAIN])
        for arm, costs in added.items():
            costs.append(typical[arm] - typical[PLAIN])
    gc.enable()
    end()
    norms = steps.known[id(training.optimizer)].norms
    sampled, begun = norms.seconds, time.perf_counter()
    training.block(NORMS_STEPS, nothing)
    share = (norms.seconds - sampled) / (time.perf_counter() - begun)
    return {
        "norms": share,
        "step": statistics.median(plain),
        "added": {arm: statistics.median(costs) for arm, costs in added.items()},
        "within": {arm: half_width(costs) for arm, costs in added.items()},
    }


def half_width(values: list[float]) -> float:
    """Of the median's 95 % confidence interval, whatever the distribution: the ranks n/2 ± √n."""
    ordered, middle, reach = sorted(values), len(values) // 2, round(math.sqrt(len(values)))
    last = len(values) - 1
    low, high = ordered[max(middle - reach, 0)], ordered[min(middle + reach, last)]
    return (high - low) / 2


def main(rounds: int) -> None:
    """Measure under SGD and AdamW, and print the medians."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        lrmonitor.start("step-cost", str(Path(name) / "runs"))
        hooks = Hooks()
        found = {kind: measure(kind, rounds, Path(name) / kind, hooks) for kind in ("SGD", "AdamW")}
        steps = probe.current()
        assert steps is not None
        assert steps.session is not None
        assert steps.session._errors == 0, "the probe failed while it was measured"
        print(json.dumps(found))
        steps.session.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
