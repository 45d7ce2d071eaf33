"""The training scripts of tests/fixtures/training/wild that are steered: how each is started, and
what was done to it done once more without lrmonitor."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.launch import TIMEOUT
from tests.helpers.starter import Record, Starter
from tests.helpers.wait import PATIENCE
from tests.helpers.wild import COMPILER, MODULES, assert_same, compiling

SECONDS = {"compiled": 250.0 * PATIENCE, "package": 120.0 * PATIENCE}
"""What anything may take, where that is not the usual."""


@dataclass(frozen=True)
class Program:
    """A script, and the row of docs/frameworks.md that it stands for."""

    name: str
    style: str
    how: str = "forked"
    """`forked` from a process that has torch, or a process for itself: `started`, in a `terminal`,
    `compiled`, a `package`."""
    words: tuple[str, ...] = ()
    plain_words: tuple[str, ...] | None = None
    """The arguments that it has without lrmonitor, where these are others."""
    needs: tuple[str, ...] = ()
    """Packages."""
    last: int = 0
    """The number of the optimizer that steps last in each iteration."""
    closure: bool = False
    """Whether its steps are made with a closure."""

    @property
    def patience(self) -> float:
        """Seconds that anything may take."""
        return SECONDS.get(self.how, TIMEOUT)

    def env(self, folder: Path) -> dict[str, str]:
        """Its environment; runs share what they compile, in that folder."""
        return compiling(folder) if self.how == "compiled" else {}


PROGRAMS = (
    Program("epochs", "plain loop, scheduler each epoch"),
    Program("own_cosine", "script writes its own cosine into the groups"),
    Program("accumulation", "accumulation, its number changed mid-run"),
    Program("closure", "closure given to every step", closure=True),
    Program("no_closure", "None given as closure, gradients clipped"),
    Program("lbfgs", "LBFGS, many backward passes a step", closure=True),
    Program("vae", "summed loss (VAE, about 70,000)"),
    Program("actor_critic", "losses of either sign, irregular cadence (actor and critic)"),
    Program("rollouts", "bursts of steps between rollouts, rate ends below 0 (PPO)"),
    Program("below_zero", "rate ends below 0 (linear)"),
    Program("autocast", "bfloat16 autocast"),
    Program("ema", "average of the weights (EMA), scheduler not torch's"),
    Program("checkpointing", "gradient checkpointing"),
    Program("scaler", "GradScaler, with skipped steps"),
    Program("gan", "two optimizers (GAN)", last=1),
    Program("layerwise", "one optimizer a layer (forward-forward)", last=2),
    Program("workers", "data loader with forked workers", "started", ("fork",)),
    Program("workers", "data loader with spawned workers", "started", ("spawn",), ("fork",)),
    Program("forever", "endless loop ended by Ctrl-C", "started"),
    Program("terminal", "needs a terminal, draws a progress bar", "terminal"),
    Program("compiled_model", "torch.compile of the model", "compiled"),
    Program("compiled_step", "torch.compile of the model and of the optimizer's step", "compiled"),
    Program("huggingface", "Hugging Face Trainer", "package", needs=("transformers", "accelerate")),
    Program(
        "accelerated", "Accelerate, accumulation", "package", needs=("transformers", "accelerate")
    ),
    Program(
        "lightning_automatic",
        "Lightning, automatic optimization",
        "package",
        needs=("lightning",),
        closure=True,
    ),
    Program(
        "lightning_manual",
        "Lightning, manual optimization",
        "package",
        needs=("lightning",),
        last=1,
        closure=True,  # one that does nothing, which Lightning gives where there is none
    ),
    Program(
        "lightning_cli",
        "Lightning, its command line",
        "package",
        needs=("lightning", "jsonargparse"),
        closure=True,
    ),
    Program("with_skorch", "skorch", "package", needs=("skorch",), closure=True),
    Program("stable_baselines", "Stable-Baselines3, PPO", "package", needs=("stable_baselines3",)),
)

WITHOUT_OPTIMIZER = (
    Program("no_optimizer", "no optimizer, update written out"),
    Program("own_optimizer", "optimizer that is not a torch.optim.Optimizer"),
    Program("with_fastai", "fastai", "package", needs=("fastai",)),
)
"""Those that step no torch optimizer: nothing can be steered."""


def marks(program: Program) -> list[pytest.MarkDecorator]:
    """Those of a test of it; slow where more is started than a loop in a forked process."""
    found = [pytest.mark.style(program.style), pytest.mark.needs(*program.needs)]
    if program.how != "forked":
        found.append(pytest.mark.slow)
    if program.how in SECONDS:
        found.append(pytest.mark.timeout(600 * PATIENCE))
    if program.how == "compiled":
        found.append(COMPILER)
    return found


def redone(
    plainly: Starter,
    program: Program,
    tmp_path: Path,
    truth: dict[str, Any],
    record: Record,
    code: int,
) -> None:
    """The script without lrmonitor, with all that is recorded done once more: its losses, its
    schedule and its weights are the same, bit by bit, at every step, and so is its exit code."""
    file, steps = tmp_path / "again.json", len(truth["loss"]["0"])
    words = program.words if program.plain_words is None else program.plain_words
    plainly.start(
        f"{MODULES}.{program.name}",
        file,
        *words,
        str(steps),
        record=record,
        env=program.env(tmp_path),
    )
    assert plainly.wait(2 * program.patience) == code
    again = json.loads(file.read_text())
    assert again["lr"] == truth["lr"], "the schedule was disturbed"
    assert_same(again, truth, len(truth["weights"]))
