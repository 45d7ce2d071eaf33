"""No thread of the probe computes with torch: each that does has its own team of threads made, and
with more threads than cores OpenMP lets all of them sleep between operations, the training's
too."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrmonitor.link.messages import SnapshotCommand
from tests.helpers.both import SCRIPTS
from tests.helpers.launch import TIMEOUT, plain
from tests.helpers.live import live
from tests.helpers.wait import wait_until

SCRIPT = SCRIPTS / "teams.py"


def test_torch_computes_with_as_many_threads_as_without_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LRMONITOR_SNAPSHOTS")
    out, end = tmp_path / "out", tmp_path / "end"
    with live(SCRIPT, out, end) as run:
        sizes = run.folder / "ranks" / "0" / "sizes.0.jsonl"
        wait_until(lambda: sizes.exists() and sizes.read_text().count("\n") > 2, TIMEOUT)
        run.do(SnapshotCommand(save=str(tmp_path / "state.pt")))
        run.go_on(20)
        end.touch()
        run.finish()
    watched = int(out.read_text())
    done = plain(SCRIPT, out, end)
    assert done.returncode == 0, done.stderr.decode()
    assert watched == int(out.read_text())
