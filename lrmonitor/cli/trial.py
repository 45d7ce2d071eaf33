"""`lrmonitor trial RUN`: try several rates on the run itself, and put everything back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common, rate_tests

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.finder import Comparison
    from lrmonitor.link.messages import LrCommand
    from lrmonitor.link.test_commands import TrialCommand
    from lrmonitor.model.run import RunModel

_DESCRIPTION = """\
Train some steps with each of several multiples of the present rate, all from the present state and
on the batches that follow, taking turns; then put everything back, to the bit, and compare.

Another rate is recommended only where it is better by more than the noise. With --apply the run
goes on at it; otherwise as it was."""

FACTORS = ("0.333", "1", "3")


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "trial", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    common.add_run(parser)
    parser.add_argument(
        "--scale",
        nargs="+",
        default=list(FACTORS),
        metavar="K",
        help=f"the factors of the present rate (default: {' '.join(FACTORS)})",
    )
    parser.add_argument(
        "--steps", type=_count, default=100, metavar="N", help="steps of each (default: 100)"
    )
    parser.add_argument(
        "--legs",
        type=_count,
        metavar="N",
        help="turns that each one takes (default: 4; 1 needs memory for one state only)",
    )
    parser.add_argument(
        "--apply", action="store_true", help="go on at the recommended rate, if it is another one"
    )
    rate_tests.add_address(parser)
    parser.set_defaults(func=trial)


@common.verb
def trial(args: argparse.Namespace) -> int:
    """Make the trial, and say what came of it."""
    from lrmonitor.cli.control import outcome
    from lrmonitor.cli.lr import answer_json, applied
    from lrmonitor.finder import compare
    from lrmonitor.model.rate_tests import candidates

    entry = common.find_run(args)
    command = _command(args, rate_tests.after(entry))
    answer = rate_tests.run(entry, command, args.timeout)
    told = rate_tests.told(entry.id, answer)
    if answer.status != "applied":
        if args.json:
            common.print_json(told)
        return outcome(args, answer, "the trial")
    model, test = rate_tests.record(entry.folder, command)
    assert model.rank is not None
    found = compare(candidates(test, model.rank))
    commands = _commands(model, command, found.recommended) if args.apply else []
    answers = rate_tests.apply(entry, commands)
    if args.json:
        changes = [answer_json(one) for one in answers]
        common.print_json({**told, **_told(found), "applied": changes})
    else:
        print(f"trial over {rate_tests.ended(answer)}")
        print(rate_tests.table(found.tried, "×"))
        print(found.reason[:1].upper() + found.reason[1:])
        for one in answers:
            if one.status == "applied":
                print(applied(one))
    codes_ = [outcome(args, one, "the change") for one in answers]
    code = outcome(args, answer, "the trial")
    return max([code, *codes_, codes.REFUSED if found.recommended is None else codes.DONE])


def _command(args: argparse.Namespace, then: str) -> TrialCommand:
    from lrmonitor.cli.lr import check_address
    from lrmonitor.link.messages import CommandError, TrialCommand, parse_rate

    check_address(args)
    try:
        return TrialCommand(
            factors=tuple(parse_rate(one) for one in args.scale),
            steps=args.steps,
            legs=min(4, args.steps) if args.legs is None else args.legs,
            optimizer=args.optimizer,
            group=args.group,
            then=then,
            by=common.person(),
        )
    except CommandError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None


def _commands(model: RunModel, command: TrialCommand, factor: float | None) -> list[LrCommand]:
    """What multiplies the rates that were tried; nothing where they are to stay."""
    from lrmonitor.link.messages import LrCommand
    from lrmonitor.model.rate_now import multiplied, rate_now

    if factor is None or factor == 1.0:
        return []
    numbers = [o.number for o in model.optimizers]
    chosen = numbers if command.optimizer == "all" else [command.optimizer or 0]
    made = []
    for one in model.optimizers:
        if one.number not in chosen:
            continue
        groups = range(one.groups) if command.group is None else (command.group,)
        changes = {g: multiplied(rate_now(model, one.number, g), factor) for g in groups}
        alike = command.group is None and {c.mode for c in changes.values() if c} == {"scale"}
        if (
            alike
            and len({c.value for c in changes.values() if c}) == 1
            and None not in [*changes.values()]
        ):
            changes = {None: changes[0]}  # type: ignore[dict-item]
        for group, change in changes.items():
            if change is not None:
                made.append(
                    LrCommand(
                        mode=change.mode,
                        value=change.value,
                        plan=change.plan,
                        begin=change.begin,
                        optimizer=one.number,
                        group=group,
                        note=f"×{factor:.3g}, as a trial recommends",
                        by=command.by,
                    )
                )
    return made


def _told(found: Comparison) -> dict[str, Any]:
    return {
        "recommended": found.recommended,
        "clear": found.clear,
        "verdict": found.reason,
        "tried": rate_tests.tried(found.tried, "factor"),
    }


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of steps")
    return int(text)
