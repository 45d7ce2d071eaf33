"""`lrmonitor note RUN TEXT`: a note in the run's record, shown beside its curves."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "note", description="Add a note to a run; it is drawn at the step the run is at."
    )
    common.add_run(parser)
    parser.add_argument("text", metavar="TEXT", nargs="+", help="the note")
    parser.set_defaults(func=note)


@common.verb
def note(args: argparse.Namespace) -> int:
    """Append the note."""
    from lrmonitor.record.client_log import ClientLog

    text = " ".join(args.text).strip()
    if not text:
        raise common.VerbError(codes.USAGE, "the note is empty")
    entry = common.find_run(args)
    step = common.read_state(entry.folder).state.step
    by = {"who": "person", "via": "cli", "name": common.user()}
    log = ClientLog(entry.folder, "cli", by)
    try:
        log.note(text, step)
    except OSError as error:
        reason = error.strerror or str(error)
        raise common.VerbError(codes.FAILED, f"the note cannot be written: {reason}") from None
    if args.json:
        common.print_json({"status": "done", "run": entry.id, "step": step, "text": text})
    else:
        common.say("noted" if step is None else f"noted at step {step}")
    return codes.DONE
