"""What is recorded is what the script did, and the script does what it does without lrmonitor."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.record.reader import RunReader
from tests.helpers.both import SCRIPTS, Both, both_ways, lrmonitor, read_rank, read_table
from tests.helpers.launch import TIMEOUT, of_script, only_run, plain, run, run_words
from tests.helpers.wait import wait_until

Of = Callable[[str], Both]


def test_the_loop_of_the_tutorials(tmp_path: Path) -> None:
    both = both_ways(tmp_path, "plain")
    (optimizer,) = both.events("optimizer")
    assert (optimizer["class"], optimizer["main"], optimizer["controllable"]) == (
        "AdamW",
        True,
        True,
    )
    assert both.rank.events[-1]["event"] == "ended"


def test_accumulated_gradients(both_of: Of) -> None:
    both = both_of("accumulation")
    assert both.rates("parts[0]") == [1 + i % 4 for i in range(18)]


def test_two_optimizers(both_of: Of) -> None:
    both = both_of("adversarial")
    assert [e["class"] for e in both.events("optimizer")] == ["Adam", "RMSprop"]
    assert both.column("parts[0]") == {1: 2}
    assert both.column("parts[1]") == {1: 1}


def test_a_closure_evaluated_many_times(both_of: Of) -> None:
    both = both_of("closure")
    assert both.column("parts[0]") == {1: 1}


def test_rates_set_by_hand(both_of: Of) -> None:
    both_of("by_hand")


def test_scaled_gradients_and_skipped_steps(both_of: Of) -> None:
    both = both_of("scaler")
    assert both.truth["skipped"] == [0, 6, 6]
    skipped = both.events("step_skipped")
    assert [e["step"] for e in skipped] == both.truth["skipped"]
    assert skipped[-1]["optimizer"] == 0
    # Two parts in every step: those of a skipped one are not added to the next.
    assert both.column("parts[0]") == {1: 2}


def test_no_optimizer(both_of: Of) -> None:
    both = both_of("no_optimizer")
    assert len(both.events("no_optimizer")) == 1
    assert both.events("optimizer") == []


def test_a_crash(tmp_path: Path) -> None:
    both = both_ways(tmp_path, "crash")
    assert both.code == 1
    console = (both.folder / "console.log").read_text()
    assert console.endswith("RuntimeError: the data set is gone\n")
    assert console.count("Traceback (most recent call last)") == 7
    assert "lrmonitor" not in console.replace(str(SCRIPTS), "")


def test_exit_3(tmp_path: Path) -> None:
    assert both_ways(tmp_path, "exit_3").code == 3


def test_commands_in_the_middle_of_a_run(tmp_path: Path) -> None:
    truth_file, undisturbed_file = tmp_path / "truth.json", tmp_path / "undisturbed.json"
    script = SCRIPTS / "commanded.py"
    process = subprocess.Popen(
        run_words(script, truth_file), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        folder = only_run()
        told = command(folder)
        stderr = process.communicate(timeout=TIMEOUT)[1].decode()
    finally:
        if process.poll() is None:
            lrmonitor("stop", "latest", "--kill")
            process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr

    truth = json.loads(truth_file.read_text())
    used, scheduled = truth["used"], truth["scheduled"]
    steps = len(used)
    done = plain(script, undisturbed_file, str(steps))
    assert done.returncode == 0, done.stderr.decode()
    # The schedule, which computes each rate from the last, never noticed; bit for bit.
    assert scheduled == json.loads(undisturbed_file.read_text())["scheduled"]

    expected: list[float] = []
    mode: dict[str, Any] = {"mode": "follow"}
    for n, rate in enumerate(scheduled, 1):
        mode = told.get(n, mode)
        expected.append(mode["rate"] if mode["mode"] == "hold" else mode.get("factor", 1) * rate)
        if n in told:
            (group,) = mode["groups"]
            assert (group["optimizer"], group["group"]) == (0, 0)
            assert group["scheduled"] == rate
            assert group["previous"] == expected[-2]
            assert group["effective"] == expected[-1]
    assert used == expected

    both = Both(truth, folder, read_rank(folder), read_table(folder, tmp_path), 0)
    assert [int(row["step"]) for row in both.table] == list(range(1, steps + 1))
    assert both.rates("lr") == used
    assert both.rates("scheduled[0.0]") == scheduled
    assert both.events("probe_error") == []
    assert both.events("rate_rewritten") == []

    # The script's own clock: between a pause and what ended it, no step was made.
    pauses = [(e["event"], e["step"]) for e in both.rank.events if e["event"].endswith("sed")]
    pauses += [(e["event"], e["step"]) for e in both.events("resumed")]
    first = told[0]["step"]
    assert sorted(pauses) == [
        ("paused", first),
        ("paused", first + 1),
        ("resumed", first),
        ("resumed", first + 1),
    ]
    paused, again = both.events("paused")
    resumed, last = both.events("resumed")
    for begin, end, n in ((paused, resumed, first), (again, last, first + 1)):
        # steps are counted from 1: seen[n - 1] is when step n was over
        assert truth["time"][n - 1] >= begin["time"] - 0.05
        assert truth["time"][n] >= end["time"]
    (stopping,) = both.events("stopping")
    assert (stopping["step"], stopping["how"]) == (steps, "raise_signal")


def command(folder: Path) -> dict[int, dict[str, Any]]:
    """Give commands to a run, by verbs; what was acknowledged, by the first step that used it, and
    as number 0 the pause."""
    run_id = folder.name
    reader = RunReader(folder)
    told: dict[int, dict[str, Any]] = {}

    def step() -> int:
        reader.poll()
        rank = reader.ranks.get(0)
        loss = rank.by_name.get("loss") if rank else None
        return int(loss.step[-1]) if loss is not None and len(loss) else 0

    def verb(*words: str, code: int = 0) -> dict[str, Any]:
        done = lrmonitor(words[0], run_id, *words[1:], "--json")
        assert done.returncode == code, done.stderr + done.stdout
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def lr(mode: str, *value: str, **meaning: float) -> None:
        answer = verb("lr", mode, *value)
        told[answer["step"]] = {"mode": mode, "groups": answer["groups"], **meaning}
        wait_until(lambda: step() > answer["step"] + 5)

    wait_until(lambda: step() > 10)
    lr("hold", "3e-4", rate=3e-4)
    lr("hold", "0.02", rate=0.02)
    lr("follow")
    lr("scale", "0.1", factor=0.1)
    lr("freeze")
    told[max(told)] |= {"mode": "hold", "rate": 0.0}
    lr("follow")

    pause = verb("pause")
    told[0] = {"step": pause["step"]}
    waiting = verb("lr", "hold", "0.5", "--timeout", "0.1", code=5)
    assert waiting["status"] == "pending"
    assert verb("cancel", waiting["id"])["status"] == "applied"
    assert verb("step")["status"] == "applied"
    wait_until(lambda: step() == pause["step"] + 1)
    assert verb("resume")["status"] == "applied"
    wait_until(lambda: step() > pause["step"] + 5)
    assert verb("stop")["status"] == "ended"
    return told


@pytest.mark.slow
def test_a_compiled_step_is_compiled_as_without_us() -> None:
    """The compiler does not look into the probe, nor complain of it."""
    script = SCRIPTS / "compiled_step.py"
    there, here = plain(script), run(script)
    assert here.returncode == 0, here.stderr.decode()
    assert here.stdout == there.stdout
    assert b"probe" not in of_script(here.stderr)
    rank = read_rank(only_run())
    assert [e for e in rank.events if e["event"] == "probe_error"] == []
    assert len(rank.by_name["loss"]) == 20
