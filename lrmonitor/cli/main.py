"""`lrmonitor`: finds the verb and hands over to its module, imported only then.

Neither numpy nor Qt is imported here, so that `--version` and `run` start at once.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from lrmonitor import __version__
from lrmonitor.cli import codes
from lrmonitor.cli.parser import Parser


@dataclass(frozen=True)
class Verb:
    """A verb: the module that adds its parser, and its line in the help."""

    module: str
    help: str


VERBS = {
    "run": Verb("run", "run a script and record its training"),
    "rerun": Verb("rerun", "run a recorded run's script again, with the same or other arguments"),
    "demo": Verb("demo", "train a small classifier of handwritten digits, to try things out"),
    "list": Verb("list", "list the recorded runs, newest first"),
    "show": Verb("show", "show the state, the rates and the latest events of a run"),
    "lr": Verb("lr", "change the learning rate of a run"),
    "option": Verb("option", "change momentum, betas, weight decay, … of a run"),
    "sizes": Verb("sizes", "show how far steps move the weights of each layer"),
    "schedule": Verb("schedule", "put a schedule in the place of the script's"),
    "pause": Verb("control", "pause a run at its next step boundary"),
    "resume": Verb("control", "let a paused run go on"),
    "step": Verb("control", "let a paused run make one step"),
    "cancel": Verb("control", "withdraw a command that is still pending"),
    "snapshot": Verb("snapshot", "keep the state of a run, now or every N steps, or save it"),
    "snapshots": Verb("snapshot", "list the snapshots that a run keeps"),
    "rewind": Verb("snapshot", "put a snapshot back while the run goes on"),
    "guard": Verb(
        "guard", "leave harmful steps out, or pause or rewind, before they touch weights"
    ),
    "stop": Verb("stop", "end a run: Ctrl-C's way, or --terminate, or --kill"),
    "note": Verb("note", "add a note to a run"),
    "rename": Verb("manage", "give a run another name"),
    "tag": Verb("manage", "give a run tags, or take them away"),
    "delete": Verb("manage", "move a run that is over to the trash"),
    "restore": Verb("manage", "put a deleted run back, or list what is in the trash"),
    "diagnose": Verb("diagnose", "say what is wrong in a run or log, why, and what to do"),
    "guide": Verb("guide", "read about learning rates, and about each kind of finding"),
    "rules": Verb("rules", "have a run's findings acted on by themselves, within limits"),
    "compare": Verb("compare", "print the settings and results of several runs in one table"),
    "export": Verb("export", "write a run's series to a CSV file, or for TensorBoard"),
    "report": Verb("report", "write a run's curves, interventions and outcome to an HTML file"),
}

_WINDOW = Verb("window", "open the window on a run")

_USAGE = """\
usage: lrmonitor [--runs DIR] [RUN]            open the window
       lrmonitor [--runs DIR] VERB …           see `lrmonitor VERB --help`

Watch a PyTorch training run live and change its learning rate while it trains.

verbs:
{verbs}

options:
  --runs DIR    the folder of runs (default: $LRMONITOR_RUNS, else the user's data folder)
  --version     print the version
  -h, --help    print this

RUN is an id, a unique prefix of one, a name (of several the newest), a folder, or `latest`. The
window, show, export and report also take a log of another program: CSV, JSON lines, TensorBoard, …
Exit codes: 0 done, 2 usage, 3 refused, 4 no such run (or it is over), 5 pending at the time limit.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; its exit code. Errors of use are one sentence on stderr, and code 2."""
    try:
        code = _main(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Who read the output had enough. Python would complain once more at exit.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return codes.BROKEN_PIPE
    except KeyboardInterrupt:
        return codes.INTERRUPTED


def _main(argv: list[str]) -> int:
    runs, rest = _leading_options(argv)
    if rest and rest[0] in ("-h", "--help"):
        verbs = "\n".join(f"  {name:<10}{verb.help}" for name, verb in VERBS.items())
        print(_USAGE.format(verbs=verbs))
        return codes.DONE
    if rest and rest[0] in ("-V", "--version"):
        print(f"lrmonitor {__version__}")
        return codes.DONE
    if rest and rest[0] in VERBS:
        name = rest.pop(0)
        verb = VERBS[name]
    else:
        name, verb = "window", _WINDOW
        guess = len(rest) > 1 and rest[0] != "window"
        if guess and (near := difflib.get_close_matches(rest[0], VERBS, 1)):
            message = f"{rest[0]!r} is not a verb (did you mean {near[0]!r}?)"
            print(f"lrmonitor: {message}: see `lrmonitor --help`", file=sys.stderr)
            return codes.USAGE
        rest = rest[1:] if rest[:1] == ["window"] else rest
    parser = Parser(prog="lrmonitor")
    subparsers = parser.add_subparsers(dest="verb", required=True)
    importlib.import_module(f"lrmonitor.cli.{verb.module}").add_parser(subparsers)
    try:
        args = parser.parse_args([name, *runs, *rest])
    except SystemExit as done:  # --help, or an error that was told
        return done.code if isinstance(done.code, int) else codes.USAGE
    code: object = args.func(args)
    return code if isinstance(code, int) else codes.DONE


def _leading_options(argv: list[str]) -> tuple[list[str], list[str]]:
    """`--runs DIR` before the verb, as the verb itself takes it, and what follows."""
    runs: list[str] = []
    while argv:
        if argv[0] == "--runs" and len(argv) > 1:
            runs, argv = [f"--runs={argv[1]}"], argv[2:]
        elif argv[0].startswith("--runs="):
            runs, argv = [argv[0]], argv[1:]
        else:
            break
    return runs, argv
