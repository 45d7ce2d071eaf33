"""`lrmonitor option RUN NAME VALUE|follow`: change another number of the groups than the rate."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.link.messages import OptionCommand
    from lrmonitor.model.run import RunModel

_DESCRIPTION = """\
Change a number of an optimizer's groups other than the learning rate, from the next step on:
momentum, dampening, beta1, beta2, weight_decay, eps, alpha, rho, lr_decay or momentum_decay, as far
as the optimizer has it. It holds until it is released by `follow`, after which the script's own
number counts again; the script and its schedulers never see it.

Without NAME the numbers of all groups are listed. Without --optimizer the main one is meant,
without --group all of its groups."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    from lrmonitor.cli.lr import add_address

    parser = subparsers.add_parser(
        "option", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    common.add_run(parser)
    parser.add_argument("name", nargs="?", metavar="NAME", help="as torch calls it")
    parser.add_argument(
        "value", nargs="?", metavar="VALUE", help="the number to hold, or `follow` to release it"
    )
    add_address(parser)
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="why, for the run's journal (500 characters)"
    )
    common.add_timeout(parser, 30.0, "the step that uses it")
    parser.set_defaults(func=option)


@common.verb
def option(args: argparse.Namespace) -> int:
    """Send the command and print its outcome, or list the numbers."""
    from lrmonitor.cli.control import outcome, send
    from lrmonitor.cli.lr import answer_json, applied

    if args.name is None:
        return _list(args)
    command = _command(args)
    answer = send(common.find_run(args), command, args.timeout)
    if args.json:
        common.print_json({**answer_json(answer), "name": command.name})
    elif answer.status == "applied":
        print(f"{command.name} {applied(answer)}")
    return outcome(args, answer, "the change")


def _command(args: argparse.Namespace) -> OptionCommand:
    from lrmonitor.cli.lr import check_address
    from lrmonitor.link.messages import CommandError, OptionCommand
    from lrmonitor.link.option_command import parse_option

    if args.value is None:
        raise common.VerbError(
            codes.USAGE, f"say the number that {args.name} is to be, or `follow` to release it"
        )
    check_address(args)
    try:
        return OptionCommand(
            name=args.name,
            value=None if args.value == "follow" else parse_option(args.name, args.value),
            optimizer=args.optimizer,
            group=args.group,
            note=args.note.strip(),
            by=common.person(),
        )
    except CommandError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None


def _list(args: argparse.Namespace) -> int:
    model = common.read_state(common.find_run(args).folder)
    rows = rows_of(model)
    if args.json:
        common.print_json({"options": rows})
        return codes.DONE
    for row in rows:
        held = "" if row["held"] is None else f"   held (script's: {row['scheduled']!r})"
        where = f"optimizer {row['optimizer']} group {row['group']}"
        print(f"{where}  {row['name']:<14} {row['effective']!r}{held}")
    if not rows:
        common.say("no number is known yet, but for the rate")
    return codes.DONE


def rows_of(model: RunModel) -> list[dict[str, Any]]:
    """The numbers of all groups, as `option` and `show` print them."""
    return [
        {
            "optimizer": one.optimizer,
            "group": one.group,
            "name": one.name,
            "scheduled": one.scheduled,
            "effective": one.effective,
            "held": one.held,
        }
        for one in model.options.rows(model.rank)
    ]
