"""The options of `lrmonitor rules`, the rule that they mean, and the list of rules."""

from __future__ import annotations

import argparse
import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrmonitor.diagnosis.rules import Done, Rule
    from lrmonitor.model.run import RunModel

_FIELDS = {
    "when": ("kinds", "KIND", "a kind of finding to act on; may be given again"),
    "severity": ("severity", "LEAST", "info, warning or critical: from which on"),
    "cause": ("cause", "CAUSE", "only findings of this cause (`any`: whatever it is)"),
    "then": ("action", "ACTION", "multiply, hold, release, freeze, pause, stop or advice"),
    "factor": ("factor", "K", "what to multiply the rate by"),
    "value": ("value", "V", "the rate to hold"),
    "at-most": ("at_most", "N", "how often, from when it was switched on"),
    "not-within": ("not_within", "M", "steps from one time to the next"),
    "least-rate": ("least_rate", "R", "a rate is not multiplied to below this"),
}
"""Options by their names: the field of a rule, how it is called in the help, and what it is."""


class _Given(argparse.Action):
    """Keeps what was given, and that it was."""

    def __call__(self, parser: Any, namespace: Any, value: Any, option: str | None = None) -> None:
        given = [*namespace.given, option]
        namespace.given = given
        known = namespace.fields.get(self.dest)
        fields = [*(known or []), value] if self.dest == "kinds" else value
        namespace.fields = {**namespace.fields, self.dest: fields}


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is to be done, and the parts of a rule."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list the rules, and what they did")
    what.add_argument("--on", metavar="NAME", help="switch a rule on, or change it")
    what.add_argument("--off", metavar="NAME", help="switch a rule off, or `all`")
    parser.set_defaults(given=[], fields={})
    types = {"factor": float, "value": float, "at_most": int, "not_within": int}
    for name, (field, shown, told) in _FIELDS.items():
        parser.add_argument(
            f"--{name}",
            dest=field,
            action=_Given,
            metavar=shown,
            help=told,
            type={**types, "least_rate": float}.get(field, str),
            default=argparse.SUPPRESS,
        )


def changed_rule(args: argparse.Namespace, on: Sequence[Rule]) -> Rule:
    """The rule that `--on NAME` means: the one of that name that is on, else the preset, else a new
    one; with what was given besides. Raises RuleError, and VerbError for a name nobody has."""
    from lrmonitor.diagnosis.rule_presets import PRESETS, preset
    from lrmonitor.diagnosis.rules import Rule, RuleError, slug
    from lrmonitor.diagnosis.words import KINDS

    fields = dict(args.fields)
    if fields.get("cause") == "any":
        fields["cause"] = None
    for kind in fields.get("kinds", ()):
        near = difflib.get_close_matches(kind, KINDS, 1)
        if kind not in KINDS and near:
            raise RuleError(f"{kind!r} is no kind of finding (did you mean {near[0]!r}?)")
        if kind not in KINDS:
            common.say(f"{kind!r} is none of lrmonitor's own findings: {', '.join(KINDS)}")
    name = slug(args.on)
    known = next((one for one in on if one.slug == name), None) or preset(name)
    if known is None:
        if "kinds" not in fields or "action" not in fields:
            presets = ", ".join(one.slug for one in PRESETS)
            raise RuleError(
                f"{args.on!r} is not one of {presets}: a rule of your own needs --when and --then"
            )
        return Rule.from_json({"name": " ".join(args.on.split()), **fields})
    action = fields.get("action", known.action)
    if action != known.action:
        # What belonged to the other action goes with it.
        for field, needed in (("factor", "multiply"), ("value", "hold")):
            fields.setdefault(field, getattr(known, field) if action == needed else None)
    if "kinds" in fields:
        fields["kinds"] = tuple(fields["kinds"])
    return replace(known, **fields)


def listed(args: argparse.Namespace, model: RunModel) -> int:
    """Print the rules: those that are on first, then the presets that are not."""
    from lrmonitor.diagnosis.rule_presets import PRESETS, sentence
    from lrmonitor.model.deeds import done_of

    done = done_of(model)
    on = {one.rule.slug: one for one in model.rules.armed}
    rules = [one.rule for one in on.values()] + [p for p in PRESETS if p.slug not in on]
    if args.json:
        common.print_json(
            {
                "run": model.id,
                "rules": [
                    {
                        **rule.to_json(),
                        "slug": rule.slug,
                        "on": rule.slug in on,
                        "since": on[rule.slug].since if rule.slug in on else None,
                        "done": [
                            {"number": one.number, "step": one.step, "status": one.status}
                            for one in (done[on[rule.slug].token] if rule.slug in on else ())
                        ],
                    }
                    for rule in rules
                ],
                "problems": list(model.rules.problems),
            }
        )
        return codes.DONE
    for rule in rules:
        armed = on.get(rule.slug)
        print(f"{rule.slug}: " + ("off" if armed is None else f"on since step {armed.since}"))
        print(f"  {sentence(rule)}")
        if armed is not None:
            print(f"  {_told(done[armed.token], rule.at_most)}")
    for problem in model.rules.problems:
        common.say(f"a rule in the record is off, for it cannot be understood: {problem}")
    return codes.DONE


def _told(done: Sequence[Done], at_most: int) -> str:
    if not done:
        return "not needed so far"
    steps = ", ".join(
        f"step {one.step}" + ("" if one.status == "applied" else f" ({one.status})") for one in done
    )
    return f"acted {len(done)} of {at_most} times: {steps}"
