"""`lrmonitor compare RUN RUN …`: what several runs were started with, and what came out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.model.comparison import Statistics


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "compare",
        description="Print one table of several runs: state, steps, the series' last, least and "
        "mean values, and the settings that are not the same in all of them.",
    )
    parser.add_argument("run", metavar="RUN", nargs="+", help="an id, a name, a folder, `latest`")
    parser.add_argument(
        "--series",
        metavar="REGEX",
        default="^loss$",
        help="the series whose name this is found in (default: ^loss$)",
    )
    parser.add_argument(
        "--all-settings", action="store_true", help="also those that are the same in all"
    )
    common.add_runs(parser)
    common.add_json(parser)
    parser.set_defaults(func=compare)


@common.verb
def compare(args: argparse.Namespace) -> int:
    """Read the runs and print the table, a column each."""
    from lrmonitor.model.comparison import (
        all_series,
        differing,
        matching,
        settings,
        statistics,
    )
    from lrmonitor.model.run import RunModel

    rows: list[dict[str, Any]] = []
    found: list[str] = []
    for word in args.run:
        entry = common.find_run(argparse.Namespace(run=word, runs=args.runs))
        model = RunModel(entry.folder)
        model.poll()
        series = all_series(model)
        names, problem = matching(args.series, series)
        if problem is not None:
            raise common.VerbError(codes.USAGE, f"--series {args.series!r}: {problem}")
        found += [name for name in names if name not in found]
        rows.append(
            {
                "id": entry.id,
                "name": model.name,
                "tags": list(model.tags),
                "state": common.state_json(model.state),
                "settings": settings(model),
                "series": {name: _figures(statistics(series[name])) for name in names},
            }
        )
    if args.json:
        common.print_json(rows)
        return codes.DONE
    unlike, same = differing([row["settings"] for row in rows])
    print(_table(rows, found, [*unlike, *(same if args.all_settings else [])]))
    if same and not args.all_settings:
        common.say(f"the same in all of them: {', '.join(same)}")
    return codes.DONE


def _figures(found: Statistics) -> dict[str, Any]:
    return {
        "last": found.last,
        "min": found.least,
        "min_step": found.least_step,
        "mean": found.mean,
        "points": found.count,
        "non_finite": found.lost,
    }


def _table(rows: list[dict[str, Any]], series: list[str], names: list[str]) -> str:
    from lrmonitor.cli.list import align

    lines = [("", *(row["name"] for row in rows))]
    lines.append(("run", *(row["id"] for row in rows)))
    lines.append(("state", *(row["state"]["label"] for row in rows)))
    steps = ["" if row["state"]["step"] is None else str(row["state"]["step"]) for row in rows]
    lines.append(("step", *steps))
    for name in series:
        for key in ("last", "min", "mean"):
            values = [row["series"].get(name, {}).get(key) for row in rows]
            told = ["" if value is None else f"{value:.6g}" for value in values]
            lines.append((f"{name} {key}", *told))
    for name in names:
        lines.append((name, *(row["settings"].get(name, "") for row in rows)))
    return align(lines)
