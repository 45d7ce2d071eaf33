"""`lrmonitor diagnose` on recorded runs and on logs of others: which columns are taken, what is
said."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrmonitor.cli.main import main
from lrmonitor.diagnosis.source import Columns, SourceError, read_rows
from lrmonitor.record.foreign.reader import read_log
from lrmonitor.record.reader import RunReader
from tests.conftest import Isolated
from tests.helpers.recorded import T0, Recorded

FIELDS = {
    "id", "kind", "severity", "first_step", "detected_step", "last_step", "cause", "confidence",
    "evidence", "advice", "open", "outcome",
}  # fmt: skip


def losses(n: int = 400) -> list[float]:
    """A loss that falls and explodes at its last tenth."""
    draw = np.random.default_rng(0)
    loss = 0.3 + 2 * np.exp(-np.arange(n) / 80) + 0.03 * draw.standard_normal(n)
    loss[n * 9 // 10 :] = 50.0
    return loss.tolist()  # type: ignore[no-any-return]


def csv_of(path: Path, header: str, rows: Sequence[tuple[object, ...]]) -> Path:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", "utf-8")
    return path


def diagnosed(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert main(["diagnose", *map(str, words), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    told = json.loads(out)
    assert isinstance(told, dict)
    return told


def test_a_csv_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(i + 1, loss, 0.1) for i, loss in enumerate(losses())]
    told = diagnosed(capsys, csv_of(tmp_path / "log.csv", "step,loss,lr", rows))
    assert told["rows"] == 400
    assert told["known"]["lr"] is True
    assert told["known"]["val"] is False
    found = next(f for f in told["findings"] if f["kind"] == "divergence")
    assert set(found) == FIELDS
    assert found["cause"] == "lr_too_high"
    assert found["severity"] == "critical"
    assert 361 <= found["detected_step"] <= 366
    assert found["advice"]["action"] == "rewind"
    assert found["evidence"]["values"]["loss"] == 50.0


def test_it_is_told_in_words_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(i + 1, loss) for i, loss in enumerate(losses())]
    assert main(["diagnose", str(csv_of(tmp_path / "log.csv", "step,loss", rows))]) == 0
    out = capsys.readouterr().out
    assert "critical: divergence" in out
    assert "lr_too_high, confidence" in out
    quiet = [(i + 1, loss) for i, loss in enumerate(losses()[:300])]
    assert main(["diagnose", str(csv_of(tmp_path / "calm.csv", "step,loss", quiet))]) == 0
    assert capsys.readouterr().out == "nothing found in 300 losses\n"


def test_columns_may_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(i, 10 * i, 1.0, loss, 2 * loss) for i, loss in enumerate(losses())]
    path = csv_of(tmp_path / "log.csv", "step,seen,loss,perplexity,held_out", rows)
    assert not [f for f in diagnosed(capsys, path)["findings"] if f["kind"] == "divergence"]
    told = diagnosed(capsys, path, "--loss", "perplexity", "--val", "held_out", "--step", "seen")
    assert told["known"]["val"] is True
    (found,) = [f for f in told["findings"] if f["kind"] == "divergence"]
    assert found["first_step"] == 3600


def test_nan_in_a_log_is_non_finite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = [*losses()[:300], math.nan, math.nan, "inf"]
    rows = [(i + 1, value) for i, value in enumerate(values)]
    told = diagnosed(capsys, csv_of(tmp_path / "log.csv", "step,loss", rows))
    (found,) = told["findings"]
    assert (found["kind"], found["first_step"], found["last_step"]) == ("non_finite", 301, 303)


@pytest.mark.parametrize("text", ["step,loss\n", "step,loss\n1,2.5\n", "step,loss\n5,nan\n"])
def test_short_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text, "utf-8")
    told = diagnosed(capsys, path)
    assert len(told["findings"]) == ("nan" in text)


def test_what_cannot_be_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_of(tmp_path / "log.csv", "step,speed", [(1, 2), (2, 3)])
    assert main(["diagnose", str(path)]) == 2
    assert "speed" in capsys.readouterr().err
    assert main(["diagnose", str(path), "--loss", "lost"]) == 2
    assert "'lost'" in capsys.readouterr().err
    assert main(["diagnose", str(tmp_path / "none.csv")]) == 4


def test_a_recorded_run(isolated: Isolated, capsys: pytest.CaptureFixture[str]) -> None:
    run = Recorded(isolated.runs)
    run.training(steps=3)
    run.declare(3, "grad_norm", "grad_norm", recorded="samples")
    run.declare(4, "update_ratio", "update_ratio", recorded="samples")
    run.declare(5, "val_loss", "metric", optimizer=None)
    values = losses()
    run.points(0, [(n, T0 + n, values[n - 1]) for n in range(4, 401)])
    run.points(1, [(200, T0 + 200, 1e-4)])
    run.points(3, [(n, T0 + n, 1.0) for n in range(1, 401, 10)])
    run.points(4, [(n, T0 + n, 1e-3) for n in range(1, 401, 10)])
    run.points(5, [(100, T0 + 100, 0.9), (450, T0 + 450, 0.8)])
    reader = RunReader(run.folder)
    reader.poll()
    rows = read_rows(reader, Columns())
    assert len(rows) == 400
    assert rows.lr is not None
    assert rows.val is not None
    assert rows.grad_norm is not None
    assert rows.lr[198] == 1e-3
    assert rows.lr[199] == 1e-4
    assert rows.lr[399] == 1e-4
    assert np.flatnonzero(~np.isnan(rows.grad_norm)).tolist() == list(range(0, 400, 10))
    assert (rows.val[99], rows.val[399]) == (0.9, 0.8)  # what came after belongs to the last loss
    assert np.isnan(rows.val).sum() == 398
    told = diagnosed(capsys, run.id)
    assert "divergence" in {f["kind"] for f in told["findings"]}
    assert all(told["known"].values())


def test_a_run_without_a_loss_has_nothing_to_say(isolated: Isolated) -> None:
    run = Recorded(isolated.runs)
    reader = RunReader(run.folder)
    reader.poll()
    assert len(read_rows(reader, Columns())) == 0


def test_steps_that_are_counted_by_another_column_must_be_numbers(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "log.csv", "step,loss,seen", [(1, 2.0, ""), (2, 1.0, 7)])
    reader = read_log(path)
    reader.poll()
    with pytest.raises(SourceError, match="seen"):
        read_rows(reader, Columns(step="seen"))
