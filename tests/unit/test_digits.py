"""The demo's script and its data: what it says it is, learning, and reproducible."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lrmonitor.resources import resource_path

#: Digits of each class in the UCI test set, from the set's own description.
UCI_CLASS_COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]

EPOCH = re.compile(
    r"epoch +(\d+)  loss ([\d.]+)  validation loss ([\d.]+)  accuracy ([\d.]+)%", re.ASCII
)


def _train(*arguments: str, cwd: Path) -> str:
    pytest.importorskip("torch")
    script = resource_path("examples", "digits.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_data_is_the_uci_test_set() -> None:
    with gzip.open(resource_path("examples", "digits.csv.gz"), "rt", encoding="ascii") as lines:
        rows = [[int(cell) for cell in line.split(",")] for line in lines]
    assert len(rows) == 1797
    assert {len(row) for row in rows} == {65}
    pixels = [cell for row in rows for cell in row[:-1]]
    assert (min(pixels), max(pixels)) == (0, 16)
    labels = [row[-1] for row in rows]
    assert [labels.count(digit) for digit in range(10)] == UCI_CLASS_COUNTS
    # The sum over all pixels, as `sklearn.datasets.load_digits().data.sum()` gives it.
    assert sum(pixels) == 561718


def test_data_is_attributed_beside_it() -> None:
    readme = resource_path("examples", "README.md").read_text(encoding="utf-8")
    script = resource_path("examples", "digits.py").read_text(encoding="utf-8")
    for text in (readme, script):
        assert "CC BY 4.0" in text
        assert "Alpaydin" in text
        assert "10.24432/C50P49" in text


def test_script_knows_nothing_of_lrmonitor() -> None:
    lines = resource_path("examples", "digits.py").read_text(encoding="utf-8").splitlines()
    imports = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imports == {"argparse", "gzip", "math", "pathlib", "torch", "torch.nn"}


def test_script_learns_and_repeats_itself(tmp_path: Path) -> None:
    # One epoch alone is short for the rate that is meant for all of them.
    words = ("--epochs", "1", "--lr", "0.02", "--seed", "3")
    first = _train(*words, cwd=tmp_path)
    assert _train(*words, cwd=tmp_path) == first
    epochs = EPOCH.findall(first)
    assert [epoch for epoch, *_ in epochs] == ["1"]
    _, loss, validation, accuracy = epochs[0]
    assert 0 < float(loss) < 2.3  # ln 10 is what guessing gives
    assert 0 < float(validation) < 1.5
    assert float(accuracy) > 50
    assert not list(tmp_path.glob("*.csv"))  # it writes no files


def test_script_takes_rate_and_seed(tmp_path: Path) -> None:
    slow = EPOCH.findall(_train("--epochs", "1", "--lr", "1e-6", cwd=tmp_path))
    assert float(slow[0][1]) == pytest.approx(2.3, abs=0.1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_script_reads_well_with_its_defaults(tmp_path: Path) -> None:
    """The whole demo: minutes long, and better than 95 % on writers it has hardly seen."""
    epochs = EPOCH.findall(_train(cwd=tmp_path))
    losses = [float(loss) for _, loss, *_ in epochs]
    assert len(epochs) == 200
    assert losses[-1] < losses[len(losses) // 2] < losses[10]
    assert float(epochs[-1][3]) > 95
