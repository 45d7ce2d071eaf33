"""Every verb on a real training process, through the real command line."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from lrmonitor.model.run import RunModel
from tests.conftest import Isolated
from tests.helpers.wait import wait_until

TRAIN = """\
import sys, time
import torch

torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Linear(4, 1)
weight, bias = model.parameters()
optimizer = torch.optim.SGD([{"params": [weight]}, {"params": [bias], "lr": 0.02}], lr=0.01)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.999)
x = torch.randn(16, 4)
for _ in range(100_000):
    optimizer.zero_grad()
    loss = model(x).pow(2).mean()
    loss.backward()
    optimizer.step()
    scheduler.step()
    time.sleep(0.002)
"""

DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + TRAIN

WAITS = """\
import time
import torch

weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], lr=0.01)
for _ in range(3):
    weight.pow(2).sum().backward()
    optimizer.step()
time.sleep(600)
"""


@dataclass(frozen=True)
class Answer:
    """What a verb printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, being JSON."""
        return json.loads(self.out)


def lrmonitor(*words: object) -> Answer:
    """Run `lrmonitor` with these words."""
    done = subprocess.run(
        [sys.executable, "-m", "lrmonitor", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    for line in done.stderr.splitlines():
        assert line.startswith("lrmonitor: "), done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


class Live:
    """A run that trains in the background."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self.model = RunModel(folder)

    def step(self) -> int:
        """The latest step that is recorded."""
        self.model.poll()
        return self.model.state.step or 0

    def wait_for_step(self, step: int) -> None:
        wait_until(lambda: self.step() >= step, what=f"step {step}")

    def table(self) -> dict[int, dict[str, float]]:
        """The exported table, by step."""
        answer = lrmonitor("export", self.id, "-")
        assert answer.code == 0
        rows = csv.DictReader(io.StringIO(answer.out))
        return {int(r["step"]): {k: float(v) for k, v in r.items() if v} for r in rows}


@contextlib.contextmanager
def training(isolated: Isolated, script: str = TRAIN, steps: int = 3) -> Iterator[Live]:
    """A script that `lrmonitor run --detach` started and that has made some steps."""
    path = isolated.home / "train.py"
    path.write_text(script)
    answer = lrmonitor(
        "run", "--detach", "--json", "--name", "digits", "--python", sys.executable, path
    )
    assert answer.code == 0, answer.err
    run = Live(Path(answer.json["folder"]))
    try:
        run.wait_for_step(steps)
        yield run
    finally:
        lrmonitor("stop", run.id, "--kill")


def test_a_rate_is_changed_and_proven(isolated: Isolated) -> None:
    with training(isolated) as run:
        answer = lrmonitor("lr", "latest", "hold", "3e-4", "--json")
        assert answer.code == 0, answer.err
        held = answer.json
        assert list(held) == ["status", "id", "step", "reason", "groups"]
        assert (held["status"], held["reason"]) == ("applied", None)
        main, other = held["groups"]
        assert list(main) == ["optimizer", "group", "scheduled", "previous", "effective"]
        assert (main["optimizer"], main["group"], main["effective"]) == (0, 0, 3e-4)
        # The other group keeps its ratio to group 0 at that step.
        assert other["effective"] == pytest.approx(6e-4, rel=1e-12)
        n = held["step"]
        # `previous` is what the step before used: the schedule's rate there.
        assert main["previous"] == pytest.approx(0.01 * 0.999 ** (n - 2), rel=1e-9)
        assert main["scheduled"] == pytest.approx(0.01 * 0.999 ** (n - 1), rel=1e-9)

        run.wait_for_step(n + 20)
        doubled = lrmonitor("lr", run.id[:-2], "scale", "2", "--group", "0", "--json").json
        (group,) = doubled["groups"]
        assert group["previous"] == 3e-4
        assert group["effective"] == pytest.approx(2 * group["scheduled"], rel=1e-12)

        shown = lrmonitor("show", "digits", "--json").json
        texts = [g["override"]["text"] for g in shown["optimizers"][0]["groups"]]
        assert texts == ["×2, schedule continues", f"hold {6e-4:.0e}".replace("e-04", "e-4")]

        released = lrmonitor("lr", "digits", "follow", "--json").json
        assert {g["effective"] == g["scheduled"] for g in released["groups"]} == {True}
        m = released["step"]
        run.wait_for_step(m + 3)
        table = run.table()
        assert table[n]["lr"] == 3e-4
        assert "lr" not in table[n + 1]  # a rate is written where it changes
        assert table[doubled["step"]]["lr"] == group["effective"]
        assert table[m]["lr"] == pytest.approx(0.01 * 0.999 ** (m - 1), rel=1e-9)
        for step in range(1, m + 1):  # the schedule went on undisturbed
            scheduled = table[step]["scheduled[0.0]"]
            assert scheduled == pytest.approx(0.01 * 0.999 ** (step - 1), rel=1e-9)


def test_a_change_on_a_ramp(isolated: Isolated) -> None:
    with training(isolated) as run:
        held = lrmonitor("lr", "latest", "hold", "1e-3", "--ramp", "20", "--same", "--json").json
        assert held["status"] == "applied"
        n = held["step"]
        run.wait_for_step(n + 25)
        shown = lrmonitor("show", "latest", "--json").json
        groups = shown["optimizers"][0]["groups"]
        assert [g["override"]["text"] for g in groups] == ["hold 0.001"] * 2
        back = lrmonitor("lr", "latest", "follow", "--ramp", "10")
        assert back.code == 0, back.err
        assert back.out.endswith("; on a ramp of 10 steps\n")
        m = int(back.out.split()[3].rstrip(":"))
        run.wait_for_step(m + 15)
        table = run.table()
        for group, name in ((0, "lr"), (1, "lr[0.1]")):
            start = table[n][f"scheduled[0.{group}]"]
            for i in range(20):
                used = table[n + i][name]
                wanted = start ** (1 - (i + 1) / 20) * 1e-3 ** ((i + 1) / 20)
                assert used == pytest.approx(wanted, rel=1e-12), i
            assert table[n + 19][name] == 1e-3
            assert name not in table[n + 20]
            for i in range(15):
                scheduled = table[m + i][f"scheduled[0.{group}]"]
                w = min((i + 1) / 10, 1)
                wanted = 1e-3 ** (1 - w) * scheduled**w
                assert table[m + i][name] == pytest.approx(wanted, rel=1e-12), i
            assert table[m + 12][name] == table[m + 12][f"scheduled[0.{group}]"]


def test_a_schedule_in_the_place_of_the_scripts(isolated: Isolated) -> None:
    with training(isolated) as run:
        words = ("--param", "end=1e-4", "--length", "30", "--then", "follow")
        answer = lrmonitor("schedule", "latest", "cosine", *words, "--json")
        assert answer.code == 0, answer.err
        told = answer.json
        assert told["schedule"] == {"kind": "cosine", "then": "follow", "end": 1e-4, "length": 30}
        n = told["step"]
        run.wait_for_step(n + 40)
        table = run.table()
        for group, name in ((0, "lr"), (1, "lr[0.1]")):
            start = table[n][f"scheduled[0.{group}]"]
            end = 1e-4 * (start / table[n]["scheduled[0.0]"])  # in the groups' ratio
            for i in range(30):
                wanted = end + (start - end) * (1 + math.cos(math.pi * i / 30)) / 2
                assert table[n + i][name] == pytest.approx(wanted, rel=1e-12), i
            for i in range(30, 40):
                assert table[n + i][name] == table[n + i][f"scheduled[0.{group}]"]
        model = RunModel(run.folder)
        model.poll()
        journal = [entry.text for entry in model.journal]
        assert "Rate now script's schedule (and 1 more)" in journal

        # It can begin later, and be taken back until then.
        words = ("--param", "every=5", "--length", "20", "--from", str(n + 10**6))
        later = lrmonitor("schedule", "latest", "step", *words, "--timeout", "0.3", "--json")
        assert (later.code, later.json["status"]) == (5, "pending")
        waiting = lrmonitor("schedule", "latest", "step", *words, "--timeout", "0.3")
        assert waiting.code == 5
        assert f"it waits for step {n + 10**6}; `lrmonitor cancel latest" in waiting.err
        assert lrmonitor("cancel", "latest").code == 0

        said = lrmonitor("schedule", "latest", "constant", "--param", "start=2e-3", "--note", "why")
        assert said.code == 0, said.err
        assert said.out.startswith("constant 0.002: applied at step ")
        assert "replaced by constant 0.002" in lrmonitor("show", "latest").out
        over = lrmonitor("schedule", "latest", "cosine", *words[:0], "--param", "end=1e-4",
                         "--param", "start=0.1", "--length", "3", "--then", "follow",
                         "--from", "1")  # fmt: skip
        assert over.code == 3
        assert "the schedule would be over since step 4" in over.err


def test_the_result_in_words(isolated: Isolated) -> None:
    with training(isolated):
        answer = lrmonitor("lr", "latest", "set", "0.005", "--group", "1")
        assert answer.code == 0, answer.err
        assert answer.out.startswith("applied at step ")
        assert "optimizer 0 group 1: 0.0" in answer.out
        # k = v / s, and k · s is v but for rounding.
        found = re.search(r"→ (\S+) \(scheduled 0\.0", answer.out)
        assert found is not None, answer.out
        assert float(found[1]) == pytest.approx(0.005, rel=1e-12)
        frozen = lrmonitor("lr", "latest", "freeze", "--note", "look at it")
        assert frozen.code == 0
        assert "→ 0.0 (scheduled" in frozen.out
        shown = lrmonitor("show", "latest").out
        assert "frozen" in shown
        assert "lr freeze – look at it" in shown


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["hold", "0.1", "--group", "7"], "group 7"),
        (["hold", "0.1", "--optimizer", "7"], "optimizer 7"),
    ],
)
def test_what_cannot_be_is_refused(isolated: Isolated, words: list[str], part: str) -> None:
    with training(isolated) as run:
        answer = lrmonitor("lr", run.id, *words)
        assert (answer.code, answer.out) == (3, "")
        assert "refused" in answer.err
        assert part in answer.err
        answer = lrmonitor("lr", run.id, *words, "--json")
        assert answer.code == 3
        assert (answer.json["status"], answer.json["groups"]) == ("refused", [])
        assert part in answer.json["reason"]


def test_pause_step_resume(isolated: Isolated) -> None:
    with training(isolated) as run:
        paused = lrmonitor("pause", run.id, "--json")
        assert (paused.code, paused.json["status"]) == (0, "applied")
        n = paused.json["step"]
        wait_until(lambda: run.step() == n, what="the last step before the pause")
        shown = lrmonitor("show", run.id, "--json").json
        assert (shown["state"]["phase"], shown["state"]["step"]) == ("paused", n)

        waiting = lrmonitor("lr", run.id, "hold", "0.1", "--timeout", "0.3", "--json")
        assert waiting.code == 5
        assert waiting.json["status"] == "pending"
        withdrawn = lrmonitor("cancel", run.id, waiting.json["id"], "--json")
        assert (withdrawn.code, withdrawn.json["status"]) == (0, "applied")

        queued = lrmonitor("lr", run.id, "hold", "0.2", "--timeout", "0.3")
        assert queued.code == 5
        assert "still pending after 0.3 s" in queued.err

        one = lrmonitor("step", run.id)
        assert one.code == 0, one.err
        wait_until(lambda: run.step() == n + 1, what="one step")
        resumed = lrmonitor("resume", run.id)
        assert resumed.code == 0
        assert "resumed" in resumed.err
        run.wait_for_step(n + 10)
        assert run.table()[n + 1]["lr"] == 0.2


def test_stop_takes_the_scripts_own_way_out(isolated: Isolated) -> None:
    with training(isolated) as run:
        answer = lrmonitor("stop", run.id, "--json")
        assert answer.code == 0, answer.err
        told = answer.json
        assert told["status"] == "ended"
        (step,) = told["steps"]
        assert (step["how"], step["by"]) == ("interrupt", "probe")
        assert told["state"]["phase"] == "stopped"
        assert told["state"]["signal"] == "SIGINT"
        console = (run.folder / "console.log").read_text()
        assert "KeyboardInterrupt" in console
        assert "lrmonitor" not in console
        for words in (["stop", run.id], ["lr", run.id, "hold", "0.1"], ["pause", run.id]):
            over = lrmonitor(*words)
            assert (over.code, over.out) == (4, "")
            assert f"run {run.id} is over: Interrupted after step" in over.err


def test_stop_of_a_paused_run(isolated: Isolated) -> None:
    with training(isolated) as run:
        assert lrmonitor("pause", run.id).code == 0
        answer = lrmonitor("stop", run.id, "--json")
        assert (answer.code, answer.json["status"]) == (0, "ended")
        assert answer.json["state"]["phase"] == "stopped"


def test_stop_without_a_step_boundary(isolated: Isolated) -> None:
    """The script trained, and now waits: SIGINT comes from outside."""
    with training(isolated, WAITS) as run:
        answer = lrmonitor("stop", run.id, "--json")
        assert answer.code == 0, answer.err
        assert answer.json["state"]["phase"] == "stopped"
        assert answer.json["steps"][-1]["by"] == "SIGINT"


def test_stop_climbs_when_told_to(isolated: Isolated) -> None:
    with training(isolated, DEAF) as run:
        answer = lrmonitor("stop", run.id, "--timeout", "0.5")
        assert answer.code == 5
        assert "still running" in answer.err
        assert "terminate" in answer.err
        answer = lrmonitor("stop", run.id, "--escalate", "--timeout", "0.5", "--json")
        assert answer.code == 0, answer.err
        assert answer.json["steps"][-1]["by"] == "SIGTERM"
        assert answer.json["state"]["label"] == "terminated"


def test_kill_of_the_training(isolated: Isolated) -> None:
    with training(isolated) as run:
        run.model.poll()
        pid = run.model.state.pid
        assert pid is not None
        psutil.Process(pid).kill()
        wait_until(lambda: run.step() and run.model.state.phase.over, what="the end")
        state = lrmonitor("show", run.id, "--json").json["state"]
        assert (state["phase"], state["signal"]) == ("killed", "SIGKILL")
        assert "not through lrmonitor" in state["sentence"]
        answer = lrmonitor("lr", run.id, "hold", "0.1")
        assert answer.code == 4
        assert "Killed by SIGKILL" in answer.err


def test_notes_list_and_window_words(isolated: Isolated) -> None:
    with training(isolated) as run:
        assert lrmonitor("note", "digits", "looks", "good").code == 0
        (row,) = lrmonitor("list", "--json").json
        assert (row["id"], row["state"]["phase"]) == (run.id, "training")
        assert "training" in lrmonitor("list").out
        events = lrmonitor("show", "digits", "--events", "100", "--json").json["events"]
        note = next(e for e in events if e["event"] == "note")
        assert note["text"].endswith("looks good")
        assert note["step"] >= 3


def test_the_loss_in_the_table_is_the_scripts_own(isolated: Isolated) -> None:
    """Two parts in each step, printed by the script: the table holds their exact sums."""
    script = """
import torch
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for n in range(40):
    optimizer.zero_grad()
    total = 0.0
    for _ in range(2):
        loss = model(torch.randn(8, 3)).pow(2).mean() / 2
        loss.backward()
        total += loss.item()
    optimizer.step()
    print(repr(total))
"""
    path = isolated.home / "parts.py"
    path.write_text(script)
    answer = lrmonitor("run", "--no-window", "--python", sys.executable, path)
    assert answer.code == 0, answer.err
    printed = [float(line) for line in answer.out.splitlines()]
    (folder,) = isolated.runs.iterdir()
    table = Live(folder).table()
    assert [table[n]["loss"] for n in range(1, 41)] == printed
    assert table[1]["lr"] == 1e-2
    assert all(math.isfinite(row["time"]) for row in table.values())
    assert os.path.exists(folder / "console.log")


def test_a_run_is_run_again(isolated: Isolated) -> None:
    with training(isolated) as run:
        (listed,) = lrmonitor("list", "--live", "--json").json
        assert (listed["id"], listed["command"]) == (run.id, str(isolated.home / "train.py"))
        again = lrmonitor(
            "rerun", "digits", "--detach", "--json", "--name", "second", "--", "--lr", "0.5"
        )
        assert again.code == 0, again.err
        second = Live(Path(again.json["folder"]))
        try:
            second.wait_for_step(3)
            shown = lrmonitor("show", "second", "--json").json
            assert shown["command"] == [
                sys.executable,
                str(isolated.home / "train.py"),
                "--lr",
                "0.5",
            ]
            assert shown["cwd"] == lrmonitor("show", run.id, "--json").json["cwd"]
            assert len(lrmonitor("list", "--live", "--json").json) == 2
        finally:
            lrmonitor("stop", second.id, "--kill")
    assert lrmonitor("list", "--live", "--json").json == []


def test_a_process_that_started_itself_is_listed_wherever_it_is_recorded(
    isolated: Isolated, tmp_path: Path
) -> None:
    script = tmp_path / "own.py"
    away = tmp_path / "away"
    begin = f"import lrmonitor\nlrmonitor.start('mine', runs={str(away)!r})\n"
    script.write_text(begin + TRAIN)
    with subprocess.Popen([sys.executable, str(script)]) as process:
        try:
            (told,) = wait_until(lambda: list(away.glob("*/run.json")), what="the run")
            run = Live(told.parent)
            wait_until(lambda: run.step() >= 3, timeout=90, what="its third step")
            (row,) = lrmonitor("list", "--live", "--json").json
            assert (row["name"], row["kind"]) == ("mine", "started")
            assert Path(row["folder"]).parent == away
            assert row["loss"] > 0
            refused = lrmonitor("rerun", row["folder"], "--detach")
            assert refused.code == 3
            assert "called lrmonitor.start() itself" in refused.err
        finally:
            process.kill()
    assert lrmonitor("list", "--live", "--json").json == []
