"""How long a value takes from the disk to the screen, while the window runs by itself.

Run by `test_freshness.py`; by itself: `python -m tests.benchmarks.freshness [VALUES] [PER_SECOND]`.

Another process appends single values to a run's folder at random times and tells when each was on
the disk; the window (without a display) follows with its own timer. A value is on the screen when
the paint is over in which the curve holds it. What is printed (JSON): milliseconds, at the median
and at the 95th percentile, for values that come now and then and for a training that runs fast.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from lrmonitor.app.settings import Settings
from lrmonitor.app.theme import ThemeManager
from lrmonitor.app.window import MainWindow
from tests.app.folders import RunFolder

VALUES = 200

WRITER = """\
import random, struct, sys, time
path, first, count, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
draw = random.Random(0)
with open(path, "ab", buffering=0) as file:
    for step in range(first, first + count):
        time.sleep(draw.expovariate(rate))
        file.write(struct.pack("<qdd", step, time.time(), draw.random()))
        print(step, time.monotonic(), flush=True)
"""


class Painted(QObject):
    """Counts the paints of a widget."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def measure(window: MainWindow, run: RunFolder, values: int, rate: float) -> list[float]:
    """Seconds that each value took; `rate` a second are written."""
    assert window.view is not None
    assert window.view.plots is not None
    pane = window.view.plots
    series = run.path / "ranks" / "0" / "series" / "0.f64"
    first = len(pane.loss.curves[0].series) + 1
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(series), str(first), str(values), str(rate)],
        stdout=subprocess.PIPE,
        text=True,
    )
    painted = Painted()
    pane.canvas.installEventFilter(painted)
    seen: dict[int, float] = {}
    shown, count = first - 1, painted.count
    while shown < first + values - 1:
        QApplication.processEvents()
        if painted.count != count:
            count, now = painted.count, time.monotonic()
            newest = int(pane.loss.curves[0].raw.points()[0][-1])
            for step in range(shown + 1, newest + 1):
                seen[step] = now
            shown = max(shown, newest)
        else:
            time.sleep(0.0005)  # leaves the processor to the writer
    out, _ = writer.communicate()
    told = [line.split() for line in out.splitlines()]
    pane.canvas.removeEventFilter(painted)
    return [max(seen[int(step)] - float(when), 0.0) for step, when in told]


def main(values: int, rates: list[float]) -> None:
    """Measure in a folder of its own."""
    application = QApplication([])
    with tempfile.TemporaryDirectory(prefix="lrm-") as name:
        home = Path(name) / "runs"
        run = RunFolder(home).launch().register()
        run.train(50)
        window = MainWindow(home, Settings(Path(name) / "window.ini"), ThemeManager("light"))
        window.resize(1280, 800)
        window.show()
        window.open_run(run.path)
        while window.view is None or window.view.plots is None or not window.view.plots.newest():
            application.processEvents()
        window.ticker.start()
        found = {}
        for rate in rates:
            took = sorted(1000.0 * one for one in measure(window, run, values, rate))
            found[f"{rate:g} a second"] = {
                "median": statistics.median(took),
                "percentile_95": took[int(0.95 * len(took))],
            }
        print(json.dumps(found))
        window.leave_and_close()
        application.processEvents()


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else VALUES,
        [float(word) for word in sys.argv[2:]] or [4.0, 200.0],
    )
