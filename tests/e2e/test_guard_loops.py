"""Training loops as people write them, with a guard in each that acts three times: the weights that
a script notes after a step that was left out are those that it noted before it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import GuardCommand
from tests.helpers.commander import Commander
from tests.helpers.launch import TIMEOUT
from tests.helpers.starting import Forked, Launcher, Started
from tests.helpers.wait import wait_until
from tests.helpers.wild import CALM, MODULES, read_ranks

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")

TIMES = 3
"""How often the guard acts: its bound is one that every second value is above."""

PAGE = Path(__file__).parents[2] / "docs" / "frameworks.md"
BEGIN, END = "<!-- guards -->\n", "<!-- end of guards -->\n"
CLOSURE = "no: stepped with a closure"

LOOPS = {
    "accumulation": "accumulation, its number changed mid-run",
    "below_zero": "rate ends below 0 (linear)",
    "scaler": "GradScaler, with skipped steps",
    "gan": "two optimizers (GAN)",
    "own_cosine": "script writes its own cosine into the groups",
    "no_closure": "None given as closure, gradients clipped",
    "vae": "summed loss (VAE, about 70,000)",
    "actor_critic": "losses of either sign, irregular cadence (actor and critic)",
    "rollouts": "bursts of steps between rollouts, rate ends below 0 (PPO)",
    "autocast": "bfloat16 autocast",
    "ema": "average of the weights (EMA), scheduler not torch's",
    "checkpointing": "gradient checkpointing",
    "layerwise": "one optimizer a layer (forward-forward)",
}
OTHERS = ("ema", "gan", "layerwise")
"""With the weights an average of them is noted, or those of other optimizers, which go on."""

CLOSURES = {
    "closure": "closure given to every step",
    "lbfgs": "LBFGS, many backward passes a step",
}
PACKAGES = {
    "huggingface": ("transformers", "Hugging Face Trainer"),
    "accelerated": ("accelerate", "Accelerate, accumulation"),
    "lightning_manual": ("lightning", "Lightning, manual optimization"),
    "stable_baselines": ("stable_baselines3", "Stable-Baselines3, PPO"),
}
PACKAGES_WITH_CLOSURES = {
    "lightning_automatic": ("lightning", "Lightning, automatic optimization"),
    "with_skorch": ("skorch", "skorch"),
}
QUICK = ("accumulation", "below_zero", "scaler", "gan", "closure")
"""Those of each push; the others are slow for what they add."""


def test_the_table() -> None:
    cells = {
        **dict.fromkeys(LOOPS.values(), "yes"),
        **dict.fromkeys(CLOSURES.values(), CLOSURE),
        **dict.fromkeys([style for _, style in PACKAGES.values()], "yes"),
        **dict.fromkeys([style for _, style in PACKAGES_WITH_CLOSURES.values()], CLOSURE),
    }
    rows = ["| style | guard |", "|---|---|", *(f"| {a} | {b} |" for a, b in cells.items())]
    committed = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert committed.splitlines() == rows


def guarded(launcher: Launcher, tmp_path: Path, name: str, patience: float = TIMEOUT) -> None:
    """Start a style, set a guard, wait until it has acted, go on, and stop it."""
    file, log = tmp_path / "watched.json", tmp_path / "log.txt"

    def acted() -> list[dict[str, Any]]:
        rank = read_ranks(script.folder)[script.rank]
        return [e for e in rank.events if e["event"] == "guard"]

    with launcher.script(["-m", f"{MODULES}.{name}", file], log) as script:
        with Commander(script.folder.name, script.rank, patience) as c:
            c.wait(CALM)
            c.applied(GuardCommand(on="non-finite"))
            c.applied(GuardCommand(on="spike", bound=0.01, times=1.0, at_most=TIMES))
            wait_until(lambda: len(acted()) == TIMES, patience, what="the guard")
            c.wait(c.step() + 5)
        script.stop()
    truth: dict[str, Any] = json.loads(file.read_text())
    rank = read_ranks(script.folder)[script.rank]
    assert rank.by_name["loss"].value.tolist() == truth["loss"]["0"]
    weights, told = truth["weights"], acted()
    assert len(told) == TIMES
    for step in [e["step"] for e in told if name not in OTHERS]:
        assert weights[step - 1] == weights[step - 2], f"step {step} was made"
    moved = [n for n in range(CALM, len(weights)) if weights[n] != weights[n - 1]]
    assert len(moved) > TIMES, "it does not learn any more"
    assert [e for e in rank.events if e["event"] == "probe_error"] == []


def refused(launcher: Launcher, tmp_path: Path, name: str, words: str, patience: float) -> None:
    """Start a style of which steps cannot be left out, and ask for a guard."""
    with launcher.script(
        ["-m", f"{MODULES}.{name}", tmp_path / "watched.json"], tmp_path / "log.txt"
    ) as script:
        with Commander(script.folder.name, script.rank, patience) as c:
            c.wait(CALM)
            answer = c.do(GuardCommand(on="non-finite"))
            assert answer.status == "refused"
            assert words in str(answer.reason)
        script.stop()


def parts(names: Iterable[str]) -> list[Any]:
    """Parameters of a test; most of them slow."""
    slow = pytest.mark.slow
    return [name if name in QUICK else pytest.param(name, marks=slow) for name in names]


@pytest.mark.parametrize("name", parts(LOOPS))
def test_a_loop(
    name: str, under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    guarded(under_lrmonitor, tmp_path, name)


@pytest.mark.parametrize("name", parts(CLOSURES))
def test_refused_for_a_closure(
    name: str, under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    refused(under_lrmonitor, tmp_path, name, "stepped with a closure", TIMEOUT)


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKAGES)
def test_a_package(name: str, tmp_path: Path) -> None:
    pytest.importorskip(PACKAGES[name][0])
    guarded(Started(), tmp_path, name, patience=120.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKAGES_WITH_CLOSURES)
def test_a_package_that_steps_with_a_closure(name: str, tmp_path: Path) -> None:
    pytest.importorskip(PACKAGES_WITH_CLOSURES[name][0])
    refused(Started(), tmp_path, name, "stepped with a closure", 120.0)
