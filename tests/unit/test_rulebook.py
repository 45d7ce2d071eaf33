"""Which rules are on and what they did, as the record tells it; and the commands that follow."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.diagnosis.rule_presets import PRESETS, preset
from lrmonitor.diagnosis.rules import Rule, RuleError
from lrmonitor.link.messages import Command, LrCommand, PauseCommand, StopCommand, parse_command
from lrmonitor.model.deeds import advice_event, deeds_of, done_of, rules_problem
from lrmonitor.model.findings import Taken, Told
from lrmonitor.model.journal_rows import JournalRows
from lrmonitor.model.rulebook import RULES, Rulebook
from lrmonitor.model.run import RunModel
from lrmonitor.model.steward import AGAIN_SECONDS, Steward, Unsent
from lrmonitor.record.client_log import ClientLog
from tests.app.folders import RunFolder
from tests.conftest import Isolated
from tests.unit.test_rules import advised, found

REDUCE = replace(PRESETS[0], not_within=0)


def on(model: RunModel, *rules: Rule) -> None:
    """Switch rules on, as a person at the command line does."""
    fields = model.rules.switched(rules, model.state.step or 0, 0)
    assert fields is not None
    log = ClientLog(model.reader.folder, "cli", {"who": "person", "via": "cli", "name": "ann"})
    log.write(RULES, **fields)
    model.poll()


@pytest.fixture
def run(isolated: Isolated) -> RunFolder:
    """A run that trains in this process, at a constant rate."""
    run = RunFolder(isolated.runs).launch().register()
    return run.train(400, scheduled=lambda _: 1e-3)


@pytest.fixture
def model(run: RunFolder) -> RunModel:
    model = RunModel(run.path)
    model.poll()
    return model


def commands(model: RunModel, *findings: Any) -> tuple[Command, ...]:
    """Of the only deed that there is to be done."""
    (deed,) = deeds_of(model, [Told(one) for one in findings], "cli")
    for command in deed.commands:
        # What a training process makes of it.
        assert parse_command(command.to_json()) == command
        assert (command.by.who, command.by.via) == ("rule", "cli")
        assert command.by.name == deed.rule
    return deed.commands


def rate(model: RunModel, *findings: Any) -> LrCommand:
    """The rate command that is the only one."""
    (command,) = commands(model, *(findings or (found(detected=450),)))
    assert isinstance(command, LrCommand)
    return command


def test_rules_are_kept_with_the_run(model: RunModel) -> None:
    assert not model.rules.armed
    on(model, preset("pause on nan") or REDUCE, REDUCE)
    # In the order of the presets, whatever order they were given in.
    assert [one.rule.slug for one in model.rules.armed] == ["reduce-on-plateau", "pause-on-nan"]
    assert [one.since for one in model.rules.armed] == [400, 400]
    again = RunModel(model.reader.folder)
    again.poll()
    assert again.rules.armed == model.rules.armed
    assert model.rules.switched([a.rule for a in model.rules.armed], 500, 0) is None
    on(model)
    assert not model.rules.armed
    with pytest.raises(RuleError, match="same name"):
        model.rules.switched([REDUCE, replace(REDUCE, name="REDUCE on plateau")], 0, 0)


def test_what_a_rule_did_counts_on_while_it_stays_on(model: RunModel, run: RunFolder) -> None:
    on(model, REDUCE)
    first = rate(model)
    did(run, first)
    model.poll()
    on(model, replace(REDUCE, factor=0.5))
    assert [(d.number, d.step) for d in done_of(model)[model.rules.armed[0].token]] == [(1, 401)]
    on(model)
    on(model, REDUCE)
    assert done_of(model)[model.rules.armed[0].token] == []


def test_of_two_clients_the_later_counts() -> None:
    book = Rulebook()
    fields = book.switched([REDUCE], 5, 0)
    assert fields is not None
    event = {"event": RULES, **fields}
    assert book.take({**event, "time": 20.0})
    assert book.take({"event": RULES, "rules": [], "time": 10.0})
    assert len(book.armed) == 1
    assert not book.take({"event": "note", "time": 30.0})


def test_a_rule_that_is_not_understood_is_off_and_told() -> None:
    book = Rulebook()
    fields: dict[str, Any] = book.switched([REDUCE], 5, 0) or {}
    odd = {**fields["rules"][0], "rule": {**REDUCE.to_json(), "action": "explode"}}
    listed = [odd, {"rule": REDUCE.to_json()}, "nonsense", *fields["rules"]]
    book.take({"event": RULES, "time": 1.0, "rules": listed})
    assert [one.rule for one in book.armed] == [REDUCE]
    assert len(book.problems) == 3
    assert "explode" in book.problems[0]
    # Switching anything writes what is understood.
    assert book.switched([REDUCE], 5, 0) is not None


def test_the_journal_tells_it_in_words(model: RunModel, run: RunFolder) -> None:
    on(model, REDUCE)
    did(run, rate(model))
    model.poll()
    on(model, replace(REDUCE, at_most=5))
    on(model)
    texts = [e.text for e in model.journal if e.event == RULES]
    assert texts[0].startswith(
        "Rule “Reduce on plateau” switched on by ann (cli). When: Plateau or near convergence. "
        "Then: multiply the rate by 0.1; at most 3 times"
    )
    assert "changed by ann (cli)" in texts[1]
    assert texts[2] == "Rule “Reduce on plateau” switched off by ann (cli)"
    rows = JournalRows()
    rows.take(model.journal)
    told = {row.what: (row.who, row.text) for row in rows.rows}
    assert told["Rules"] == ("ann (cli)", "Rule “Reduce on plateau” switched off")
    assert told["Rate"][0] == "rule Reduce on plateau (cli)"
    assert "Near convergence" in told["Rate"][1]


def did(run: RunFolder, command: LrCommand, effective: float = 1e-4) -> None:
    """The training takes a command at its next step."""
    by = vars(command.by)
    run.event("command", id=command.id, command="lr", args=command.args(), by=by)
    assert command.value is not None
    override = ("hold" if command.mode == "hold" else "scale", command.value)
    run.applied(command.id, command.mode, command.value, override, 1e-3, effective)


@pytest.mark.parametrize(
    ("override", "sent"),
    [
        (None, ("scale", 0.1)),
        (("scale", 2.0), ("scale", 0.2)),
        (("hold", 4e-4), ("hold", 4e-5)),
    ],
)
def test_a_rate_is_multiplied_whatever_is_in_force(
    model: RunModel,
    run: RunFolder,
    override: tuple[str, float] | None,
    sent: tuple[str, float],
) -> None:
    if override is not None:
        run.command("a", *override)
        run.applied("a", *override, override, 1e-3, 5e-4)
        run.train(20, scheduled=lambda _: 1e-3, effective=lambda _: 4e-4)
    model.poll()
    on(model, REDUCE)
    command = rate(model)
    assert (command.mode, command.group, command.optimizer) == (sent[0], None, None)
    assert command.value == pytest.approx(sent[1], rel=1e-12)
    assert command.note.startswith("rule Reduce on plateau: Near convergence")


def test_a_frozen_rate_is_left_alone(model: RunModel, run: RunFolder) -> None:
    run.command("a", "freeze")
    run.applied("a", "freeze", None, ("hold", 0.0), 1e-3, 0.0)
    model.poll()
    on(model, REDUCE)
    assert deeds_of(model, [Told(found(detected=450))], "cli") == []


def test_groups_that_differ_are_each_multiplied(isolated: Isolated) -> None:
    run = RunFolder(isolated.runs).launch().register((("SGD", 2),)).train(40)
    model = RunModel(run.path)
    run.command("a", "hold", 3e-4)
    groups = [{"optimizer": 0, "group": 1, "scheduled": 1e-3, "previous": 1e-3, "effective": 3e-4}]
    overrides = [{"optimizer": 0, "group": 1, "kind": "hold", "value": 3e-4}]
    run.event("rates", id="a", mode="hold", value=3e-4, overrides=overrides, groups=groups)
    model.poll()
    on(model, REDUCE)
    first, second = commands(model, found(detected=450))
    assert isinstance(first, LrCommand)
    assert isinstance(second, LrCommand)
    assert (first.mode, first.value, first.group) == ("scale", 0.1, 0)
    assert (second.mode, second.group) == ("hold", 1)
    assert second.value == pytest.approx(3e-5, rel=1e-12)
    # Both are one action.
    for command in (first, second):
        run.event("command", id=command.id, command="lr", args=command.args(), by={})
        run.event("acknowledgement", id=command.id, status="applied", step=41, groups=[])
    model.poll()
    (done,) = done_of(model).values()
    assert [(one.number, one.step, one.final) for one in done] == [(1, 41, True)]


def test_not_below_the_least_rate(model: RunModel, run: RunFolder) -> None:
    on(model, replace(REDUCE, least_rate=4e-4))
    command = rate(model)
    assert command.value == pytest.approx(0.4, rel=1e-12)
    did(run, command, effective=4e-4)
    run.train(40, scheduled=lambda _: 1e-3, effective=lambda _: 4e-4)
    model.poll()
    assert deeds_of(model, [Told(found(detected=430))], "cli") == []


@pytest.mark.parametrize(
    ("rule", "mode", "value"),
    [
        (Rule("a", ("near_convergence",), "hold", value=1e-5), "hold", 1e-5),
        (Rule("a", ("near_convergence",), "freeze"), "freeze", None),
    ],
)
def test_other_things_to_do_to_the_rate(
    model: RunModel, rule: Rule, mode: str, value: float | None
) -> None:
    on(model, rule)
    command = rate(model)
    assert (command.mode, command.value) == (mode, value)


def test_release_is_for_what_is_held(model: RunModel, run: RunFolder) -> None:
    on(model, Rule("a", ("near_convergence",), "release"))
    assert deeds_of(model, [Told(found(detected=450))], "cli") == []
    run.command("a", "hold", 5e-4)
    run.applied("a", "hold", 5e-4, ("hold", 5e-4), 1e-3, 5e-4)
    model.poll()
    assert rate(model).mode == "follow"


def test_advice(model: RunModel) -> None:
    on(model, Rule("a", ("divergence",), "advice"))
    bad = found("divergence", 450, advice=advised("rewind", 0.3))
    assert rate(model, bad).value == 0.3


def test_pause_and_stop(model: RunModel) -> None:
    on(model, Rule("a", ("non_finite",), "pause"), Rule("b", ("near_convergence",), "stop"))
    assert isinstance(commands(model, found("non_finite", 450))[0], PauseCommand)
    assert isinstance(commands(model, found(detected=450))[0], StopCommand)
    (deed,) = deeds_of(model, [Told(found(detected=450))], "cli")
    assert advice_event(deed) is None


def test_where_nobody_wants_it_or_nothing_listens(model: RunModel, run: RunFolder) -> None:
    on(model, REDUCE)
    news = found(detected=450)
    assert deeds_of(model, [Told(news, "dismiss")], "cli") == []
    by_hand = Taken(command="5fe0", words="×0.1", span=100)
    assert deeds_of(model, [Told(news, taken=by_hand)], "cli") == []
    run.event("paused")
    model.poll()
    assert deeds_of(model, [Told(news)], "cli") == []
    run.event("resumed")
    model.poll()
    assert rules_problem(model) is None
    assert len(deeds_of(model, [Told(news)], "cli")) == 1
    model.reader.info["host"] = "elsewhere"
    assert "elsewhere" in (rules_problem(model) or "")
    assert deeds_of(model, [Told(news)], "cli") == []
    model.reader.info["host"] = os.uname().nodename
    run.exited(0)
    model.poll()
    assert "is over" in (rules_problem(model) or "")
    assert deeds_of(model, [Told(news)], "cli") == []


def plateaus(step: int) -> float:
    """A loss that falls to 0.2 and stays there."""
    return 0.2 + 2.0 * float(step < 60) * (1 - step / 60) + 1e-4 * ((step * 7919) % 13)


class Trainer:
    """Stands in for a training process: takes commands at the next step of a run's folder."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.sent: list[Command] = []
        self.deaf = False
        self.first: Callable[[Command], None] = lambda _: None

    def __call__(self, command: Command) -> None:
        if self.deaf:
            raise Unsent("nothing listens")
        self.first(command)
        self.sent.append(command)
        if command.id not in {one.id for one in self.sent[:-1]}:
            assert isinstance(command, LrCommand)
            did(self.run, command, effective=1e-3 * (command.value or 0))


@pytest.fixture
def flat(isolated: Isolated) -> RunFolder:
    """A run at its start, whose loss will stop falling."""
    return RunFolder(isolated.runs).launch().register().train(10, loss=plateaus)


def follow(steward: Steward) -> None:
    """What is read at one look is diagnosed at the next."""
    steward.poll()
    steward.poll()


def test_a_steward_acts_once_and_after_a_restart_not_again(flat: RunFolder) -> None:
    on(model_of(flat.path), replace(REDUCE, at_most=2))
    trainer = Trainer(flat)
    said: list[str] = []
    steward = Steward(flat.path, trainer, acted=lambda deed: said.append(deed.sentence))
    flat.train(800, loss=plateaus, scheduled=lambda _: 1e-3)
    flat.now += 1
    follow(steward)
    assert len(trainer.sent) == 1
    assert said[0].startswith("Rule “Reduce on plateau”, 1 of 2: rate ×0.1, because of: Near conv")
    later = Steward(flat.path, trainer)
    for one in (steward, later):
        follow(one)
    assert len(trainer.sent) == 1, "it is in the record"
    events = [e.event for e in later.model.journal if e.source.startswith("cli")]
    assert events.count("finding") == events.count("advice_taken") == 1
    # An era began where the rate changed; flat again, it is found again.
    flat.train(1200, loss=plateaus, scheduled=lambda _: 1e-3, effective=lambda _: 1e-4)
    flat.now += 1
    for one in (later, steward):
        follow(one)
    assert [c.value for c in trainer.sent if isinstance(c, LrCommand)] == pytest.approx([0.1, 0.01])
    flat.train(2000, loss=plateaus, scheduled=lambda _: 1e-3, effective=lambda _: 1e-5)
    for one in (steward, later):
        follow(one)
    assert len(trainer.sent) == 2, "at most twice"
    assert any(told.finding.open for told in later.told)


def test_two_stewards_act_once(flat: RunFolder) -> None:
    on(model_of(flat.path), REDUCE)
    trainer = Trainer(flat)
    one, two = Steward(flat.path, trainer), Steward(flat.path, trainer)
    flat.train(800, loss=plateaus, scheduled=lambda _: 1e-3)

    def meanwhile(command: Command) -> None:
        # The other one decides too, before anything of this is in the record.
        trainer.first = lambda _: None
        follow(two)

    trainer.first = meanwhile
    follow(one)
    assert [command.id for command in trainer.sent] == 2 * [trainer.sent[0].id]
    for steward in (one, two, one):
        follow(steward)
    assert len(trainer.sent) == 2


def test_what_did_not_get_there_is_tried_again_later(flat: RunFolder) -> None:
    on(model_of(flat.path), REDUCE)
    trainer = Trainer(flat)
    trainer.deaf = True
    now = [flat.now]
    failed: list[str] = []
    steward = Steward(
        flat.path, trainer, clock=lambda: now[0], failed=lambda _, why: failed.append(why)
    )
    flat.train(800, loss=plateaus, scheduled=lambda _: 1e-3)
    now[0] = flat.now
    follow(steward)
    follow(steward)
    assert failed == ["nothing listens"]
    trainer.deaf = False
    now[0] += AGAIN_SECONDS
    follow(steward)
    follow(steward)
    assert len(trainer.sent) == 1


def model_of(folder: Path) -> RunModel:
    model = RunModel(folder)
    model.poll()
    return model
