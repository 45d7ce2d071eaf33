"""Every scheduler under every mode: the rate that is used, and the schedule that goes on.

One real training process for each kind of rate (tests/helpers/rates_table.py); here its account is
compared, step by step, with the plan's formula and with the same schedule undisturbed.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrmonitor.record.reader import RunReader
from lrmonitor.schedules.wire import from_json
from tests.helpers.rates_table import (
    BASES,
    KINDS,
    OWN,
    STEPS,
    TORCH,
    WEIGHT_MODES,
    WEIGHTS,
    Told,
    cases,
    refused_by_torch,
)

pytest.importorskip("torch")

Goal = Callable[[int, Fraction], Fraction] | None
"""The rate at a step with a scheduled rate; None is the scheduled one."""

ROOT = Path(__file__).parents[2]
# Without an override rates are read after the step, which sees what was written within it.
READ_AFTER = [name for name in (*TORCH, *OWN) if name != "within step"]
PER_KIND = [pytest.param(kind, marks=pytest.mark.xdist_group(f"rates {kind}")) for kind in KINDS]


@cache
def account(kind: str) -> dict[str, Any]:
    """What the script of this kind of rate saw, and the rates that lrmonitor recorded of it."""
    with tempfile.TemporaryDirectory(prefix="lrm-rates-", dir="/tmp") as place:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.helpers.rates_table", kind],
            cwd=ROOT,
            env={**os.environ, "LRMONITOR_RUNS": place, "LRMONITOR_RUNTIME_DIR": place},
            capture_output=True,
            timeout=110,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr.decode()[-3000:]
        assert ran.stderr == b""
        seen: dict[str, Any] = json.loads(ran.stdout)
        reader = RunReader(seen["folder"])
        while reader.poll():
            pass
        rank = reader.ranks[0]
        assert rank.corrupt == 0
        assert not [e for e in rank.events if e["event"] == "probe_error"]
        seen["recorded"] = {
            (s.info.kind, s.info.optimizer, s.info.group): (s.step.copy(), s.value.copy())
            for s in rank.series.values()
            if s.info.kind in ("lr", "scheduled_lr")
        }
        seen["rewritten"] = sum(e["event"] == "rate_rewritten" for e in rank.events)
    return seen


class Formula:
    """The plan's table of modes, in exact fractions, for all groups of both optimizers.

    An override is (the rate without a ramp, from the step and the scheduled rate), and the ramp to
    it as (first step, steps, rate it comes from).
    """

    def __init__(self) -> None:
        self.overrides: dict[tuple[int, int], tuple[Goal, tuple[int, int, Fraction] | None]] = {}

    def command(self, told: Told, t: int, scheduled: list[list[float]]) -> None:
        """Take a command at step t, whose scheduled rates are given."""
        chosen = (0, 1) if told.optimizer == "all" else (int(told.optimizer or 0),)
        for o in chosen:
            rates = [Fraction(s) for s in scheduled[o]]
            groups = range(len(rates)) if told.group is None else (told.group,)
            now = {j: self.rate(o, j, t, scheduled[o][j]) for j in range(len(rates))}
            for j in groups:
                goal = self._goal(told, t, rates, j, now)
                ramp = (t, told.ramp, now[j]) if told.ramp > 1 else None
                self.overrides[o, j] = goal, ramp

    def _goal(
        self, told: Told, t: int, rates: list[Fraction], j: int, now: dict[int, Fraction]
    ) -> Goal:
        value = Fraction(told.value or 0.0)
        first = told.group or 0
        share = Fraction(1) if told.same else rates[j] / rates[first]
        if told.mode == "follow":
            return None
        if told.plan is not None:
            plan, begin = from_json(told.plan).begun(float(now[first])), t - (told.late or 0)

            def planned(at: int, s: Fraction) -> Fraction:
                if plan.then == "follow" and plan.over(at - begin):
                    return s
                return share * Fraction(plan.rate(at - begin))

            return planned
        factor = value / (rates[j] if told.same else rates[first])
        return {
            "scale": lambda at, s: value * s,
            "set": lambda at, s: factor * s,
            "hold": lambda at, s: value * share,
            "freeze": lambda at, s: Fraction(0),
        }[told.mode]

    def rate(self, o: int, j: int, t: int, scheduled: float) -> Fraction:
        """The rate in force at step t."""
        goal, ramp = self.overrides.get((o, j), (None, None))
        s = Fraction(scheduled)
        rate = s if goal is None else goal(t, s)
        if ramp is None or t - ramp[0] + 1 >= ramp[1]:
            return rate
        begin, steps, start = ramp
        share = Fraction(t - begin + 1, steps)
        if start > 0 and rate > 0:
            with localcontext(prec=40):
                low, high = (Decimal(x.numerator) / x.denominator for x in (start, rate))
                part = Decimal(share.numerator) / share.denominator
                return Fraction((low.ln() * (1 - part) + high.ln() * part).exp())
        return start + (rate - start) * share

    def released(self, o: int, t: int) -> bool:
        """Whether an optimizer follows its schedules alone at step t."""
        return all(
            goal is None and (ramp is None or t - ramp[0] + 1 >= ramp[1])
            for (number, _), (goal, ramp) in self.overrides.items()
            if number == o
        )


def right(kind: str, used: float, formula: float) -> bool:
    """Whether a rate is exact: floats within 1e-12, tensors equal to the rounded formula."""
    if kind == "float":
        return abs(used - formula) <= 1e-12 * abs(formula)
    return bool(used == struct.unpack("f", struct.pack("f", formula))[0])


@pytest.mark.parametrize("name", [*TORCH, *OWN])
@pytest.mark.parametrize("kind", PER_KIND)
def test_every_step_uses_the_formula(kind: str, name: str) -> None:
    seen = account(kind)
    plain = seen["plain"][name]
    assert len({row[0]["read"][0] for row in plain}) > 1, "the schedule does not move"
    for title, told in cases(name).items():
        case, formula = seen["cases"][name][title], Formula()
        for t, (row, quiet) in enumerate(zip(case["rows"], plain, strict=True)):
            scheduled = [one["read"] for one in quiet]
            for one in told:
                if one.at == t:
                    formula.command(one, t, scheduled)
            for o, (was, now) in enumerate(zip(quiet, row, strict=True)):
                where = f"{name}, {title}, step {t}, optimizer {o}"
                wanted = [float(formula.rate(o, j, t, s)) for j, s in enumerate(scheduled[o])]
                for used, exact in zip(now["read"], wanted, strict=True):
                    assert right(kind, used, exact), f"{where}: {now['read']}, not {wanted}"
                if formula.released(o, t):
                    assert now["read"] == was["read"], f"{where}: not bit by bit the schedule"
        assert formula.released(0, STEPS - 1), "the last command leaves the schedule alone"
        assert formula.released(1, STEPS - 1), "the last command leaves the schedule alone"


@pytest.mark.parametrize("name", [*TORCH, *OWN])
@pytest.mark.parametrize("kind", PER_KIND)
def test_the_script_never_sees_it(kind: str, name: str) -> None:
    """Rates in the groups after each step, get_last_lr and momentum: bit by bit as undisturbed."""
    seen = account(kind)
    for title, case in seen["cases"][name].items():
        for t, (row, quiet) in enumerate(zip(case["rows"], seen["plain"][name], strict=True)):
            for o, (was, now) in enumerate(zip(quiet, row, strict=True)):
                for what in ("left", "last", "momentum", "kept"):
                    where = f"{name}, {title}, step {t}, optimizer {o}, {what}"
                    assert now[what] == was[what], where
                assert now["kept"], f"{name}, {title}, step {t}: another object in the group"


@pytest.mark.parametrize("name", READ_AFTER)
@pytest.mark.parametrize("kind", PER_KIND)
def test_what_is_recorded_is_what_was_used(kind: str, name: str) -> None:
    seen = account(kind)
    for title, case in seen["cases"][name].items():
        steps = np.arange(STEPS) + case["first"] + 1  # recorded steps count from 1
        for o, bases in enumerate(BASES):
            for j in range(len(bases)):
                for series, rows, what in (
                    ("scheduled_lr", seen["plain"][name], "the schedule"),
                    ("lr", case["rows"], "the effective rate"),
                ):
                    at, values = seen["recorded"][series, o, j]
                    # A value stands until the next one; the last one at a step counts.
                    found = values[np.searchsorted(at, steps, side="right") - 1]
                    wanted = [row[o]["read"][j] for row in rows]
                    where = f"{name}, {title}, optimizer {o}, group {j}: {what}"
                    np.testing.assert_array_equal(found, wanted, err_msg=where)


@pytest.mark.parametrize("name", READ_AFTER)
@pytest.mark.parametrize("kind", PER_KIND)
def test_answers_tell_the_first_step(kind: str, name: str) -> None:
    seen = account(kind)
    for title, told in cases(name).items():
        case = seen["cases"][name][title]
        for one, answer in zip(told, case["answers"], strict=True):
            where = f"{name}, {title}, {one}: {answer}"
            assert answer["status"] == "applied", where
            assert answer["step"] == case["first"] + one.at + 1, where
            assert answer["groups"], where
            for rate in answer["groups"]:
                o, j = rate["optimizer"], rate["group"]
                assert rate["effective"] == case["rows"][one.at][o]["read"][j], where
                assert rate["previous"] == case["rows"][one.at - 1][o]["read"][j], where
                assert rate["scheduled"] == seen["plain"][name][one.at][o]["read"][j], where


@pytest.mark.parametrize("mode", WEIGHT_MODES)
@pytest.mark.parametrize("which", WEIGHTS)
@pytest.mark.parametrize("kind", PER_KIND)
def test_weights_are_those_of_a_script_with_that_rate(kind: str, which: str, mode: str) -> None:
    if (reason := refused_by_torch(which, kind)) is not None:
        pytest.skip(reason)
    seen = account(kind)
    assert seen["told"][f"{which} {mode}"] == seen["native"][f"{which} {mode}"]


@pytest.mark.parametrize("kind", PER_KIND)
def test_rates_written_within_a_step_are_kept_and_told(kind: str) -> None:
    assert account(kind)["rewritten"] > 0
