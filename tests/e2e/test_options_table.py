"""The groups' other numbers, changed by commands, against scripts that change them themselves.

One real training process runs all cases of tests/helpers/options_table.py; here its account is
compared, to the bit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.record.reader import RunReader
from tests.helpers.options_table import BEGIN, CASES, END, STEPS, WATCHED

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
HELD = [name for name, case in CASES.items() if not case.refused]
REFUSED = [name for name, case in CASES.items() if case.refused]
pytestmark = pytest.mark.xdist_group("options table")


@cache
def account() -> dict[str, Any]:
    """What the script saw, and what lrmonitor recorded of it."""
    with tempfile.TemporaryDirectory(prefix="lrm-options-", dir="/tmp") as place:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.helpers.options_table"],
            cwd=ROOT,
            env={**os.environ, "LRMONITOR_RUNS": place, "LRMONITOR_RUNTIME_DIR": place},
            capture_output=True,
            timeout=110,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr.decode()[-3000:]
        seen: dict[str, Any] = json.loads(ran.stdout)
        reader = RunReader(seen["folder"])
        while reader.poll():
            pass
        rank = reader.ranks[0]
        assert rank.corrupt == 0
        seen["events"] = rank.events
        return seen


@pytest.mark.parametrize("name", HELD)
def test_held_and_released_the_weights_are_those_of_a_script_that_does_so(name: str) -> None:
    seen, case = account(), CASES[name]
    native, commanded = seen["native"][name], seen["commanded"][name]
    undisturbed = seen["undisturbed"][name]
    assert commanded["weights"][:BEGIN] == undisturbed["weights"][:BEGIN]
    assert native["weights"][END - 1] != undisturbed["weights"][END - 1], "it changes nothing"
    assert commanded["weights"] == native["weights"]
    assert commanded["seen"] == undisturbed["seen"], "the script saw what was put"
    answers = commanded["answers"]
    assert len(answers) == 2 * (len(case.held) + (case.rate is not None))
    assert {one["status"] for one in answers} == {"applied"}
    for one, (option, value) in zip(answers, case.held.items(), strict=False):
        groups = [0, 1] if case.group is None else [case.group]
        assert [g["group"] for g in one["groups"]] == groups
        before = undisturbed["seen"][BEGIN]
        for group in one["groups"]:
            assert group["effective"] == pytest.approx(value, rel=1e-7)
            own = before[group["group"]]
            script = own["betas"][int(option[4:]) - 1] if "beta" in option else own[option]
            if not case.scheduler:
                assert group["scheduled"] == group["previous"] == script


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_step_could_not_do_is_refused_with_the_reason(name: str) -> None:
    seen, case = account(), CASES[name]
    commanded = seen["commanded"][name]
    assert commanded["answers"][0]["status"] == "refused"
    assert commanded["answers"][0]["reason"].startswith(case.refused)
    assert commanded["weights"] == seen["undisturbed"][name]["weights"]


def test_without_a_command_all_is_as_without_lrmonitor() -> None:
    seen = account()
    assert seen["watched"] == {name: seen["undisturbed"][name] for name in WATCHED}
    assert [e for e in seen["events"] if e["event"] in ("probe_error", "option_rewritten")] == []


def test_each_change_is_recorded_with_the_numbers_before_and_after() -> None:
    seen = account()
    told = [e for e in seen["events"] if e["event"] == "options"]
    answers = [
        one
        for name in CASES
        for one, _ in zip(
            seen["commanded"][name]["answers"], range(2 * len(CASES[name].held)), strict=False
        )
        if one["status"] == "applied"
    ]
    rates = [e for e in seen["events"] if e["event"] == "rates"]
    by_id = {e["id"]: e for e in (*told, *rates)}
    for one in answers:
        event = by_id[one["id"]]
        assert (event["step"], event["groups"]) == (one["step"], one["groups"])
    assert STEPS > END
    assert {e["name"] for e in told} >= {"momentum", "beta1", "beta2", "weight_decay", "eps"}
