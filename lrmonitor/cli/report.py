"""`lrmonitor report RUN FILE.html`: a run in one file, to keep or to send."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.model.run import RunModel

_LONGEST = 10.0
"""Seconds after which a report is made of what was read so far: a live run goes on and on."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "report",
        description="Write a run's curves, interventions, settings and outcome into one HTML file, "
        "which needs nothing else and loads nothing.",
    )
    common.add_run(parser, logs=True)
    parser.add_argument("file", metavar="FILE.html", help="the file to write")
    parser.set_defaults(func=report)


@common.verb
def report(args: argparse.Namespace) -> int:
    """Write the report."""
    from lrmonitor.model.run import RunModel
    from lrmonitor.report.html import write_report

    entry, log = common.find_readable(args)
    model = RunModel(entry.folder, reader=log)
    _read(model)
    try:
        size = write_report(model, args.file, time.time())
    except OSError as error:
        message = f"{args.file} cannot be written: {error.strerror or error}"
        raise common.VerbError(codes.FAILED, message) from None
    if args.json:
        common.print_json({"status": "done", "run": entry.id, "file": args.file, "bytes": size})
    else:
        common.say(f"report written to {args.file}")
    return codes.DONE


def _read(model: RunModel) -> None:
    """Poll until nothing more comes: series of printed numbers are made a part at a time."""
    end = time.monotonic() + _LONGEST
    quiet = 0
    while quiet < 2 and time.monotonic() < end:
        quiet = 0 if model.poll().data else quiet + 1
