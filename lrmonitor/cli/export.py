"""`lrmonitor export RUN FILE.csv`: a run's series as a table."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "export",
        description="Write a run's series to a CSV file, one row a step: step, time, loss, lr "
        "(the effective rate), then the rest.",
    )
    common.add_run(parser, logs=True)
    parser.add_argument("file", metavar="FILE.csv", help="the file to write, or - for stdout")
    parser.add_argument("--rank", type=_rank, metavar="N", help="a rank (default: the lowest)")
    parser.set_defaults(func=export)


@common.verb
def export(args: argparse.Namespace) -> int:
    """Write the table."""
    from lrmonitor.record.export import ExportError, export_csv
    from lrmonitor.record.reader import RunReader

    entry, log = common.find_readable(args)
    if args.json and args.file == "-":
        raise common.VerbError(codes.USAGE, "--json and a table on stdout cannot be told apart")
    reader = RunReader(entry.folder) if log is None else log
    reader.poll()
    try:
        rows = export_csv(reader, sys.stdout if args.file == "-" else args.file, args.rank)
    except ExportError as error:
        raise common.VerbError(codes.FAILED, str(error)) from None
    if args.json:
        common.print_json({"status": "done", "run": entry.id, "file": args.file, "rows": rows})
    elif args.file != "-":
        common.say(f"{rows} rows written to {args.file}")
    return codes.DONE


def _rank(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a rank: they count from 0")
    return int(text)
