"""Real optimizers whose other numbers are changed by commands, and by the script itself, for
test_options_table.py.

As a program this is a training script that prints, as JSON, the weights after each step of each
case: without lrmonitor, where the script puts the number into the groups before a step and its own
back after it, and then, after `lrmonitor.start()`, by commands.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

STEPS, BEGIN, END = 11, 3, 8
"""A command takes effect at step BEGIN of a case (counted from 0), and `follow` at step END."""


@dataclass(frozen=True)
class Case:
    """`held` are the numbers that are held from BEGIN to END, in `group` (None: all of them).

    `refused` is how the refusal of the first of them begins, after which nothing is other.
    """

    optimizer: str
    options: dict[str, Any]
    held: dict[str, float]
    group: int | None = None
    scheduler: str = ""
    closure: bool = False
    refused: str = ""
    rate: float | None = None
    """A rate that is held as well."""
    sparse: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


_SGD = {"momentum": 0.9, "weight_decay": 0.01}

CASES: dict[str, Case] = {
    "momentum": Case("SGD", _SGD, {"momentum": 0.5}),
    "momentum and decay, foreach": Case(
        "SGD", {**_SGD, "foreach": True}, {"momentum": 0.5, "weight_decay": 0.2}
    ),
    "momentum, fused": Case("SGD", {**_SGD, "fused": True}, {"momentum": 0.3}),
    "nesterov": Case("SGD", {**_SGD, "nesterov": True}, {"momentum": 0.6}),
    "nesterov, dampening": Case(
        "SGD", {**_SGD, "nesterov": True}, {"dampening": 0.1}, refused="Nesterov momentum needs"
    ),
    "dampening": Case("SGD", _SGD, {"dampening": 0.25}),
    "momentum to 0": Case("SGD", _SGD, {"momentum": 0.0}),
    "momentum from 0": Case("SGD", {}, {"momentum": 0.9}),
    "momentum from 0, fused": Case("SGD", {"fused": True}, {"momentum": 0.9}),
    "decay of one group": Case("SGD", _SGD, {"weight_decay": 0.3}, group=1),
    "with a held rate": Case("AdamW", {}, {"weight_decay": 0.3}, rate=0.02),
    "Adam": Case("Adam", {}, {"beta1": 0.5, "eps": 1e-3, "weight_decay": 0.1}),
    "AdamW, foreach": Case("AdamW", {"foreach": True}, {"beta2": 0.9, "weight_decay": 0.0}),
    "AdamW, fused": Case("AdamW", {"fused": True}, {"beta1": 0.0, "beta2": 0.9}),
    "tensor betas": Case("Adam", {"betas": "tensors", "foreach": False}, {"beta1": 0.5}, group=0),
    "amsgrad": Case("Adam", {"amsgrad": True}, {"beta2": 0.9}),
    "NAdam": Case("NAdam", {}, {"momentum_decay": 0.1, "beta1": 0.7}),
    "RMSprop": Case("RMSprop", {"momentum": 0.9}, {"alpha": 0.5, "momentum": 0.2}),
    "RMSprop, momentum from 0": Case(
        "RMSprop", {}, {"momentum": 0.9}, refused="this optimizer makes its momentum buffers"
    ),
    "Adagrad": Case("Adagrad", {}, {"lr_decay": 0.1, "eps": 0.1}),
    "Adadelta": Case("Adadelta", {}, {"rho": 0.5}),
    "one-cycle momentum": Case("SGD", _SGD, {"momentum": 0.5}, scheduler="OneCycleLR"),
    "one-cycle beta1": Case("AdamW", {}, {"beta1": 0.5}, scheduler="OneCycleLR"),
    "beta2 while beta1 cycles": Case("AdamW", {}, {"beta2": 0.9}, scheduler="OneCycleLR"),
    "cyclic momentum": Case("SGD", _SGD, {"momentum": 0.5}, scheduler="CyclicLR"),
    "cycled within the closure": Case(
        "SGD", _SGD, {"momentum": 0.5}, scheduler="OneCycleLR", closure=True
    ),
    "sparse gradients": Case(
        "SGD", {}, {"weight_decay": 0.1}, refused="weight decay is not possible", sparse=True
    ),
    "no such number": Case("AdamW", {}, {"momentum": 0.5}, refused="AdamW has no momentum"),
    "no such group": Case("SGD", _SGD, {"momentum": 0.5}, group=7, refused="there is no group 7"),
}


WATCHED = ("momentum", "AdamW, foreach", "one-cycle beta1", "cycled within the closure")
"""Cases that are run under lrmonitor without a command as well."""


def put(groups: list[dict[str, Any]], case: Case) -> Callable[[], None]:
    """As a script does itself: put the numbers into the groups; the way back."""
    kept: list[tuple[dict[str, Any], str, Any]] = []
    for j, group in enumerate(groups):
        if case.rate is not None:
            kept.append((group, "lr", group["lr"]))
            group["lr"] = case.rate
        if case.group not in (None, j):
            continue
        for name, value in case.held.items():
            if not name.startswith("beta"):
                kept.append((group, name, group[name]))
                group[name] = value
                continue
            kept.append((group, "betas", group["betas"]))
            at, betas = int(name[4:]) - 1, list(group["betas"])
            tensor = not isinstance(betas[at], float)
            betas[at] = betas[at].clone().fill_(value) if tensor else value
            group["betas"] = tuple(betas)

    def back() -> None:
        for group, name, value in reversed(kept):
            group[name] = value

    return back


def numbers_of(groups: list[dict[str, Any]]) -> list[Any]:
    """What the script finds in its groups."""
    told = []
    for group in groups:
        plain: dict[str, Any] = {}
        for key, value in group.items():
            if key == "betas":
                plain[key] = [float(one) for one in value]
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                plain[key] = float(value)
        told.append(plain)
    return told


def trained(case: Case, natively: bool | None) -> dict[str, Any]:
    """The weights after each step, and what the script finds in its groups then; numbers are put by
    the script (`natively`), by commands, or not at all (None)."""
    import torch

    gc.collect()  # a scheduler and its optimizer form a ring
    torch.manual_seed(3)
    options = dict(case.options)
    if options.get("betas") == "tensors":
        options["betas"] = (torch.tensor(0.9), torch.tensor(0.999))
    if case.sparse:
        model: Any = torch.nn.Sequential(torch.nn.Embedding(9, 4, sparse=True))
        inputs: Any = torch.arange(6)
        layers = [model[0]]
    else:
        model = torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1))
        inputs, layers = torch.randn(16, 3), [model[0], model[2]]
    maker: Any = getattr(torch.optim, case.optimizer)
    optimizer = maker([{"params": list(one.parameters())} for one in layers], lr=0.05, **options)
    made: Any = None
    if case.scheduler == "OneCycleLR":
        made = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=STEPS + 1)
    elif case.scheduler == "CyclicLR":
        made = torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, 3, 4)
    answers: list[Any] = []
    rows, seen, back = [], [], None
    for t in range(STEPS):
        if natively is False and t in (BEGIN, END):
            answers.append(command(case, optimizer, t == BEGIN))
        optimizer.zero_grad()
        held = natively is True and BEGIN <= t < END

        def evaluate(held: bool = held) -> Any:
            nonlocal back
            loss = (model(inputs) ** 2).mean() + model(inputs).sum() / 50
            loss.backward()
            if case.closure and made is not None:
                made.step()
            if held:
                back = put(optimizer.param_groups, case)
            return loss

        if case.closure:
            optimizer.step(evaluate)
        else:
            evaluate()
            optimizer.step()
        if held and back is not None:
            back()
        if made is not None and not case.closure:
            made.step()
        flat = torch.cat([p.detach().reshape(-1).double() for p in model.parameters()])
        rows.append(flat.tolist())
        seen.append(numbers_of(optimizer.param_groups))
    return {"weights": rows, "seen": seen, "answers": [a for one in answers for a in one]}


def command(case: Case, optimizer: Any, begin: bool) -> list[Any]:
    """Give the commands that begin or end what is held; lists that their answers come into."""
    from lrmonitor.link.messages import LrCommand, OptionCommand
    from lrmonitor.probe.hooks import current

    probe = current()
    assert probe is not None
    number = next(o.number for o in probe.optimizers if o.ref() is optimizer)
    given: list[Any] = [
        OptionCommand(name=name, value=value if begin else None, optimizer=number, group=case.group)
        for name, value in case.held.items()
    ]
    if case.rate is not None:
        mode, rate = ("hold", case.rate) if begin else ("follow", None)
        given.append(LrCommand(mode=mode, value=rate, optimizer=number))
    found = []
    for one in given:
        answers: list[Any] = []
        probe.control.submit(one, answers.append)
        found.append(answers)
    return found


def main() -> None:
    """Print what came of all cases."""
    import torch

    torch.set_num_threads(1)
    undisturbed = {name: trained(case, None) for name, case in CASES.items()}
    native = {name: trained(case, True) for name, case in CASES.items() if not case.refused}

    import lrmonitor
    from lrmonitor.probe.hooks import current

    run = lrmonitor.start()
    watched = {name: trained(CASES[name], None) for name in WATCHED}
    commanded = {}
    for name, case in CASES.items():
        probe = current()
        assert probe is not None
        begin = probe.step
        told = trained(case, False)
        told["answers"] = [
            vars(one[-1]) | {"groups": [vars(g) for g in one[-1].groups]} for one in told["answers"]
        ]
        commanded[name] = told | {"first": begin}
    seen = {
        "folder": run,
        "undisturbed": undisturbed,
        "native": native,
        "watched": watched,
        "commanded": commanded,
    }
    sys.stdout.write(json.dumps(seen, default=dict))


if __name__ == "__main__":
    main()
