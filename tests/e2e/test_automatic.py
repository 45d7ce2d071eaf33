"""Snapshots that are taken unasked: they change nothing, cost next to nothing, and can be put
back."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import RewindCommand, SnapshotsCommand
from lrmonitor.probe.automatic import LEAST_STEPS
from tests.helpers.both import SCRIPTS
from tests.helpers.launch import TIMEOUT
from tests.helpers.live import Alone, live
from tests.helpers.wait import wait_until

SCRIPT = SCRIPTS / "rewound.py"

SOONER = """\
import runpy
import sys

import torch

sys.modules["lrmonitor.probe.automatic"].FIRST_SECONDS = 0.1
sys.modules["lrmonitor.probe.automatic"].FIRST_STEPS = 60
sys.modules["lrmonitor.probe.automatic"].SHARE = 0.1
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""What waits half a minute and 300 steps otherwise, and 200 times as long as a snapshot took."""
SHARE = 0.1


@pytest.fixture(autouse=True)
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is outside of the tests."""
    monkeypatch.delenv("LRMONITOR_SNAPSHOTS")


@pytest.fixture
def sooner(tmp_path: Path) -> Path:
    """A script that runs the one that its arguments name."""
    file = tmp_path / "sooner.py"
    file.write_text(SOONER)
    return file


def taken(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The snapshots among events."""
    return [e for e in events if e["event"] == "snapshot"]


@pytest.mark.parametrize("variant", ["adam", pytest.param("two", marks=pytest.mark.slow)])
def test_they_are_there_and_change_nothing(
    variant: str, sooner: Path, tmp_path: Path, alone: Alone
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(sooner, SCRIPT, variant, out, last) as run:
        wait_until(lambda: len(run.events("snapshot")) > 1, TIMEOUT, what="two snapshots")
        last.write_text(str(run.step + 120))
        rank, _ = run.finish()
    found = json.loads(out.read_text())["hashes"]
    kept = taken(rank.events)
    last.write_text(str(kept[0]["step"] + 50))  # of steps after the first what is true of all
    alone(SCRIPT, variant, out, last)
    own = json.loads(out.read_text())["hashes"]
    assert {n: found[n] for n in own} == own
    (told,) = [e for e in rank.events if e["event"] == "snapshots"]
    assert (told["automatic"], told["every"]) == (True, 0)
    assert {e["why"] for e in kept} == {"auto"}
    assert kept[1]["step"] >= 60
    for one, other in itertools.pairwise(kept):
        assert other["time"] - one["time"] >= one["seconds"] / SHARE
    for one, other in itertools.pairwise(kept[1:]):
        assert other["step"] - one["step"] >= LEAST_STEPS
        assert other["time"] - one["time"] >= one["seconds"] / SHARE


def test_one_can_be_put_back_and_who_sets_them_is_followed(sooner: Path, tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(sooner, SCRIPT, "adam", out, last) as run:
        wait_until(lambda: run.events("snapshot"), TIMEOUT, what="a snapshot")
        done = run.do(RewindCommand())
        run.do(SnapshotsCommand(every=0))
        run.go_on(LEAST_STEPS + 10)
        last.write_text("0")
        rank, _ = run.finish()
    begin, to = str(done.detail["to"]), str(done.step)
    found = json.loads(out.read_text())["hashes"]
    assert found[to] == found[begin]
    asked = [e["step"] for e in rank.events if e["event"] == "snapshots"][1]
    assert all(e["step"] <= asked for e in taken(rank.events))


def test_the_first_one_is_of_the_first_step(tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPT, "adam", out, last) as run:
        wait_until(lambda: run.events("snapshot"), TIMEOUT, what="a snapshot")
        run.go_on(LEAST_STEPS)
        last.write_text("0")
        rank, _ = run.finish()
    assert [e["why"] for e in taken(rank.events)] == ["auto"]
    assert [e["step"] for e in taken(rank.events)] == [1]


def test_none_where_that_was_said(sooner: Path, tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live("--no-snapshots", sooner, SCRIPT, "adam", out, last) as run:
        run.go_on(50)
        last.write_text("0")
        rank, _ = run.finish()
    assert taken(rank.events) == []
