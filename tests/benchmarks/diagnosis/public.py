"""The public curves that the detectors were developed beside, with what is found in each, as a
page.

`python -m tests.benchmarks.diagnosis.public FOLDER PAGE.html`: all CSV files below a folder; of a
table with the columns `task` and `config` each run is drawn by itself.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis import Chunk, diagnose
from tests.benchmarks.diagnosis.page import document, section

Table = list[dict[str, str]]
LOSSES, VALIDATION = ("loss", "train_ppl"), ("val_loss", "test_ppl")


def column(table: Table, *names: str) -> npt.NDArray[np.float64] | None:
    """The first of these columns that is there, nan where it is empty."""
    for name in names:
        if name in table[0]:
            return np.array([float(row[name] or "nan") for row in table])
    return None


def tables(folder: Path) -> list[tuple[str, Table]]:
    """All curves by name."""
    found = []
    for path in sorted(folder.rglob("*.csv")):
        rows = list(csv.DictReader(path.open(encoding="utf-8")))
        name = f"{path.parent.name}/{path.stem}"
        if rows and "config" in rows[0]:
            groups: dict[str, Table] = defaultdict(list)
            for row in rows:
                key = f"{row['task']} {row['config']} ({row.get('class_by_rule', '')})"
                groups[key].append(row)
            found += [(f"{name}: {key}", table) for key, table in groups.items()]
        elif rows:
            found.append((name, rows))
    return found


def main(folder: str, page: str) -> None:
    """Draw all; print a line each."""
    parts = ["<h1>Public curves</h1>"]
    for name, table in tables(Path(folder)):
        steps, loss = column(table, "step", "epoch"), column(table, *LOSSES)
        if steps is None or loss is None:
            continue
        chunk = Chunk(
            np.round(steps).astype(np.int64),
            loss,
            column(table, "lr"),
            column(table, *VALIDATION),
            column(table, "grad_norm"),
        )
        found = diagnose([chunk])
        parts.append(section(name, chunk.step, chunk.loss, found))
        told = [f"{f.kind} {f.severity} at {f.detected_step}" for f in found]
        print(f"{name}: {', '.join(told) or 'nothing'}")
    Path(page).write_text(document(parts), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
