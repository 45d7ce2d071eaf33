"""Options of groups: the command, what the record tells, and where numbers stand in groups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lrmonitor.link.messages import CommandError, OptionCommand, parse_command
from lrmonitor.link.option_command import OPTIONS, check_option, parse_option
from lrmonitor.model import journal, options
from lrmonitor.model.journal_rows import JournalRows
from lrmonitor.model.options import OptionRow, Options
from lrmonitor.probe.slots import found_in, slot_of


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("momentum", -0.1),
        ("beta1", 1.0),
        ("beta2", -1e-9),
        ("weight_decay", float("inf")),
        ("weight_decay", float("nan")),
        ("eps", 0.0),
        ("alpha", 1.5),
        ("betas", 0.9),
        ("lr", 0.1),
        ("nesterov", 1.0),
        ("", 1.0),
    ],
)
def test_what_cannot_be_meant(name: str, value: float) -> None:
    with pytest.raises(CommandError):
        check_option(name, value)
    with pytest.raises(CommandError):
        OptionCommand(name=name, value=value)


@pytest.mark.parametrize("value", [True, "0.1", [0.9, 0.999], 10**400])
def test_values_that_are_no_numbers(value: Any) -> None:
    with pytest.raises(CommandError):
        OptionCommand(name="weight_decay", value=value)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_command_over_the_wire(name: str) -> None:
    command = OptionCommand(name=name, value=0.5, optimizer="all", note="why")
    assert parse_command(json.loads(json.dumps(command.to_json()))) == command
    released = OptionCommand(name=name, group=1, optimizer=1)
    assert parse_command(json.loads(json.dumps(released.to_json()))) == released


def test_what_is_typed() -> None:
    assert parse_option("weight_decay", " 1e-2 ") == 0.01
    for text in ("", "0,1", "1_0", "ten"):
        with pytest.raises(CommandError, match="is not a number"):
            parse_option("weight_decay", text)
    with pytest.raises(CommandError, match="is no option"):
        parse_option("weightdecay", "1")


def test_where_numbers_stand() -> None:
    group = {"lr": 1.0, "betas": (0.9, 0.99), "eps": (None, 1e-3), "nesterov": True, "momentum": 0}
    assert slot_of(group, "beta2") == ("betas", 1)
    assert slot_of(group, "beta3") is None
    assert slot_of(group, "eps") is None
    assert found_in(group) == {"momentum": 0.0, "beta1": 0.9, "beta2": 0.99}


OPTIMIZER = {
    "event": "optimizer",
    "optimizer": 0,
    "about": [{"options": {"momentum": 0.9, "weight_decay": 0.0}}, {"options": {"momentum": 0.8}}],
}


def event(value: float | None, step: int = 7) -> dict[str, Any]:
    """The `options` event of a change in both groups."""
    was = [(0.9, 0.9 if value is not None else 0.5), (0.8, 0.8 if value is not None else 0.5)]
    return {
        "time": 2.0,
        "event": "options",
        "id": "c",
        "step": step,
        "name": "momentum",
        "value": value,
        "overrides": [{"optimizer": 0, "group": j, "value": value} for j in (0, 1)],
        "groups": [
            {
                "optimizer": 0,
                "group": j,
                "scheduled": script,
                "previous": before,
                "effective": script if value is None else value,
            }
            for j, (script, before) in enumerate(was)
        ],
    }


def test_what_the_record_tells() -> None:
    found = Options()
    found.take(OPTIMIZER)
    found.take(event(0.5))
    assert found.rows(None) == [
        OptionRow(0, 0, "momentum", 0.9, 0.5, 0.5),
        OptionRow(0, 0, "weight_decay", 0.0, 0.0),
        OptionRow(0, 1, "momentum", 0.8, 0.5, 0.5),
    ]
    # A group is added, or the optimizer made anew: what is held is held still.
    found.take(OPTIMIZER)
    assert found.rows(None)[0] == OptionRow(0, 0, "momentum", 0.9, 0.5, 0.5)
    found.take(event(None))
    assert [row.held for row in found.rows(None)] == [None, None, None]
    assert options.headline(event(0.5)) == "momentum hold 0.5: 0.9 → 0.5 (and 1 more)"
    assert options.headline(event(None)) == "momentum released: 0.5 → 0.9 (and 1 more)"


@pytest.mark.parametrize(
    "line",
    [
        {"event": "options"},
        {"event": "options", "name": 3, "overrides": [None, {"optimizer": "x"}], "groups": 5},
        {"event": "optimizer", "optimizer": 0, "about": [None, {"options": [1]}]},
        {"event": "optimizer", "optimizer": None},
    ],
)
def test_nonsense_in_the_record_is_left_out(line: dict[str, Any]) -> None:
    found = Options()
    found.take(line)
    assert found.rows(None) == []
    assert journal.entry("rank 0", {"time": 1.0, **line}) is not None


def test_in_the_journal_a_command_and_its_change_are_one_row() -> None:
    rows = JournalRows()
    asked = {
        "time": 1.0,
        "event": "command",
        "id": "c",
        "command": "option",
        "args": {
            "name": "momentum",
            "value": 0.5,
            "optimizer": "all",
            "group": None,
            "note": "why",
        },
        "by": {"who": "person", "via": "cli", "name": "ann"},
    }
    answer = event(0.5) | {"time": 3.0, "event": "acknowledgement", "status": "applied"}
    entries = [journal.entry("rank 0", line) for line in (asked, event(0.5), answer)]
    rows.take([one for one in entries if one is not None])
    (row,) = rows.rows
    assert (row.what, row.who, row.step) == ("Option", "ann (cli)", 7)
    assert row.text == "Hold momentum at 0.5 (all optimizers) – why"
    assert row.result == "Applied: 0.9 → 0.5 (and 1 more)"
