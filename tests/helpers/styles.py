"""The table of docs/frameworks.md: one row for each style of training that a test has proven.

A test says what it found, and the row that is committed must say the same. To write the table anew
from tests that ran:

    LRMONITOR_OUTCOMES=/tmp/outcomes pytest tests/e2e -k wild -m ""
    python -m tests.helpers.styles /tmp/outcomes
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "frameworks.md"
TESTS = ROOT / "tests" / "e2e"
FILES = ("loops", "optimizers", "processes", "compile", "packages")
"""The tests, test_wild_*.py, in the order of the table."""

BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"

COLUMNS = {
    "loss": "loss exact",
    "rate": "rate exact",
    "pause": "pause, step",
    "stop": "stop",
    "norms": "norms",
}
"""What a test proves, in the order of the table. Each cell is "yes", or "no: why"."""

Outcome = dict[str, str]


def outcome(**cells: str) -> Outcome:
    """All is "yes" but what is told."""
    assert cells.keys() <= COLUMNS.keys()
    return {**dict.fromkeys(COLUMNS, "yes"), **cells}


def proven(style: str, found: Outcome) -> None:
    """The test of this style has found this: the committed row says it, or it is kept to be
    written (see above)."""
    told = os.environ.get("LRMONITOR_OUTCOMES")
    if told:
        folder = Path(told)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / (re.sub(r"\W+", "_", style) + ".json")
        file.write_text(json.dumps({"style": style, "outcome": found}))
        return
    committed = dict(committed_rows())
    assert committed.get(style) == row(style, found), f"docs/frameworks.md: see {__file__}"


def row(style: str, found: Outcome) -> str:
    """A line of the table."""
    return f"| {' | '.join([style, *(found[name] for name in COLUMNS)])} |"


def committed_rows() -> Iterator[tuple[str, str]]:
    """Each style of the committed table and its line."""
    table = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    for line in table.splitlines()[2:]:
        yield line.strip("| ").split(" | ")[0], line


def tested() -> list[str]:
    """The styles that tests are marked with, in the order of their lines and of `FILES`."""
    found: list[str] = []
    files = {file.stem.removeprefix("test_wild_"): file for file in TESTS.glob("test_wild_*.py")}
    for name in sorted(files, key=FILES.index):
        file = files[name]
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "style" and isinstance(node.args[0], ast.Constant):
                found.append(str(node.args[0].value))
    return found


def write(folder: Path) -> None:
    """Write the table from the outcomes in a folder; styles whose tests did not run keep theirs."""
    rows = dict(committed_rows())
    for file in folder.glob("*.json"):
        told = json.loads(file.read_text())
        rows[told["style"]] = row(told["style"], told["outcome"])
    head = f"| style | {' | '.join(COLUMNS.values())} |"
    lines = [head, "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [rows[style] for style in tested() if style in rows]
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
