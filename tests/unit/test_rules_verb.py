"""`lrmonitor rules` on a run's folder: switching on and off, the list, and what is refused."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lrmonitor.cli import rules as rules_verb
from lrmonitor.cli.main import main
from lrmonitor.model.run import RunModel
from tests.app.folders import RunFolder
from tests.conftest import Isolated
from tests.helpers.wait import wait_until


@pytest.fixture
def run(isolated: Isolated) -> RunFolder:
    """A run that trains in this process."""
    return RunFolder(isolated.runs).launch().register().train(40)


def said(capsys: pytest.CaptureFixture[str], code: int, *words: object) -> tuple[str, str]:
    assert main(["rules", "latest", *map(str, words)]) == code
    out, err = capsys.readouterr()
    assert all(line.startswith("lrmonitor: ") for line in err.splitlines())
    return out, err


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, dict[str, Any]]:
    """What the list says of each rule."""
    out, err = said(capsys, 0, *words, "--json")
    assert err == ""
    return {rule["slug"]: rule for rule in json.loads(out)["rules"]}


def test_all_are_off_until_they_are_switched_on(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = told(capsys, "--list")
    assert {rule["on"] for rule in rules.values()} == {False}
    assert next(iter(rules)) == "reduce-on-plateau"
    words = ["--on", "Reduce on Plateau", "--factor", "0.5", "--at-most", 2, "--least-rate", "1e-5"]
    _, err = said(capsys, 0, *words)
    assert "multiply the rate by 0.5; at most 2 times" in err
    rules = told(capsys, "--on", "pause-on-nan")
    reduce = rules["reduce-on-plateau"]
    assert (reduce["factor"], reduce["at_most"], reduce["least_rate"]) == (0.5, 2, 1e-5)
    assert (reduce["on"], reduce["since"], reduce["done"]) == (True, 40, [])
    assert [rule["slug"] for rule in rules.values() if rule["on"]] == [
        "reduce-on-plateau",
        "pause-on-nan",
    ]
    # Changed, it keeps what was said before.
    assert told(capsys, "--on", "reduce-on-plateau", "--not-within", 7)["reduce-on-plateau"] == {
        **reduce,
        "not_within": 7,
    }
    out, _ = said(capsys, 0, "--list")
    assert "reduce-on-plateau: on since step 40\n  When: Plateau or near convergence." in out
    assert "  not needed so far\n" in out
    said(capsys, 0, "--off", "reduce on plateau")
    assert not told(capsys, "--list")["reduce-on-plateau"]["on"]
    said(capsys, 0, "--off", "all")
    assert not any(rule["on"] for rule in told(capsys, "--list").values())


def test_a_rule_of_ones_own(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--on", "calm it", "--when", "spike", "--when", "oscillation", "--severity", "warning"]
    rules = told(capsys, *words, "--then", "hold", "--value", "1e-4")
    assert next(iter(rules)) == "calm-it"
    assert rules["calm-it"]["kinds"] == ["spike", "oscillation"]
    # Another action takes what belonged to the first with it.
    assert "value" not in told(capsys, "--on", "calm-it", "--then", "pause")["calm-it"]
    assert told(capsys, "--on", "calm-it", "--cause", "data")["calm-it"]["cause"] == "data"
    assert "cause" not in told(capsys, "--on", "calm-it", "--cause", "any")["calm-it"]
    _, err = said(capsys, 0, "--on", "mine", "--when", "my_odd_thing", "--then", "pause")
    assert "none of lrmonitor's own findings" in err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--on", "calm it"], "a rule of your own needs --when and --then"),
        (["--on", "x", "--when", "platau", "--then", "pause"], "did you mean 'plateau'?"),
        (["--on", "reduce-on-plateau", "--factor", "0.9"], "too near to 1"),
        (["--on", "reduce-on-plateau", "--at-most", "0"], "from 1 to 100"),
        (["--on", "pause-on-nan", "--factor", "0.1"], "pause takes no factor"),
        (["--off", "reduce-on-plateau"], "is not on (none is)"),
        (["--factor", "0.1"], "--factor goes with --on NAME"),
        (["--list", "--at-most", "3"], "--at-most goes with --on NAME"),
        ([], "no rule is on for digits"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: RunFolder, capsys: pytest.CaptureFixture[str], words: list[str], what: str
) -> None:
    _, err = said(capsys, 2, *words)
    assert what in err
    assert not (run.path / "clients").exists()


def test_a_run_that_is_over(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, 0, "--on", "pause-on-nan")
    run.exited(0)
    for words in ([], ["--on", "reduce-on-plateau"]):
        _, err = said(capsys, 4, *words)
        assert "The run is over" in err
    assert told(capsys, "--list")["pause-on-nan"]["on"]
    said(capsys, 0, "--off", "all")


def test_the_journal_names_who_did_it(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, 0, "--on", "stop-on-convergence")
    model = RunModel(run.path)
    model.poll()
    (entry,) = [e for e in model.journal if e.event == "rules"]
    assert entry.step == 40
    assert entry.text.startswith("Rule “Stop on convergence” switched on by ")
    assert entry.data["by"]["who"] == "person"


@contextmanager
def carried_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The verb at work in a thread; its exit code, once it has ended."""
    monkeypatch.setattr(rules_verb, "POLL_SECONDS", 0.01)
    code: list[int] = []
    thread = threading.Thread(target=lambda: code.append(main(["rules", "latest"])))
    thread.start()
    yield code
    thread.join(30)
    assert not thread.is_alive()


def test_it_goes_on_until_the_run_is_over(
    run: RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(capsys, 0, "--on", "pause-on-nan")
    with carried_out(monkeypatch) as code:
        told = ""

        def has_said(words: str) -> bool:
            nonlocal told
            told += capsys.readouterr().err
            return words in told

        wait_until(lambda: has_said("1 rule acts on digits by itself from here: Pause on NaN"))
        assert main(["rules", "latest", "--off", "all"]) == 0
        wait_until(lambda: has_said("no rule is on any more"))
        assert main(["rules", "latest", "--on", "reduce-on-plateau"]) == 0
        wait_until(lambda: has_said("by itself from here: Reduce on plateau"))
        assert code == []
        run.exited(0)
    assert code == [0]
    assert has_said("the run is over: The script ended")


def test_a_folder_that_vanishes(
    run: RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(capsys, 0, "--on", "pause-on-nan")
    with carried_out(monkeypatch) as code:
        wait_until(lambda: "by itself from here" in capsys.readouterr().err)
        shutil.rmtree(run.path)
    assert code == [4]
    assert not run.path.exists()
