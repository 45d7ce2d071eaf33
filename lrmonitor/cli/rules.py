"""`lrmonitor rules RUN`: switch rules on and off, list them, carry them out without a window."""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common
from lrmonitor.cli.rule_options import add_options, changed_rule, listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.diagnosis.rules import Rule
    from lrmonitor.link.messages import Command
    from lrmonitor.model.deeds import Deed
    from lrmonitor.model.run import RunModel
    from lrmonitor.model.steward import Steward

POLL_SECONDS = 1.0
SEND_SECONDS = 5.0
"""How long the answer to a command is waited for; after that the run's record tells it."""

_DESCRIPTION = """\
Rules act on a run by themselves: when FINDING then ACTION, at most N times, not within M steps. All
are off until they are switched on, for each run by itself.

  lrmonitor rules RUN                           carry out the rules that are on, until the run ends
  lrmonitor rules RUN --list                    the rules there are, and what they did
  lrmonitor rules RUN --on reduce-on-plateau    switch one on, or change its numbers
  lrmonitor rules RUN --off all                 switch them off

A rule acts only while somebody carries it out: an open window on the run does, or this verb. Where
both do, each action is made once. It acts on what is found after it was switched on."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "rules",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_run(parser)
    add_options(parser)
    parser.set_defaults(func=rules)


@common.verb
def rules(args: argparse.Namespace) -> int:
    """Do what the options say."""
    entry = common.find_run(args)
    if args.on is not None or args.off is not None:
        return _switch(args, entry.folder)
    if args.given:
        raise common.VerbError(codes.USAGE, f"{args.given[0]} goes with --on NAME")
    if args.list:
        return listed(args, common.read_state(entry.folder))
    return _carry_out(args, entry.folder)


def _switch(args: argparse.Namespace, folder: Path) -> int:
    """Write which rules are on from now on."""
    from lrmonitor.diagnosis.rule_presets import sentence
    from lrmonitor.diagnosis.rules import RuleError, slug
    from lrmonitor.model.deeds import rules_problem
    from lrmonitor.model.rulebook import RULES
    from lrmonitor.record.client_log import ClientLog

    model = common.read_state(folder)
    on = [one.rule for one in model.rules.armed]
    wanted: Sequence[Rule]
    if args.on is not None:
        problem = rules_problem(model)
        if problem is not None:
            raise common.VerbError(
                codes.NO_RUN if model.state.phase.over else codes.REFUSED, problem
            )
        try:
            rule = changed_rule(args, on)
        except RuleError as error:
            raise common.VerbError(codes.USAGE, str(error)) from None
        wanted = [rule if one.slug == rule.slug else one for one in on]
        if rule not in wanted:
            wanted = [*wanted, rule]
    else:
        if args.given:
            raise common.VerbError(codes.USAGE, f"{args.given[0]} goes with --on NAME")
        name = slug(args.off)
        wanted = [] if name == "all" else [one for one in on if one.slug != name]
        if name != "all" and len(wanted) == len(on):
            known = ", ".join(one.slug for one in on) or "none is"
            raise common.VerbError(codes.USAGE, f"{args.off!r} is not on ({known})")
    rank = 0 if model.rank is None else model.rank.rank
    fields = model.rules.switched(wanted, model.state.step or 0, rank)
    if fields is not None:
        log = ClientLog(folder, "cli", vars(common.person()))
        try:
            log.write(RULES, **fields)
        except OSError as error:
            reason = error.strerror or str(error)
            raise common.VerbError(codes.FAILED, f"it cannot be written: {reason}") from None
    if args.json:
        return listed(args, common.read_state(folder))
    if args.on is not None:
        common.say(f"on from here: {rule.name}. {sentence(rule)}")
        common.say(
            f"it is carried out by a window that shows the run, or by `lrmonitor rules {args.run}`"
        )
    else:
        common.say("no rule is on" if not wanted else f"{len(wanted)} still on")
    return codes.DONE


def _carry_out(args: argparse.Namespace, folder: Path) -> int:
    """Follow the run to its end, or until Ctrl-C."""
    from lrmonitor.model.deeds import rules_problem
    from lrmonitor.model.steward import Steward

    def acted(deed: Deed) -> None:
        if args.json:
            common.print_json(_deed_json(deed))
            _flush()
        else:
            common.say(deed.sentence)

    told: set[str] = set()

    def failed(deed: Deed, why: str) -> None:
        # It is tried again and again, for hours if need be.
        sentence = f"{deed.sentence}: not sent yet: {why}"
        if sentence not in told:
            told.add(sentence)
            common.say(sentence)

    steward = Steward(folder, lambda command: _send(folder, command), acted=acted, failed=failed)
    steward.model.poll()
    model = steward.model
    problem = rules_problem(model)
    if problem is not None:
        raise common.VerbError(codes.NO_RUN if model.state.phase.over else codes.REFUSED, problem)
    if not model.rules.armed:
        raise common.VerbError(
            codes.USAGE, f"no rule is on for {model.name}: see `lrmonitor rules {args.run} --list`"
        )
    try:
        return _follow(steward)
    except KeyboardInterrupt:
        common.say("no longer carried out from here; the run goes on, and the rules stay on")
        return codes.INTERRUPTED


def _follow(steward: Steward) -> int:
    model, wait = steward.model, threading.Event()
    said: tuple[str, ...] | None = None
    while True:
        steward.poll()
        names = tuple(one.rule.name for one in model.rules.armed)
        if names != said:
            said = names
            common.say(_watching(model, names))
        if model.state.phase.over:
            common.say(f"the run is over: {model.state.sentence}")
            return codes.NO_RUN if model.reader.gone else codes.DONE
        wait.wait(POLL_SECONDS)


def _watching(model: RunModel, names: tuple[str, ...]) -> str:
    if not names:
        return "no rule is on any more; waiting for one to be switched on (Ctrl-C to leave)"
    count = "1 rule acts" if len(names) == 1 else f"{len(names)} rules act"
    return f"{count} on {model.name} by itself from here: {', '.join(names)} (Ctrl-C to leave)"


def _send(folder: Path, command: Command) -> None:
    from lrmonitor.link.client import LinkError
    from lrmonitor.model.command import NotLive, send_command
    from lrmonitor.model.steward import Unsent

    try:
        send_command(folder, command, SEND_SECONDS)
    except (NotLive, LinkError, OSError) as error:
        raise Unsent(str(error)) from None


def _deed_json(deed: Deed) -> dict[str, object]:
    found = deed.decision.finding
    return {
        "rule": deed.rule,
        "number": deed.decision.number,
        "done": deed.words,
        "id": deed.id,
        "finding": {"kind": found.kind, "detected_step": found.detected_step},
    }


def _flush() -> None:
    import sys

    sys.stdout.flush()
