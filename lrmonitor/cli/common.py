"""What the verbs share: naming a run, saying things, and failures as exit codes."""

from __future__ import annotations

import argparse
import functools
import getpass
import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes

if TYPE_CHECKING:
    from lrmonitor.link.messages import Author
    from lrmonitor.model.progress import Progress
    from lrmonitor.model.run import RunModel
    from lrmonitor.model.state import RunState
    from lrmonitor.record.catalogue import RunEntry
    from lrmonitor.record.foreign.reader import LogReader
    from lrmonitor.record.reader import RunReader

Handler = Callable[[argparse.Namespace], int]


class VerbError(Exception):
    """The verb ends with this exit code; the message is a sentence for the person."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def add_runs(parser: argparse.ArgumentParser) -> None:
    """`--runs DIR`, which every verb takes."""
    parser.add_argument(
        "--runs",
        metavar="DIR",
        help="the folder of runs (default: $LRMONITOR_RUNS, else the user's data folder)",
    )


def add_run(parser: argparse.ArgumentParser, logs: bool = False) -> None:
    """The RUN argument and `--runs`, `--json`. With `logs` it may be another program's log."""
    what = "an id, a unique prefix of one, a name, a folder, or `latest`"
    parser.add_argument(
        "run",
        metavar="RUN",
        help=f"{what}; or a log (CSV, JSON lines, TensorBoard, …)" if logs else what,
    )
    add_runs(parser)
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`, for scripts."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def add_timeout(parser: argparse.ArgumentParser, default: float, what: str) -> None:
    """`--timeout SECONDS`."""
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=default,
        metavar="SECONDS",
        help=f"how long to wait for {what} (default: {default:g})",
    )


def seconds(text: str) -> float:
    """A time limit: finite, and not negative."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 <= value < math.inf):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def verb(function: Handler) -> Handler:
    """Turns the failures of a verb into a line on stderr and an exit code."""

    @functools.wraps(function)
    def run(args: argparse.Namespace) -> int:
        try:
            return function(args)
        except VerbError as error:
            say(str(error))
            return error.code

    return run


def say(sentence: str) -> None:
    """One line of lrmonitor's own, on stderr."""
    print(f"lrmonitor: {sentence}", file=sys.stderr)


def print_json(value: object) -> None:
    """One JSON document on stdout. Non-finite numbers are the strings "nan", "inf", "-inf"."""
    print(json.dumps(finite(value), ensure_ascii=False, allow_nan=False))


def finite(value: object) -> Any:
    """The value with non-finite floats as the record's strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def home(args: argparse.Namespace) -> Path:
    """The folder of runs that is meant."""
    from lrmonitor.record.home import runs_home

    return runs_home(args.runs)


def find_run(args: argparse.Namespace) -> RunEntry:
    """The run that `args.run` names; VerbError with code 4 when there is none or several."""
    from lrmonitor.record.catalogue import Catalogue, CatalogueError

    try:
        return Catalogue(home(args)).resolve(args.run)
    except CatalogueError as error:
        path = Path(args.run).expanduser()
        if args.run.strip() and path.exists() and _is_log(path):
            sentence = f"{args.run} is a log of another program: it is only read"
            raise VerbError(codes.NO_RUN, sentence) from None
        raise VerbError(codes.NO_RUN, str(error)) from None


def find_readable(
    args: argparse.Namespace, budget: float | None = None
) -> tuple[RunEntry, LogReader | None]:
    """The run that `args.run` names, or else the log at that path with a reader of it (`budget` as
    in `LogReader`). VerbError with code 4 when there is neither."""
    from lrmonitor.record.catalogue import Catalogue, CatalogueError, NoSuchRun

    try:
        return Catalogue(home(args)).resolve(args.run), None
    except NoSuchRun as error:
        path = Path(args.run).expanduser()
        if not args.run.strip() or not path.exists():
            raise VerbError(codes.NO_RUN, str(error)) from None
    except CatalogueError as error:
        raise VerbError(codes.NO_RUN, str(error)) from None
    return _log(path, budget)


def _is_log(path: Path) -> bool:
    from lrmonitor.record.foreign.base import NotALog
    from lrmonitor.record.foreign.recognise import open_log

    try:
        open_log(path)
    except NotALog:
        return False
    return True


def _log(path: Path, budget: float | None) -> tuple[RunEntry, LogReader]:
    from lrmonitor.record.catalogue import RunEntry
    from lrmonitor.record.foreign.base import NotALog
    from lrmonitor.record.foreign.reader import read_log

    try:
        reader = read_log(path, budget=budget)
    except NotALog as error:
        raise VerbError(codes.NO_RUN, str(error)) from None
    name = str(reader.info["name"])
    created = float(reader.info["changed"] or 0.0)
    return RunEntry(reader.folder, name, name, "log", created, info=reader.info), reader


def read_state(folder: Path, reader: RunReader | None = None) -> RunModel:
    """The run in a folder, with its events and the latest points of its series; or what `reader`
    reads."""
    from lrmonitor.model.run import STATE_POINTS, RunModel

    model = RunModel(folder, last=STATE_POINTS, reader=reader)
    model.poll()
    return model


def person() -> Author:
    """The person at this command line, as commands and events name them."""
    from lrmonitor.link.messages import Author

    return Author(who="person", via="cli", name=user())


def user() -> str:
    """The user's name; their number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no entry in the user database (containers)
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def progress_json(progress: Progress) -> dict[str, Any]:
    """How far a run is, as every verb prints it; null is unknown."""
    return {
        "epoch": progress.epoch,
        "fraction": progress.fraction,
        "epochs": progress.epochs,
        "steps": progress.steps,
        "eta": progress.eta,
        "basis": progress.basis,
    }


def state_json(state: RunState) -> dict[str, Any]:
    """A state, as every verb prints it."""
    return {
        "phase": state.phase.value,
        "label": state.label,
        "sentence": state.sentence,
        "live": state.live,
        "pid": state.pid,
        "code": state.code,
        "signal": state.signal,
        "step": state.step,
        "steps_per_second": state.steps_per_second,
    }
