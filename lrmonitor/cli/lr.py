"""`lrmonitor lr RUN set|scale|hold|freeze|follow`: change the rate, and say when it took effect."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.link.messages import Acknowledgement, LrCommand

_MODES = ("set", "scale", "hold", "freeze", "follow")
_VALUED = ("set", "scale", "hold")

_DESCRIPTION = """\
Change the learning rate of a run from its next step on.

  set V     V now, and the script's schedule continues from there in proportion
  scale K   K times the script's schedule
  hold V    V, until released
  freeze    0, until released
  follow    release: the script's own schedule

Without --optimizer the main one is meant; without --group V is group 0's rate, and the other groups
keep their ratio to it, unless --same gives all of them V. With --ramp N the change takes N steps,
in equal factors (from or to 0 in equal differences)."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "lr",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_run(parser)
    parser.add_argument("mode", choices=_MODES, metavar="MODE", help=", ".join(_MODES))
    parser.add_argument(
        "value", nargs="?", metavar="VALUE", help="the rate, as 3e-4, or the factor"
    )
    add_address(parser)
    add_manner(parser)
    common.add_timeout(parser, 30.0, "the step that uses it")
    parser.set_defaults(func=change)


def add_address(parser: argparse.ArgumentParser) -> None:
    """`--optimizer` and `--group`: whose rate."""
    parser.add_argument(
        "--optimizer", type=_optimizer, metavar="I", help="an optimizer's number, or `all`"
    )
    parser.add_argument("--group", type=number, metavar="J", help="a group's number")


def add_manner(parser: argparse.ArgumentParser) -> None:
    """`--ramp`, `--same` and `--note`: how, and why."""
    parser.add_argument(
        "--ramp", type=number, default=0, metavar="N", help="go there in N steps, not at once"
    )
    parser.add_argument(
        "--same", action="store_true", help="the same rate in all groups, whatever their ratios"
    )
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="why, for the run's journal (500 characters)"
    )


@common.verb
def change(args: argparse.Namespace) -> int:
    """Send the command and print its outcome."""
    from lrmonitor.cli.control import outcome, send

    command = _command(args)
    answer = send(common.find_run(args), command, args.timeout)
    if args.json:
        common.print_json(answer_json(answer))
    elif answer.status == "applied":
        ramp = f"; on a ramp of {args.ramp} steps" if args.ramp > 1 else ""
        print(applied(answer) + ramp)
    return outcome(args, answer, "the change")


def answer_json(answer: Acknowledgement) -> dict[str, Any]:
    """An acknowledgement of a rate command; stable for scripts."""
    told: dict[str, Any] = {
        "status": answer.status,
        "id": answer.id,
        "step": answer.step,
        "reason": answer.reason,
        "groups": [
            {
                "optimizer": group.optimizer,
                "group": group.group,
                "scheduled": group.scheduled,
                "previous": group.previous,
                "effective": group.effective,
            }
            for group in answer.groups
        ],
    }
    if answer.warning:
        told["warning"] = answer.warning
    return told


def _command(args: argparse.Namespace) -> LrCommand:
    from lrmonitor.link.messages import CommandError, LrCommand, parse_rate

    value = None
    if args.mode in _VALUED:
        if args.value is None:
            what = "a factor" if args.mode == "scale" else "a rate"
            raise common.VerbError(codes.USAGE, f"`lr {args.mode}` needs {what}, as in 3e-4")
        try:
            value = parse_rate(args.value)
        except CommandError as error:
            raise common.VerbError(codes.USAGE, str(error)) from None
    elif args.value is not None:
        raise common.VerbError(
            codes.USAGE, f"`lr {args.mode}` takes no value ({args.value!r} was given)"
        )
    check_address(args)
    try:
        return LrCommand(
            mode=args.mode,
            value=value,
            optimizer=args.optimizer,
            group=args.group,
            note=args.note.strip(),
            ramp=args.ramp,
            same=args.same,
            by=common.person(),
        )
    except CommandError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None


def check_address(args: argparse.Namespace) -> None:
    """VerbError where a group is named of several optimizers."""
    if args.group is not None and args.optimizer == "all":
        raise common.VerbError(
            codes.USAGE, "--group needs one optimizer: groups of several are numbered apart"
        )


def applied(answer: Acknowledgement) -> str:
    """What a step used of a change, in a line."""
    changes = ", ".join(
        f"optimizer {g.optimizer} group {g.group}: {g.previous!r} → {g.effective!r} "
        f"(scheduled {g.scheduled!r})"
        for g in answer.groups
    )
    return f"applied at step {answer.step}: {changes}"


def _optimizer(text: str) -> int | str:
    return text if text == "all" else number(text)


def number(text: str) -> int:
    """A whole number from 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number: they count from 0")
    return int(text)
