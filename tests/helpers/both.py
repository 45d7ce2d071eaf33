"""Runs a script of tests/fixtures/training plainly and under lrmonitor, and compares.

Each script writes its own truth to a file: its losses step by step, the rates that it trained with,
and the bytes of its final weights.
"""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrmonitor.record.reader import RankReader, RunReader
from tests.helpers.launch import LRMONITOR, TIMEOUT, of_script, only_run, plain, run
from tests.helpers.starting import Forked

SCRIPTS = Path(__file__).parents[1] / "fixtures" / "training"


@dataclass(frozen=True)
class Both:
    """A script's outcome under lrmonitor, which was the same as without it."""

    truth: dict[str, Any]
    folder: Path
    rank: RankReader
    table: list[dict[str, str]]
    code: int

    def events(self, name: str) -> list[dict[str, Any]]:
        """The recorded events of that name."""
        return [e for e in self.rank.events if e["event"] == name]

    def column(self, name: str) -> dict[int, float]:
        """The cells of a column of the table that are not empty, by step."""
        return {int(row["step"]): float(row[name]) for row in self.table if row[name]}

    def rates(self, name: str) -> list[float]:
        """A rate at each step of the table, which has it where it changes."""
        found: list[float] = []
        for row in self.table:
            found.append(float(row[name]) if row[name] else found[-1])
        return found


def lrmonitor(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    return subprocess.run(
        [*LRMONITOR, *map(str, words)], capture_output=True, text=True, timeout=TIMEOUT, check=False
    )


def read_table(folder: Path, tmp_path: Path, rank: int | None = None) -> list[dict[str, str]]:
    """What `lrmonitor export` writes, of the lowest rank or of this one."""
    file = tmp_path / "table.csv"
    words = () if rank is None else ("--rank", str(rank))
    done = lrmonitor("export", folder, file, *words)
    assert done.returncode == 0, done.stderr
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


def read_rank(folder: Path) -> RankReader:
    """What a finished run's only training process has recorded."""
    reader = RunReader(folder)
    reader.poll()
    assert reader.corrupt == 0
    (rank,) = reader.ranks.values()
    return rank


def both_ways(tmp_path: Path, name: str) -> Both:
    """Run a script plainly and under lrmonitor, and check what holds for every script."""
    script = SCRIPTS / f"{name}.py"
    undisturbed, watched = tmp_path / "plain.json", tmp_path / "watched.json"
    there, here = plain(script, undisturbed), run(script, watched)
    assert here.returncode == there.returncode, here.stderr.decode()
    assert here.stdout == there.stdout
    assert of_script(here.stderr) == there.stderr
    truth = the_same(undisturbed, watched)
    folder = only_run()
    found = Both(truth, folder, read_rank(folder), read_table(folder, tmp_path), here.returncode)
    recorded(found)
    return found


def both_forked(tmp_path: Path, name: str, alone: Callable[..., None], forked: Forked) -> Both:
    """The same, without what the script prints and without its start, for one that ends well."""
    script = SCRIPTS / f"{name}.py"
    undisturbed, watched = tmp_path / "plain.json", tmp_path / "watched.json"
    alone(script, undisturbed)
    rank = forked.run(script, watched)
    truth = the_same(undisturbed, watched)
    table = read_table(forked.folder, tmp_path, rank.rank)
    found = Both(truth, forked.folder, rank, table, 0)
    recorded(found)
    return found


def the_same(undisturbed: Path, watched: Path) -> dict[str, Any]:
    """What a script told of itself, without lrmonitor as with it."""
    truth: dict[str, Any] = json.loads(watched.read_text())
    assert truth == json.loads(undisturbed.read_text()), "training itself was changed"
    return truth


def recorded(found: Both) -> None:
    """Check that the record and the table are what the script told of itself."""
    truth = found.truth
    assert found.events("probe_error") == []
    assert found.events("lost") == []
    steps = list(range(1, len(truth["loss"]["0"]) + 1))
    assert [int(row["step"]) for row in found.table] == steps
    for number, losses in truth["loss"].items():
        column = "loss" if number == "0" else f"loss[{number}]"
        assert found.column(column) == dict(zip(steps, losses, strict=True))
        series = found.rank.by_name[column]
        assert series.value.tolist() == losses
        assert series.step.tolist() == steps
    for address, rates in truth["lr"].items():
        assert found.rates("lr" if address == "0.0" else f"lr[{address}]") == rates
        assert found.rates(f"scheduled[{address}]") == rates
