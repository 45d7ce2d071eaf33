"""What a frame of a comparison costs: 20 runs of a million steps each, overlaid.

Run by `test_overlay.py`; by itself: `python -m tests.benchmarks.overlay [RUNS] [STEPS]`. What is
printed (JSON): milliseconds of processor time of the GUI thread for a frame, its median and its
90th percentile, while all of it is drawn, while it is moved and while it is zoomed; and the
seconds until it is open.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from lrmonitor.app.compare.view import CompareView
from lrmonitor.app.theme import LIGHT
from tests.app.folders import RunFolder

RUNS, STEPS, FRAMES = 20, 1_000_000, 120

_RECORD = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])


def recorded(home: Path, number: int, steps: int) -> Path:
    """A run that is over, of so many steps."""
    run = RunFolder(home, f"{number:04d}", created=1e9 + number).launch(False).register()
    folder = run.path / "ranks" / "0" / "series"
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(number)
    step = np.arange(1, steps + 1)
    records = np.empty(steps, _RECORD)
    records["step"], records["time"] = step, run.now + 1e-3 * step
    noise = np.abs(random.normal(0.0, 0.1, steps))
    records["value"] = 2.0 * np.exp(-step / (0.1 + 0.02 * number) / steps) + 0.2 + noise
    (folder / "0.f64").write_bytes(records.tobytes())
    records[:1].tofile(folder / "1.f64")
    run.exited(0)
    return run.path


def frames(
    view: CompareView, application: QApplication, act: Callable[[], None]
) -> tuple[float, float]:
    """The median and the 90th percentile of a frame: what was done, drawing, painting."""
    took = []
    for _ in range(FRAMES):
        begin = time.thread_time()
        act()
        application.processEvents()  # paints what was drawn
        took.append(1000.0 * (time.thread_time() - begin))
    took.sort()
    return statistics.median(took), took[int(0.9 * len(took))]


def main(runs: int, steps: int) -> None:
    """Measure in a folder of its own."""
    application = QApplication([])
    with tempfile.TemporaryDirectory(prefix="lrm-") as name:
        folders = [recorded(Path(name), number, steps) for number in range(runs)]
        begin = time.thread_time()
        view = CompareView(folders, LIGHT)
        view.bar.pattern.setText("^loss$")
        view.resize(1040, 740)
        view.show()
        application.processEvents()
        opening = time.thread_time() - begin
        way = [1.0]

        def pan() -> None:
            view._pan(way[0] * steps / 400)
            way[0] = -way[0]

        notch = 0

        def zoom() -> None:  # ten notches in, ten out: what is drawn changes with the width
            nonlocal notch
            view._zoom(0.9 if notch % 20 < 10 else 1 / 0.9, steps / 2)
            notch += 1

        def anew() -> None:
            view.refresh()
            view.canvas.update()

        found = {"opening": opening, "drawing": frames(view, application, anew)}
        view._zoom(0.5, steps / 2)
        found["moving"] = frames(view, application, pan)
        found["zooming"] = frames(view, application, zoom)
        print(json.dumps(found))
        view.close()


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else RUNS,
        int(sys.argv[2]) if len(sys.argv) > 2 else STEPS,
    )
