"""Options of groups: the command, what the record tells, and where numbers stand in groups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lrmonitor.link.messages import CommandError, OptionCommand, parse_command
from lrmonitor.link.option_command import OPTIONS, check_option, parse_option
from lrmonitor.model import journal, options
from lrmonitor.model.journal_rows import JournalRows
from lrmonitor.model.options import OptionRow, Options
from lrmonitor.probe import options as probe
from lrmonitor.probe.slots import found_in, slot_of
from lrmonitor.record.writer import RankWriter


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


class Held:
    """Options of a real optimizer, and the steps that it makes under them."""

    def __init__(self, folder: Path, kind: str, **options: Any) -> None:
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.optimizer = getattr(torch.optim, kind)([self.weight], lr=0.1, **options)
        self.group: dict[str, Any] = self.optimizer.param_groups[0]
        self.options = probe.Options(0, RankWriter(folder))
        self.options.look_at_groups(self.optimizer)
        self.steps = 0

    def step(self) -> dict[str, Any]:
        """Make one; what it used."""
        self.steps += 1
        self.weight.grad = torch.ones(3)
        groups = self.optimizer.param_groups
        self.options.put(groups)
        used = {k: v for k, v in self.group.items() if k != "params"}
        self.optimizer.step()
        self.options.restore(groups)
        self.options.ended(groups, self.steps, float(self.steps))
        return used

    def recorded(self, name: str) -> list[tuple[int, float]]:
        """The points of a series."""
        return [
            (step, value)
            for one in self.options._series.values()
            if one.info.name == name
            for step, _, value in one.waiting
        ]


def test_what_a_step_could_not_do_any_more_stands_aside(tmp_path: Path) -> None:
    held = Held(tmp_path, "RMSprop", momentum=0.9)
    assert held.options.change(0, "momentum", 0.5, held.optimizer) == []
    assert [held.step()["momentum"] for _ in range(3)] == [0.5, 0.5, 0.5]
    held.group["momentum"] = 0  # torch would fail at the first step that goes from or to 0
    assert [held.step()["momentum"] for _ in range(2)] == [0, 0]
    held.group["momentum"] = 0.8
    assert [held.step()["momentum"] for _ in range(2)] == [0.5, 0.5]
    assert held.group["momentum"] == 0.8
    assert held.recorded("momentum[0.0]") == [(0, 0.9), (1, 0.5), (4, 0.0), (6, 0.5)]
    assert held.recorded("scheduled momentum[0.0]") == [(1, 0.9), (4, 0.0), (6, 0.8)]


def test_what_the_script_writes_in_a_step_is_its_own_from_then_on(tmp_path: Path) -> None:
    held = Held(tmp_path, "Adam")
    held.options.change(None, "beta2", 0.5, held.optimizer)
    groups = held.optimizer.param_groups
    held.options.put(groups)
    # As OneCycleLR does, from the pair that it finds there.
    held.group["betas"] = (0.7, *held.group["betas"][1:])
    held.options.restore(groups)
    assert held.group["betas"] == (0.7, 0.999), "what was held has leaked into the script's pair"
    assert held.step()["betas"] == (0.7, 0.5)
    assert held.group["betas"] == (0.7, 0.999)


def test_the_script_changes_are_recorded_while_nothing_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "LOOK_SECONDS", 0.0)
    held = Held(tmp_path, "SGD", momentum=0.9)
    held.options.look(held.optimizer, 3)
    assert held.recorded("momentum[0.0]") == []
    held.group["momentum"] = 0.8
    held.options.look(held.optimizer, 5)
    held.options.look(held.optimizer, 6)
    assert held.recorded("momentum[0.0]") == [(4, 0.9), (5, 0.8)]
    held.options.change(0, "momentum", 0.5, held.optimizer)
    held.options.look(held.optimizer, 7)  # the training thread is at it
    held.step()
    assert held.recorded("momentum[0.0]")[2:] == [(1, 0.5)]
