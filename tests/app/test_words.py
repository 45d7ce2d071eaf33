"""How numbers are written, and how an outcome is told."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.app.format import format_count, format_duration, format_rate, format_speed
from lrmonitor.app.history import CommandLog, told
from lrmonitor.model.rates import short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (3e-4, "3e-4"),
        (2.5e-5, "2.5e-5"),
        (0.1, "0.1"),
        (0.123456, "0.1235"),
        (1e-12, "1e-12"),
        (123456.0, "1.235e5"),
        (0.0, "0"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_a_rate_is_written_as_it_would_be_typed(value: float, text: str) -> None:
    assert format_rate(value) == text


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_a_rate_reads_back_as_shown(value: float) -> None:
    assert float(format_rate(value)) == pytest.approx(value, rel=6e-4)


@given(st.floats(min_value=1e-12, max_value=1e4))
def test_the_window_and_the_verbs_write_rates_alike(value: float) -> None:
    assert format_rate(value) == short(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.9, "59 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
        (273600, "3 d 4 h"),
        (-1, "–"),
        (math.inf, "–"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_speeds_and_counts() -> None:
    assert format_speed(312.4) == "312 steps/s"
    assert format_speed(4.25) == "4.2 steps/s"
    assert format_speed(0.25) == "4.0 s/step"
    assert format_speed(0.0) == "0 steps/s"
    assert format_speed(None) == "–"
    assert format_count(1234567) == "1\u202f234\u202f567"


def _command(id: str = "a", **more: Any) -> dict[str, Any]:
    return {
        "time": 10.0,
        "event": "command",
        "id": id,
        "command": "lr",
        "args": {"mode": "hold", "value": 3e-4},
        "by": {"who": "person", "via": "cli", "name": "ann"},
        **more,
    }


def _answer(id: str = "a", **more: Any) -> dict[str, Any]:
    group = {"optimizer": 0, "group": 0, "scheduled": 1e-3, "previous": 1e-3, "effective": 3e-4}
    return {
        "time": 11.0,
        "event": "acknowledgement",
        "id": id,
        "status": "applied",
        "step": 120,
        "reason": None,
        "warning": None,
        "groups": [group],
        **more,
    }


def test_a_command_is_pending_until_the_record_answers_it() -> None:
    log, events = CommandLog(), [_command()]
    assert log.take("rank", events)
    assert [o.words for o in log.pending] == ["hold 3e-4"]
    assert told(log.pending[0]) == "Pending: hold 3e-4"
    events.append(_answer())
    assert log.take("rank", events)
    assert log.pending == []
    outcome = log.latest()
    assert outcome is not None
    assert outcome.by == "ann (cli)"
    assert told(outcome) == "Applied at step 120: 0.001 → 3e-4"
    assert not log.take("rank", events)


def test_a_refusal_says_why_and_a_cancelled_command_that_it_never_was() -> None:
    log = CommandLog()
    log.take("rank", [_command(), _answer(status="refused", step=None, reason="too cold")])
    refused = log.latest()
    assert refused is not None
    assert told(refused) == "Refused: too cold"
    log.take(
        "rank",
        [
            _command(),
            _answer(status="refused"),
            _command("b"),
            _answer("b", status="cancelled", time=12.0),
        ],
    )
    cancelled = log.latest()
    assert cancelled is not None
    assert cancelled.id == "b"
    assert told(cancelled).startswith("Cancelled before it took effect")


def test_several_groups_are_told_one_by_one() -> None:
    groups = [
        {"optimizer": 0, "group": g, "scheduled": 1.0, "previous": 1.0 + g, "effective": 0.5}
        for g in range(6)
    ]
    log = CommandLog()
    log.take("rank", [_command(), _answer(groups=groups)])
    outcome = log.latest()
    assert outcome is not None
    lines = told(outcome).splitlines()
    assert lines[0] == "Applied at step 120:"
    assert lines[1] == "group 0: 1 → 0.5"
    assert lines[-1] == "and 2 more groups"


def test_nonsense_in_the_record_does_not_break_the_log() -> None:
    log = CommandLog()
    log.take(
        "rank",
        [
            {"event": "acknowledgement", "id": "unknown", "status": "applied"},
            {"event": "command"},
            _command("c", args=None, by=7),
            _answer("c", step="x", groups="no", time="nan"),
        ],
    )
    outcome = log.find("c")
    assert outcome is not None
    assert told(outcome) == "Applied."


def test_another_process_starts_a_log_of_its_own() -> None:
    log = CommandLog()
    log.take("first", [_command()])
    log.take("second", [])
    assert log.pending == []
