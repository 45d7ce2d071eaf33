"""`find-lr` and `trial` as a person types them, on a run that trains and before it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_range_test import made_of
from tests.e2e.test_rewind import SCRIPT, truth, undisturbed
from tests.helpers.both import lrmonitor, read_rank
from tests.helpers.launch import event, only_run
from tests.helpers.live import Alone, live
from tests.helpers.wait import wait_until
from tests.helpers.wild import at_each_step

RANGE = ("--from", "1e-5", "--to", "1", "--steps", "60")


def said(done: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    """What a verb printed as JSON."""
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


ODD = """
import pathlib, sys, time, torch
last, model = pathlib.Path(sys.argv[1]), torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
while not last.exists():
    optimizer.zero_grad()
    model(torch.randn(8, 4)).square().mean().backward()
    optimizer.step()
    optimizer.state[model.weight]["odd"] = object()
    time.sleep(0.005)  # a step as long as one of a real training
"""


def test_one_that_is_refused_in_a_pause_leaves_the_run_paused(tmp_path: Path) -> None:
    """That a state cannot be copied shows when the test is to begin, not when it is asked for."""
    script, last = tmp_path / "odd.py", tmp_path / "last"
    script.write_text(ODD)
    with live(script, last) as run:
        name = run.folder.name
        run.go_on(5)
        lrmonitor("pause", name)
        done = lrmonitor("find-lr", name, "--steps", "20", "--sweeps", "1")
        held = json.loads(lrmonitor("show", name, "--json").stdout)["state"]
        last.touch()
        lrmonitor("resume", name)
        run.finish()
    assert done.returncode == 3, done.stderr
    assert "refused" in done.stderr
    assert held["phase"] == "paused"


def test_on_a_run_that_trains(tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPT, "bare", out, last) as run:
        name = run.folder.name
        found = said(lrmonitor("find-lr", name, *RANGE, "--sweeps", "2", "--apply", "--json"))
        words = lrmonitor("trial", name, "--scale", "0.5", "1", "2", "--steps", "20", "--apply")
        shown = json.loads(lrmonitor("show", name, "--json").stdout)
        wrong = lrmonitor("find-lr", name, "--from", "1", "--to", "0.1")
        nobody = lrmonitor("trial", "nobody")
        # In a pause a test begins from what is held, and ends in the pause.
        lrmonitor("pause", name)
        again = json.loads(lrmonitor("find-lr", name, *RANGE, "--json").stdout)
        held = json.loads(lrmonitor("show", name, "--json").stdout)["state"]
        lrmonitor("resume", name)
        last.write_text("0")
        rank, _ = run.finish()
    (begun, ended), (_, tried), (third, _) = made_of(rank)
    (paused,) = [e["step"] for e in rank.events if e["event"] == "paused"][:1]
    assert (again["status"], third["step"], held["phase"]) == ("applied", paused, "paused")
    assert (found["status"], found["restored"], found["why"]) == ("applied", True, ended["why"])
    assert found["low"] < found["rate"] < found["high"]
    assert set(found["others"]) >= {"valley", "minimum"}
    change = found["applied"]
    assert change["groups"][0]["effective"] == pytest.approx(found["rate"], rel=1e-12)
    assert at_each_step(rank, "lr[0.0]", change["step"])[change["step"]] == found["rate"]
    assert words.returncode == 0, words.stderr
    first, *table = words.stdout.splitlines()
    assert first.startswith(f"trial over steps {tried['from'] + 1} to {tried['step']}; everything")
    assert [line.split()[:2] for line in table[1:4]] == [["×0.5", "20"], ["×1", "20"], ["×2", "20"]]
    assert shown["test"] is None
    assert any("Rate trial over after" in one["text"] for one in shown["events"])
    assert (wrong.returncode, nobody.returncode) == (2, 4)
    assert "has to be above the beginning" in wrong.stderr
    hashes = truth(out)["hashes"]
    assert hashes[begun["step"]] == hashes[ended["step"]]


def test_before_the_first_step_and_on_at_the_rate_that_was_found(
    tmp_path: Path, alone: Alone
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    script = ("--python", sys.executable, SCRIPT, "bare", out, last)
    found = said(lrmonitor("find-lr", *RANGE, "--then", "go", "--json", *script))
    folder = only_run()
    assert folder.name == found["run"]

    def went_on() -> bool:
        loss = read_rank(folder).by_name.get("loss")
        return loss is not None and 65 in loss.step

    wait_until(went_on, what="some more steps")
    last.write_text("0")
    event(folder, "exited")
    rank = read_rank(folder)
    ((begun, ended),) = made_of(rank)
    to = ended["step"]
    assert begun["step"] == 0
    own = rank.by_name["loss"].step.tolist()
    assert own[0] == to + 1 == found["applied"]["step"]
    assert at_each_step(rank, "lr[0.0]", to + 1)[to + 1] == found["rate"]
    last.write_text(str(to))
    wanted = undisturbed(alone, tmp_path, "bare", last, 0, to)["hashes"]
    assert truth(out)["hashes"][to] == wanted[to], "the weights are not those of its beginning"


def test_a_trial_before_the_first_step(tmp_path: Path, alone: Alone) -> None:
    """It begins where the sweeps began, so that the training does too."""
    out, last = tmp_path / "out.json", tmp_path / "last"
    script = ("--python", sys.executable, SCRIPT, "bare", out, last)
    found = said(lrmonitor("find-lr", *RANGE, "--trial", "--then", "go", "--json", *script))
    folder = only_run()
    (begun, ended), (began, over) = made_of(read_rank(folder))
    to = over["step"]

    def went_on() -> bool:
        loss = read_rank(folder).by_name.get("loss")
        return loss is not None and to + 2 in loss.step

    wait_until(went_on, what="some more steps")
    last.write_text("0")
    event(folder, "exited")
    rank = read_rank(folder)
    assert begun["plan"]["sweeps"] == 3
    assert (began["kind"], began["step"]) == ("ladder", ended["step"])
    assert to - began["step"] == 1000
    rates = [one["rate"] for one in found["trial"]["tried"]]
    assert rates == sorted(began["plan"]["rates"])
    assert found["rate"] in rates
    assert found["low"] < found["rate"] < found["high"]
    assert rank.by_name["loss"].step[0] == to + 1 == found["applied"]["step"]
    assert at_each_step(rank, "lr[0.0]", to + 1)[to + 1] == found["rate"]
    last.write_text(str(to))
    wanted = undisturbed(alone, tmp_path, "bare", last, 0, to)["hashes"]
    assert truth(out)["hashes"][to] == wanted[to], "the weights are not those of its beginning"


def test_before_the_first_step_of_a_script_that_is_stopped_then(
    tmp_path: Path, alone: Alone
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    script = ("--python", sys.executable, SCRIPT, "bare-two", out, last)
    done = lrmonitor("find-lr", *RANGE, "--optimizer", "all", *script)
    rank = read_rank(only_run())
    ((_, ended),) = made_of(rank)
    to = ended["step"]
    last.write_text(str(to))
    (saved,) = truth(out)["stopped"].values()
    wanted = undisturbed(alone, tmp_path, "bare-two", last, 0, to)["hashes"]
    assert saved == wanted[to], "the weights are not those of its beginning"
    assert rank.by_name["test[1].loss[1]"].step.tolist() == list(range(1, to + 1))
    assert rank.by_name["test[1].lr[1.0]"].value[0] == 1e-5
    assert [len(rank.by_name[name]) for name in ("loss", "loss[1]")] == [0, 0]
    assert done.stdout.startswith(f"range test over steps 1 to {to}; everything")


def test_a_script_that_cannot_be_tested(tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    refused = lrmonitor("find-lr", *RANGE, "--python", sys.executable, SCRIPT, "lbfgs", out, last)
    assert refused.returncode == 3
    assert "LBFGS evaluates its closure" in refused.stderr
    nothing = lrmonitor("find-lr", "--", sys.executable, "-c", "print()")
    assert nothing.returncode == 4
    assert "no test was made" in nothing.stderr
