"""`lrmonitor rerun RUN`: what a recorded run started, started once more."""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common
from lrmonitor.cli.run import add_first_rate, add_launch_options, first_rate_variables, launch

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Parser, Subparsers
    from lrmonitor.launch.spec import LaunchSpec

_USAGE = "lrmonitor rerun [options] RUN [-- ARGS …]"

_DESCRIPTION = """\
Start a run's script (module, command) again as a new run: the same folder, Python and variables.
ARGS, if given, take the place of all its arguments; a lone `--` takes them away."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "rerun",
        usage=_USAGE,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.cut = True
    parser.add_argument(
        "run",
        metavar="RUN",
        help="an id, a unique prefix of one, a name, a folder, or `latest`",
    )
    add_launch_options(parser)
    add_first_rate(parser)
    parser.add_argument(
        "--json", action="store_true", help="with --detach: print id, folder and pid as JSON"
    )
    parser.set_defaults(func=functools.partial(_rerun, parser))


def _rerun(parser: Parser, args: argparse.Namespace) -> int:
    def again(args: argparse.Namespace) -> int:
        return launch(parser, args, functools.partial(_spec, parser, args))

    return common.verb(again)(args)


def _spec(parser: Parser, args: argparse.Namespace) -> tuple[LaunchSpec, list[str]]:
    from lrmonitor.launch.again import CannotRerun, spec_again
    from lrmonitor.launch.start import ignored_signals

    entry = common.find_run(args)
    try:
        spec = spec_again(
            entry.info,
            common.home(args),
            name=args.name,
            arguments=parser.after_dashes,
            detached=args.detach,
            ignored=ignored_signals(),
            env=first_rate_variables(parser, args),
        )
    except CannotRerun as error:
        raise common.VerbError(codes.REFUSED, f"{entry.id} cannot be run again: {error}") from None
    notes = [f"it repeats {entry.id}"]
    if common.read_state(entry.folder).state.live:
        notes.append(f"{entry.id} still runs: now both do")
    return spec, notes
