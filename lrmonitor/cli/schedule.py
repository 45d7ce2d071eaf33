"""`lrmonitor schedule RUN KIND`: put a schedule in the place of the script's."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common, lr

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.link.messages import LrCommand
    from lrmonitor.record.catalogue import RunEntry
    from lrmonitor.schedules.base import Schedule

_DESCRIPTION = """\
Put a schedule in the place of the script's, from the next step on.

The rate it begins at is the one of now, unless `--param start=…` says another. Without --group all
groups have it, each in its ratio to group 0. At its end the last rate is held, or the script's own
schedule goes on as if it had never been left (--then follow). `lrmonitor lr RUN follow` releases.

kinds and their parameters (those in brackets may be left out):
"""

_EXAMPLES = """
A rate is a number such as 3e-4; `at` a list such as 100,200. A length is a number of steps,
`5epochs`, or `rest` for what is left of the run (where these are known). For warmup the length is
that of all of it, and `--param after=cosine --param after.start=1e-3` tell what follows.

examples:
  lrmonitor schedule latest cosine --param end=1e-6 --length rest
  lrmonitor schedule latest step --param every=1000 --param factor=0.5 --length 5000
  lrmonitor schedule latest warmup --param warmup=200 --param after=cosine \\
      --param after.start=1e-3 --param after.end=1e-5 --length 20epochs
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    from lrmonitor.schedules.wire import KINDS

    parser = subparsers.add_parser(
        "schedule",
        description=_DESCRIPTION + _kinds(),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_run(parser)
    parser.add_argument("kind", choices=tuple(KINDS), metavar="KIND", help="the kind of schedule")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="a parameter of the kind (again for each)",
    )
    parser.add_argument("--length", metavar="N", help="how long it is: steps, `5epochs`, `rest`")
    parser.add_argument(
        "--then", choices=("hold", "follow"), metavar="WHAT", help="at its end: hold or follow"
    )
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument(
        "--from-now", action="store_true", help="begin with the next step (the default)"
    )
    begin.add_argument(
        "--from",
        dest="begin",
        type=lr.number,
        metavar="STEP",
        help="begin with that step of the run, to come or past",
    )
    lr.add_address(parser)
    lr.add_manner(parser)
    common.add_timeout(parser, 30.0, "the step that uses it")
    parser.set_defaults(func=change)


@common.verb
def change(args: argparse.Namespace) -> int:
    """Send the schedule and print its outcome."""
    from lrmonitor.cli.control import outcome, send
    from lrmonitor.model.plans import words
    from lrmonitor.schedules.wire import to_json

    entry = common.find_run(args)
    plan = _plan(args, entry)
    command = _command(args, plan)
    answer = send(entry, command, args.timeout)
    if args.json:
        common.print_json({**lr.answer_json(answer), "schedule": to_json(plan)})
    elif answer.status == "applied":
        print(f"{words(plan)}: {lr.applied(answer)}")
    elif answer.status == "pending" and args.begin is not None:
        common.say(
            f"it waits for step {args.begin}; `lrmonitor cancel {args.run} {answer.id}` withdraws "
            "it"
        )
        return codes.PENDING
    return outcome(args, answer, "the schedule")


def _plan(args: argparse.Namespace, entry: RunEntry) -> Schedule:
    from lrmonitor.model.planning import compose, length_of
    from lrmonitor.schedules.base import ScheduleError

    texts: dict[str, str] = {}
    for name, text in args.param:
        if name in texts:
            raise common.VerbError(codes.USAGE, f"--param {name} is given twice")
        texts[name] = text
    try:
        length = None
        if args.length is not None:
            known = args.length.strip().isdigit()
            length = length_of(args.length, None if known else common.read_state(entry.folder))
        return compose(args.kind, texts, length, args.then)
    except ScheduleError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None


def _command(args: argparse.Namespace, plan: Schedule) -> LrCommand:
    from lrmonitor.link.messages import CommandError, LrCommand

    lr.check_address(args)
    try:
        return LrCommand(
            mode="plan",
            plan=plan,
            begin=args.begin,
            ramp=args.ramp,
            same=args.same,
            optimizer=args.optimizer,
            group=args.group,
            note=args.note.strip(),
            by=common.person(),
        )
    except CommandError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name.strip(), value


def _kinds() -> str:
    from lrmonitor.schedules.base import parameters
    from lrmonitor.schedules.wire import KINDS

    lines = []
    for kind, made in KINDS.items():
        told = [
            one.name if one.needed else f"[{one.name}]"
            for one in parameters(made)
            if one.name != "then"
        ]
        lines.append(f"  {kind:<20} {' '.join(told)}")
    return "\n".join(lines)
