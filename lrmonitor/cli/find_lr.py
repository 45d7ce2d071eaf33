"""`lrmonitor find-lr RUN|SCRIPT`: which rate is right, by a range test on the run itself."""

from __future__ import annotations

import argparse
import contextlib
import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common, rate_tests
from lrmonitor.cli.run import add_environment, spec_of

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Parser, Subparsers
    from lrmonitor.finder import Choice, Reading, Sweep
    from lrmonitor.link.messages import Acknowledgement, LrCommand
    from lrmonitor.link.test_commands import RangeTestCommand, TrialCommand
    from lrmonitor.record.catalogue import RunEntry

_USAGE = """lrmonitor find-lr [options] RUN
       lrmonitor find-lr [options] SCRIPT [ARGS …]
       lrmonitor find-lr [options] -m MODULE [ARGS …]
       lrmonitor find-lr [options] -- COMMAND [ARGS …]"""

_DESCRIPTION = """\
Raise the learning rate over some real steps of a run, then put everything back, to the bit, and say
which rate the loss tells for. The run goes on as it was, or with --apply at that rate.

With --trial it then trains for some steps at each of a few rates below the one at which the loss
broke, each from the same state, and suggests the one that came furthest: it takes longer and is
more often right.

With a script (or -m, or --) a run of it is started, and its first steps are the test: after it the
run is stopped, or with `--then go` trains from its first state on at the rate that was found."""

_MODES = ("hold", "set")

SWEEPS = 3
"""With a trial: the median of where they break is steadier than one."""
RUNGS, STEPS = 5, 200
"""What a trial takes, as `lrmonitor.finder.ladder` has it (which is not imported to be read)."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "find-lr",
        usage=_USAGE,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--from", dest="start", default="1e-7", metavar="V", help="default: 1e-7")
    parser.add_argument("--to", dest="stop", default="10", metavar="V", help="default: 10")
    parser.add_argument(
        "--steps", type=_count, default=100, metavar="N", help="steps of a sweep (default: 100)"
    )
    parser.add_argument(
        "--sweeps",
        type=_count,
        metavar="N",
        help=f"how many sweeps (default: 1, with --trial {SWEEPS})",
    )
    parser.add_argument(
        "--trial",
        action="store_true",
        help=f"then try {RUNGS} rates below the one that breaks, {STEPS} steps each (better)",
    )
    parser.add_argument(
        "--same", action="store_true", help="the same rate in all groups, whatever their ratios"
    )
    parser.add_argument(
        "--no-bound",
        action="store_true",
        help="end a sweep early only at a loss that is not finite, not where it has risen far",
    )
    parser.add_argument(
        "--apply",
        nargs="?",
        const="hold",
        choices=_MODES,
        help="use the rate that was found: hold it (default), or set it and let the schedule go on",
    )
    parser.add_argument(
        "--then",
        choices=("stop", "go"),
        help="for a script: stop after the test (default), or train at the rate that was found",
    )
    rate_tests.add_address(parser)
    common.add_runs(parser)
    common.add_json(parser)
    parser.add_argument("--name", help="for a script: the run's name (default: the script's)")
    add_environment(parser)
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(func=functools.partial(_find_lr, parser))


def _find_lr(parser: Parser, args: argparse.Namespace) -> int:
    return common.verb(functools.partial(find_lr, parser))(args)


def find_lr(parser: Parser, args: argparse.Namespace) -> int:
    """Make the test, and say what it says."""
    words = args.words
    if args.module is None and not words:
        parser.error("name a run, or a script, `-m MODULE`, or `-- COMMAND`")
    # Text that names a file is a script, whatever runs are called.
    if args.module is None and words[0] != "--" and not Path(words[0]).is_file():
        args.run, *more = words
        if args.run.endswith(".py"):
            parser.error(f"there is no script {args.run}")
        # Options may follow on a run, where what follows on a script is the script's.
        args = parser.parse_args(more, argparse.Namespace(**{**vars(args), "words": []}))
        if args.words:
            parser.error(f"a run takes no arguments ({args.words[0]!r} was given)")
        if args.then is not None:
            parser.error("--then is for a script: a run goes on after the test")
        entry = common.find_run(args)
        command = _command(args, rate_tests.after(entry))
        return _report(args, entry, command, rate_tests.run(entry, command, args.timeout))
    if args.apply is not None and args.then != "go":
        parser.error("--apply is for a run, or with `--then go`")
    command = _command(args, "pause")
    entry = _launch(parser, args, command)
    try:
        answer = _first(entry, command, args.timeout)
    except BaseException:
        _stop(entry)
        raise
    return _report(args, entry, command, answer, launched=True)


def _command(args: argparse.Namespace, then: str) -> RangeTestCommand:
    from lrmonitor.cli.lr import check_address
    from lrmonitor.link.messages import CommandError, RangeTestCommand, parse_rate

    check_address(args)
    try:
        return RangeTestCommand(
            start=parse_rate(args.start),
            stop=parse_rate(args.stop),
            steps=args.steps,
            sweeps=args.sweeps or (SWEEPS if args.trial else 1),
            same=args.same,
            bound=not args.no_bound,
            optimizer=args.optimizer,
            group=args.group,
            then=then,
            by=common.person(),
        )
    except CommandError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None


def _launch(parser: Parser, args: argparse.Namespace, command: RangeTestCommand) -> RunEntry:
    """Start a run of the script, whose first steps are the test."""
    from lrmonitor.launch.interpreter import NoInterpreter
    from lrmonitor.launch.spec import SpecError
    from lrmonitor.launch.start import LaunchError, start_detached
    from lrmonitor.link import first_test
    from lrmonitor.record.catalogue import Catalogue

    env = {**dict(args.env), first_test.VARIABLE: first_test.text(command)}
    try:
        spec, notes = spec_of(parser, args, args.words, env, detached=True)
        launched = start_detached(spec)
    except (SpecError, NoInterpreter) as error:
        parser.error(str(error))
    except LaunchError as error:
        raise common.VerbError(error.code, error.reason) from None
    for note in [f"run {launched.id}: {spec.target}", *notes]:
        common.say(note)
    return Catalogue(common.home(args)).resolve(launched.id)


def _first(entry: RunEntry, command: RangeTestCommand, timeout: float) -> Acknowledgement:
    """The answer to the test that a run begins with: the same command, given again."""
    from lrmonitor.link.client import LinkError
    from lrmonitor.model.command import NotLive, send_command

    limit = time.monotonic() + timeout
    while True:
        left = limit - time.monotonic()
        try:
            return send_command(entry.folder, command, max(left, 0.0))
        except NotLive as error:
            if error.state.phase.over:
                raise common.VerbError(codes.NO_RUN, f"no test was made: {error}") from None
        except LinkError:
            pass  # it is only just coming up
        if left <= 0:
            raise common.VerbError(
                codes.PENDING, f"the script has not begun to train within {timeout:g} s"
            )
        time.sleep(rate_tests.LOOK_SECONDS)


def _report(
    args: argparse.Namespace,
    entry: RunEntry,
    command: RangeTestCommand,
    answer: Acknowledgement,
    launched: bool = False,
) -> int:
    from lrmonitor.cli.control import outcome
    from lrmonitor.cli.lr import answer_json, applied
    from lrmonitor.finder import Choice, choose, read
    from lrmonitor.model.rate_tests import candidates, readable

    told = rate_tests.told(entry.id, answer)
    if answer.status != "applied":
        if launched:
            _stop(entry)
        if args.json:
            common.print_json(told)
        return outcome(args, answer, "the test")
    model, test = rate_tests.record(entry.folder, command)
    assert model.rank is not None
    swept = readable(test, model.rank)
    found = read(swept, command.steps)
    said: Reading | Choice = found
    tried: Acknowledgement | None = None
    change: Acknowledgement | None = None
    try:
        if args.trial and (trial := _trial(command, swept)) is not None:
            tried = rate_tests.run(entry, trial, args.timeout)
            if tried.status == "applied":
                model, test = rate_tests.record(entry.folder, trial)
                assert model.rank is not None
                said = choose(swept, candidates(test, model.rank))
        good = said.rate is not None and (tried is None or tried.status == "applied")
        if launched and args.then == "go" and good:
            assert said.rate is not None
            change = _go(entry, _change(args, command, said.rate))
        elif launched:
            _stop(entry)
        elif args.apply is not None and good:
            assert said.rate is not None
            (change,) = rate_tests.apply(entry, [_change(args, command, said.rate)])
    except BaseException:
        if launched:
            _stop(entry)
        raise
    if args.json:
        done = None if change is None else answer_json(change)
        more = {} if tried is None else {"trial": rate_tests.told(entry.id, tried)}
        if isinstance(said, Choice):
            more["trial"] |= {"tried": rate_tests.tried(said.tried, "rate")}
            more |= _rate(said)
        common.print_json({**told, **_told(found), **more, "applied": done})
    else:
        print(f"range test over {rate_tests.ended(answer)}")
        if tried is not None and isinstance(said, Choice):
            print(f"trial over {rate_tests.ended(tried)}")
            print(rate_tests.table(said.tried, ""))
        for line in _lines(found, said):
            print(line)
        if change is not None and change.status == "applied":
            print(applied(change))
        elif launched:
            common.say("the run was stopped")
    code = outcome(args, answer, "the test")
    if tried is not None:
        code = max(code, outcome(args, tried, "the trial"))
    if change is not None:
        code = max(code, outcome(args, change, "the change"))
    return max(code, codes.REFUSED if said.rate is None else codes.DONE)


def _trial(command: RangeTestCommand, swept: Sequence[Sweep]) -> TrialCommand | None:
    """The trial that follows on the sweeps; None where they are too short."""
    from lrmonitor.finder.ladder import LEGS, STEPS, rungs
    from lrmonitor.link.messages import TrialCommand

    rates = rungs(swept)
    if not rates:
        return None
    return TrialCommand(
        rates=rates,
        same=command.same,
        steps=STEPS,
        legs=LEGS,
        optimizer=command.optimizer,
        group=command.group,
        then=command.then,
        by=command.by,
    )


def _change(args: argparse.Namespace, command: RangeTestCommand, rate: float) -> LrCommand:
    from lrmonitor.link.messages import LrCommand

    return LrCommand(
        mode=args.apply or "hold",
        value=rate,
        optimizer=command.optimizer,
        group=command.group,
        same=command.same,
        note="found by a range test",
        by=command.by,
    )


def _go(entry: RunEntry, change: LrCommand) -> Acknowledgement:
    """Let the run, held after its test, train at the rate that was found from its first step."""
    from lrmonitor.cli.control import send
    from lrmonitor.link.messages import ResumeCommand

    send(entry, change, 0.0)  # it takes effect with the step that follows
    send(entry, ResumeCommand(by=change.by), 30.0)
    return send(entry, change, 30.0)


def _stop(entry: RunEntry) -> None:
    from lrmonitor.model.command import NotLive
    from lrmonitor.model.stop import stop_run

    with contextlib.suppress(NotLive):  # it is over already
        stop_run(entry.folder)


def _lines(found: Reading, said: Reading | Choice) -> list[str]:
    from lrmonitor.model.rates import short

    others = ", ".join(
        f"{name} {'–' if rate is None else short(rate)}" for name, rate in found.others.items()
    )
    if said.rate is None:
        lines = [said.reason[:1].upper() + said.reason[1:]]
    else:
        ends = f"{short(said.low)} to {short(said.high)}"
        lines = [f"suggested rate: {short(said.rate)}, within {ends}"]
        if found.open_end and said is found:
            lines.append("the loss had not turned up where the sweep ended: try a higher --to")
    if said is not found:
        alone = "none" if found.rate is None else short(found.rate)
        others = f"the sweeps alone {alone}, {others}"
    return [*lines, f"other rules: {others}"]


def _told(found: Reading) -> dict[str, Any]:
    return {
        **_rate(found),
        "open_end": found.open_end,
        "rates": list(found.rates),
        "others": dict(found.others),
    }


def _rate(found: Reading | Choice) -> dict[str, Any]:
    return {"rate": found.rate, "low": found.low, "high": found.high, "verdict": found.reason}


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number: it counts from 1")
    return int(text)
