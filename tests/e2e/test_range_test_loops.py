"""Training loops as people write them, with a range test or a trial in each: the weights that a
script notes at its last step are those that it noted before its first one, and its losses are kept
apart. The table of docs/frameworks.md says for which that holds."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import RangeTestCommand, TrialCommand
from lrmonitor.link.test_commands import TestCommand as RateTest
from tests.e2e.test_range_test import made_of
from tests.helpers.commander import Commander
from tests.helpers.launch import TIMEOUT
from tests.helpers.starting import ROOT, Forked, Launcher, Started
from tests.helpers.wild import CALM, MODULES, NO_RATE, read_ranks

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")

RANGE = RangeTestCommand(start=1e-6, stop=1e-3, steps=9, bound=False)
TRIAL = TrialCommand(factors=(0.5, 2.0), steps=5, legs=2)
COMMANDS = {"range": RANGE, "trial": TRIAL}
NO_LBFGS = "no: it searches for a step size of its own"

LOOPS = (
    ("own_cosine", "script writes its own cosine into the groups"),
    ("accumulation", "accumulation, its number changed mid-run"),
    ("closure", "closure given to every step"),
    ("no_closure", "None given as closure, gradients clipped"),
    ("vae", "summed loss (VAE, about 70,000)"),
    ("actor_critic", "losses of either sign, irregular cadence (actor and critic)"),
    ("rollouts", "bursts of steps between rollouts, rate ends below 0 (PPO)"),
    ("below_zero", "rate ends below 0 (linear)"),
    ("autocast", "bfloat16 autocast"),
    ("ema", "average of the weights (EMA), scheduler not torch's"),
    ("checkpointing", "gradient checkpointing"),
    ("scaler", "GradScaler, with skipped steps"),
    ("gan", "two optimizers (GAN)"),
    ("layerwise", "one optimizer a layer (forward-forward)"),
)
PACKAGES = (
    ("transformers", "huggingface"),
    ("accelerate", "accelerated"),
    ("lightning", "lightning_automatic"),
    ("lightning", "lightning_manual"),
    ("skorch", "with_skorch"),
    ("stable_baselines3", "stable_baselines"),
)


def put_back(
    launcher: Launcher,
    tmp_path: Path,
    name: str,
    commands: dict[str, RateTest],
    patience: float = TIMEOUT,
) -> None:
    """Start a style, make the tests, go on after each, and stop it."""
    file, log = tmp_path / "watched.json", tmp_path / "log.txt"
    with launcher.script(["-m", f"{MODULES}.{name}", file], log) as script:
        with Commander(script.folder.name, script.rank, patience) as c:
            c.wait(CALM)
            for command in commands.values():
                answer = c.do(command)
                assert (answer.status, answer.detail.get("restored")) == ("applied", True), answer
                c.wait((answer.step or 0) + 5)
        script.stop()
    truth: dict[str, Any] = json.loads(file.read_text())
    rank = read_ranks(script.folder)[script.rank]
    weights, losses = truth["weights"], truth["loss"]["0"]
    apart: set[int] = set()
    for number, (begun, ended) in enumerate(made_of(rank), 1):
        begin, to = begun["step"], ended["step"]
        assert begun["kind"] == list(commands)[number - 1]
        assert "warnings" not in begun
        assert to - begin >= 9
        assert weights[to - 1] == weights[begin - 1]
        assert weights[to - 2] != weights[begin - 1]
        assert weights[to] != weights[to - 1], "it does not learn any more"
        apart.update(range(begin + 1, to + 1))
        of_test = rank.by_name[f"test[{number}].loss"]
        assert of_test.value.tolist() == losses[begin:to]
    assert len(weights) >= max(apart) + 4
    assert all(math.isfinite(loss) for loss in losses)
    own = [loss for step, loss in enumerate(losses, 1) if step not in apart]
    assert rank.by_name["loss"].value.tolist() == own


REWOUND = ("own_cosine", "accumulation", "actor_critic", "below_zero", "ema")
"""Styles that are rewound at every push (`test_rewind_loops.py`), and tested for rates among the
slow ones only."""


def both_ways(rows: tuple[tuple[str, ...], ...]) -> list[Any]:
    """Each style with one of the tests, in turn; with the other one too among the slow ones."""
    found = []
    for number, words in enumerate(rows):
        kinds = ("range", "trial") if number % 2 else ("trial", "range")
        slow = [pytest.mark.slow] if words[-2] in REWOUND else []
        found.append(pytest.param(*words[:-1], kinds[0], id=f"{words[-2]}-{kinds[0]}", marks=slow))
        found.append(
            pytest.param(
                *words[:-1], kinds[1], id=f"{words[-2]}-{kinds[1]}", marks=pytest.mark.slow
            )
        )
    return found


@pytest.mark.parametrize(("name", "kind"), both_ways(LOOPS))
def test_a_loop(
    name: str, kind: str, under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    put_back(under_lrmonitor, tmp_path, name, {kind: COMMANDS[kind]})


@pytest.mark.parametrize(("package", "name"), PACKAGES)
def test_a_package(package: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip(package)
    put_back(Started(), tmp_path, name, COMMANDS, patience=120.0)


@pytest.mark.parametrize("name", ["no_optimizer", "lbfgs"])
def test_refused(
    name: str, under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    words = ["-m", f"{MODULES}.{name}", str(tmp_path / "watched.json")]
    with under_lrmonitor.script(words, tmp_path / "log.txt") as script:
        with Commander(script.folder.name, script.rank) as c:
            c.wait(CALM)
            for command in COMMANDS.values():
                answer = c.do(command)
                assert answer.status == "refused"
                assert answer.reason is not None
                if name == "lbfgs":
                    assert answer.reason.startswith("LBFGS evaluates its closure several times")
                else:
                    assert answer.reason.removeprefix("there is no state to keep: ") == (
                        NO_RATE.removeprefix("the rate cannot be set: ")
                    )
        script.stop()


def test_the_table_says_what_is_proven() -> None:
    page = (ROOT / "docs" / "frameworks.md").read_text()
    table = page.partition("<!-- table of tests -->\n")[2].partition("<!-- end of table -->")[0]
    rows = [line.strip("|\n ").split(" | ") for line in table.splitlines()[2:]]
    wanted = [[words, "yes", "yes"] for *_, words in LOOPS]
    wanted.append(["LBFGS, many backward passes a step", NO_LBFGS, NO_LBFGS])
    none = "no: the script steps no torch optimizer"
    wanted.append(["no optimizer, update written out", none, none])
    assert rows == wanted
