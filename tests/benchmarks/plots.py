"""What the plots of a very long run cost: opening it, and each frame while it goes on.

Run by `test_plots.py`; by itself, with fewer steps for a trial:

    python -m tests.benchmarks.plots [STEPS]

The window (1280 × 800, without a display) shows a run's folder with a loss, two logged metrics and
both rates of a group, all recorded at each step: four plots of `STEPS` points, and five series.
What is printed (JSON) is a `Cost`. All times are processor time of the GUI thread.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from lrmonitor.app.pace import Pace
from lrmonitor.app.plots.pane import PlotPane
from lrmonitor.app.plots.ranges import StepWindow
from lrmonitor.app.settings import Settings
from lrmonitor.app.theme import ThemeManager
from lrmonitor.app.window import MainWindow
from tests.app.folders import RunFolder

STEPS = 10_000_000
SERIES = ("loss", "lr[0.0]", "scheduled[0.0]", "accuracy", "grad_norm")
FRAMES = 300
TICKS_A_SECOND = 30
SPIKES = 100
"""Steps of one spike and of one nan, which are to be drawn too."""

_RECORD = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])


@dataclass(frozen=True)
class Frames:
    """Milliseconds of a frame: reading what is new, drawing and painting, and the ticks since the
    last one (see `app.pace`); what a mouse moves is drawn at once, so there it is one tick.

    `loop`: the median of milliseconds that a plain loop takes, between the frames. A shared machine
    is up to twice as slow at one time as at another: compare frames with that."""

    median: float
    percentile_99: float
    longest: float
    loop: float


@dataclass(frozen=True)
class Cost:
    """`opening`: seconds from the folder to the first painted picture of all points. `memory`:
    private bytes a point (of one series), once all is drawn. `diagnosed`: seconds until the
    diagnosis, a process beside the window, had looked through all of it. `frames`: by what is done,
    the first of them meanwhile, the others after it; `dropped`: points that were written and are
    not in the model at the end."""

    steps: int
    points: int
    opening: float
    memory: float
    diagnosed: float
    frames: dict[str, Frames]
    dropped: int


class Training:
    """A run's folder whose series grow as a training would let them."""

    def __init__(self, home: Path) -> None:
        self.run = RunFolder(home).launch().register()
        for name in ("accuracy", "grad_norm"):
            self.run.declare(name, "metric", None, None)
        self._folder = self.run.path / "ranks" / "0" / "series"
        self._folder.mkdir(parents=True)
        self._random = np.random.default_rng(0)
        self.steps = 0

    def go_on(self, steps: int) -> None:
        """So many steps more."""
        done = 0
        while done < steps:
            count = min(steps - done, 1_000_000)
            self._append(count)
            done += count

    def _append(self, count: int) -> None:
        step = np.arange(self.steps + 1, self.steps + count + 1)
        self.steps += count
        noise = self._random.normal(0.0, 0.1, count)
        loss = 2.0 * np.exp(-step / (0.2 * STEPS)) + 0.3 + 0.3 * np.abs(noise)
        loss[step % (STEPS // SPIKES) == 77] = 4.0
        loss[step % (STEPS // SPIKES) == 99] = np.nan
        rate = 1e-3 * (0.5 + 0.5 * np.cos(np.pi * step / (2 * STEPS)))
        half = np.where(step > STEPS // 2, 0.5, 1.0)
        columns = (loss, rate * half, rate, 1.0 - loss / 5.0, 10.0 + 30.0 * noise)
        records = np.empty(count, _RECORD)
        records["step"] = step
        records["time"] = self.run.now + 1e-4 * step
        for number, column in enumerate(columns):
            records["value"] = column
            with open(self._folder / f"{number}.f64", "ab") as file:
                file.write(records.tobytes())


class Watching:
    """A window on the run, that ticks when it is told to."""

    def __init__(self, home: Path, application: QApplication) -> None:
        self._application = application
        self.window = MainWindow(home, Settings(home.parent / "window.ini"), ThemeManager("light"))
        self.window.resize(1280, 800)
        self.window.show()
        self._settle()
        self.window.ticker.stop()

    @property
    def pane(self) -> PlotPane:
        """Its plots."""
        assert self.window.view is not None
        assert self.window.view.plots is not None
        return self.window.view.plots

    @property
    def pace(self) -> Pace:
        """How often the window looks and draws."""
        assert self.window.view is not None
        return self.window.view.pace

    def open(self, folder: Path) -> float:
        """Open the run; the seconds until its curves are painted."""
        begin = time.thread_time()
        self.window.open_run(folder)
        while self.window.view is None or self.window.view.plots is None:
            self._application.processEvents()
        self.window.ticker.stop()
        while not self._drawn():
            self.window.ticker.tick()
            self._application.processEvents()
        self.pane.canvas.repaint()
        return time.thread_time() - begin

    def frame(self, act: Callable[[], None] | None) -> float:
        """Milliseconds of the ticks of a frame, of what the person did, and of its painting."""
        begin = time.thread_time()
        if act is not None:
            act()
        looked = False
        while not looked:
            self.window.ticker.tick()
            self._application.processEvents()
            looked = act is not None or self.pace.looked
        return 1000.0 * (time.thread_time() - begin)

    def catch_up(self) -> None:
        """Go on until all that was recorded so far has been diagnosed."""
        session = self.window.session
        assert session is not None
        while not session.diagnosis.settled:
            self.window.ticker.tick()
            self._application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 33)

    def close(self) -> None:
        """Leave the run as it is."""
        self.window.leave_and_close()
        self._settle()

    def _drawn(self) -> bool:
        curves = self.pane.loss.curves
        if 0 not in curves:
            return False
        x = curves[0].raw.points()[0]
        return x is not None and len(x) > 0

    def _settle(self) -> None:
        for _ in range(5):
            self._application.processEvents()


def measure(steps: int, home: Path) -> Cost:
    """Write the run, open it, and let it go on while one follows, pans and zooms."""
    application = QApplication.instance() or QApplication(["plots"])
    assert isinstance(application, QApplication)
    training = Training(home)
    training.go_on(steps)
    watching = Watching(home, application)
    process = psutil.Process()
    before = process.memory_full_info().uss
    opening = watching.open(training.run.path)
    for _ in range(10):
        watching.frame(None)
    memory = process.memory_full_info().uss - before
    points = steps * len(SERIES)
    frames = {}
    begin = time.monotonic()
    watching.pane.fit()
    frames["following beside the diagnosis"] = _frames(watching, training, 10_000, None)
    watching.catch_up()
    diagnosed = time.monotonic() - begin
    for name, rate, show, act in _acts(watching, steps):
        show()
        frames[name] = _frames(watching, training, rate, act)
    watching.frame(None)
    session = watching.window.session
    assert session is not None
    assert session.model.rank is not None
    kept = sum(len(series) for series in session.model.rank.series.values())
    dropped = training.steps * len(SERIES) - kept
    watching.close()
    return Cost(steps, points, opening, memory / points, diagnosed, frames, dropped)


Act = tuple[str, int, Callable[[], None], Callable[[], None] | None]


def _acts(watching: Watching, steps: int) -> list[Act]:
    """What is done, points a second that arrive in each series, how it begins, and each frame."""
    pane = watching.pane
    count = 0

    def near() -> None:
        pane._move(StepWindow(0.99 * steps, 1.0 * steps, True, False))

    def pan() -> None:
        nonlocal count
        count += 1
        pane._pan((-1 if count // 100 % 2 else 1) * 0.002 * steps)

    def zoom() -> None:
        nonlocal count
        count += 1
        pane._zoom(0.9 if count // 100 % 2 else 1 / 0.9, 0.4 * steps)

    def anew() -> None:
        pane.refresh()
        pane.canvas.update()

    def part() -> None:
        pane._move(StepWindow(0.3 * steps, 0.5 * steps, False, False))

    return [
        ("following all of it", 10_000, pane.fit, None),
        ("following the newest hundredth", 10_000, near, None),
        ("panning", 10_000, part, pan),
        ("zooming", 10_000, part, zoom),
        ("drawing all of it anew", 0, pane.fit, anew),
        ("100,000 points a second", 100_000, pane.fit, None),
    ]


def _frames(
    watching: Watching, training: Training, rate: int, act: Callable[[], None] | None
) -> Frames:
    """Frames while so many points a second arrive in each series."""
    took, loops = [], []
    for _ in range(FRAMES):
        loops.append(_loop())
        training.go_on(rate * (watching.pace.ticks if act is None else 1) // TICKS_A_SECOND)
        took.append(watching.frame(act))
    took.sort()
    middle, loop = statistics.median(took), statistics.median(loops)
    return Frames(middle, took[int(0.99 * len(took))], took[-1], loop)


def _loop() -> float:
    """Milliseconds of 10,000 additions, which no change of ours makes faster or slower."""
    begin, total = time.thread_time(), 0
    for number in range(10_000):
        total += number
    return 1000.0 * (time.thread_time() - begin)


def main(words: list[str]) -> None:
    """Measure in folders of its own."""
    with tempfile.TemporaryDirectory(prefix="lrm-") as folder:
        home = Path(folder)
        os.environ.update(
            HOME=folder,
            XDG_CONFIG_HOME=str(home / "config"),
            LRMONITOR_RUNS=str(home / "runs"),
            LRMONITOR_RUNTIME_DIR=str(home / "run"),
        )
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        (home / "runs").mkdir()
        cost = measure(int(words[0]) if words else STEPS, home / "runs")
    print(json.dumps(asdict(cost)))


if __name__ == "__main__":
    main(sys.argv[1:])
