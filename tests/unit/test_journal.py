from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.journal import JournalEntry, author, entry, insert

ANN = {"who": "person", "via": "window", "name": "ann"}
GROUP = {"optimizer": 0, "group": 0, "scheduled": 1e-3, "previous": 1e-3, "effective": 3e-4}


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            {"event": "note", "text": "bigger batch?", "by": ANN},
            "Note by ann (window): bigger batch?",
        ),
        (
            {"event": "rates", "step": 5, "mode": "hold", "value": 3e-4, "groups": [GROUP]},
            "Rate hold 3e-4: 0.001 → 3e-4",
        ),
        (
            {
                "event": "command",
                "command": "lr",
                "args": {"mode": "set", "value": 0.1, "optimizer": None, "group": 1},
                "by": ANN,
            },
            "Command by ann (window): lr set 0.1 group 1",
        ),
        (
            {"event": "command", "command": "lr", "args": {"mode": "freeze", "note": "a look"}},
            "Command: lr freeze – a look",
        ),
        (
            {
                "event": "command",
                "command": "lr",
                "args": {
                    "mode": "plan",
                    "plan": {"kind": "constant", "length": 9},
                    "begin": 40,
                    "ramp": 3,
                    "same": True,
                },
            },
            "Command: lr plan constant now over 9 steps, then held begin 40 ramp 3 in all groups",
        ),
        (
            {
                "event": "rates_settled",
                "overrides": [{"optimizer": 0, "group": 0, "kind": "none", "value": None}],
            },
            "Rate now script's schedule",
        ),
        ({"event": "acknowledgement", "status": "applied", "step": 5}, "Applied at step 5"),
        (
            {"event": "acknowledgement", "status": "refused", "reason": "no group 9"},
            "Refused: no group 9",
        ),
        (
            {"event": "acknowledgement", "status": "applied", "step": 5, "warning": "rising"},
            "Applied at step 5 (warning: rising)",
        ),
        ({"event": "exited", "code": 3, "signal": None}, "Exited with code 3"),
        ({"event": "exited", "code": None, "signal": "SIGKILL"}, "Ended by SIGKILL"),
        ({"event": "signalled", "signal": "SIGINT", "by": "terminal"}, "SIGINT sent by terminal"),
        (
            {"event": "stop", "how": "terminate", "signal": "SIGTERM", "pids": [7, 8], "by": ANN},
            "SIGTERM sent to 2 processes by ann (window)",
        ),
        (
            {"event": "stop", "how": "interrupt", "signal": None, "pids": [], "by": ANN},
            "Interrupted at a step boundary by ann (window)",
        ),
        (
            {"event": "optimizer", "optimizer": 0, "class": "AdamW", "groups": 2},
            "Optimizer 0: AdamW, 2 groups",
        ),
        (
            {
                "event": "optimizer",
                "optimizer": 1,
                "class": "Adafactor",
                "groups": 1,
                "controllable": False,
                "reason": "its rate is None",
            },
            "Optimizer 1: Adafactor, 1 group; its rate cannot be set: its rate is None",
        ),
        (
            {"event": "values_left_out", "step": 9, "values": 120},
            "120 values that the script logged were left out: there were too many",
        ),
        (
            {"event": "lost", "records": 5, "events": 0, "bytes": 120, "reason": "disk full"},
            "Not recorded: 5 records, 120 bytes (disk full)",
        ),
        ({"event": "paused"}, "Paused"),
        ({"event": "something_new"}, "Something new"),
    ],
)
def test_events_in_words(event: dict[str, Any], text: str) -> None:
    told = entry("rank 0", {"time": 1.0, **event})
    assert told is not None
    assert told.text == text
    assert told.step == event.get("step")


@pytest.mark.parametrize(
    "event",
    [{"event": "series", "time": 1}, {"event": "paused"}, {"time": 1}, {"event": 3, "time": 1}],
)
def test_what_tells_a_person_nothing(event: dict[str, Any]) -> None:
    assert entry("rank 0", event) is None


@pytest.mark.parametrize(
    ("by", "text"),
    [
        (ANN, "ann (window)"),
        ({"who": "rule", "via": "window", "name": "plateau"}, "rule plateau (window)"),
        ({"who": "person", "via": "cli"}, "cli"),
        ("terminal", "terminal"),
        ({}, None),
        (None, None),
        (7, None),
    ],
)
def test_author(by: object, text: str | None) -> None:
    assert author(by) == text


@given(st.lists(st.integers(0, 5)))
def test_merged_by_time_and_stable(times: list[int]) -> None:
    entries: list[JournalEntry] = []
    for order, time in enumerate(times):
        insert(entries, JournalEntry(float(time), "s", "note", str(order)))
    expected = sorted(enumerate(times), key=lambda pair: pair[1])
    assert [(int(e.text), e.time) for e in entries] == expected


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = (
    "rates command acknowledgement note name signalled exited environment optimizer lost stop "
    "rate_rewritten step_skipped starting started failed no_optimizer probe_error paused"
)
FIELDS = (
    "step by text args command status mode value groups overrides signal code pid pids optimizer "
    "class reason records events bytes name how"
)
names = st.sampled_from(sorted(NAMES.split()))
fields = st.sampled_from(sorted(FIELDS.split()))


@given(names, st.dictionaries(fields, junk))
def test_nonsense_is_told_somehow(name: str, event: dict[str, Any]) -> None:
    told = entry("rank 0", {**event, "event": name, "time": 1.0})
    assert told is not None
    assert told.text
