"""Rules: what can be meant, which findings they are about, and that each action is made once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lrmonitor.diagnosis.finding import Advice, Evidence, Finding
from lrmonitor.diagnosis.rule_presets import PRESETS, preset, sentence
from lrmonitor.diagnosis.rules import Armed, Decision, Done, Rule, RuleError, decide, slug

REDUCE = PRESETS[0]


def found(kind: str = "near_convergence", detected: int = 500, **more: Any) -> Finding:
    """A finding as it stands."""
    fields: dict[str, Any] = {
        "id": detected,
        "kind": kind,
        "severity": "info",
        "first_step": detected - 100,
        "detected_step": detected,
        "last_step": detected,
        "cause": "converged",
        "confidence": 0.6,
        "evidence": Evidence("flat", (detected - 100, detected), {}),
        "advice": Advice("stop", "it is done", "nothing"),
    }
    return Finding(**{**fields, **more})


def advised(action: Any, factor: float | None = None) -> Advice:
    return Advice(action, "because", "better", factor)


class Log:
    """A record in which whatever is decided takes effect at the next step."""

    def __init__(self, *rules: Rule, since: int = 0) -> None:
        self.armed = [Armed(rule, f"token {rule.slug}", since) for rule in rules]
        self.done: dict[str, list[Done]] = {}

    def at(self, step: int, *findings: Finding, rate: float | None = None) -> list[Decision]:
        """What is decided at a step, and done."""
        decided = decide(self.armed, findings, self.done, step, rate=rate)
        for one in decided:
            self.done.setdefault(one.armed.token, []).append(Done(one.number, step + 1))
        return decided


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"name": ""}, "a name"),
        ({"name": "a\nb"}, "line breaks"),
        ({"name": "all"}, "cannot name a rule"),
        ({"name": "—"}, "cannot name a rule"),
        ({"kinds": ()}, "a finding to act on"),
        ({"kinds": ("Plateau!",)}, "no kind of finding"),
        ({"kinds": ("plateau", "plateau")}, "named twice"),
        ({"action": "explode"}, "no action of a rule"),
        ({"severity": "bad"}, "no severity"),
        ({"severity": ["info"]}, "no severity"),
        ({"cause": "the moon"}, "no cause"),
        ({"factor": None}, "multiply needs a factor"),
        ({"factor": -0.1}, "above 0"),
        ({"factor": float("nan")}, "above 0"),
        ({"factor": 0.9}, "too near to 1"),
        ({"factor": 1.5}, "too near to 1"),
        ({"factor": True}, "above 0"),
        ({"value": 0.1}, "multiply takes no value"),
        ({"action": "hold", "factor": None}, "hold needs a value"),
        ({"action": "pause"}, "pause takes no factor"),
        ({"at_most": 0}, "from 1 to 100"),
        ({"at_most": 2.0}, "whole number"),
        ({"not_within": -1}, "from 0"),
        ({"not_within": True}, "whole number"),
        ({"least_rate": 0.0}, "above 0"),
        ({"factor": 10.0, "least_rate": 1e-6}, "lower the rate"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(changed: dict[str, Any], what: str) -> None:
    with pytest.raises(RuleError, match=what):
        replace(REDUCE, **changed)


@pytest.mark.parametrize("rule", PRESETS, ids=lambda rule: rule.slug)
def test_a_rule_is_written_and_read_back(rule: Rule) -> None:
    assert Rule.from_json(json.loads(json.dumps(rule.to_json()))) == rule
    assert preset(rule.slug) == preset(rule.name.upper()) == rule
    assert sentence(rule).startswith("When: ")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"name": "x", "kinds": ["plateau"], "action": "pause", "hue": 1}, "no 'hue'"),
        ({"name": "x", "kinds": ["plateau"]}, "needs 'action'"),
        ({"name": "x", "kinds": "plateau", "action": "pause"}, "are a list"),
        ({"name": "x", "kinds": [["plateau"]], "action": "pause"}, "no kind"),
        ({"name": 7, "kinds": ["plateau"], "action": "pause"}, "a name"),
        ({"name": "x", "kinds": ["plateau"], "action": ["pause"]}, "no action"),
    ],
)
def test_a_strange_rule_is_not_read(data: dict[str, Any], what: str) -> None:
    with pytest.raises(RuleError, match=what):
        Rule.from_json(data)


def test_names_are_typed_with_hyphens() -> None:
    assert slug("  Lower  on – Divergence!") == "lower-on-divergence"
    assert slug("Ängste 2") == "ängste-2"


def test_a_finding_that_opens_is_acted_on_once() -> None:
    log = Log(REDUCE)
    (one,) = log.at(500, found())
    assert (one.number, one.finding.kind) == (1, "near_convergence")
    # It stays open, gets worse, holds at later steps: no reason to act again, however long after.
    assert log.at(501, found(last_step=501)) == []
    assert log.at(90_000, found(last_step=90_000, severity="warning")) == []
    # Found again, it is another finding.
    assert [d.number for d in log.at(2000, found(), found(detected=2000))] == [2]


def test_at_most_and_not_within() -> None:
    log = Log(replace(REDUCE, at_most=2, not_within=500))
    assert log.at(500, found())
    # Effect at 501: up to step 1000 it waits, and then acts on what is still open.
    again = found(detected=700)
    assert log.at(700, again) == log.at(1000, again) == []
    assert [d.number for d in log.at(1001, again)] == [2]
    assert log.at(50_000, found(detected=49_000)) == []


def test_what_is_over_or_no_news_is_not_acted_on() -> None:
    log = Log(REDUCE, since=500)
    assert log.at(900, found(open=False, detected=600)) == []
    assert log.at(900, found(detected=500)) == []
    assert log.at(900, found(detected=501))


def test_a_process_that_began_later_counts_its_steps_anew() -> None:
    armed = Armed(replace(REDUCE, at_most=2), "t", since=5000, rank=0)
    done = {"t": [Done(1, 5600, rank=0)]}
    (one,) = decide([armed], [found(detected=400)], done, 400, rank=1)
    assert one.number == 2, "what was done in the first process counts"
    done["t"].append(Done(2, 401, rank=1))
    assert decide([armed], [found(detected=900)], done, 900, rank=1) == []


def test_while_an_answer_is_awaited_nothing_more_is_asked() -> None:
    armed = Armed(replace(REDUCE, not_within=0), "t")
    done = {"t": [Done(1, 501, status="pending")]}
    later = found(detected=800)
    assert decide([armed], [later], done, 800) == []
    for status in ("applied", "refused", "cancelled"):
        done = {"t": [Done(1, 501, status=status)]}
        (one,) = decide([armed], [later], done, 800)
        assert one.number == 2, f"{status}: tried once, and counted"


def test_what_a_rule_did_answers_all_that_it_is_about() -> None:
    log = Log(replace(REDUCE, not_within=0))
    both = found("plateau", 480, advice=advised("multiply", 0.3)), found(detected=500)
    assert len(log.at(500, *both)) == 1
    assert log.at(501, *both) == []


def test_a_finding_belongs_to_the_first_rule_that_may_act() -> None:
    stop = next(rule for rule in PRESETS if rule.action == "stop")
    log = Log(replace(REDUCE, at_most=1), stop)
    assert [d.armed.rule.action for d in log.at(500, found())] == ["multiply"]
    assert log.at(501, found()) == [], "answered, though that rule will not act again"
    assert [d.armed.rule.action for d in log.at(900, found(detected=900))] == ["stop"]


def test_rules_about_different_things_act_side_by_side() -> None:
    lower, pause = preset("lower on divergence"), preset("pause on nan")
    assert lower is not None
    assert pause is not None
    log = Log(lower, pause)
    bad = {"severity": "critical", "cause": "lr_too_high"}
    both = found("divergence", 500, **bad), found("non_finite", 501, **bad)
    decided = log.at(502, *both)
    assert [d.armed.rule.action for d in decided] == ["multiply", "pause"]


def test_the_rate_is_not_multiplied_against_the_diagnosis() -> None:
    def about(rule: Rule, **more: Any) -> bool:
        return rule.matches(found("plateau", severity="warning", **more))

    raises = replace(REDUCE, factor=3.0)
    unknown = advised("trial")
    assert about(REDUCE, cause="lr_too_high")
    assert not about(REDUCE, cause="lr_too_low")
    assert not about(raises, cause="lr_too_high")
    assert about(raises, cause="lr_too_low")
    assert about(REDUCE, cause="undetermined", advice=advised("multiply", 0.3))
    assert not about(REDUCE, cause="undetermined", advice=unknown)
    # Such a plateau may well be a reason to pause.
    assert about(replace(REDUCE, action="pause", factor=None), cause="undetermined", advice=unknown)


def test_the_rate_is_not_lowered_for_a_single_loss() -> None:
    lowers = replace(REDUCE, kinds=("divergence", "spike"))
    doubtful = found("divergence", severity="warning", advice=advised("wait"))
    assert not lowers.matches(doubtful)
    assert lowers.matches(replace(doubtful, advice=advised("rewind", 0.3)))
    assert lowers.matches(replace(doubtful, kind="spike"))
    assert replace(lowers, action="pause", factor=None).matches(doubtful)


def test_cause_and_severity() -> None:
    rule = Rule("mine", ("spike",), "pause", severity="warning", cause="data")
    assert rule.matches(found("spike", severity="critical", cause="data"))
    assert not rule.matches(found("spike", severity="info", cause="data"))
    assert not rule.matches(found("spike", severity="critical"))
    assert not rule.matches(found("plateau", severity="critical", cause="data"))


def test_advice_is_followed_where_it_is_about_the_rate() -> None:
    rule = Rule("mine", ("divergence", "non_finite"), "advice")
    assert rule.matches(found("divergence", advice=advised("rewind", 0.3)))
    assert rule.matches(found("divergence", advice=advised("release")))
    assert not rule.matches(found("divergence", advice=advised("clip")))
    assert not rule.matches(found("divergence", advice=advised("stop")))
    assert not rule.matches(found("non_finite", advice=advised("rewind", 0.1)))


def test_at_its_least_rate_a_rule_is_done() -> None:
    stop = next(rule for rule in PRESETS if rule.action == "stop")
    log = Log(replace(REDUCE, least_rate=1e-4), stop)
    assert [d.armed.rule.action for d in log.at(500, found(), rate=1e-4)] == ["stop"]
    assert [d.armed.rule.action for d in log.at(600, found(detected=600), rate=2e-4)] == [
        "multiply"
    ]


def test_ids_are_those_of_the_switching_on_and_the_count() -> None:
    one = Armed(REDUCE, "t")
    assert one.command(1) == Armed(replace(REDUCE, factor=0.5), "t").command(1)
    ids = {one.command(1), one.command(2), Armed(REDUCE, "u").command(1)}
    ids.add(Armed(PRESETS[1], "t").command(1))
    assert len(ids) == 4
    assert all(len(f"{id}.999") <= 64 and id.startswith("rule-") for id in ids)


def test_two_that_place_a_finding_differently_send_one_command() -> None:
    log = Log(REDUCE)
    mine = decide(log.armed, [found(detected=500)], {}, 510)
    theirs = decide(log.armed, [found(detected=516)], {}, 520)
    assert mine[0].id == theirs[0].id
    # The second one reads of the first one's action before it has found anything itself.
    done = {log.armed[0].token: [Done(1, 512, about=("near_convergence", 500))]}
    for step in (520, 5000):
        assert decide(log.armed, [found(detected=516)], done, step) == []
    assert decide(log.armed, [found(detected=700)], done, 5000), "that is another one"
