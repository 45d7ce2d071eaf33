"""Logs followed while the libraries that write them train; docs/frameworks.md says how to install
them for these tests."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lrmonitor.record.foreign.base import NotALog
from lrmonitor.record.foreign.reader import LogReader, read_log

pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("wild")]

RECIPE = Path(__file__).parents[1] / "fixtures" / "logs" / "record.py"


@pytest.fixture(autouse=True)
def needed(request: pytest.FixtureRequest) -> None:
    """Skip the test where what it needs is not installed."""
    for package in request.node.get_closest_marker("needs").args:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: see docs/frameworks.md")


def followed(folder: Path, name: str) -> LogReader:
    """A log that was opened as soon as it was one, and followed to the end of the training."""
    with subprocess.Popen(
        [sys.executable, str(RECIPE), str(folder), name],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        reader = None
        while process.poll() is None:
            try:
                reader = reader or read_log(folder / name)
                reader.poll()
            except NotALog:
                pass  # nothing of it is there yet
            time.sleep(0.005)  # as a window's timer does
        assert process.stderr is not None
        told = process.stderr.read()
    assert process.returncode == 0, told
    reader = reader or read_log(folder / name)
    reader.poll()
    return reader


def steps(reader: LogReader, name: str) -> list[int]:
    """The steps of a column."""
    return [int(step) for step in reader.ranks[0].by_name[name].step]


@pytest.mark.needs("transformers", "accelerate")
def test_hugging_face(tmp_path: Path) -> None:
    reader = followed(tmp_path, "huggingface")
    assert steps(reader, "loss") == list(range(2, 31, 2))
    assert steps(reader, "eval_loss") == [10, 20, 30]
    assert reader.roles.rates == ("learning_rate",)
    assert reader.log.problems == []


@pytest.mark.needs("lightning")
def test_lightning(tmp_path: Path) -> None:
    reader = followed(tmp_path, "lightning")
    assert steps(reader, "train_loss") == list(range(30))
    assert steps(reader, "val_loss") == [9, 19, 29]
    assert set(reader.ranks[0].by_name["lr-SGD"].value.tolist()) == {0.05, 0.025, 0.0125}
    fresh = read_log(tmp_path / "lightning")
    fresh.poll()
    assert steps(fresh, "train_loss") == steps(reader, "train_loss")
