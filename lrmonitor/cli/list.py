"""`lrmonitor list`: the recorded runs, newest first."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.record.catalogue import RunEntry


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser("list", description="List the recorded runs, newest first.")
    common.add_runs(parser)
    common.add_json(parser)
    parser.set_defaults(func=list_runs)


@common.verb
def list_runs(args: argparse.Namespace) -> int:
    """Print the catalogue with each run's state."""
    from lrmonitor.record.catalogue import Catalogue

    folder = common.home(args)
    rows = [_row(entry) for entry in Catalogue(folder).runs()]
    if args.json:
        common.print_json(rows)
    elif rows:
        print(_table(rows))
    else:
        common.say(f"there are no runs in {folder} yet")
    return codes.DONE


def _row(entry: RunEntry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": entry.id,
        "name": entry.name,
        "kind": entry.kind,
        "created": entry.created,
        "folder": str(entry.folder),
        "problem": entry.problem,
        "state": None,
    }
    if entry.problem is None:
        row["state"] = common.state_json(common.read_state(entry.folder).state)
    return row


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [("RUN", "NAME", "STARTED", "STATE", "STEP")]
    for row in rows:
        state = row["state"]
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(row["created"]))
        if state is None:
            lines.append((row["id"], row["name"], began, f"broken: {row['problem']}", ""))
        else:
            step = "" if state["step"] is None else str(state["step"])
            lines.append((row["id"], row["name"], began, state["label"], step))
    return align(lines)


def align(lines: Sequence[tuple[str, ...]]) -> str:
    """Columns of text, two spaces apart. A text of several lines stays on one."""
    clean = [tuple(" ".join(cell.split()) for cell in line) for line in lines]
    widths = [max(len(line[i]) for line in clean) for i in range(len(clean[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in clean
    )
