"""Snapshots and rewind in real training processes: to the bit, and the training goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import (
    LrCommand,
    RewindCommand,
    SnapshotCommand,
    SnapshotsCommand,
    StepCommand,
)
from tests.helpers.both import SCRIPTS, lrmonitor
from tests.helpers.live import Alone, Forks, live
from tests.helpers.wait import wait_until

SCRIPT = SCRIPTS / "rewound.py"

KINDS = (
    "sgd",
    "plain-sgd",
    "adam",
    "adamw-foreach",
    "adamw-fused",
    "nadam",
    "tensor-rate",
    "lbfgs",
    "scaler",
    "two",
    "shared",
    "average",
)


def truth(path: Path) -> dict[str, dict[int, Any]]:
    """What the script wrote, by step."""
    return {
        name: {int(n): value for n, value in told.items()}
        for name, told in json.loads(path.read_text()).items()
    }


def undisturbed(
    alone: Alone, tmp_path: Path, variant: str, last: Path, *more: object
) -> dict[str, Any]:
    """The script without lrmonitor."""
    out = tmp_path / "undisturbed.json"
    alone(SCRIPT, variant, out, last, *more)
    return truth(out)


@pytest.mark.parametrize("variant", KINDS)
def test_what_is_restored_is_the_snapshot_and_the_run_goes_on_from_it(
    variant: str, tmp_path: Path, forked: Forks, alone: Alone
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, variant, out, last) as run:
        taken = run.do(SnapshotCommand())
        assert taken.step is not None
        assert taken.detail["step"] == taken.step
        assert taken.detail["bytes"] > 0
        run.go_on(12)
        done = run.do(RewindCommand(back=5))
        assert done.step is not None
        run.go_on(20)
        last.write_text("0")
        rank, _ = run.finish()
    begin, to = taken.step, done.step
    assert done.detail["to"] == begin
    assert to >= begin + 12
    found = truth(out)
    end = max(found["hashes"])
    last.write_text(str(end))
    assert found["hashes"][to] == found["hashes"][begin]
    assert found["hashes"][to - 1] != found["hashes"][begin]

    wanted = undisturbed(alone, tmp_path, variant, last, begin, to)
    after = {n: h for n, h in found["hashes"].items() if n > to}
    assert after == {n: h for n, h in wanted["hashes"].items() if n > to}
    assert found["rates"][end] == wanted["rates"][end]

    (snapshot,) = [e for e in rank.events if e["event"] == "snapshot"]
    (rewound,) = [e for e in rank.events if e["event"] == "rewound"]
    assert (snapshot["step"], snapshot["why"]) == (begin, "command")
    assert "warnings" not in snapshot
    told = {key: rewound[key] for key in ("step", "from", "to", "snapshot", "rng", "scale")}
    assert told == {
        "step": to,
        "from": to,
        "to": begin,
        "snapshot": snapshot["id"],
        "rng": False,
        "scale": None,
    }
    steps = rank.by_name["loss"].step.tolist()
    assert steps == list(range(1, end + 1)), "step numbers do not keep rising"


def test_without_a_command_nothing_is_other_than_without_lrmonitor(
    tmp_path: Path, alone: Alone
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPT, "two", out, last) as run:
        last.write_text("0")
        rank, _ = run.finish()
    found = truth(out)
    last.write_text(str(max(found["hashes"])))
    assert found["hashes"] == undisturbed(alone, tmp_path, "two", last)["hashes"]
    assert [e for e in rank.events if "snapshot" in str(e)] == []


def test_random_numbers_are_rewound_when_asked(tmp_path: Path, forked: Forks) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "drawn", out, last) as run:
        begin = run.do(SnapshotCommand()).step
        run.go_on(10)
        again = run.do(RewindCommand(rng=True)).step
        run.go_on(10)
        other = run.do(RewindCommand(to=begin)).step
        run.go_on(10)
        last.write_text("0")
        run.finish()
    assert begin is not None
    assert again is not None
    assert other is not None
    hashes = truth(out)["hashes"]
    n = min(again - begin, other - again)
    assert [hashes[again + k] for k in range(n)] == [hashes[begin + k] for k in range(n)]
    assert hashes[other] == hashes[begin]
    assert hashes[other + 1] != hashes[begin + 1], "the same numbers were drawn again"


def test_a_rewind_with_a_factor_goes_on_at_that_rate_from_the_next_step(
    tmp_path: Path, forked: Forks
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "adam", out, last) as run:
        run.do(SnapshotCommand())
        first = run.do(RewindCommand(scale=1 / 3))
        (group,) = first.groups
        assert group.scheduled is not None
        assert group.effective == pytest.approx(group.scheduled / 3, rel=1e-12)
        run.do(LrCommand(mode="hold", value=0.002))
        second = run.do(RewindCommand(scale=0.5))
        assert [g.effective for g in second.groups] == [0.001]
        run.do(LrCommand(mode="freeze"))
        frozen = run.do(RewindCommand(scale=0.5))
        assert "is left as it is" in (frozen.warning or "")
        # A rate of its own does not depend on what was in force.
        third = run.do(RewindCommand(rate=0.0045))
        assert [g.effective for g in third.groups] == [0.0045]
        assert run.refused(RewindCommand(rate=0.1, optimizer=3)) == (
            "there is no optimizer 3: the optimizer is 0"
        )
        verb = lrmonitor("rewind", run.folder, "--set", "5e-4", "--json")
        both = lrmonitor("rewind", run.folder, "--hold", "5e-4", "--scale", "0.5")
        last.write_text("0")
        rank, _ = run.finish()
    assert verb.returncode == 0, verb.stderr
    assert [g["effective"] for g in json.loads(verb.stdout)["groups"]] == [5e-4]
    assert both.returncode == 2
    for answer in (first, second, third):
        (event,) = [
            e for e in rank.events if e["event"] == "rates" and e["step"] == (answer.step or 0) + 1
        ]
        assert event["groups"][0]["effective"] == answer.groups[0].effective
    commands = [e for e in rank.events if e["event"] == "command" and e["command"] == "lr"]
    assert commands[0]["args"]["note"] == f"rewound to step {first.detail['to']}"
    assert [e.get("rate") for e in rank.events if e["event"] == "rewound"] == [
        None,
        None,
        None,
        0.0045,
        5e-4,
    ]


def test_every_so_many_steps_and_before_changes_within_a_budget(tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPT, "adam", out, last) as run:
        size = run.do(SnapshotCommand()).detail["bytes"]
        setting = SnapshotsCommand(every=10, before=True, budget=3 * size + 1)
        set_at = run.do(setting).step
        assert set_at is not None
        run.go_on(45)
        changed = run.do(LrCommand(mode="scale", value=0.5)).step
        assert changed is not None
        off = run.do(SnapshotsCommand(every=0, before=False)).step
        run.go_on(25)
        unheld = run.do(LrCommand(mode="follow"))
        listed = lrmonitor("snapshots", run.folder.name, "--json")
        refusal = run.refused(RewindCommand(to=set_at))
        run.do(SnapshotsCommand(forget=True))
        nothing = run.refused(RewindCommand())
        last.write_text("0")
        rank, _ = run.finish()
    assert listed.returncode == 0, listed.stderr
    kept = json.loads(listed.stdout)["snapshots"]
    taken = [e for e in rank.events if e["event"] == "snapshot"]
    regular = [e["step"] for e in taken if e["why"] == "every"]
    assert regular[:4] == [set_at + 10 * k for k in range(1, 5)]
    assert all(step < (off or 0) + 1 for step in regular)
    (before,) = [e["step"] for e in taken if e["why"] == "change"] or [changed - 1]
    assert before == changed - 1
    assert len(kept) == 3
    assert [one["step"] for one in kept] == [e["step"] for e in taken][-3:]
    assert unheld.status == "applied"
    assert refusal.startswith(f"no snapshot of step {set_at} is kept: there are those of steps ")
    assert nothing == "no snapshot is kept: there is nothing to go back to"


def test_while_it_is_paused(tmp_path: Path, forked: Forks) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "adam", out, last) as run:
        begin = run.paused()
        assert run.do(SnapshotCommand()).step == begin
        run.do(StepCommand())
        run.do(StepCommand())
        answer = run.do(RewindCommand(scale=0.5))
        assert (answer.step, answer.detail["to"]) == (begin + 2, begin)
        assert "with the first step after the pause" in (answer.warning or "")
        run.do(RewindCommand())
        run.resume()
        run.go_on(3)
        last.write_text("0")
        run.finish()
    hashes = truth(out)["hashes"]
    # The script sees its state once the pause is over: that of the snapshot.
    assert hashes[begin + 2] == hashes[begin]


def test_a_rate_that_cannot_be_set_refuses_the_whole_rewind(tmp_path: Path) -> None:
    last = tmp_path / "last"
    with live(SCRIPTS / "paused_tests.py", "frozen", last) as run:
        run.do(SnapshotCommand())
        run.go_on(3)
        words = run.refused(RewindCommand(rate=0.01))
        run.paused()
        assert run.refused(RewindCommand(rate=0.01)) == words
        run.resume()
        last.write_text("0")
        rank, _ = run.finish()
    assert "group 0" in words
    assert [e for e in rank.events if e["event"] == "rewound"] == []


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("added", "a parameter group was added since, in optimizer 0 (Adam)"),
        ("removed", "a parameter was removed since, from group 0 of optimizer 0 (Adam)"),
        ("reshaped", "a parameter in group 0 of optimizer 0 (Adam) was reshaped or moved since"),
        ("anew", "optimizer 0 (Adam) was made anew since"),
    ],
)
def test_refused_where_the_training_is_made_of_something_else_now(
    variant: str, words: str, tmp_path: Path, forked: Forks
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, variant, out, last) as run:
        assert run.refused(RewindCommand()) == (
            "no snapshot is kept: there is nothing to go back to"
        )
        begin = run.do(SnapshotCommand()).step
        last.with_suffix(".change").touch()
        wait_until(last.with_suffix(".done").exists)
        run.go_on(3)
        assert run.refused(RewindCommand()).startswith(words)
        words = run.refused(RewindCommand(back=10**6))
        assert words.endswith(f"or before is kept: there is one of step {begin}")
        assert run.do(SnapshotCommand()).status == "applied"
        last.write_text("0")
        rank, _ = run.finish()
    assert [e for e in rank.events if e["event"] == "rewound"] == []


def test_no_memory_for_a_snapshot_harms_nothing(tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPTS / "no_room.py", out, last) as run:
        assert run.refused(SnapshotCommand()) == (
            "there is not enough memory; the training goes on as it was"
        )
        run.do(SnapshotsCommand(budget=10**6))
        words = run.refused(SnapshotCommand())
        assert words.startswith("a snapshot takes 192 MiB, and all of them may take 977 KiB")
        run.do(SnapshotsCommand(every=1, budget=10**12))
        wait_until(lambda: len(run.events("snapshot_failed")) >= 3)
        run.go_on(3)
        last.write_text("0")
        run.finish()
    assert json.loads(out.read_text())["finite"] is True
    assert [e["every"] for e in run.events("snapshots")] == [0, 1, 0]


def test_a_checkpoint_is_read_by_torch_and_goes_on_as_the_run_did(
    tmp_path: Path, alone: Alone
) -> None:
    out, last, file = tmp_path / "out.json", tmp_path / "last", tmp_path / "state.pt"
    with live(SCRIPT, "adam", out, last) as run:
        done = lrmonitor("snapshot", run.folder.name, "--save", file, "--json")
        assert done.returncode == 0, done.stderr
        saved = json.loads(done.stdout)
        again = lrmonitor("snapshot", run.folder.name, "--save", file)
        run.go_on(15)
        last.write_text("0")
        run.finish()
    assert saved["saved"] == str(file)
    assert again.returncode == 3
    assert "is there already" in again.stderr
    found = truth(out)["hashes"]
    last.write_text(str(max(found)))
    # Another process builds the model, loads the file, and trains on from that step.
    resumed = undisturbed(alone, tmp_path, "adam", last, 0, 0, file)["hashes"]
    assert min(resumed) == saved["step"]
    assert resumed == {n: h for n, h in found.items() if n >= saved["step"]}
