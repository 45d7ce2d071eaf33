"""`lrmonitor [RUN]`: the window on a run, or on the list of runs. Qt is loaded only here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.record.catalogue import RunEntry
    from lrmonitor.record.foreign.reader import LogReader

LOG_BUDGET = 0.05
"""Seconds at a time that a log is read for, so that the window stays quick."""

_DESCRIPTION = """\
Open the window on a run, live or over, or on a log of another program; without RUN, on the run that
was open last if it still trains, else on the list of runs. If a window shows that run already, it
comes to the front. Closing it leaves a live run training unless you say otherwise."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser("window", prog="lrmonitor", description=_DESCRIPTION)
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        help="an id, a unique prefix of one, a name, a folder, or `latest`; or a log",
    )
    parser.add_argument(
        "--new", action="store_true", help="without RUN: on the list of runs in any case"
    )
    common.add_runs(parser)
    parser.add_argument(
        "--screenshot",
        metavar="FILE",
        type=Path,
        help="needs no display: save a picture of the window (.png, .jpg) and end",
    )
    parser.add_argument(
        "--screenshot-after",
        metavar="SECONDS",
        type=common.seconds,
        help="when to take it (default: once there is something to see)",
    )
    parser.add_argument(
        "--theme",
        choices=("light", "dark", "system"),
        help="colours of the window (default: what was chosen last, else the system's)",
    )
    parser.set_defaults(func=open_window)


@common.verb
def open_window(args: argparse.Namespace) -> int:
    """Show the window until it is closed."""
    entry, log = _found(args)
    if args.screenshot_after is not None and args.screenshot is None:
        raise common.VerbError(codes.USAGE, "--screenshot-after needs --screenshot FILE")
    from lrmonitor.app.main import run_window

    return run_window(
        entry.folder if entry is not None else None,
        log=log,
        screenshot=args.screenshot,
        screenshot_after=args.screenshot_after,
        runs=common.home(args),
        theme=args.theme,
        new=args.new,
    )


def _found(args: argparse.Namespace) -> tuple[RunEntry | None, LogReader | None]:
    """The run or log that is named. A picture is of the whole log."""
    if args.run is None:
        return None, None
    return common.find_readable(args, LOG_BUDGET if args.screenshot is None else None)
