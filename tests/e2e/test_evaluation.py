"""Losses that a script computes without gradients between its steps are one value an evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrmonitor.diagnosis.source import Columns, read_rows
from lrmonitor.record.reader import RankReader, RunReader
from tests.helpers.both import SCRIPTS, both_ways, read_rank
from tests.helpers.launch import TIMEOUT, of_script, only_run, plain, run

pytest.importorskip("torch")


def observed(rank: RankReader) -> dict[str, list[tuple[int, float]]]:
    """The recorded evaluations."""
    return {
        one.info.name: list(zip(one.step.tolist(), one.value.tolist(), strict=True))
        for one in rank.series.values()
        if one.info.kind == "metric"
    }


def test_one_value_an_evaluation(tmp_path: Path) -> None:
    done = both_ways(tmp_path, "evaluates")
    found = observed(done.rank)
    assert list(found) == list(done.truth["found"])
    for name, points in done.truth["found"].items():
        assert [step for step, _ in found[name]] == [step for step, _ in points]
        expected = [value for _, value in points]
        assert [value for _, value in found[name]] == pytest.approx(expected, rel=1e-6)
    assert "eval loss 3 (observed)" in found

    # It is what overfitting is told by.
    reader = RunReader(done.folder)
    reader.poll()
    rows = read_rows(reader, Columns())
    assert rows.val is not None
    points = found["eval loss (observed)"]
    assert {n + 1: v for n, v in enumerate(rows.val) if v == v} == dict(points)


def test_switched_off(tmp_path: Path) -> None:
    done = run("--no-eval-loss", SCRIPTS / "evaluates.py", tmp_path / "truth.json")
    assert done.returncode == 0, done.stderr.decode()
    rank = read_rank(only_run())
    assert len(rank.by_name["loss"]) == 32
    assert observed(rank) == {}


@pytest.mark.parametrize(
    "case",
    ["as_ever", pytest.param("compiled", marks=[pytest.mark.slow, pytest.mark.timeout(400)])],
)
def test_the_functions_are_as_ever(case: str) -> None:
    script, patience = SCRIPTS / "functional.py", 180.0 if case == "compiled" else TIMEOUT
    there = plain(script, case, timeout=patience)
    here = run(script, case, timeout=patience)
    assert there.returncode == 0, there.stderr.decode()
    assert (here.returncode, here.stdout) == (0, there.stdout), here.stderr.decode()
    assert of_script(here.stderr) == there.stderr
    rank = read_rank(only_run())
    assert [e for e in rank.events if e["event"] == "probe_error"] == []
    found = observed(rank)["eval loss (observed)"]
    if case == "as_ever":
        step, _ = found.pop(0)  # torch.jit.trace tries what it has traced
        assert step == 1
    assert found == [(2, 4.0), (3, 4.0 if case == "compiled" else 9.0)]
