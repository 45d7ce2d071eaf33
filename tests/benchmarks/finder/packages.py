"""What fastai, Lightning and pytorch-lr-finder themselves suggest, at their defaults.

`python -m tests.benchmarks.finder.packages` in an environment of its own that has `torch`,
`fastai`, `lightning` and `torch-lr-finder`: for each case of the table the rates they suggest, kept
in `packages.json` beside this file. Each trains as it does, from the same fresh model, on the same
data in batches of the same size.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib.metadata
import io
import json
import logging
import math
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from tests.benchmarks.diagnosis.tasks import TASKS
from tests.benchmarks.diagnosis.training import OPTIMIZERS
from tests.benchmarks.finder.cases import CASES
from tests.benchmarks.finder.training import Setup, State, data, fresh

FOUND = Path(__file__).parent / "packages.json"


def loader(setup: Setup, seed: int) -> DataLoader[Any]:
    d = data(setup.task)
    g = torch.Generator().manual_seed(seed)
    batch = TASKS[setup.task].batch
    return DataLoader(TensorDataset(d.x, d.y), batch, shuffle=True, drop_last=True, generator=g)


def fastai(setup: Setup, state: State, seed: int) -> dict[str, float | None]:
    from fastai.callback.schedule import minimum, slide, steep, valley
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    options: dict[str, Any] = {"lr": 1e-3}
    kind = torch.optim.AdamW
    if setup.optimizer == "sgd":
        kind, options = torch.optim.SGD, {"lr": 1e-3, "momentum": 0.9}  # type: ignore[assignment]

    def optimizer(params: Any, lr: float, **_: Any) -> Any:
        return OptimWrapper(params, functools.partial(kind, **(options | {"lr": lr})))

    batches = loader(setup, seed)
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(
            DataLoaders(batches, batches),
            state.model,
            loss_func=TASKS[setup.task].loss,
            opt_func=optimizer,
            path=folder,
        )
        rules = (valley, slide, minimum, steep)
        with learner.no_bar(), learner.no_logging():
            found = learner.lr_find(show_plot=False, suggest_funcs=rules)
    return {f"fastai {r.__name__}": float(x) for r, x in zip(rules, found, strict=True)}


def lightning(setup: Setup, state: State, seed: int) -> dict[str, float | None]:
    import lightning.pytorch as pl
    from lightning.pytorch.tuner import Tuner

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.inner = state.model
            self.lr = 1e-3

        def training_step(self, batch: Any, _: int) -> Any:
            return TASKS[setup.task].loss(self.inner(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return OPTIMIZERS[setup.optimizer](list(self.inner.parameters()), self.lr)

    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            default_root_dir=folder,
            max_epochs=20,
        )
        found = Tuner(trainer).lr_find(Module(), loader(setup, seed))
    return {"Lightning": None if found is None else found.suggestion()}


def lr_finder(setup: Setup, state: State, seed: int) -> dict[str, float | None]:
    from matplotlib import pyplot
    from torch_lr_finder import LRFinder

    for group in state.opt.param_groups:
        group["lr"] = 1e-7  # where its README begins
    finder = LRFinder(state.model, state.opt, TASKS[setup.task].loss, device="cpu")
    finder.range_test(loader(setup, seed), end_lr=10, num_iter=100)
    drawn = finder.plot()
    pyplot.close("all")
    return {"pytorch-lr-finder": float(drawn[1])}


PACKAGES: dict[str, Callable[[Setup, State, int], dict[str, float | None]]] = {
    "fastai": fastai,
    "lightning": lightning,
    "torch-lr-finder": lr_finder,
}


def suggestions(setup: Setup, seed: int) -> dict[str, float | None]:
    """Of all three; None where a package raised or said nothing."""
    out: dict[str, float | None] = {}
    for name, ask in PACKAGES.items():
        state = copy.deepcopy(fresh(setup, seed))
        torch.manual_seed(seed)
        try:
            aside = io.StringIO()  # bars and tips
            with contextlib.redirect_stdout(aside), contextlib.redirect_stderr(aside):
                found = ask(setup, state, seed)
        except Exception as error:
            print(f"{setup.name} {seed} {name}: {error!r}", file=sys.stderr)
            found = {name: None}
        out |= {k: x if x is not None and math.isfinite(x) else None for k, x in found.items()}
    return out


def main() -> None:
    """All cases that are missing."""
    import matplotlib

    matplotlib.use("Agg")
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    known: dict[str, Any] = json.loads(FOUND.read_text("utf-8")) if FOUND.exists() else {}
    known["versions"] = {name: importlib.metadata.version(name) for name in PACKAGES}
    for case in CASES:
        if case.name not in known:
            known[case.name] = suggestions(case.setup, case.seed)
            FOUND.write_text(json.dumps(known, indent=0), "utf-8")


if __name__ == "__main__":
    main()
