"""A run whose rate is changed from its very first step on, and its re-run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lrmonitor.link.first_rate import VARIABLE
from lrmonitor.record.reader import RunReader
from tests.conftest import Isolated
from tests.helpers.launch import LRMONITOR, run

SCRIPT = """\
import torch

torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
{optimizers}
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
for _ in range(6):
    loss = model(torch.ones(4, 3)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
print([p.tolist() for p in model.parameters()])
"""
ONE = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)"
SLOWER = "optimizer = torch.optim.SGD(model.parameters(), lr=0.025)"
GROUPS = """\
optimizer = torch.optim.SGD(
    [{"params": [model.weight], "lr": 0.1}, {"params": [model.bias], "lr": 0.4}]
)"""


def script(tmp_path: Path, optimizers: str) -> Path:
    """The training script with these optimizers."""
    path = tmp_path / "train.py"
    path.write_text(SCRIPT.format(optimizers=optimizers))
    return path


def newest(isolated: Isolated) -> RunReader:
    """What the latest run recorded."""
    folder = max(
        isolated.runs.iterdir(), key=lambda f: json.loads((f / "run.json").read_text())["created"]
    )
    reader = RunReader(folder)
    reader.poll()
    return reader


def rerun(*words: str) -> None:
    """Run something that works."""
    subprocess.run(words, check=True, capture_output=True, timeout=60)


def rates(reader: RunReader, name: str) -> dict[int, float]:
    """A rate's values by step, where they change."""
    series = reader.ranks[0].by_name[name]
    return dict(zip(series.step.tolist(), series.value.tolist(), strict=True))


def test_it_is_as_if_the_script_had_that_rate(tmp_path: Path, isolated: Isolated) -> None:
    scaled = run("--lr-scale", "0.25", script(tmp_path, ONE))
    assert scaled.returncode == 0, scaled.stderr.decode()
    reader = newest(isolated)
    assert rates(reader, "lr[0.0]") == {1: 0.025, 3: 0.0125, 5: 0.00625}
    assert rates(reader, "scheduled[0.0]") == {1: 0.1, 3: 0.05, 5: 0.025}
    (answer,) = [e for e in reader.ranks[0].events if e["event"] == "acknowledgement"]
    assert (answer["status"], answer["step"]) == ("applied", 1)
    # To the last bit: the same numbers as a script that was written so.
    assert run(script(tmp_path, SLOWER)).stdout == scaled.stdout


def test_all_groups_keep_their_ratio(tmp_path: Path, isolated: Isolated) -> None:
    done = run("--lr-hold", "0.05", script(tmp_path, GROUPS))
    assert done.returncode == 0, done.stderr.decode()
    reader = newest(isolated)
    assert rates(reader, "lr[0.0]") == {1: 0.05}
    assert rates(reader, "lr[0.1]") == {1: pytest.approx(0.2, rel=1e-12)}


def test_a_rerun_repeats_it_or_takes_another(tmp_path: Path, isolated: Isolated) -> None:
    run("--lr-scale", "0.5", script(tmp_path, ONE))
    rerun(*LRMONITOR, "rerun", "--no-window", "latest")
    assert newest(isolated).info["env"] == {VARIABLE: "scale 0.5"}
    assert rates(newest(isolated), "lr[0.0]")[1] == 0.05
    rerun(*LRMONITOR, "rerun", "--no-window", "--lr-hold", "0.3", "latest")
    assert rates(newest(isolated), "lr[0.0]") == {1: 0.3}


def test_a_number_that_cannot_be_meant_starts_nothing(tmp_path: Path, isolated: Isolated) -> None:
    done = run("--lr-scale", "0", script(tmp_path, ONE))
    assert done.returncode == 2
    assert b"--lr-scale" in done.stderr
    assert not list(isolated.runs.iterdir())


def test_a_variable_that_makes_no_sense_harms_nothing(tmp_path: Path, isolated: Isolated) -> None:
    path = script(tmp_path, ONE)
    plain = run(path)
    done = run(path, env={VARIABLE: "junk"})
    assert (done.returncode, done.stdout) == (0, plain.stdout)
    (told,) = [e for e in newest(isolated).ranks[0].events if e["event"] == "probe_error"]
    assert "junk" in told["error"]
