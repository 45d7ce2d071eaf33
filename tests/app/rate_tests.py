"""Range tests and trials in the run folders of the window's tests, as a probe records them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.app.folders import RunFolder

Loss = Callable[[float, int], float]
"""The loss at a rate, in a step of the test."""


def good_and_bad(rate: float, step: int) -> float:
    """Falls towards a rate of 0.3, explodes beyond; with repeatable noise."""
    noise = float(np.random.default_rng(step).standard_normal()) * 0.05
    rise = math.expm1(min(4 * math.log(rate / 0.3), 60)) if rate > 0.3 else 0.0
    return float(2.3 - 1.5 / (1 + (0.03 / rate) ** 1.5) + rise + noise)


def only_noise(rate: float, step: int) -> float:
    """Of a model that has converged: nothing until it breaks."""
    return float(good_and_bad(rate, step) + 1.5 / (1 + (0.03 / rate) ** 1.5) - 2.0)


class TestOf:
    """One test of a run, which is written as far as the methods are called."""

    __test__ = False  # for pytest, by its name

    def __init__(
        self, run: RunFolder, id: str, kind: str, plan: dict[str, Any], effective: float = 1e-3
    ) -> None:
        self.run, self.id, self.kind, self.plan = run, id, kind, plan
        self.number = sum(name.startswith("test[") for name in run._series) // 2 + 1
        self.begun = run.step
        self.legs: list[dict[str, Any]] = []
        many = plan["sweeps"] if kind == "range" else len(plan.get("factors") or plan["rates"])
        run.event(
            "test_began",
            id=id,
            test=self.number,
            kind=kind,
            optimizer=None,
            group=None,
            bytes=4_300_000,
            seconds=0.004,
            steps=many * plan["steps"],
            plan=plan,
            rates=[{"optimizer": 0, "group": 0, "scheduled": 1e-3, "effective": effective}],
        )
        for kind_of in ("loss", "lr"):
            name = f"test[{self.number}].{kind_of}" + ("[0.0]" if kind_of == "lr" else "")
            group = 0 if kind_of == "lr" else None
            run.declare(name, f"test_{kind_of}", 0, group, test=self.number)  # type: ignore[arg-type]

    def leg(self, which: int, rates: Sequence[float], loss: Loss, steps: int) -> None:
        """One sweep or turn, whose rates these are."""
        run = self.run
        key = "sweep" if self.kind == "range" else "candidate"
        told = {"leg": len(self.legs), key: which}
        run.event("test_leg", test=self.number, steps=steps, **told)
        first = run.step + 1
        for rate in rates:
            run.step += 1
            run.now += 0.04
            run.add(f"test[{self.number}].lr[0.0]", rate)
            run.add(f"test[{self.number}].loss", loss(rate, run.step))
        self.legs.append({**told, "first": first, "last": run.step, "why": "end"})

    def end(self, why: str = "done", restored: bool = True, **more: Any) -> None:
        """It is over; the last leg was cut short by anything but the plan's end."""
        run = self.run
        if why != "done" and self.legs:
            self.legs[-1]["why"] = why
        run.event(
            "test_ended",
            id=self.id,
            test=self.number,
            kind=self.kind,
            why=why,
            legs=self.legs,
            restored=restored,
            seconds=0.01,
            bytes=4_300_000,
            steps=run.step - self.begun,
            **{"from": self.begun},
            **more,
        )


def range_test(
    run: RunFolder,
    loss: Loss = good_and_bad,
    sweeps: int = 3,
    of: int | None = None,
    done: int = 100,
    id: str = "aaaa",
    effective: float = 1e-3,
) -> TestOf:
    """So many sweeps of those planned (`of`), the last one of `done` steps, of a run that trains at
    `effective`; not ended."""
    plan = {"start": 1e-7, "stop": 10.0, "steps": 100, "sweeps": of or sweeps, "bound": True}
    test = TestOf(run, id, "range", plan, effective)
    for which in range(sweeps):
        rates = np.geomspace(1e-7, 10, 100).tolist()
        count = done if which == sweeps - 1 else 100
        # As the stop rule would have it.
        kept = [rate for rate in rates[:count] if rate < 0.6]
        test.leg(which, kept, loss, 100)
    return test


def trial(run: RunFolder, slopes: Sequence[float], steps: int = 100, legs: int = 4) -> TestOf:
    """÷3, ×1, ×3 with these slopes a step; not ended."""
    factors = [1 / 3, 1.0, 3.0]
    test = TestOf(run, "bbbb", "trial", {"factors": factors, "steps": steps, "legs": legs})
    done = [0, 0, 0]
    for _ in range(legs):
        for which, slope in enumerate(slopes):
            count = steps // legs
            begin, rates = done[which], [1e-3 * factors[which]] * count
            test.leg(which, rates, _line(run.step + 1 - begin, slope), count)
            done[which] += count
    return test


def ladder(
    run: RunFolder, id: str, rates: Sequence[float], ends: Sequence[float], done: int = 200
) -> TestOf:
    """The trial that follows a range test: each rate's loss falls towards its end, or breaks where
    that is infinite; not ended. Of the last rate that has an end, `done` steps were made."""
    plan = {"rates": list(rates), "steps": 200, "legs": 1}
    test = TestOf(run, id, "ladder", plan)
    for which, (rate, end) in enumerate(zip(rates, ends, strict=False)):
        steps = done if which == len(ends) - 1 else 30 if math.isinf(end) else 200
        test.leg(which, [rate] * steps, _falling(run.step + 1, end), 200)
    return test


def _falling(zero: int, end: float) -> Loss:
    if math.isinf(end):
        return lambda rate, step: 2.3 * 1.3 ** (step - zero)

    def loss(rate: float, step: int) -> float:
        noise = float(np.random.default_rng(step).standard_normal()) * 0.03
        return end + (2.3 - end) * math.exp(-(step - zero) / 30) + noise

    return loss


def _line(zero: int, slope: float) -> Loss:
    """A loss with a slope, and repeatable noise; 0.8 at the step `zero`."""

    def loss(rate: float, step: int) -> float:
        noise = float(np.random.default_rng(step).standard_normal()) * 0.03
        return 0.8 + slope * (step - zero) + noise

    return loss
