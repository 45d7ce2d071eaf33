"""What an undo restores, from the events of a training process."""

from __future__ import annotations

from typing import Any

from lrmonitor.model.rates import Override, Ramp
from lrmonitor.model.undo import change_of, moved, restoring
from lrmonitor.schedules.waves import Cosine

Told = tuple[int, int, str, float | None]


def rates(id: str, step: int, mode: str, *told: Told) -> dict[str, Any]:
    """A `rates` event."""
    return {
        "event": "rates",
        "id": id,
        "step": step,
        "mode": mode,
        "overrides": [
            {"optimizer": o, "group": g, "kind": kind, "value": value} for o, g, kind, value in told
        ],
        "groups": [],
    }


def hold(value: float) -> Override:
    """A held rate."""
    return Override("hold", value, mode="hold")


def scale(value: float) -> Override:
    """A scaled schedule."""
    return Override("scale", value, mode="scale")


def plain(overrides: Any) -> dict[Any, Any]:
    """Kind and value alone."""
    return {address: (one.kind, one.value) for address, one in overrides.items()}


def test_a_change_knows_what_each_group_had_before() -> None:
    events = [
        rates("a", 5, "hold", (0, 1, "hold", 1e-3)),
        {"event": "step_skipped", "optimizer": 0},
        rates("b", 9, "scale", (0, 0, "scale", 2.0), (0, 1, "scale", 2.0)),
        rates("c", 12, "follow", (0, 0, "none", None), (0, 1, "none", None)),
    ]
    change = change_of(events, "b")
    assert change is not None
    assert change.step == 9
    assert plain(change.before) == {(0, 0): ("none", None), (0, 1): ("hold", 1e-3)}
    assert plain(change.after) == {(0, 0): ("scale", 2.0), (0, 1): ("scale", 2.0)}
    assert change_of(events, "x") is None


def test_a_change_of_several_optimizers_takes_effect_with_the_step_of_each() -> None:
    events = [
        rates("a", 5, "freeze", (0, 0, "hold", 0.0)),
        rates("b", 6, "hold", (1, 0, "hold", 1e-4)),
        rates("a", 6, "freeze", (1, 0, "hold", 0.0)),
    ]
    change = change_of(events, "a")
    assert change is not None
    assert change.step == 5
    assert plain(change.before) == {(0, 0): ("none", None), (1, 0): ("hold", 1e-4)}


def test_a_new_process_begins_without_overrides() -> None:
    events = [
        rates("a", 5, "hold", (0, 0, "hold", 1e-3)),
        {"event": "environment"},
        rates("b", 2, "hold", (0, 0, "hold", 1e-4)),
    ]
    change = change_of(events, "b")
    assert change is not None
    assert plain(change.before) == {(0, 0): ("none", None)}


def test_what_differs_from_what_was_left_is_found() -> None:
    left = {(0, 0): hold(1e-3), (0, 1): Override()}
    assert moved({(0, 0): hold(1e-3)}, left) is None
    assert moved({(0, 0): hold(1e-3), (0, 1): scale(2.0)}, left) == (0, 1)
    assert moved({}, left) == (0, 0)
    # The words do not matter: "set" is a scale too.
    assert moved({(0, 0): Override("scale", 2.0, mode="set")}, {(0, 0): scale(2.0)}) is None


def said(wanted: dict[tuple[int, int], Override], groups: dict[int, int]) -> list[Any]:
    """The commands, plainly."""
    commands = restoring(wanted, groups, "why")
    assert {one.note for one in commands} <= {"why"}
    return [(one.mode, one.value, one.optimizer, one.group) for one in commands]


def test_one_command_where_it_says_the_same() -> None:
    assert said({(0, 0): hold(1e-3)}, {0: 1}) == [("hold", 1e-3, 0, None)]
    both = {(0, 0): Override(), (0, 1): Override()}
    assert said(both, {0: 2}) == [("follow", None, 0, None)]
    both = {(0, 0): scale(2.0), (0, 1): scale(2.0)}
    assert said(both, {0: 2}) == [("scale", 2.0, 0, None)]
    both = {(0, 0): hold(0.0), (0, 1): hold(0.0)}
    assert said(both, {0: 2}) == [("freeze", None, 0, None)]


def test_one_command_for_each_group_where_they_differ() -> None:
    held = {(0, 0): hold(1e-3), (0, 1): hold(1e-3)}
    assert said(held, {0: 2}) == [("hold", 1e-3, 0, 0), ("hold", 1e-3, 0, 1)]
    mixed = {(0, 0): scale(2.0), (0, 1): Override(), (1, 0): Override()}
    assert said(mixed, {0: 2, 1: 1}) == [
        ("scale", 2.0, 0, 0),
        ("follow", None, 0, 1),
        ("follow", None, 1, None),
    ]
    # One group of several was addressed: the others are left alone.
    assert said({(0, 1): Override()}, {0: 2}) == [("follow", None, 0, 1)]


def test_what_cannot_be_a_rate_is_not_restored() -> None:
    assert said({(0, 0): hold(float("nan"))}, {0: 1}) == []


def test_a_plan_is_restored_as_it_began_and_a_ramp_is_made_again() -> None:
    plan = Cosine(start=1e-3, end=1e-5, length=100)
    known = Override("plan", 1e-3, mode="plan", plan=plan, begin=40)
    (command,) = restoring({(0, 0): known}, {0: 1}, "undone")
    assert (command.mode, command.plan, command.begin) == ("plan", plan, 40)
    assert (command.optimizer, command.group, command.note) == (0, None, "undone")
    # Each group has its own: for all of them it would be shared out anew.
    assert [c.group for c in restoring({(0, 0): known, (0, 1): known}, {0: 2})] == [0, 1]
    assert restoring({(0, 0): Override("plan", 1e-3)}, {0: 1}) == []  # of a newer version
    ramped = Override("scale", 2.0, mode="scale", ramp=Ramp(50, 1e-3, 7))
    commands = restoring({(0, 0): ramped, (0, 1): ramped}, {0: 2})
    assert [(c.mode, c.value, c.group, c.ramp) for c in commands] == [("scale", 2.0, None, 50)]
    back = Override("follow", None, ramp=Ramp(50, 1e-3, 7))
    (command,) = restoring({(0, 0): back}, {0: 1})
    assert (command.mode, command.ramp) == ("follow", 50)
    assert moved({(0, 0): Override("hold", 1e-3)}, {(0, 0): known}) == (0, 0)
    assert moved({(0, 0): Override()}, {(0, 0): back}) is None


def test_a_change_that_has_arrived_is_still_that_change() -> None:
    plan = {"kind": "constant", "start": 1e-3, "length": 5}
    begun = rates("a", 5, "plan", (0, 0, "plan", 1e-3))
    begun["overrides"][0] |= {"plan": plan, "from": 5}
    over = rates("", 9, "", (0, 0, "hold", 1e-3)) | {"event": "rates_settled"}
    change = change_of([begun, over], "a")
    assert change is not None
    assert plain(change.after) == {(0, 0): ("hold", 1e-3)}
    later = rates("b", 12, "follow", (0, 0, "none", None))
    change = change_of([begun, over, later], "b")
    assert change is not None
    assert plain(change.before) == {(0, 0): ("hold", 1e-3)}
    # Of somebody else's change it is not said that it was this one.
    other = rates("b", 7, "hold", (0, 0, "hold", 5e-3))
    change = change_of([begun, other, over], "a")
    assert change is not None
    assert plain(change.after) == {(0, 0): ("plan", 1e-3)}
