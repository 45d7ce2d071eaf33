"""`lrmonitor stop RUN`: end a run, one named step at a time."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.model.stop import StopStep

_DESCRIPTION = """\
End a run as Ctrl-C does, at its next step boundary, so that the script can save what it wants.

  --terminate   SIGTERM to all its processes instead
  --kill        SIGKILL to all its processes instead: nothing is saved
  --escalate    each of these in turn, as long as it still runs after --timeout seconds"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "stop",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_run(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--terminate", action="store_true", help="SIGTERM to its processes")
    how.add_argument("--kill", action="store_true", help="SIGKILL to its processes")
    parser.add_argument("--escalate", action="store_true", help="go on to the next if need be")
    common.add_timeout(parser, 30.0, "the end, after each")
    parser.set_defaults(func=stop)


@common.verb
def stop(args: argparse.Namespace) -> int:
    """Do what is needed and say each step."""
    from lrmonitor.model.command import NotLive
    from lrmonitor.model.stop import stop_run

    entry = common.find_run(args)

    def progress(step: StopStep) -> None:
        if not args.json:
            common.say(step.text)

    try:
        result = stop_run(
            entry.folder,
            "kill" if args.kill else "terminate" if args.terminate else "interrupt",
            escalate=args.escalate,
            timeout=args.timeout,
            by=common.person(),
            progress=progress,
        )
    except NotLive as error:
        raise common.VerbError(codes.NO_RUN, str(error)) from None
    if args.json:
        common.print_json(
            {
                "status": "ended" if result.ended else "refused" if result.refused else "running",
                "steps": [
                    {"how": s.how, "by": s.by, "text": s.text, "pids": s.pids, "step": s.step}
                    for s in result.steps
                ],
                "sentence": result.sentence,
                "state": common.state_json(result.state),
            }
        )
    else:
        common.say(result.state.sentence if result.ended else result.sentence)
    if result.refused:
        return codes.REFUSED
    return codes.DONE if result.ended else codes.PENDING
