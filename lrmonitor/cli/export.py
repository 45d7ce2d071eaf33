"""`lrmonitor export RUN FILE.csv`: a run's series as a table, or for TensorBoard."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers

_DESCRIPTION = """\
Write a run's series to a CSV file, one row a step: step, time, loss, lr (the effective rate), then
the rest. With `--format tensorboard`, to an event file in a folder."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser("export", description=_DESCRIPTION)
    common.add_run(parser, logs=True)
    parser.add_argument(
        "file", metavar="FILE.csv", help="the file to write, or - for stdout; else the folder"
    )
    parser.add_argument("--rank", type=_rank, metavar="N", help="a rank (default: the lowest)")
    parser.add_argument(
        "--range",
        dest="span",
        metavar="A:B",
        help="only the steps from A to B; either may be left out",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "tensorboard"),
        default="csv",
        help="a table (the default), or an event file for TensorBoard",
    )
    parser.set_defaults(func=export)


@common.verb
def export(args: argparse.Namespace) -> int:
    """Write the series."""
    from lrmonitor.record.export import ExportError, export_csv
    from lrmonitor.record.export_tensorboard import export_tensorboard
    from lrmonitor.record.reader import RunReader
    from lrmonitor.record.span import WHOLE, StepRange

    entry, log = common.find_readable(args)
    try:
        span = WHOLE if args.span is None else StepRange.parse(args.span)
    except ValueError as error:
        raise common.VerbError(codes.USAGE, f"--range: {error}") from None
    if args.json and args.file == "-":
        raise common.VerbError(codes.USAGE, "--json and a table on stdout cannot be told apart")
    if args.format == "tensorboard" and args.file == "-":
        raise common.VerbError(codes.USAGE, "--format tensorboard writes a folder, not to stdout")
    reader = RunReader(entry.folder) if log is None else log
    reader.poll()
    try:
        if args.format == "tensorboard":
            count, unit = export_tensorboard(reader, args.file, args.rank, span), "points"
        else:
            target = sys.stdout if args.file == "-" else args.file
            count, unit = export_csv(reader, target, args.rank, span), "rows"
    except ExportError as error:
        raise common.VerbError(codes.FAILED, str(error)) from None
    if args.json:
        common.print_json({"status": "done", "run": entry.id, "file": args.file, unit: count})
    elif args.file != "-":
        common.say(f"{count} {unit} written to {args.file}")
    return codes.DONE


def _rank(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a rank: they count from 0")
    return int(text)
