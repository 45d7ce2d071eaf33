"""`lrmonitor pause`, `resume`, `step` and `cancel`: commands that take no rate."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.link.messages import Acknowledgement, Command
    from lrmonitor.record.catalogue import RunEntry

_WORDS = {
    "pause": ("Pause a run once the step it is in is done.", "paused after step {}"),
    "resume": ("Let a paused run go on.", "resumed after step {}"),
    "step": (
        "Let a paused run make one step and pause again.",
        "made one step: paused after step {}",
    ),
    "cancel": ("Withdraw a command that is still pending (by default all).", "cancelled"),
}


def add_parser(subparsers: Subparsers) -> None:
    """Add the four verbs."""
    for name, (description, _) in _WORDS.items():
        parser = subparsers.add_parser(name, description=description)
        common.add_run(parser)
        if name == "cancel":
            parser.add_argument("id", nargs="?", metavar="ID", help="the command's id")
        common.add_timeout(parser, 30.0, "the next step boundary")
        parser.set_defaults(func=command)


@common.verb
def command(args: argparse.Namespace) -> int:
    """Send the command and say its outcome."""
    answer = send(common.find_run(args), _command(args), args.timeout)
    if args.json:
        told = {"status": answer.status, "id": answer.id, "step": answer.step}
        common.print_json({**told, "reason": answer.reason})
    elif answer.status == "applied":
        words = _WORDS[args.verb][1]
        if answer.step is None:
            words = words.removesuffix(" after step {}")
        common.say(words.format(answer.step))
    return outcome(args, answer, args.verb)


def send(entry: RunEntry, command: Command, timeout: float) -> Acknowledgement:
    """Send a command to a run; VerbError where nothing answers."""
    from lrmonitor.link.client import AccessDenied, LinkError, ProtocolMismatch
    from lrmonitor.model.command import NotLive, send_command

    try:
        return send_command(entry.folder, command, timeout)
    except NotLive as error:
        raise common.VerbError(codes.NO_RUN, str(error)) from None
    except (AccessDenied, ProtocolMismatch) as error:
        raise common.VerbError(codes.REFUSED, str(error)) from None
    except LinkError as error:
        raise common.VerbError(codes.NO_RUN, str(error)) from None


def outcome(args: argparse.Namespace, answer: Acknowledgement, what: str) -> int:
    """Say what was not simply done, and the exit code."""
    if answer.warning and not args.json:
        common.say(answer.warning)
    if answer.status == "refused":
        if not args.json:
            common.say(f"refused: {answer.reason}")
        return codes.REFUSED
    if answer.status == "pending":
        if not args.json:
            common.say(
                f"{what} is still pending after {args.timeout:g} s: no step boundary came. It "
                f"stays queued; `lrmonitor cancel {args.run} {answer.id}` withdraws it"
            )
        return codes.PENDING
    if answer.status == "cancelled":
        if not args.json:
            common.say(f"{what} was cancelled: {answer.reason or 'by another client'}")
        return codes.REFUSED
    return codes.DONE


def _command(args: argparse.Namespace) -> Command:
    from lrmonitor.link import messages

    by = common.person()
    if args.verb == "cancel":
        return messages.CancelCommand(target=args.id, by=by)
    if args.verb == "pause":
        return messages.PauseCommand(by=by)
    if args.verb == "resume":
        return messages.ResumeCommand(by=by)
    return messages.StepCommand(by=by)
