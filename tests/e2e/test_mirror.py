"""What a script logs to a logger of its own becomes series; the script's log stays as it is."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.helpers.both import SCRIPTS, both_ways, read_rank
from tests.helpers.launch import only_run, run

pytest.importorskip("torch")
pytest.importorskip("tensorboard")

Scalars = list[tuple[str, int, float, bytes]]


def records(folder: Path) -> dict[str, list[bytes]]:
    """The records of each event file below a folder, but for the first, which tells when and by
    what the file was made."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

    found = {}
    for path in sorted(folder.rglob("*tfevents*")):
        key = str(path.parent.relative_to(folder))
        assert key not in found
        found[key] = list(RawEventFileLoader(str(path)).Load())[1:]
    return found


def test_tensorboard(tmp_path: Path) -> None:
    done = both_ways(tmp_path, "boards")

    plainly, watched = records(tmp_path / "plain"), records(tmp_path / "watched")
    assert set(plainly) == {"train", "valid", "train/both_one", "train/both_two"}
    assert len(plainly["train"]) > 24 + 6 * 4
    assert watched == plainly

    metrics = {s.info.name: s for s in done.rank.series.values() if s.info.kind == "metric"}
    assert metrics.pop("eval loss (observed)").value.tolist() == metrics["val_loss"].value.tolist()
    assert set(metrics) == set(done.truth["logged"])
    for name, points in done.truth["logged"].items():
        series = metrics[name]
        assert series.info.source == "TensorBoard"
        assert series.step.tolist() == [step for step, _ in points]
        expected = [math.nan if value == "NaN" else value for _, value in points]
        assert series.value.tolist() == pytest.approx(expected, rel=0, abs=0, nan_ok=True)
    assert done.table[3]["valid/loss"] == repr(done.truth["logged"]["valid/loss"][0][1])


def test_switched_off(tmp_path: Path) -> None:
    script, file = SCRIPTS / "boards.py", tmp_path / "truth.json"
    done = run("--no-mirror", "--no-eval-loss", script, file)
    assert done.returncode == 0, done.stderr.decode()
    rank = read_rank(only_run())
    assert len(rank.by_name["loss"]) == 24
    assert [s for s in rank.series.values() if s.info.kind == "metric"] == []
