from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model import plans
from lrmonitor.model.rates import Override, Ramp, changes, headline, number, overrides, short
from lrmonitor.schedules.base import Schedule
from lrmonitor.schedules.decays import Constant, Exponential, InverseSquareRoot, MultiStep, Step
from lrmonitor.schedules.warm import Warmup, WarmupStableDecay
from lrmonitor.schedules.waves import Cosine, CosineRestarts, OneCycle


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (3e-4, "3e-4"),
        (0.1, "0.1"),
        (1.0, "1"),
        (0.0, "0"),
        (1e-10, "1e-10"),
        (2.5e-5, "2.5e-5"),
        (0.00123456, "0.001235"),
        (123456.0, "1.235e5"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (None, "unknown"),
    ],
)
def test_short(value: float | None, text: str) -> None:
    assert short(value) == text


@given(st.floats(1e-300, 1e300))
def test_short_is_close_and_a_number(value: float) -> None:
    assert float(short(value)) == pytest.approx(value, rel=1e-3)


def test_number_reads_what_json_cannot_hold() -> None:
    assert math.isnan(number("nan") or 0)
    assert number("-inf") == -math.inf
    assert number(2) == 2.0
    assert number(True) is None
    assert number("3") is None
    assert number(None) is None
    assert number([1]) is None


def rates_event(mode: str, typed: float | None, **override: Any) -> dict[str, Any]:
    return {
        "event": "rates",
        "mode": mode,
        "value": typed,
        "overrides": [{"optimizer": 0, "group": 0, **override}],
        "groups": [
            {"optimizer": 0, "group": 0, "scheduled": 1e-3, "previous": 1e-3, "effective": 3e-4}
        ],
    }


@pytest.mark.parametrize(
    ("event", "override"),
    [
        (rates_event("follow", None, kind="none", value=None), Override()),
        (
            rates_event("scale", 2.0, kind="scale", value=2.0),
            Override("scale", 2.0, "×2, schedule continues", "scale"),
        ),
        (
            rates_event("set", 3e-4, kind="scale", value=0.3),
            Override("scale", 0.3, "3e-4 now, schedule continues", "set"),
        ),
        (
            rates_event("hold", 3e-4, kind="hold", value=3e-4),
            Override("hold", 3e-4, "hold 3e-4", "hold"),
        ),
        (
            rates_event("freeze", None, kind="hold", value=0.0),
            Override("hold", 0.0, "frozen", "freeze"),
        ),
    ],
)
def test_overrides_as_the_panel_says_them(event: dict[str, Any], override: Override) -> None:
    assert overrides(event) == {(0, 0): override}


COSINE = {"kind": "cosine", "start": 1e-3, "end": 1e-5, "length": 2000, "then": "follow"}


def test_plans_and_ramps_as_the_panel_says_them() -> None:
    told = {"kind": "plan", "value": 1e-3, "plan": COSINE, "from": 41}
    found = overrides(rates_event("plan", None, **told))[0, 0]
    assert found.text == (
        "replaced by cosine 0.001 → 1e-5 over 2000 steps, then the script's schedule, from step 41"
    )
    assert found.plan == Cosine(start=1e-3, end=1e-5, length=2000, then="follow")
    assert (found.kind, found.mode, found.begin) == ("plan", "plan", 41)
    on_ramp = {"steps": 100, "start": 1e-3, "from": 41}
    found = overrides(rates_event("hold", 3e-4, kind="hold", value=3e-4, ramp=on_ramp))[0, 0]
    assert found.text == "hold 3e-4, reached at step 140"
    assert found.ramp == Ramp(100, 1e-3, 41)
    found = overrides(rates_event("follow", None, kind="follow", value=1.0, ramp=on_ramp))[0, 0]
    assert (found.kind, found.text) == ("follow", "script's schedule, reached at step 140")
    found = overrides(rates_event("set", 3e-4, kind="scale", value=0.3, ramp=on_ramp))[0, 0]
    assert found.text == "3e-4 now, schedule continues, reached at step 140"
    newer = {"kind": "plan", "value": 1e-3, "plan": {"kind": "spiral"}, "from": 41}
    assert "does not know" in overrides(rates_event("plan", None, **newer))[0, 0].text


def test_headline_of_plans_and_ramps() -> None:
    event = rates_event("hold", 3e-4, kind="hold", value=3e-4)
    assert headline({**event, "ramp": 1200}) == "hold 3e-4 on a ramp of 1200 steps: 0.001 → 3e-4"
    event = rates_event("plan", None, kind="plan", plan=COSINE)
    assert headline({**event, "plan": COSINE}) == (
        "cosine 0.001 → 1e-5 over 2000 steps, then the script's schedule: 0.001 → 3e-4"
    )
    over = {"optimizer": 0, "group": 0, "kind": "hold", "value": 1e-5}
    event = {"event": "rates_settled", "overrides": [over, {**over, "group": 1}]}
    assert headline(event) == "now hold 1e-5 (and 1 more)"
    assert headline({"event": "rates_settled", "overrides": [{**over, "kind": "none"}]}) == (
        "now script's schedule"
    )


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Constant(start=0.1), "constant 0.1"),
        (Cosine(end=1e-5, length=10), "cosine now → 1e-5 over 10 steps, then held"),
        (
            Step(start=0.1, every=1000, factor=0.5, length=5000),
            "step decay 0.1, ×0.5 every 1000 steps, over 5000 steps, then held",
        ),
        (
            MultiStep(start=0.1, at=(1, 2, 3, 4, 5)),
            "multi-step decay 0.1, ×0.1 at 1, 2, 3, 4…",
        ),
        (
            Exponential(start=0.1, factor=0.5, length=2),
            "exponential decay 0.1 → 0.025 over 2 steps, then held",
        ),
        (
            InverseSquareRoot(start=0.1, scale=400),
            "inverse square root 0.1, half of it after 1200 steps",
        ),
        (
            CosineRestarts(start=0.1, end=1e-3, period=10, growth=2),
            "cosine with restarts 0.1 → 0.001 after 10 steps, then ×2 as many",
        ),
        (
            CosineRestarts(start=0.1, end=1e-3, period=10),
            "cosine with restarts 0.1 → 0.001 every 10 steps",
        ),
        (
            OneCycle(start=0.01, peak=0.1, length=30),
            "one-cycle 0.01 → 0.1 → 1e-6 over 30 steps, then held",
        ),
        (
            Warmup(start=0.01, warmup=5, after=Cosine(start=0.1, end=1e-3, length=10)),
            "warm-up from 0.01 in 5 steps, cosine 0.1 → 0.001 over 15 steps, then held",
        ),
        (
            WarmupStableDecay(start=0.01, peak=0.1, end=1e-3, warmup=1, stable=2, decay=3),
            "warm-up, stable, decay 0.01 → 0.1 → 0.001 over 6 steps, then held",
        ),
    ],
)
def test_schedules_in_words(plan: Schedule, words: str) -> None:
    assert plans.words(plan) == words


def test_headline_tells_old_and_new() -> None:
    assert headline(rates_event("hold", 3e-4, kind="hold", value=3e-4)) == "hold 3e-4: 0.001 → 3e-4"
    assert headline({"event": "rates", "mode": "follow"}) == "released"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


ramps = st.fixed_dictionaries({"steps": junk, "start": junk, "from": junk})
kinds = st.sampled_from(("hold", "scale", "plan", "follow"))
items = st.lists(
    st.fixed_dictionaries(
        {
            "optimizer": st.just(0),
            "group": st.just(0),
            "kind": kinds,
            **dict.fromkeys(("value", "plan", "from"), junk),
            "ramp": junk | ramps,
        }
    )
)
fields = {"event": st.sampled_from(("rates", "rates_settled")), "mode": junk | st.just("plan")}


@given(
    st.fixed_dictionaries(
        {
            **fields,
            "value": junk,
            "plan": junk,
            "ramp": junk,
            "overrides": junk | items,
            "groups": junk,
        }
    )
)
def test_nonsense_is_left_out(event: dict[str, Any]) -> None:
    overrides(event)
    changes(event)
    headline(event)
