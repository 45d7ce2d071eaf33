"""A long run with one spike of one step, here and in TensorBoard: how long until it is there, and
what is left of the spike.

Run by `test_beside_tensorboard.py`; by itself:

    python -m tests.benchmarks.beside_tensorboard [STEPS]

TensorBoard reads the event file of our own export with the reader that its server uses, at its
default of 1,000 samples a tag. What is printed (JSON): seconds of processor time to load, points
that are shown, and the greatest value among them (the spike is 50, all else below 2).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

from lrmonitor.cli.main import main as lrmonitor
from lrmonitor.model.picture import Picture
from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import POINT
from tests.app.folders import RunFolder

STEPS = 1_000_000
SPIKE = 50.0
SAMPLES = 1000
"""Scalars a tag that TensorBoard's server keeps, unless told otherwise."""

COLUMNS = 1500
"""Of a plot a thousand pixels wide."""


def recorded(home: Path, steps: int) -> Path:
    """A run of so many steps; the spike is at no round place."""
    run = RunFolder(home, "spike", created=1e9).launch(False).register()
    folder = run.path / "ranks" / "0" / "series"
    folder.mkdir(parents=True, exist_ok=True)
    records = np.empty(steps, POINT)
    records["step"] = np.arange(1, steps + 1)
    records["time"] = run.now + 1e-3 * records["step"]
    records["value"] = 1.0 + np.abs(np.random.default_rng(0).normal(0.0, 0.1, steps))
    records["value"][steps * 617 // 1000] = SPIKE
    (folder / "0.f64").write_bytes(records.tobytes())
    run.exited(0)
    return run.path


def ours(folder: Path) -> dict[str, float]:
    """From the folder to what is drawn at full zoom-out."""
    begin = time.process_time()
    model = RunModel(folder)
    model.poll()
    series = model.loss()
    assert series is not None
    picture = Picture(series)
    picture.follow()
    drawn = picture.drawn(0, len(series), COLUMNS)
    took = time.process_time() - begin
    return {"seconds": took, "points": len(drawn.x), "greatest": float(np.nanmax(drawn.y))}


def theirs(folder: Path) -> dict[str, float]:
    """From the event file to the samples that the page is given."""
    begin = time.process_time()
    events = EventAccumulator(str(folder), size_guidance={SCALARS: SAMPLES})
    events.Reload()
    values = [one.value for one in events.Scalars("loss")]
    took = time.process_time() - begin
    return {"seconds": took, "points": len(values), "greatest": max(values)}


def main(steps: int) -> None:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="lrm-") as name:
        run = recorded(Path(name) / "runs", steps)
        exported = Path(name) / "events"
        assert lrmonitor(["export", str(run), str(exported), "--format", "tensorboard"]) == 0
        print(json.dumps({"lrmonitor": ours(run), "TensorBoard": theirs(exported)}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS)
