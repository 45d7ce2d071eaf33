"""`lrmonitor demo`: the classifier of handwritten digits that ships with lrmonitor, under watch."""

from __future__ import annotations

import argparse
import functools
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lrmonitor.cli import codes
from lrmonitor.cli.common import seconds
from lrmonitor.cli.run import add_launch_options, launch_detached, not_started

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.launch.foreground import Outcome
    from lrmonitor.launch.spec import LaunchSpec

_DESCRIPTION = """\
Train a small classifier of handwritten digits for some minutes and watch it in a window: the place
to try things out. The script is an ordinary one that knows nothing of lrmonitor."""

_NO_TORCH = (
    "the demo trains with PyTorch, which {python} does not have: install it with "
    "`pip install 'lrmonitor[demo]'`, or name a Python that has it with --python"
)

_NO_DISPLAY = (
    "there is no display for the window (neither DISPLAY nor WAYLAND_DISPLAY is set): add "
    "--no-window, or take a picture of the window with --screenshot FILE, or run under xvfb-run"
)


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser("demo", description=_DESCRIPTION)
    add_launch_options(parser)
    parser.add_argument("--python", metavar="PY", help="a Python that has torch")
    parser.add_argument(
        "--screenshot",
        metavar="FILE",
        help="needs no display: save a picture of the window after a while, then stop the training",
    )
    parser.add_argument(
        "--screenshot-after",
        metavar="SECONDS",
        type=seconds,
        default=20.0,
        help="how long to train before the picture is taken (default: 20)",
    )
    group = parser.add_argument_group("the training's own options")
    for option, meaning in (
        ("--lr", "its learning rate"),
        ("--epochs", "how long it trains"),
        ("--seed", "the same seed gives the same numbers"),
    ):
        group.add_argument(option, help=meaning)
    parser.set_defaults(func=functools.partial(_demo, parser))


def _demo(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    from lrmonitor.launch.foreground import Foreground, end_like
    from lrmonitor.launch.start import LaunchError
    from lrmonitor.launch.window import missing_display, start_window

    if args.screenshot is not None and (args.no_window or args.detach):
        parser.error("--screenshot needs the window: leave --no-window and --detach out")
    windowed = not (args.no_window or args.detach)
    if windowed and args.screenshot is None and missing_display():
        parser.error(_NO_DISPLAY)
    spec, notes = _spec(parser, args)
    if args.detach:
        return launch_detached(spec, as_json=False, notes=notes)
    try:
        if args.screenshot is None:
            window = start_window if windowed else None
            return end_like(Foreground(spec, notes=tuple(notes), window=window).run())
        return _take_picture(parser, args, spec, notes)
    except LaunchError as error:
        return not_started(error)


def _take_picture(
    parser: argparse.ArgumentParser, args: argparse.Namespace, spec: LaunchSpec, notes: list[str]
) -> int:
    """Run with a window that nobody sees, which ends once it has saved its picture."""
    from lrmonitor.launch.foreground import Foreground
    from lrmonitor.launch.messages import Messages
    from lrmonitor.launch.window import start_window

    picture = Path(args.screenshot).absolute()
    if not picture.parent.is_dir():
        parser.error(f"there is no folder {picture.parent} to save the picture in")

    def window(folder: Path) -> subprocess.Popen[bytes]:
        options = ["--screenshot", str(picture), "--screenshot-after", repr(args.screenshot_after)]
        return start_window(folder, options, {"QT_QPA_PLATFORM": "offscreen"})

    client = Foreground(spec, notes=tuple(notes), window=window, stop_with_window=True)
    outcome: Outcome = client.run()
    # The script was stopped because the picture is taken, so it is the window that counts.
    if outcome.window == 0:
        Messages().say(f"the picture of the window is {picture}")
        return codes.DONE
    Messages().say(f"there is no picture: the window ended with code {outcome.window}, see above")
    return codes.FAILED


def _spec(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> tuple[LaunchSpec, list[str]]:
    from lrmonitor.launch.demo import NoTorch, demo
    from lrmonitor.launch.interpreter import NoInterpreter
    from lrmonitor.launch.spec import SpecError
    from lrmonitor.record.home import runs_home
    from lrmonitor.resources import resource_path

    words = [
        word
        for option in ("lr", "epochs", "seed")
        if getattr(args, option) is not None
        for word in (f"--{option}", getattr(args, option))
    ]
    try:
        spec, python = demo(
            resource_path("examples", "digits.py"),
            runs_home(args.runs),
            python=args.python,
            name=args.name,
            detached=args.detach,
            words=words,
        )
    except NoTorch as error:
        parser.error(_NO_TORCH.format(python=error.python))
    except (NoInterpreter, SpecError, FileNotFoundError) as error:
        parser.error(str(error))
    return spec, [f"its Python is {python.path} ({python.why})"]
