"""`lrmonitor guard`: what is done about a harmful step before it touches the weights."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common
from lrmonitor.link.guard_command import ACTIONS, AT_MOST, KINDS, NOISES, TIMES

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.link.messages import Acknowledgement, GuardCommand

_DESCRIPTION = """\
Judge every step of a run before it touches the weights, and act on those that would harm.

--on says what is looked for: `non-finite` (a loss or gradient that is NaN or infinite), `spike` (of
the loss) or `gradient` (a spike of the gradient norm). Each can be on beside the others.

--then says what is done:
  skip     leave the step out: parameters, momentum, weight decay and step counters stay as they are
  pause    hold the training there; once it goes on, the step is left out
  rewind   go back to the newest snapshot (see `lrmonitor snapshot`), and leave the step out"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "guard",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_run(parser)
    parser.add_argument(
        "--on", choices=KINDS, metavar="WHAT", help=f"{', '.join(KINDS)} (default: {KINDS[0]})"
    )
    parser.add_argument(
        "--then", choices=ACTIONS, metavar="DO", help=f"{', '.join(ACTIONS)} (default: skip)"
    )
    parser.add_argument(
        "--bound",
        type=_number,
        metavar="K",
        help="a spike is above the median of the last 64 by more than K times their noise "
        f"(default: {NOISES:g})",
    )
    parser.add_argument(
        "--times",
        type=_number,
        metavar="F",
        help=f"and above F times that median (default: {TIMES:g}; a median below 0: by F - 1 times "
        "its size)",
    )
    parser.add_argument(
        "--at-most",
        type=_count,
        metavar="N",
        help=f"after N times it switches itself off (default: {AT_MOST})",
    )
    parser.add_argument("--scale", metavar="K", help="after a rewind multiply the rates by K")
    parser.add_argument(
        "--sync",
        action="store_true",
        help="accept that each step waits for the GPU that it is trained on",
    )
    parser.add_argument("--off", action="store_true", help="switch it off; without --on: all")
    parser.add_argument("--list", action="store_true", help="list those that are on")
    common.add_timeout(parser, 30.0, "the next step")
    parser.set_defaults(func=guard)


@common.verb
def guard(args: argparse.Namespace) -> int:
    """Set one, or take it away, and say what is on then."""
    from lrmonitor.cli.control import outcome, send
    from lrmonitor.cli.lr import answer_json
    from lrmonitor.model.guards import set_words

    rest = (args.then, args.bound, args.times, args.at_most, args.scale)
    setting = any(one is not None for one in rest) or args.sync
    if args.list:
        if setting or args.on or args.off:
            raise common.VerbError(codes.USAGE, "--list takes nothing beside it")
        return _list(args)
    if args.off and setting:
        raise common.VerbError(codes.USAGE, "--off takes nothing but --on beside it")
    answer = send(common.find_run(args), _command(args), args.timeout)
    if args.json:
        told = answer_json(answer)
        del told["groups"]
        common.print_json({**told, **answer.detail})
    elif answer.status == "applied":
        print(f"from step {answer.step} on: {set_words({'on': _on(answer)})}")
    return outcome(args, answer, "the guard")


def _command(args: argparse.Namespace) -> GuardCommand:
    from lrmonitor.link.messages import CommandError, GuardCommand, parse_rate

    try:
        if args.off:
            return GuardCommand(on=args.on, then="off", by=common.person())
        return GuardCommand(
            on=args.on or KINDS[0],
            then=args.then or "skip",
            bound=args.bound,
            times=args.times,
            at_most=args.at_most,
            scale=None if args.scale is None else parse_rate(args.scale),
            sync=args.sync,
            by=common.person(),
        )
    except CommandError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None


def _on(answer: Acknowledgement) -> list[Any]:
    found = answer.detail.get("guards")
    return found if isinstance(found, list) else []


def _list(args: argparse.Namespace) -> int:
    from lrmonitor.model.guards import words

    found = common.read_state(common.find_run(args).folder).guards
    if args.json:
        told = [{**vars(one), "acted": found.counts[kind]} for kind, one in found.on.items()]
        common.print_json({"guards": told, "acted": found.counts})
        return codes.DONE
    for kind, one in found.on.items():
        print(f"{words(one)}; acted {found.counts[kind]} times in this run")
    if not found.on:
        common.say("no guard is on")
    return codes.DONE


def _number(text: str) -> float:
    try:
        value = float(text)
        if not 0 <= value < 1e300:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on") from None
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of times")
    return int(text)
