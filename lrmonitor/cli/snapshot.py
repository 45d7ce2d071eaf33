"""`lrmonitor snapshot`, `snapshots` and `rewind`: keep a run's state, and go back to it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common, lr

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.link.messages import Acknowledgement, Command

MEGABYTE = 2**20

_SNAPSHOT = """\
Keep the state of a run in its memory: parameters, buffers, optimizer and GradScaler state, random
number generators. `lrmonitor rewind` goes back to it.

With --every, --budget, --before-changes or --forget nothing is taken now: they set what is done
from now on. --save also writes the state to a file that torch.load(weights_only=True) reads, and
lrmonitor.load_checkpoint puts into a model."""

_REWIND = """\
Put the state of a snapshot back while the run goes on: parameters, buffers, optimizer and
GradScaler state, to the bit. Without --to and --back the newest one is meant.

Schedulers and the data are not rewound: the script's loop goes on where it is. Nor are the random
number generators, unless --rng asks for it: a script that draws its batches from them would draw
the same ones again.

With --scale, --hold or --set the very next step is at another rate: of all optimizers where it is a
factor, else of the main one, or of --optimizer and --group, as with `lrmonitor lr`."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the three verbs."""
    taking = subparsers.add_parser(
        "snapshot", description=_SNAPSHOT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    common.add_run(taking)
    taking.add_argument(
        "--every", type=_count, metavar="N", help="take one every N steps; 0: never"
    )
    taking.add_argument(
        "--budget", type=_megabytes, metavar="MB", help="the memory that all of them may take"
    )
    taking.add_argument(
        "--before-changes",
        choices=("on", "off"),
        help="whether to take one before each change of the rate",
    )
    taking.add_argument("--forget", action="store_true", help="give the memory of all of them back")
    taking.add_argument("--save", metavar="FILE", help="also write the state to this new file")
    taking.add_argument("--list", action="store_true", help="list those that are kept")
    common.add_timeout(taking, 30.0, "the next step boundary")
    taking.set_defaults(func=snapshot)

    listing = subparsers.add_parser("snapshots", description="List the snapshots of a run.")
    common.add_run(listing)
    listing.set_defaults(func=snapshots)

    going = subparsers.add_parser(
        "rewind", description=_REWIND, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    common.add_run(going)
    where = going.add_mutually_exclusive_group()
    where.add_argument("--to", type=_count, metavar="STEP", help="the step of the snapshot")
    where.add_argument(
        "--back", type=_count, metavar="N", help="the newest from at least N steps ago"
    )
    rate = going.add_mutually_exclusive_group()
    rate.add_argument("--scale", metavar="K", help="go on with the rates multiplied by this factor")
    rate.add_argument("--hold", metavar="V", help="go on at this rate, and hold it")
    rate.add_argument(
        "--set", metavar="V", help="go on at this rate, and let the schedule continue from there"
    )
    lr.add_address(going)
    going.add_argument(
        "--rng", action="store_true", help="also put the random number generators back"
    )
    common.add_timeout(going, 30.0, "the next step boundary")
    going.set_defaults(func=rewind)


@common.verb
def snapshot(args: argparse.Namespace) -> int:
    """Take one, or set what is done from now on."""
    from lrmonitor.link.messages import CommandError, SnapshotCommand, SnapshotsCommand

    setting = (
        args.every is not None or args.budget is not None or args.before_changes or args.forget
    )
    if args.list:
        if setting or args.save:
            raise common.VerbError(codes.USAGE, "--list takes nothing beside it")
        return _list(args)
    if setting and args.save:
        raise common.VerbError(codes.USAGE, "--save takes a snapshot now: give it alone")
    command: Command
    try:
        if setting:
            command = SnapshotsCommand(
                every=args.every,
                budget=args.budget,
                before=None if args.before_changes is None else args.before_changes == "on",
                forget=args.forget,
                by=common.person(),
            )
        else:
            save = None if args.save is None else os.path.abspath(Path(args.save).expanduser())
            command = SnapshotCommand(save=save, by=common.person())
    except CommandError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None
    return _send(args, command, "the snapshot", _set if setting else _taken)


@common.verb
def snapshots(args: argparse.Namespace) -> int:
    """Print those that are kept."""
    return _list(args)


@common.verb
def rewind(args: argparse.Namespace) -> int:
    """Go back, and say to where."""
    from lrmonitor.link.messages import CommandError, RewindCommand, parse_rate

    lr.check_address(args)
    rate = args.hold if args.set is None else args.set
    try:
        command = RewindCommand(
            to=args.to,
            back=args.back,
            scale=None if args.scale is None else parse_rate(args.scale),
            rng=args.rng,
            rate=None if rate is None else parse_rate(rate),
            mode="hold" if args.set is None else "set",
            optimizer=args.optimizer,
            group=args.group,
            by=common.person(),
        )
    except CommandError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None
    return _send(args, command, "the rewind", _rewound)


def _send(args: argparse.Namespace, command: Command, what: str, words: Any) -> int:
    from lrmonitor.cli.control import outcome, send
    from lrmonitor.cli.lr import answer_json

    answer = send(common.find_run(args), command, args.timeout)
    if args.json:
        told = answer_json(answer)
        if not answer.groups:
            del told["groups"]
        common.print_json({**told, **{k: v for k, v in answer.detail.items() if k != "id"}})
    elif answer.status == "applied":
        for line in words(answer):
            print(line)
    return outcome(args, answer, what)


def _taken(answer: Acknowledgement) -> list[str]:
    from lrmonitor.model.usage import bytes_text

    d = answer.detail
    lines = [f"snapshot of step {d['step']}: {bytes_text(d['bytes'])} in {_seconds(d['seconds'])}"]
    if "saved" in d:
        lines.append(f"saved to {d['saved']}: {bytes_text(d['file_bytes'])}")
    return lines


def _set(answer: Acknowledgement) -> list[str]:
    from lrmonitor.model.usage import bytes_text

    d = answer.detail
    every = f"every {d['every']} steps" if d["every"] else "none by itself"
    before = ", and one before each change of the rate" if d["before"] else ""
    free = "" if d.get("free") is None else f", and {bytes_text(d['free'])} are free"
    return [
        f"from step {answer.step} on: {every}{before}; a snapshot takes "
        f"{bytes_text(d['wanted'])}, all of them at most {bytes_text(d['budget'])}{free}"
    ]


def _rewound(answer: Acknowledgement) -> list[str]:
    d = answer.detail
    rng = ", random number generators too" if d["rng"] else ""
    took = _seconds(d["seconds"])
    lines = [f"rewound after step {d['from']} to the state of step {d['to']}, in {took}{rng}"]
    lines += [
        f"optimizer {g.optimizer} group {g.group}: {g.previous!r} → {g.effective!r} (scheduled "
        f"{g.scheduled!r})"
        for g in answer.groups
    ]
    return lines


def _list(args: argparse.Namespace) -> int:
    from lrmonitor.model.usage import bytes_text

    found = common.read_state(common.find_run(args).folder).snapshots
    if args.json:
        common.print_json(
            {
                "snapshots": [
                    {
                        "id": one.number,
                        "step": one.step,
                        "time": one.time,
                        "bytes": one.bytes,
                        "seconds": one.seconds,
                        "why": one.why,
                        "left": one.left,
                    }
                    for one in found.kept
                ],
                "every": found.every,
                "before_changes": found.before,
                "budget": found.budget,
            }
        )
        return codes.DONE
    for one in found.kept:
        left = ", of steps that were taken back" if one.left else ""
        print(f"step {one.step:>8}  {bytes_text(one.bytes):>8}  {one.why}{left}")
    if not found.kept:
        common.say("no snapshot is kept")
    return codes.DONE


def _seconds(value: float) -> str:
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of steps")
    return int(text)


def _megabytes(text: str) -> int:
    try:
        value = float(text)
        if not 0 < value < 1e15:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of megabytes") from None
    return max(int(value * MEGABYTE), 1)
