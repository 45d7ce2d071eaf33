from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.rates import Override, changes, headline, number, overrides, short


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


def test_headline_tells_old_and_new() -> None:
    assert headline(rates_event("hold", 3e-4, kind="hold", value=3e-4)) == "hold 3e-4: 0.001 → 3e-4"
    assert headline({"event": "rates", "mode": "follow"}) == "released"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries({"mode": junk, "value": junk, "overrides": junk, "groups": junk}))
def test_nonsense_is_left_out(event: dict[str, Any]) -> None:
    overrides(event)
    changes(event)
    headline(event)
