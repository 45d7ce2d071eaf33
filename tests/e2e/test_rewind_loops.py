"""Training loops as people write them, with a rewind in each: the weights that a script notes at
the step of the rewind are those that it noted at the step of the snapshot."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import RewindCommand, SnapshotCommand
from tests.helpers.commander import Commander
from tests.helpers.launch import TIMEOUT
from tests.helpers.starting import Forked, InTerminal, Launcher, Started
from tests.helpers.styles import NO_OPTIMIZER, Outcome
from tests.helpers.wild import CALM, COMPILER, MODULES, NO_RATE, compiling, read_ranks

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")


Proven = Callable[[Outcome], None]
style, needs = pytest.mark.style, pytest.mark.needs


def rewound(
    launcher: Launcher,
    tmp_path: Path,
    name: str,
    words: Sequence[str] = (),
    patience: float = TIMEOUT,
) -> Outcome:
    """Start a style, take a snapshot, go on, go back, go on, and stop it."""
    file, log = tmp_path / "watched.json", tmp_path / "log.txt"
    with launcher.script(["-m", f"{MODULES}.{name}", file, *words], log) as script:
        with Commander(script.folder.name, script.rank, patience) as c:
            c.wait(CALM)
            begin = c.applied(SnapshotCommand())
            c.wait(begin + 10)
            answer = c.do(RewindCommand())
            assert (answer.status, answer.detail.get("to")) == ("applied", begin), answer
            to = answer.step or 0
            c.wait(to + 10)
        script.stop()
    truth: dict[str, Any] = json.loads(file.read_text())
    rank = read_ranks(script.folder)[script.rank]
    weights = truth["weights"]
    assert len(weights) >= to + 9
    assert weights[to - 1] == weights[begin - 1]
    assert weights[to - 2] != weights[begin - 1]
    assert weights[to] != weights[to - 1], "it does not learn any more"
    assert all(math.isfinite(loss) for losses in truth["loss"].values() for loss in losses)
    (snapshot,) = [e for e in rank.events if e["event"] == "snapshot"]
    assert "warnings" not in snapshot
    assert rank.by_name["loss"].value.tolist() == truth["loss"]["0"]
    return {"snapshot": "yes", "rewind": "yes"}


SLOW = pytest.mark.slow
"""Of each pair of styles one is rewound and the other tested for rates (`test_range_test_loops.py`)
at every push; all are in the slow set."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("epochs", marks=[style("plain loop, scheduler each epoch"), SLOW]),
        pytest.param("own_cosine", marks=style("script writes its own cosine into the groups")),
        pytest.param("accumulation", marks=style("accumulation, its number changed mid-run")),
        pytest.param("closure", marks=[style("closure given to every step"), SLOW]),
        pytest.param("no_closure", marks=[style("None given as closure, gradients clipped"), SLOW]),
        pytest.param("lbfgs", marks=style("LBFGS, many backward passes a step")),
        pytest.param("vae", marks=[style("summed loss (VAE, about 70,000)"), SLOW]),
        pytest.param(
            "actor_critic",
            marks=style("losses of either sign, irregular cadence (actor and critic)"),
        ),
        pytest.param(
            "rollouts",
            marks=[style("bursts of steps between rollouts, rate ends below 0 (PPO)"), SLOW],
        ),
        pytest.param("below_zero", marks=style("rate ends below 0 (linear)")),
        pytest.param("autocast", marks=[style("bfloat16 autocast"), SLOW]),
        pytest.param("ema", marks=style("average of the weights (EMA), scheduler not torch's")),
        pytest.param("checkpointing", marks=[style("gradient checkpointing"), SLOW]),
        pytest.param("scaler", marks=style("GradScaler, with skipped steps")),
        pytest.param("gan", marks=style("two optimizers (GAN)")),
        pytest.param("layerwise", marks=[style("one optimizer a layer (forward-forward)"), SLOW]),
    ],
)
def test_a_loop(
    name: str,
    under_lrmonitor: Forked,
    proven: Proven,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    proven(rewound(under_lrmonitor, tmp_path, name))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words", "launcher"),
    [
        pytest.param(
            "workers", ["fork"], Started(), marks=style("data loader with forked workers")
        ),
        pytest.param(
            "workers", ["spawn"], Started(), marks=style("data loader with spawned workers")
        ),
        pytest.param("forever", [], Started(), marks=style("endless loop ended by Ctrl-C")),
        pytest.param(
            "terminal", [], InTerminal(), marks=style("needs a terminal, draws a progress bar")
        ),
    ],
)
def test_a_program(
    name: str, words: list[str], launcher: Launcher, proven: Proven, tmp_path: Path
) -> None:
    proven(rewound(launcher, tmp_path, name, words))


@pytest.mark.slow
@pytest.mark.timeout(600)
@COMPILER
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("compiled_model", marks=style("torch.compile of the model")),
        pytest.param(
            "compiled_step",
            marks=style("torch.compile of the model and of the optimizer's step"),
        ),
    ],
)
def test_compiled(name: str, proven: Proven, tmp_path: Path) -> None:
    proven(rewound(Started(compiling(tmp_path)), tmp_path, name, patience=250))


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("huggingface", marks=[needs("transformers"), style("Hugging Face Trainer")]),
        pytest.param(
            "accelerated",
            marks=[needs("transformers", "accelerate"), style("Accelerate, accumulation")],
        ),
        pytest.param(
            "lightning_automatic",
            marks=[needs("lightning"), style("Lightning, automatic optimization")],
        ),
        pytest.param(
            "lightning_manual",
            marks=[needs("lightning"), style("Lightning, manual optimization")],
        ),
        pytest.param(
            "lightning_cli",
            marks=[needs("lightning", "jsonargparse"), style("Lightning, its command line")],
        ),
        pytest.param("with_skorch", marks=[needs("skorch"), style("skorch")]),
        pytest.param(
            "stable_baselines",
            marks=[needs("stable_baselines3"), style("Stable-Baselines3, PPO")],
        ),
    ],
)
def test_a_package(name: str, proven: Proven, tmp_path: Path) -> None:
    proven(rewound(Started(), tmp_path, name, patience=120.0))


def refused(launcher: Launcher, tmp_path: Path, name: str) -> Outcome:
    """Start a style that steps no optimizer: there is nothing to keep, and it says so."""
    words = ["-m", f"{MODULES}.{name}", str(tmp_path / "watched.json")]
    with launcher.script(words, tmp_path / "log.txt") as script:
        with Commander(script.folder.name, script.rank) as c:
            c.wait(CALM)
            for command in (SnapshotCommand(), RewindCommand()):
                answer = c.do(command)
                assert answer.status == "refused"
                assert answer.reason is not None
                assert answer.reason.removeprefix("there is no state to keep: ") == (
                    NO_RATE.removeprefix("the rate cannot be set: ")
                )
        script.stop()
    return {"snapshot": NO_OPTIMIZER, "rewind": NO_OPTIMIZER}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("no_optimizer", marks=style("no optimizer, update written out")),
        pytest.param("own_optimizer", marks=style("optimizer that is not a torch.optim.Optimizer")),
    ],
)
def test_refused_where_there_is_no_optimizer(
    name: str,
    under_lrmonitor: Forked,
    proven: Proven,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    proven(refused(under_lrmonitor, tmp_path, name))


@pytest.mark.slow
@needs("fastai")
@style("fastai")
def test_refused_where_the_optimizer_is_none_of_torchs(proven: Proven, tmp_path: Path) -> None:
    proven(refused(Started(), tmp_path, "with_fastai"))
