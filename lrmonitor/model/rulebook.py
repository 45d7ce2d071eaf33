"""The rules of a run: which are on, and what they did. Both stand in the run's record."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lrmonitor.diagnosis.rule_presets import PRESETS, sentence
from lrmonitor.diagnosis.rules import COMMANDS, Armed, Done, Rule, RuleError

__all__ = ["RULES", "Rulebook", "text_of"]

RULES = "rules"
"""The event in a client's log that tells all the rules that are on. The latest counts."""


@dataclass
class _Asked:
    """A command of a rule."""

    id: str
    rank: int
    time: float
    status: str = "pending"
    step: int | None = None


class Rulebook:
    """Not thread-safe. Reads the events of clients and of training processes, each as often as one
    likes. `problems` says which rules could not be understood; those are off."""

    def __init__(self) -> None:
        self.armed: tuple[Armed, ...] = ()
        self.problems: tuple[str, ...] = ()
        self._latest = float("-inf")
        self._asked: dict[str, list[_Asked]] = {}
        self._by_id: dict[tuple[int, str], _Asked] = {}

    def take(self, event: Mapping[str, Any]) -> bool:
        """Read one event of a client; whether it was about rules."""
        time = event.get("time")
        if event.get("event") != RULES or not isinstance(time, (int, float)):
            return False
        if time < self._latest:
            return True  # of another client, and replaced since
        self._latest = time
        armed, problems = [], []
        listed = event.get("rules")
        for item in listed if isinstance(listed, list) else ():
            try:
                armed.append(_read(item))
            except RuleError as error:
                problems.append(str(error))
        self.armed, self.problems = tuple(armed), tuple(problems)
        return True

    def take_rank(self, rank: int, event: Mapping[str, Any]) -> None:
        """Read one event of a training process."""
        name, identity, time = event.get("event"), event.get("id"), event.get("time")
        if not isinstance(identity, str) or not isinstance(time, (int, float)):
            return
        key = rank, identity
        if name == "command" and key not in self._by_id and identity.startswith(COMMANDS):
            self._by_id[key] = asked = _Asked(identity, rank, float(time))
            # What goes to several groups is several commands, but one action.
            self._asked.setdefault(identity.partition(".")[0], []).append(asked)
        elif name == "acknowledgement" and key in self._by_id:
            self._by_id[key].status = str(event.get("status"))
            step = event.get("step")
            self._by_id[key].step = step if isinstance(step, int) else None

    def done(
        self,
        armed: Armed,
        step_at: Callable[[float], int],
        about: Callable[[str], tuple[str, int] | None] = lambda _: None,
    ) -> list[Done]:
        """What a rule did since it was switched on, in order. `step_at` gives the latest step at a
        moment (unix seconds), `about` the finding that a command was given about."""
        found: list[Done] = []
        while asked := self._asked.get(armed.command(len(found) + 1)):
            steps = [one.step for one in asked if one.step is not None]
            said = {one.status for one in asked}
            status = next(
                (one for one in ("pending", "applied", "refused") if one in said), "cancelled"
            )
            step = max(steps, default=step_at(asked[0].time))
            finding = about(asked[0].id)
            found.append(Done(len(found) + 1, step, asked[-1].rank, status, finding))
        return found

    def switched(self, wanted: Iterable[Rule], step: int, rank: int) -> dict[str, object] | None:
        """The event that makes these the rules that are on, from this step of that training process
        on; None where they are on already. Presets come first, in their order.

        What a rule did counts on while it stays on, also when its numbers are changed. Raises
        RuleError where two have one name.
        """
        known = {one.rule.slug: one for one in self.armed}
        order = [one.slug for one in PRESETS]
        rules = sorted(wanted, key=lambda r: order.index(r.slug) if r.slug in order else len(order))
        names = [rule.slug for rule in rules]
        if len(set(names)) < len(names):
            raise RuleError("two rules have the same name")
        if [one.rule for one in self.armed] == rules and not self.problems:
            return None
        listed = []
        for rule in rules:
            old = known.get(rule.slug)
            kept = (old.token, old.since, old.rank) if old else (secrets.token_hex(6), step, rank)
            told = dict(zip(("token", "since", "rank"), kept, strict=True))
            listed.append({"rule": rule.to_json(), **told})
        return {
            "rules": listed,
            "on": [r.name for r in rules if r.slug not in known],
            "changed": [r.name for r in rules if r.slug in known and known[r.slug].rule != r],
            "off": [one.rule.name for one in self.armed if one.rule.slug not in names],
            "step": step,
        }


def text_of(event: Mapping[str, Any], who: str = "") -> str:
    """A switching on and off in words; `who` is " by ann (cli)", or nothing."""
    rules = {one.rule.name: one.rule for one in map(_read, event["rules"])}
    said = []
    for key, words in (("on", "switched on"), ("changed", "changed"), ("off", "switched off")):
        for name in event.get(key) or ():
            what = f" {sentence(rules[name])}" if key != "off" and name in rules else ""
            said.append(f"Rule “{name}” {words}{who}.{what}")
    return " ".join(said).removesuffix(".") or f"{len(rules)} rules on{who}"


def _read(item: object) -> Armed:
    if not isinstance(item, Mapping) or not isinstance(item.get("rule"), Mapping):
        raise RuleError("a rule in the record is not one")
    token, since, rank = item.get("token"), item.get("since"), item.get("rank")
    if not isinstance(token, str) or not token:
        raise RuleError("a rule in the record does not say when it was switched on")
    rule = Rule.from_json(item["rule"])
    numbers = (one if isinstance(one, int) else 0 for one in (since, rank))
    return Armed(rule, token, *numbers)
