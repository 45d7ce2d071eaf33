"""`lrmonitor list`: the recorded runs, newest first."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.model.live import LiveRun
    from lrmonitor.record.catalogue import RunEntry


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser("list", description="List the recorded runs, newest first.")
    parser.add_argument(
        "--live",
        action="store_true",
        help="only those that go on now, in whatever folder of runs they are",
    )
    parser.add_argument("--tag", metavar="TAG", help="only those with this tag")
    parser.add_argument(
        "--match", metavar="REGEX", help="only those in whose name, id or script this is found"
    )
    common.add_runs(parser)
    common.add_json(parser)
    parser.set_defaults(func=list_runs)


@common.verb
def list_runs(args: argparse.Namespace) -> int:
    """Print the catalogue with each run's state."""
    from lrmonitor.record.catalogue import Catalogue

    folder = common.home(args)
    if args.live:
        return _list_live(args, folder)
    entries = Catalogue(folder).runs()
    rows = [row for row in map(_row, entries) if _wanted(args, row)]
    if args.json:
        common.print_json(rows)
    elif rows:
        print(_table(rows))
    elif entries:
        common.say("no run is like that")
    else:
        common.say(f"there are no runs in {folder} yet")
    return codes.DONE


def _wanted(args: argparse.Namespace, row: dict[str, Any]) -> bool:
    if args.tag is not None and args.tag.lstrip("#") not in row["tags"]:
        return False
    if args.match is None:
        return True
    from lrmonitor.model.comparison import matching

    found, problem = matching(args.match, [f"{row['name']} {row['id']} {row['script']}"])
    if problem is not None:
        raise common.VerbError(codes.USAGE, f"--match {args.match!r}: {problem}")
    return bool(found)


def _list_live(args: argparse.Namespace, folder: Path) -> int:
    from lrmonitor.model.live import LiveRuns

    runs = LiveRuns(folder).refresh()
    if args.json:
        common.print_json(
            [
                {
                    "id": run.id,
                    "name": run.name,
                    "kind": run.kind,
                    "created": run.begun,
                    "folder": str(run.folder),
                    "command": run.command,
                    "loss": run.loss,
                    "state": common.state_json(run.state),
                }
                for run in runs
            ]
        )
    elif runs:
        print(_live_table(runs, folder))
    else:
        common.say(
            "no run goes on: start one with `lrmonitor run SCRIPT`, or call lrmonitor.start() "
            "in a notebook"
        )
    return codes.DONE


def _live_table(runs: list[LiveRun], home: Path) -> str:
    from lrmonitor.model.state import duration

    lines = [("RUN", "NAME", "COMMAND", "AGE", "STATE", "STEP", "LOSS")]
    for run in runs:
        # What can be typed for it: an id is looked up in one folder of runs only.
        named = run.id if run.folder.parent == home else str(run.folder)
        step = "" if run.step is None else str(run.step)
        loss = "" if run.loss is None else f"{run.loss:.4g}"
        age = duration(time.time() - run.begun)
        lines.append((named, run.name, run.command, age, run.state.label, step, loss))
    return align(lines)


def _row(entry: RunEntry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": entry.id,
        "name": entry.name,
        "kind": entry.kind,
        "created": entry.created,
        "folder": str(entry.folder),
        "problem": entry.problem,
        "script": str(entry.info.get("script") or ""),
        "tags": [],
        "state": None,
    }
    if entry.problem is None:
        model = common.read_state(entry.folder)
        row |= {
            "name": model.name,
            "tags": list(model.tags),
            "state": common.state_json(model.state),
        }
    return row


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [("RUN", "NAME", "STARTED", "STATE", "STEP", "TAGS")]
    for row in rows:
        state = row["state"]
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(row["created"]))
        label, step = f"broken: {row['problem']}", ""
        if state is not None:
            label = state["label"]
            step = "" if state["step"] is None else str(state["step"])
        lines.append((row["id"], row["name"], began, label, step, " ".join(row["tags"])))
    if not any(line[-1] for line in lines[1:]):
        return align([line[:-1] for line in lines])
    return align(lines)


def align(lines: Sequence[tuple[str, ...]]) -> str:
    """Columns of text, two spaces apart. A text of several lines stays on one."""
    clean = [tuple(" ".join(cell.split()) for cell in line) for line in lines]
    widths = [max(len(line[i]) for line in clean) for i in range(len(clean[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in clean
    )
