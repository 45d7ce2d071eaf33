"""What armed guards add to a training step; as `step_cost`, whose blocks it uses.

    python -m tests.benchmarks.guard_cost [ROUNDS]

Guards of each kind, and all of them, against the probe without any, in blocks whose order is drawn
anew in each round: the median of the differences between blocks' median steps, with the half-width
of its 95 % confidence interval, in microseconds, and as a share of the step.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import tempfile
import threading
from pathlib import Path

import torch

import lrmonitor
from lrmonitor.link.messages import Acknowledgement, GuardCommand
from lrmonitor.probe import hooks as probe
from lrmonitor.probe.steps import Steps
from tests.benchmarks.step_cost import STEPS, WARM, Training, half_width, nothing

ARMS: dict[str, tuple[str, ...]] = {
    "none": (),
    "spike": ("spike",),
    "non-finite": ("non-finite",),
    "gradient": ("gradient",),
    "all three": ("non-finite", "spike", "gradient"),
}


class Deep(Training):
    """A deeper one: 48 tensors, 1.6 million parameters, batches of 64."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        layers: list[torch.nn.Module] = []
        for _ in range(24):
            layers += [torch.nn.Linear(256, 256), torch.nn.Tanh()]
        self.model = torch.nn.Sequential(*layers)
        self.optimizer = getattr(torch.optim, kind)(self.model.parameters(), lr=1e-4)
        self.inputs, self.targets = torch.randn(64, 256), torch.randn(64, 256)


def give(steps: Steps, training: Training, command: GuardCommand) -> None:
    """Give a command as a client would, and train until it is in effect."""
    applied = threading.Event()

    def reply(answer: Acknowledgement) -> None:
        assert answer.status != "refused", answer
        if answer.status == "applied":
            applied.set()

    steps.control.submit(command, reply)
    training.block(1, nothing)
    assert applied.is_set(), "the guard is not on"


def measure(training: Training, rounds: int) -> tuple[float, dict[str, tuple[float, float]]]:
    """The median step without a guard, and what each way adds with its half-width, in µs."""
    steps = probe.current()
    assert steps is not None
    training.block(50, nothing)
    order, arms = random.Random(0), list(ARMS)
    plain: list[float] = []
    added: dict[str, list[float]] = {arm: [] for arm in ARMS if ARMS[arm]}
    gc.disable()
    for _ in range(rounds):
        order.shuffle(arms)
        typical = {}
        for arm in arms:
            for kind in ARMS[arm]:
                bound = None if kind == "non-finite" else 1e6
                give(steps, training, GuardCommand(on=kind, bound=bound))
            took = training.block(WARM + STEPS, nothing)[WARM:]
            typical[arm] = statistics.median(took) / 1000
            if ARMS[arm]:
                give(steps, training, GuardCommand(then="off"))
        plain.append(typical["none"])
        for arm, costs in added.items():
            costs.append(typical[arm] - typical["none"])
        gc.collect()
    gc.enable()
    told = {arm: (statistics.median(c), half_width(c)) for arm, c in added.items()}
    return statistics.median(plain), told


def main(rounds: int) -> None:
    """Print a table as in docs/benchmarks.md."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        lrmonitor.start("guard-cost", str(Path(name) / "runs"))
        print(f"| step, µs | {' | '.join(a for a in ARMS if ARMS[a])} |")
        for made in (Training, Deep):
            for kind in ("SGD", "AdamW"):
                training = made(kind)
                step, told = measure(training, rounds)
                cells = [f"{c:.1f} ± {w:.1f} ({c / step:.1%})" for c, w in told.values()]
                print(f"| {made.__name__} {kind}: {step:.0f} | {' | '.join(cells)} |", flush=True)
                del training
                gc.collect()
        steps = probe.current()
        assert steps is not None
        assert steps.session is not None
        assert steps.session._errors == 0, "the probe failed while it was measured"
        steps.session.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
