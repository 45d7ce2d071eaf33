"""Tests of rates that are refused, cut short, or come upon something else: nothing is lost."""

from __future__ import annotations

import json
import math
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import (
    CancelCommand,
    LrCommand,
    PauseCommand,
    RangeTestCommand,
    RewindCommand,
    SnapshotCommand,
    StopCommand,
    TrialCommand,
)
from tests.e2e.test_range_test import made_of
from tests.e2e.test_rewind import SCRIPT, truth, undisturbed
from tests.helpers.both import SCRIPTS
from tests.helpers.live import Alone, Forks, Live, live
from tests.helpers.wait import wait_until

NO_MEMORY = "there is not enough memory; the training goes on as it was"


def long(steps: int = 100_000) -> RangeTestCommand:
    """One that would go on for longer than any of these."""
    return RangeTestCommand(start=1e-6, stop=0.1, steps=steps, bound=False)


def ended(run: Live, count: int = 1) -> dict[str, Any]:
    """Wait for the end of a test; what is recorded of it."""
    wait_until(lambda: len(run.events("test_ended")) >= count, 60.0, what="the test's end")
    return run.events("test_ended")[-1]


def test_refused_and_waited_for_and_cancelled(tmp_path: Path, forked: Forks) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "drawn", out, last) as run:
        assert run.refused(RangeTestCommand(group=5)).startswith("there is no group 5")
        assert run.refused(TrialCommand(optimizer=3)).startswith("there is no optimizer 3")
        run.paused()
        assert run.refused(long()) == "the training is paused: resume it first"
        run.resume()

        with run.another() as test, run.another() as other, run.another() as third:
            first_test = long()
            test.send(first_test)
            run.until_testing()
            words = "another test goes on: wait until it is over, or cancel it"
            assert run.refused(TrialCommand()) == words
            # They wait for its end.
            other.send(LrCommand(mode="scale", value=0.5))
            third.send(SnapshotCommand())
            run.go_on(3)
            assert run.events("rates") == run.events("snapshot") == []
            # It can be held in its midst, and is put back at once where it is cancelled then.
            run.do(PauseCommand())
            assert run.ask(CancelCommand(target=first_test.id)).status == "applied"
            first = ended(run)
            assert (first["why"], first["restored"]) == ("cancelled", True)
            run.resume()
            answers = [test.receive(30.0) for _ in range(2)]
            assert answers[1] is not None
            assert answers[1].status == "cancelled"
            assert answers[1].reason == "cancelled; everything was put back"
            wait_until(lambda: run.events("rates") and run.events("snapshot"), 60.0)
        (rates,), (snapshot,) = run.events("rates"), run.events("snapshot")
        assert rates["step"] == first["step"] + 1
        assert snapshot["step"] in (first["step"], first["step"] + 1)

        # Who asked for it is gone: it ends by itself.
        with run.another() as gone:
            gone.send(RangeTestCommand(start=1e-6, stop=0.1, steps=30, bound=False))
            run.until_testing()
        second = ended(run, 2)
        assert (second["why"], second["steps"]) == ("done", 30)
        run.do(RewindCommand(to=snapshot["step"]))

        # The script ends in the midst of one.
        with run.another() as test:
            test.send(long())
            run.until_testing()
            run.go_on(2)
            last.write_text("0")
            rank, _ = run.finish()
    (*_, (begun, over)) = made_of(rank)
    assert (over["why"], over["restored"]) == ("exit", True)
    hashes = truth(out)["hashes"]
    for one in (first, second):
        assert hashes[one["step"]] == hashes[one["from"]]
    assert hashes[max(hashes)] != hashes[begun["step"]], "it was put back after the script's end"


def test_what_is_not_put_back_of_hidden_modules_is_said(tmp_path: Path, forked: Forks) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "hidden", out, last) as run:
        with run.another() as test:
            command = long()
            test.send(command)
            run.until_testing()
            run.go_on(2)
            assert run.ask(CancelCommand(target=command.id)).status == "applied"
            over = ended(run)
            answers = [test.receive(30.0) for _ in range(2)]
        answer = answers[1]
        assert answer is not None
        assert answer.status == "cancelled"
        # The answer and the record say the same.
        assert (answer.detail["restored"], over["restored"]) == (False, False)
        assert answer.reason == "cancelled; not everything was put back"
        (why,) = over["warnings"]
        assert answer.warning == why
        assert why.startswith("the modules are hidden")
        # A rewind says so too.
        run.do(SnapshotCommand())
        run.go_on(2)
        rewound = run.do(RewindCommand(back=1))
        assert rewound.warning is not None
        assert "their buffers are not kept" in rewound.warning
        last.write_text("0")
        run.finish()


@pytest.mark.parametrize("how", ["stop", "signal"])
def test_what_a_stopped_script_saves_is_not_of_the_test(how: str, tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPT, "drawn", out, last) as run, run.another() as test:
        test.send(long())
        run.until_testing()
        run.go_on(3)
        if how == "stop":
            assert run.ask(StopCommand()).status == "applied"
        else:
            pid = run.events("environment")[0]["pid"]
            os.kill(pid, signal.SIGINT)
        rank, _ = run.finish()
    ((begun, over),) = made_of(rank)
    assert over["why"] == {"stop": "stopped", "signal": "interrupted"}[how]
    found = truth(out)
    (saved,) = found["stopped"].values()
    assert saved == found["hashes"][begun["step"]]


def test_a_group_that_is_added_ends_it(tmp_path: Path, forked: Forks) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "added", out, last) as run:
        with run.another() as test:
            test.send(long(3000))
            run.until_testing()
            last.with_suffix(".change").touch()
            over = ended(run)
        run.go_on(3)
        # With the new group it is another training, which can be tested again.
        again = run.do(TrialCommand(factors=(0.5, 2.0), steps=4, legs=2))
        last.write_text("0")
        run.finish()
    assert (over["why"], over["restored"]) == ("changed", True)
    assert again.detail["restored"] is True
    hashes = truth(out)["hashes"]
    assert hashes[over["step"]] == hashes[over["from"]]


@pytest.mark.parametrize(("variant", "why"), [("two", "cancelled"), ("added", "changed")])
def test_one_of_a_pause_goes_back_to_it_where_it_is_cut_short(
    variant: str, why: str, tmp_path: Path
) -> None:
    last = tmp_path / "last"
    with live(SCRIPTS / "paused_tests.py", variant, last) as run:
        run.go_on(2)
        run.paused()
        with run.another() as test:
            command = replace(long(), then="pause")
            test.send(command)
            wait_until(lambda: command.id in run.status()["pending"])
            run.resume()
            run.until_testing()
            if why == "cancelled":
                run.do(CancelCommand(target=command.id))
            else:
                last.with_suffix(".change").touch()
            over = ended(run)
            wait_until(lambda: run.status()["paused"])
        assert run.step == over["step"]
        run.resume()
        last.write_text("0")
        run.finish()
    assert (over["why"], over["restored"]) == (why, True)


def test_a_pause_goes_on_where_its_test_is_refused_after_the_resume(tmp_path: Path) -> None:
    last = tmp_path / "last"
    with live(SCRIPTS / "paused_tests.py", "odd", last) as run:
        run.go_on(2)
        run.paused()
        with run.another() as test:
            # Of several optimizers it begins only where an iteration ends.
            command = replace(long(), then="pause")
            test.send(command)
            wait_until(lambda: command.id in run.status()["pending"])
            run.resume()
            wait_until(lambda: command.id not in run.status()["pending"])
            wait_until(lambda: run.status()["paused"])
        run.resume()
        run.go_on(3)
        last.write_text("0")
        run.finish()
    (answer,) = [e for e in run.events("acknowledgement") if e["id"] == command.id and e["reason"]]
    assert (answer["status"], "it holds a object" in answer["reason"]) == ("refused", True)
    assert run.events("test_began") == []


def test_one_that_a_scaler_ends_is_held_right_there(tmp_path: Path, forked: Forks) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "scaler-sgd", out, last) as run:
        sweep = RangeTestCommand(start=1.0, stop=1e3, steps=200, bound=False, then="pause")
        done = run.do(sweep)
        wait_until(lambda: run.status()["paused"])
        over = ended(run)
        assert run.step == over["step"]
        run.resume()
        run.go_on(3)
        last.write_text("0")
        run.finish()
    assert (done.detail["why"], over["restored"]) == ("non_finite", True)


@pytest.mark.parametrize("variant", ["sgd", "scaler-sgd"])
def test_a_loss_that_is_not_finite_does_no_harm(
    variant: str, tmp_path: Path, forked: Forks, alone: Alone
) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, variant, out, last) as run:
        done = run.do(RangeTestCommand(start=1.0, stop=1e3, steps=200, bound=False))
        run.go_on(10)
        last.write_text("0")
        rank, _ = run.finish()
    ((begun, over),) = made_of(rank)
    assert (done.detail["why"], over["why"]) == ("non_finite", "non_finite")
    assert over["steps"] < 200
    assert not math.isfinite(rank.by_name["test[1].loss"].value[-1]) or variant != "sgd"
    hashes = truth(out)["hashes"]
    begin = begun["step"]
    # With a GradScaler the script counts passes in which it made no step.
    end = next(n for n in sorted(hashes) if n > begin and hashes[n] == hashes[begin])
    assert (end == over["step"]) == (variant == "sgd")
    last.write_text(str(max(hashes)))
    wanted = undisturbed(alone, tmp_path, variant, last, begin, end)["hashes"]
    own = [n for n in hashes if not begin < n <= end]
    assert [hashes[n] for n in own] == [wanted[n] for n in own]


def test_a_candidate_that_diverges_is_out(tmp_path: Path, forked: Forks) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "sgd", out, last) as run:
        tried = run.do(TrialCommand(factors=(1.0, 4e4), steps=60, legs=4))
        last.write_text("0")
        rank, _ = run.finish()
    ((_, ended),) = made_of(rank)
    assert tried.detail["why"] == "done"
    turns = [(one["candidate"], one["why"]) for one in ended["legs"]]
    assert [one for one in turns if one[0] == 0] == [(0, "end")] * 4
    assert [why for which, why in turns if which == 1][-1] == "non_finite"
    hashes = truth(out)["hashes"]
    assert hashes[ended["step"]] == hashes[ended["from"]]


def test_lbfgs_is_refused(tmp_path: Path, forked: Forks) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with forked(SCRIPT, "lbfgs", out, last) as run:
        for command in (RangeTestCommand(), TrialCommand()):
            assert run.refused(command).startswith("LBFGS evaluates its closure several times")
        last.write_text("0")
        run.finish()


def test_no_memory_for_a_test_harms_nothing(tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPTS / "no_room.py", out, last) as run:
        for command in (long(20), TrialCommand(factors=(0.5, 2.0), steps=4)):
            assert run.refused(command) == NO_MEMORY
        run.go_on(3)
        last.write_text("0")
        run.finish()
    assert json.loads(out.read_text())["finite"] is True
    assert run.events("test_began") == []


def test_memory_that_ends_in_a_trial_harms_nothing(tmp_path: Path) -> None:
    """There is enough for the state that is put back, and none for those of the candidates."""
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPTS / "no_room.py", out, last, "296") as run:
        answer = run.ask(TrialCommand(factors=(0.5, 2.0), steps=4, legs=2))
        run.go_on(3)
        last.write_text("0")
        run.finish()
    assert (answer.status, answer.detail["why"]) == ("cancelled", "memory")
    assert (answer.reason or "").startswith("there was not enough memory to go on with it")
    assert answer.detail["restored"] is True
    assert json.loads(out.read_text())["finite"] is True


def test_memory_that_ends_in_a_trial_of_a_pause_leads_back_to_it(tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPTS / "no_room.py", out, last, "370") as run:  # room for two connections
        run.go_on(2)
        run.paused()
        with run.another() as test:
            test.send(TrialCommand(factors=(0.5, 2.0), steps=4, legs=2, then="pause"))
            wait_until(lambda: run.events("test_began"))
            run.resume()
            over = ended(run)
            wait_until(lambda: run.status()["paused"])
        assert run.step == over["step"]
        run.resume()
        last.write_text("0")
        run.finish()
    assert (over["why"], over["restored"]) == ("memory", True)
    assert json.loads(out.read_text())["finite"] is True
