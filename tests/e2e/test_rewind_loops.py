"""Training loops as people write them, with a rewind in each: the weights that a script notes at
the step of the rewind are those that it noted at the step of the snapshot."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import RewindCommand, SnapshotCommand
from tests.helpers.commander import Commander
from tests.helpers.launch import TIMEOUT
from tests.helpers.starting import Forked, Launcher, Started
from tests.helpers.wild import CALM, MODULES, NO_RATE, read_ranks

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")


def rewound(launcher: Launcher, tmp_path: Path, name: str, patience: float = TIMEOUT) -> None:
    """Start a style, take a snapshot, go on, go back, go on, and stop it."""
    file, log = tmp_path / "watched.json", tmp_path / "log.txt"
    with launcher.script(["-m", f"{MODULES}.{name}", file], log) as script:
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


@pytest.mark.parametrize(
    "name",
    [
        "own_cosine",
        "accumulation",
        "closure",
        "no_closure",
        "lbfgs",
        "vae",
        "actor_critic",
        "rollouts",
        "below_zero",
        "autocast",
        "ema",
        "checkpointing",
        "scaler",
        "gan",
        "layerwise",
    ],
)
def test_a_loop(
    name: str, under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    rewound(under_lrmonitor, tmp_path, name)


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("transformers", "huggingface"),
        ("accelerate", "accelerated"),
        ("lightning", "lightning_automatic"),
        ("lightning", "lightning_manual"),
        ("skorch", "with_skorch"),
        ("stable_baselines3", "stable_baselines"),
    ],
)
def test_a_package(package: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip(package)
    rewound(Started(), tmp_path, name, patience=120.0)


def test_refused_where_there_is_no_optimizer(
    under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    words = ["-m", f"{MODULES}.no_optimizer", str(tmp_path / "watched.json")]
    with under_lrmonitor.script(words, tmp_path / "log.txt") as script:
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
