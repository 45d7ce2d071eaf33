"""`lrmonitor run`: a script, module or command under a supervisor, with the probe carried in."""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from lrmonitor.cli import codes
from lrmonitor.cli.common import add_runs

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.launch.spec import LaunchSpec

_USAGE = """lrmonitor run [options] SCRIPT [ARGS …]
       lrmonitor run [options] -m MODULE [ARGS …]
       lrmonitor run [options] -- COMMAND [ARGS …]"""

_DESCRIPTION = """\
Run a script as the plain command would, record its training and watch it in a window. The script
needs no change: any Python 3.10 or newer in it that trains with PyTorch is seen."""

NO_DISPLAY = (
    "there is no display for the window (neither DISPLAY nor WAYLAND_DISPLAY is set): add "
    "--no-window, or run under xvfb-run"
)


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "run",
        usage=_USAGE,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_launch_options(parser)
    add_first_rate(parser)
    parser.add_argument("--python", metavar="PY", help="the script's Python: a path or a name")
    parser.add_argument("--cwd", metavar="DIR", help="the script's working directory")
    parser.add_argument(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        type=_variable,
        help="set a variable in the script's environment (may be given again)",
    )
    parser.add_argument(
        "--no-mirror",
        dest="env",
        action="append_const",
        const=("LRMONITOR_MIRROR", "0"),
        help="make no series of what the script logs to TensorBoard, W&B and the like",
    )
    parser.add_argument(
        "--no-eval-loss",
        dest="env",
        action="append_const",
        const=("LRMONITOR_EVAL_LOSS", "0"),
        help="make no series of the losses that the script computes with gradients off",
    )
    parser.add_argument(
        "--no-snapshots",
        dest="env",
        action="append_const",
        const=("LRMONITOR_SNAPSHOTS", "0"),
        help="keep no snapshots by themselves, however little they would cost",
    )
    parser.add_argument(
        "--json", action="store_true", help="with --detach: print id, folder and pid as JSON"
    )
    parser.add_argument(
        "-m", dest="module", nargs=argparse.REMAINDER, help="run a module, as `python -m` does"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(func=functools.partial(_run, parser))


def add_launch_options(parser: argparse.ArgumentParser) -> None:
    """Options that `run` and `demo` share."""
    parser.add_argument("--no-window", action="store_true", help="do not open the window")
    parser.add_argument(
        "--detach",
        action="store_true",
        help="return at once and leave the script to its supervisor; opens no window",
    )
    parser.add_argument("--name", type=_name, help="the run's name (default: the script's)")
    add_runs(parser)


def add_first_rate(parser: argparse.ArgumentParser) -> None:
    """Options that `run` and `rerun` share: the rate from the first step on."""
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument(
        "--lr-scale",
        metavar="K",
        help="multiply the script's learning rate by K from its first step on",
    )
    rate.add_argument(
        "--lr-hold",
        metavar="V",
        help="hold the learning rate at V from the first step on, until it is released",
    )


def first_rate_variables(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> dict[str, str]:
    """The variables that carry --lr-scale or --lr-hold to the training process."""
    from lrmonitor.link import first_rate
    from lrmonitor.link.messages import CommandError, parse_rate

    for mode in first_rate.MODES:
        given = getattr(args, f"lr_{mode}")
        if given is not None:
            try:
                return {first_rate.VARIABLE: first_rate.text(mode, parse_rate(given))}
            except CommandError as error:
                parser.error(f"--lr-{mode}: {error}")
    return {}


def launch_detached(spec: LaunchSpec, *, as_json: bool, notes: list[str]) -> int:
    """Start a detached run and say which it is."""
    from lrmonitor.launch import messages
    from lrmonitor.launch.start import LaunchError, start_detached

    say = messages.Messages().say
    try:
        launched = start_detached(spec)
    except LaunchError as error:
        return not_started(error)
    if as_json:
        found = {"id": launched.id, "folder": str(launched.folder), "pid": launched.pid}
        print(json.dumps(found))
    else:
        say(*messages.beginning(launched.folder, spec.name, False), *notes)
    return codes.DONE


def not_started(error: Exception) -> int:
    """Say why no script was started; the exit code."""
    from lrmonitor.launch.messages import Messages
    from lrmonitor.launch.start import LaunchError

    assert isinstance(error, LaunchError)
    lines = [error.reason]
    if error.folder is not None:
        lines.append(f"run {error.folder.name} records that it was not started")
    Messages().say(*lines)
    return error.code


def launch(
    parser: argparse.ArgumentParser,
    args: argparse.Namespace,
    describe: Callable[[], tuple[LaunchSpec, list[str]]],
) -> int:
    """Start what `describe` says (with notes on it), in the way that the options say."""
    from lrmonitor.launch.foreground import Foreground, end_like
    from lrmonitor.launch.interpreter import NoInterpreter
    from lrmonitor.launch.spec import SpecError
    from lrmonitor.launch.start import LaunchError
    from lrmonitor.launch.window import missing_display, start_window

    if args.json and not args.detach:
        parser.error("--json is for --detach: otherwise stdout is the script's")
    windowed = not (args.no_window or args.detach)
    if windowed and missing_display():
        parser.error(NO_DISPLAY)
    try:
        spec, notes = describe()
    except (SpecError, NoInterpreter) as error:
        parser.error(str(error))
    if args.detach:
        return launch_detached(spec, as_json=args.json, notes=notes)
    client = Foreground(spec, notes=tuple(notes), window=start_window if windowed else None)
    try:
        outcome = client.run()
    except LaunchError as error:
        return not_started(error)
    return end_like(outcome)


def _run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    return launch(parser, args, lambda: _spec(parser, args))


def _spec(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> tuple[LaunchSpec, list[str]]:
    """What is to be launched, and what to say about it."""
    from lrmonitor.launch import spec as specs
    from lrmonitor.launch.interpreter import choose
    from lrmonitor.launch.start import ignored_signals
    from lrmonitor.record.home import runs_home

    options = specs.Options(
        home=runs_home(args.runs),
        name=args.name,
        cwd=args.cwd,
        env={**dict(args.env), **first_rate_variables(parser, args)},
        detached=args.detach,
        ignored=ignored_signals(),
    )
    words: list[str] = args.command
    if args.module is None and words[:1] == ["--"]:
        if args.python is not None:
            parser.error("--python is for a script or -m: a command brings its own")
        return specs.command(words[1:], options), []
    if args.module is not None and not args.module:
        parser.error("-m needs the name of a module")
    if args.module is None and not words:
        parser.error("name a script, `-m MODULE`, or `-- COMMAND`")
    python = choose(args.python)
    notes = [f"its Python is {python.path} ({python.why})"]
    if args.module is not None:
        target, *rest = args.module
        return specs.module(target, rest, python.path, options), notes
    target, *rest = words
    return specs.script(target, rest, python.path, options), notes


def _variable(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return key, value


def _name(text: str) -> str:
    if not text.strip() or any(ord(letter) < 32 for letter in text):
        raise argparse.ArgumentTypeError("a run's name is one line of text, not empty")
    return text.strip()
