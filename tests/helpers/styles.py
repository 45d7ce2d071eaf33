"""The tables of docs/frameworks.md: one row for each style of training that tests have proven.

A test says what it found, and the cells that are committed must say the same. To write the tables
anew from tests that ran:

    LRMONITOR_OUTCOMES=/tmp/outcomes pytest tests/e2e -k "wild or loops" -m ""
    python -m tests.helpers.styles /tmp/outcomes
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "frameworks.md"
TESTS = ROOT / "tests" / "e2e"
FILES = ("loops", "optimizers", "processes", "compile", "packages")
"""The tests, test_wild_*.py, in the order of the table."""
TABLES = {
    "table": {
        "loss": "loss exact",
        "rate": "rate exact",
        "pause": "pause, step",
        "stop": "stop",
        "norms": "norms",
    },
    "steering table": {
        "ramp": "ramp",
        "schedule": "schedule",
        "snapshot": "snapshot",
        "rewind": "rewind",
        "guard": "guard",
        "range": "range test",
        "trial": "trial",
    },
}
"""What tests prove, in the order of the columns, by the name of the table in the page's comments.
Each cell is "yes", or "no: why"."""

Outcome = dict[str, str]
"""Cells of a style that a test has filled, in one table or several."""

NO_OPTIMIZER = "no: it steps no torch optimizer"
TOGETHER = "no: 2 processes train together"
CLOSURE = "no: stepped with a closure"
NO_LBFGS = "no: it searches for a step size of its own"
"""Why a style cannot be steered, or not in all ways."""


def outcome(**cells: str) -> Outcome:
    """What a trial fills (see wild.py): all is "yes" but what is told."""
    tried = (*TABLES["table"], "ramp", "schedule")
    return {**dict.fromkeys(tried, "yes"), **cells}


def proven(style: str, found: Outcome) -> None:
    """A test of this style has found this: the committed cells say it, or it is kept to be written
    (see above)."""
    assert found.keys() <= {key for columns in TABLES.values() for key in columns}
    told = os.environ.get("LRMONITOR_OUTCOMES")
    if told:
        folder = Path(told)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / (re.sub(r"\W+", "_", style) + ".json")
        known = json.loads(file.read_text())["outcome"] if file.exists() else {}
        file.write_text(json.dumps({"style": style, "outcome": {**known, **found}}))
        return
    committed: Outcome = {}
    for table in TABLES:
        committed.update(rows(table).get(style, {}))
    said = {key: committed.get(key) for key in found}
    assert said == found, f"docs/frameworks.md: see {__file__}"


def rows(table: str) -> dict[str, Outcome]:
    """The cells of each style of a committed table, in the order of its lines."""
    begin, end = _bounds(table)
    lines = PAGE.read_text("utf-8").partition(begin)[2].partition(end)[0].splitlines()[2:]
    found: dict[str, Outcome] = {}
    for line in lines:
        style, *cells = line.strip("| ").split(" | ")
        assert style not in found
        found[style] = dict(zip(TABLES[table], cells, strict=True))
    return found


def tested() -> list[str]:
    """The styles that tests are marked with, in the order of their lines and of `FILES`."""
    files = {file.stem.removeprefix("test_wild_"): file for file in TESTS.glob("test_wild_*.py")}
    return [style for name in sorted(files, key=FILES.index) for style in marked(files[name])]


def marked(file: Path) -> list[str]:
    """The styles that the tests of a file are marked with, in the order of their lines."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = getattr(called, "attr", getattr(called, "id", ""))
        if name == "style" and isinstance(node.args[0], ast.Constant):
            found.append((node.lineno, str(node.args[0].value)))
    return [style for _, style in sorted(found)]


def _bounds(table: str) -> tuple[str, str]:
    return f"<!-- {table} -->\n", f"<!-- end of {table} -->\n"


def write(folder: Path) -> None:
    """Write the tables from the outcomes in a folder; cells whose tests did not run stay."""
    outcomes = [json.loads(file.read_text()) for file in folder.glob("*.json")]
    for table, columns in TABLES.items():
        known = rows(table)
        for told in outcomes:
            row = known.setdefault(told["style"], {})
            row.update((key, told["outcome"][key]) for key in columns if key in told["outcome"])
        lines = [f"| style | {' | '.join(columns.values())} |", "|---" * (len(columns) + 1) + "|"]
        for style in tested():
            if style in known:
                cells = [known[style].get(key, "no: not tried") for key in columns]
                lines.append(f"| {' | '.join([style, *cells])} |")
        begin, end = _bounds(table)
        before, _, rest = PAGE.read_text("utf-8").partition(begin)
        after = rest.partition(end)[2]
        PAGE.write_text(before + begin + "\n".join(lines) + "\n" + end + after, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
