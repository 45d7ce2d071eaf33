"""Schedulers of every kind, run as they are and then under commands, for test_rates_table.py.

As a program (`python -m tests.helpers.rates_table KIND`) this is a training script that prints, as
JSON, which rates its optimizers really used. They are read by the optimizers' own `step`, which
knows nothing of lrmonitor. The undisturbed schedules are run before `lrmonitor.start()`, in a
process that lrmonitor has not touched.
"""

from __future__ import annotations

import gc
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

STEPS = 22
BEGIN, END = 6, 16
"""A command takes effect at step BEGIN of a case (counted from 0), and follow at step END."""

BASES = ((0.1, 0.03, 0.007), (0.3, 0.02))
"""Base rates of the groups of the two optimizers."""

KINDS = ("float", "tensor", "shared")
"""A rate per group as a number; as a float32 tensor; one tensor for the first two groups."""

TORCH = (
    "LambdaLR",
    "MultiplicativeLR",
    "StepLR",
    "MultiStepLR",
    "ConstantLR",
    "LinearLR",
    "ExponentialLR",
    "SequentialLR",
    "PolynomialLR",
    "CosineAnnealingLR",
    "ChainedScheduler",
    "ReduceLROnPlateau",
    "CyclicLR",
    "OneCycleLR",
    "CosineAnnealingWarmRestarts",
    "SWALR",
)
OWN = ("assigned", "multiplied", "in closure", "in closure, recursive", "within step")
"""Written by hand: each step `lr = f(step)`; each epoch `lr *= 0.9`; LambdaLR or ExponentialLR
stepped inside the closure; `lr = f(step + 1)` inside the optimizer's own `step`."""


class Told(NamedTuple):
    """A command, and the step of the case before which it is given."""

    at: int
    mode: str
    value: float | None
    optimizer: int | str | None
    group: int | None
    ramp: int = 0
    same: bool = False
    plan: dict[str, Any] | None = None
    late: int | None = None
    """Of a plan: how many steps before this one it began; None says nothing of it."""


TARGETS: tuple[tuple[int | str | None, int | None], ...] = (
    (None, None),
    (None, 1),
    (1, 0),
    ("all", None),
)
VALUES = {"set": 0.0123, "scale": 0.3, "hold": 3e-4, "freeze": None}


PLANS: tuple[dict[str, Any], ...] = (
    {"kind": "constant", "start": 0.02, "length": 6},
    {"kind": "step", "every": 2, "factor": 0.7, "length": 9},
    {"kind": "multi-step", "start": 0.05, "at": [1, 4, 5], "factor": 0.5, "length": 30},
    {"kind": "exponential", "factor": 1.2, "length": 5},
    {"kind": "inverse-sqrt", "start": 0.03, "scale": 3},
    {"kind": "linear", "end": 1e-3, "length": 7},
    {"kind": "polynomial", "start": 0.04, "end": 1e-4, "length": 8, "power": 3},
    {"kind": "cosine", "end": 2e-3, "length": 6},
    {"kind": "cosine-restarts", "start": 0.1, "end": 1e-3, "period": 2, "growth": 2},
    {"kind": "one-cycle", "start": 1e-3, "peak": 0.2, "length": 9},
    {"kind": "warmup", "warmup": 3, "after": {"kind": "cosine", "start": 0.1, "end": 0.01,
                                              "length": 4}},
    {"kind": "warmup-stable-decay", "peak": 0.3, "end": 1e-3, "warmup": 2, "stable": 2,
     "decay": 3, "shape": "sqrt"},
)  # fmt: skip
"""One of each kind, some from the rate that the run then has."""


def moving(name: str) -> dict[str, tuple[Told, ...]]:
    """Cases of one scheduler whose overrides change of themselves: every mode with a ramp, and two
    of the plans, so that over all schedulers each pair of mode, target and plan is there."""
    made: dict[str, tuple[Told, ...]] = {}
    turn = (*TORCH, *OWN).index(name)
    for at, (mode, value) in enumerate(VALUES.items()):
        target = TARGETS[(turn + at) % len(TARGETS)]
        steps = (2, 5, 9)[(turn + at) % 3]
        same = mode in ("hold", "set") and target[1] is None and turn % 2 == 1
        made[f"ramp {mode}"] = (
            Told(BEGIN, mode, value, *target, ramp=steps, same=same),
            Told(END, "follow", None, *target, ramp=4),
        )
    for at in (0, 1):
        target = TARGETS[(turn + at + 1) % len(TARGETS)]
        plan = dict(PLANS[(2 * turn + at) % len(PLANS)])
        if plan.get("length") and turn % 3 == at:
            plan["then"] = "follow"
        same = target[1] is None and turn % 2 == 0
        ramp = 3 if turn % 4 == at else 0
        late = 2 if plan.get("start") and at else None
        made[f"plan {at}"] = (
            Told(BEGIN, "plan", None, *target, ramp, same, plan, late),
            Told(END, "follow", None, *target),
        )
    made["ramps one after another"] = (
        Told(2, "hold", 0.004, "all", None, ramp=8),
        Told(5, "scale", 1.7, None, 1, ramp=6),
        Told(7, "plan", None, "all", None, ramp=3, plan=PLANS[turn % len(PLANS)]),
        Told(9, "set", 0.02, None, None, ramp=30),
        Told(11, "freeze", None, None, 0, ramp=3),
        Told(13, "follow", None, None, 0, ramp=2),
        Told(END, "follow", None, "all", None, ramp=5),
    )
    return made


def cases(name: str) -> dict[str, tuple[Told, ...]]:
    """The cases of one scheduler, by name."""
    return commands() | moving(name)


def commands() -> dict[str, tuple[Told, ...]]:
    """The cases of every scheduler, by name."""
    made: dict[str, tuple[Told, ...]] = {}
    for mode, value in VALUES.items():
        for optimizer, group in TARGETS:
            made[f"{mode} {optimizer} {group}"] = (
                Told(BEGIN, mode, value, optimizer, group),
                Told(END, "follow", None, optimizer, group),
            )
    made["one after another"] = (
        Told(3, "scale", 1.7, "all", None),
        Told(6, "hold", 0.004, None, 1),
        Told(6, "freeze", None, 1, 1),
        Told(8, "scale", 2.5, "all", 1),
        Told(9, "set", 0.02, None, None),
        Told(11, "follow", None, None, 0),
        Told(12, "hold", 2e-5, "all", None),
        Told(13, "scale", 0.1, None, 2),
        Told(15, "set", 0.5, None, 2),
        Told(END, "follow", None, "all", None),
    )
    return made


@dataclass
class Script:
    """Two optimizers with the same kind of scheduler, as a script would have them."""

    optimizers: list[Any]
    schedulers: list[Any]
    step: Callable[[int, int], None]
    """Make one step of an optimizer and of its schedule: number of the step, of the optimizer."""


def shape(step: int) -> float:
    """A schedule with a warm-up and a decay, never 0."""
    return (step + 1) / 6 if step < 5 else 0.93 ** (step - 5)


def bases_of(kind: str, which: int) -> tuple[float, ...]:
    """Base rates of an optimizer's groups: those that share a tensor have one."""
    bases = BASES[which]
    return (bases[0], *bases[:1], *bases[2:]) if kind == "shared" else bases


def rates_of(kind: str, bases: tuple[float, ...]) -> list[Any]:
    """The groups' rates as the script makes them."""
    import torch

    if kind == "float":
        return list(bases)
    made: list[Any] = [torch.tensor(base) for base in bases]
    if kind == "shared":
        made[1] = made[0]
    return made


def scheduler(name: str, optimizer: Any) -> Any:
    """A torch scheduler, its parameters such that the rate changes within STEPS."""
    from torch.optim import lr_scheduler as torch
    from torch.optim.swa_utils import SWALR

    count = len(optimizer.param_groups)
    peaks = [0.2, 0.05, 0.01][:count]
    averaged: Any = [0.05, 0.01, 0.002][:count]
    makers: dict[str, Callable[[], Any]] = {
        "LambdaLR": lambda: torch.LambdaLR(optimizer, [shape] * count),
        "MultiplicativeLR": lambda: torch.MultiplicativeLR(optimizer, lambda t: 1 - 0.2 / (t + 1)),
        "StepLR": lambda: torch.StepLR(optimizer, 4, 0.7),
        "MultiStepLR": lambda: torch.MultiStepLR(optimizer, [3, 8, 13, 18], 0.3),
        "ConstantLR": lambda: torch.ConstantLR(optimizer, 1 / 3, 12),
        "LinearLR": lambda: torch.LinearLR(optimizer, 0.1, 1.0, 15),
        "ExponentialLR": lambda: torch.ExponentialLR(optimizer, 0.97),
        "SequentialLR": lambda: torch.SequentialLR(
            optimizer,
            [
                torch.LinearLR(optimizer, 0.1, 1.0, 5),
                torch.LambdaLR(optimizer, shape),
                torch.CosineAnnealingLR(optimizer, 10, 1e-4),
            ],
            [5, 15],
        ),
        "PolynomialLR": lambda: torch.PolynomialLR(optimizer, STEPS + 5, 2.0),
        "CosineAnnealingLR": lambda: torch.CosineAnnealingLR(optimizer, 12, 1e-3),
        "ChainedScheduler": lambda: torch.ChainedScheduler(
            [torch.ConstantLR(optimizer, 0.5, 9), torch.ExponentialLR(optimizer, 0.95)]
        ),
        "ReduceLROnPlateau": lambda: torch.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=2, cooldown=1
        ),
        "CyclicLR": lambda: torch.CyclicLR(optimizer, [p / 9 for p in peaks], peaks, 4, 5),
        "OneCycleLR": lambda: torch.OneCycleLR(optimizer, peaks, total_steps=STEPS + 1),
        "CosineAnnealingWarmRestarts": lambda: torch.CosineAnnealingWarmRestarts(
            optimizer, 6, 2, 1e-4
        ),
        "SWALR": lambda: SWALR(optimizer, averaged, 10),
    }
    return makers[name]()


def write(groups: list[dict[str, Any]], values: list[float]) -> None:
    """Write a script's own rates: numbers anew, tensors in place, as captured steps need it."""
    for group, value in zip(groups, values, strict=True):
        if isinstance(group["lr"], float):
            group["lr"] = value
        else:
            group["lr"].fill_(value)


def multiply(groups: list[dict[str, Any]], factor: float) -> None:
    """The recursion `group["lr"] *= factor` (which is done twice to a tensor of two groups)."""
    for group in groups:
        group["lr"] *= factor


def script(name: str, kind: str) -> Script:
    """Optimizers, and how the script steps them."""
    import torch

    class Recorder(torch.optim.Optimizer):
        """Keeps the rates that its steps read."""

        def __init__(self, rates: list[Any]) -> None:
            groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": r} for r in rates]
            super().__init__(groups, {"lr": 1.0, "momentum": 0.9})
            self.made = 0
            self.inside: Callable[[int], None] | None = None
            self.read: list[float] = []

        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            if closure is not None:
                closure()
            self.read = numbers([g["lr"] for g in self.param_groups])
            self.made += 1
            if self.inside is not None:
                self.inside(self.made)

    optimizers: list[Any] = [Recorder(rates_of(kind, bases_of(kind, o))) for o in (0, 1)]
    schedulers: list[Any] = []
    if name in TORCH:
        schedulers = [scheduler(name, optimizer) for optimizer in optimizers]
    elif name == "in closure":
        schedulers = [scheduler("LambdaLR", optimizer) for optimizer in optimizers]
    elif name == "in closure, recursive":
        schedulers = [scheduler("ExponentialLR", optimizer) for optimizer in optimizers]
    elif name == "within step":
        for which, optimizer in enumerate(optimizers):
            bases = bases_of(kind, which)
            optimizer.inside = lambda made, o=optimizer, b=bases: write(
                o.param_groups, [base * shape(made) for base in b]
            )

    def step(number: int, which: int) -> None:
        optimizer = optimizers[which]
        if name == "assigned":
            bases = bases_of(kind, which)
            write(optimizer.param_groups, [base * shape(number) for base in bases])
        if name.startswith("in closure"):
            optimizer.step(schedulers[which].step)
            return
        optimizer.step()
        if name == "ReduceLROnPlateau":
            schedulers[which].step(1.0 / (1 + min(number, 2)))
        elif schedulers:
            schedulers[which].step()
        elif name == "multiplied" and number % 5 == 4:
            multiply(optimizer.param_groups, 0.9)

    return Script(optimizers, schedulers, step)


def numbers(rates: list[Any]) -> list[float]:
    """Rates as numbers, bit by bit."""
    return [float(rate) for rate in rates]


def observe(made: Script, number: int, which: int) -> dict[str, Any]:
    """Make one step; what was read in it, and what the script finds after it."""
    optimizer = made.optimizers[which]
    before = [group["lr"] for group in optimizer.param_groups]
    made.step(number, which)
    after = [group["lr"] for group in optimizer.param_groups]
    return {
        "read": list(optimizer.read),
        "left": numbers(after),
        "last": numbers(made.schedulers[which].get_last_lr()) if made.schedulers else None,
        "momentum": [group["momentum"] for group in optimizer.param_groups],
        # A tensor stays the script's own tensor, a number a number.
        "kept": all(
            type(a) is float if isinstance(b, float) else a is b
            for a, b in zip(after, before, strict=True)
        ),
    }


def undisturbed(name: str, kind: str) -> list[list[dict[str, Any]]]:
    """What happens without lrmonitor: by step and optimizer."""
    made = script(name, kind)
    return [[observe(made, t, which) for which in (0, 1)] for t in range(STEPS)]


def disturbed(name: str, kind: str, told: tuple[Told, ...]) -> dict[str, Any]:
    """The same with commands given between the steps; and the answers to them."""
    from lrmonitor.link.messages import LrCommand
    from lrmonitor.probe.hooks import current
    from lrmonitor.schedules.wire import from_json

    probe = current()
    assert probe is not None
    made = script(name, kind)
    answers: list[list[Any]] = [[] for _ in told]
    rows, first = [], probe.step
    for t in range(STEPS):
        for order, one in enumerate(told):
            if one.at == t:
                command = LrCommand(
                    mode=one.mode,
                    value=one.value,
                    optimizer=one.optimizer,
                    group=one.group,
                    ramp=one.ramp,
                    same=one.same,
                    plan=None if one.plan is None else from_json(one.plan),
                    begin=None if one.late is None else probe.step + 1 - one.late,
                )
                probe.control.submit(command, answers[order].append)
        rows.append([observe(made, t, which) for which in (0, 1)])
    return {
        "first": first,
        "rows": rows,
        "answers": [vars(a[-1]) | {"groups": [vars(g) for g in a[-1].groups]} for a in answers],
    }


# Weights of real optimizers

WEIGHTS = ("SGD", "SGD foreach", "Adam", "Adam foreach", "AdamW")


def weights(which: str, kind: str, mode: str, natively: bool) -> Iterator[list[float]]:
    """Weights after each step with a rate that is scaled by 1/2, held at a quarter of its base, or
    frozen from BEGIN on: by the script's own LambdaLR (`natively`), or by a command.

    The factors are powers of 2, so that both ways of computing the rate give the same bits.
    """
    import torch

    from lrmonitor.link.messages import LrCommand
    from lrmonitor.probe.hooks import current

    torch.manual_seed(7)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    bases = (0.0625, 0.0625 if kind == "shared" else 0.03125)
    groups = [
        {"params": list(layer.parameters()), "lr": rate}
        for layer, rate in zip((model[0], model[2]), rates_of(kind, bases), strict=True)
    ]
    foreach = which.endswith("foreach")
    maker: Any = getattr(torch.optim, which.split()[0])
    options: dict[str, Any] = {"momentum": 0.9} if maker is torch.optim.SGD else {}
    if foreach and kind != "float" and maker is not torch.optim.SGD:
        options["capturable"] = True  # torch refuses a tensor rate with foreach otherwise
    optimizer = maker(groups, foreach=foreach, **options)

    def factor(step: int) -> float:
        if not natively or step < BEGIN:
            return shape(step)
        return {"scale": shape(step) * 0.5, "hold": 0.25, "freeze": 0.0}[mode]

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    inputs = torch.randn(16, 3)
    probe = current()
    answers: list[Any] = []
    for t in range(END):
        if not natively and t == BEGIN:
            assert probe is not None
            number = next(o.number for o in probe.optimizers if o.ref() is optimizer)
            for j, base in enumerate(bases):
                value = {"scale": 0.5, "hold": base * 0.25, "freeze": None}[mode]
                command = LrCommand(mode=mode, value=value, optimizer=number, group=j)
                probe.control.submit(command, answers.append)
        optimizer.zero_grad()
        ((model(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean().backward()
        optimizer.step()
        schedule.step()
        yield [float(x) for p in model.parameters() for x in p.detach().flatten()]
    if not natively:
        assert [a.status for a in answers] == ["pending"] * 2 + ["applied"] * 2, answers
        assert probe is not None
        # The next optimizer of this class would take this one's place, override and all.
        probe.control.submit(LrCommand(mode="follow", optimizer=number), answers.append)
        optimizer.step()
        assert answers[-1].status == "applied", answers


def collect() -> None:
    """Free the optimizers of the case before (a scheduler and its optimizer form a ring), so that
    the next ones take their place; what survives is not looked through again."""
    gc.collect()
    gc.freeze()


WEIGHT_MODES = ("scale", "hold", "freeze")


def refused_by_torch(which: str, kind: str) -> str | None:
    """Why torch itself cannot make such a step on a CPU."""
    if which == "Adam foreach" and kind != "float":
        return "a tensor rate with foreach needs capturable, which needs a GPU"
    return None


def main(kind: str) -> None:
    """Run everything for one kind of rate and print what was seen."""
    import torch  # noqa: F401

    import lrmonitor

    warnings.simplefilter("error")
    # torch's own SequentialLR and SWALR call step(epoch), which torch deprecates.
    warnings.filterwarnings("ignore", message=".*epoch parameter in `scheduler.step")
    names = (*TORCH, *OWN)
    plain = {name: undisturbed(name, kind) for name in names}
    able = [w for w in WEIGHTS if refused_by_torch(w, kind) is None]
    native = {f"{w} {m}": list(weights(w, kind, m, True)) for w in able for m in WEIGHT_MODES}
    folder = lrmonitor.start()
    seen_cases: dict[str, dict[str, Any]] = {name: {} for name in names}
    gc.disable()
    collect()
    for name in names:
        for title, told in cases(name).items():
            seen_cases[name][title] = disturbed(name, kind, told)
            collect()
    told_to = {}
    for w in able:
        for m in WEIGHT_MODES:
            told_to[f"{w} {m}"] = list(weights(w, kind, m, False))
            collect()
    seen = {
        "folder": folder,
        "plain": plain,
        "cases": seen_cases,
        "native": native,
        "told": told_to,
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
