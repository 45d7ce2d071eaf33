"""What the window costs while it runs: its processor time, and its memory over a long run.

Run by `test_window_running.py`; by itself, for a shorter trial:

    python -m tests.benchmarks.window_running demo SECONDS
    python -m tests.benchmarks.window_running replay HOURS SECONDS [console]

The window is a process of its own, without a display, 1280 × 800, with the docks of a first start.
What is printed (JSON) is what `demo` and `replay` return.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from lrmonitor.app.ticker import TICK_MS
from tests.app.folders import RunFolder
from tests.helpers.wait import wait_until

WARM = 5.0
"""Seconds between the first frame with curves and the measurement."""

WARM_HOURS = 3.0
"""Simulated hours before memory is measured: by then what a frame needs has its full size."""

SETTLING = 90
"""Ticks after which the window has read and drawn what there is."""

STEPS_A_SECOND = 10
NORM_STEPS = 16
"""Steps between two samples of the norms in the replayed run."""

HELD = 24_000
"""Lines that the replayed script has printed before memory is measured: more than the console
holds, so that what it holds has its full size by then."""

# The whole command, as a person's shell starts it. It tells when the curves are there; a line on
# its stdin asks how often it has ticked, and its end closes it.
WINDOW = """
import sys
from PySide6.QtCore import QSocketNotifier
from lrmonitor.app import main as app
from lrmonitor.cli.main import main

def told(window):
    if sys.stdin.readline():
        print(window.ticks, flush=True)
    else:
        window.leave_and_close()

def watch():
    from lrmonitor.app.window import MainWindow
    whole = MainWindow._after_first_frame
    def after(self):
        self.resize(1280, 800)
        whole(self)
        for dock in sys.argv[2:]:
            self.docks.show(dock, focus=False)
        self.ticks = 0
        self.ticker.ticked.connect(lambda: setattr(self, "ticks", self.ticks + 1))
        self.asked = QSocketNotifier(0, QSocketNotifier.Type.Read, self)
        self.asked.activated.connect(lambda: told(self))
        print("shown", flush=True)
    MainWindow._after_first_frame = after

numpy = app._import_numpy
app._import_numpy = lambda: (numpy(), watch())
sys.exit(main(["window", sys.argv[1]]))
"""

_RECORD = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])


@dataclass(frozen=True)
class Running:
    """`share`: processor time of the window's GUI thread in one core's, as if it had ticked as
    often as it wants to (on a busy machine it ticks less: `ticks` a second); `measured`: as it was;
    `others`: that of its other threads. `steps`: made by the training meanwhile."""

    seconds: float
    share: float
    measured: float
    others: float
    ticks: float
    steps: int


@dataclass(frozen=True)
class Growth:
    """Bytes that the window's memory grew by, and of the points that it read, from the end of the
    third simulated hour to the end of the last; the GUI thread's share of a core meanwhile."""

    hours: float
    memory: int
    data: int
    share: float


def demo(seconds: float) -> Running:
    """Watch the demo for some seconds."""
    words = [sys.executable, "-m", "lrmonitor"]
    start = [*words, "demo", "--detach", "--epochs", "1000"]
    subprocess.run(start, capture_output=True, check=True, timeout=120)
    try:
        wait_until(_step, 60, "the demo's first step")
        with window("latest") as watched:
            time.sleep(WARM)
            step, before = _step(), watched.used()
            time.sleep(seconds)
            made, after = _step() - step, watched.used()
    finally:
        subprocess.run(
            [*words, "stop", "--kill", "latest"], capture_output=True, check=False, timeout=60
        )
    took, gui, whole, ticks = (late - early for early, late in zip(before, after, strict=True))
    share = gui / ticks * 1000.0 / TICK_MS
    return Running(took, share, gui / took, (whole - gui) / took, ticks / took, made)


def replay(hours: float, seconds: float, home: Path, *docks: str) -> Growth:
    """Watch a run that does `hours` of training in about `seconds`: a loss and a rate at each step
    (10 a second), sampled norms, rate changes, notes, and output with a progress bar; with these
    docks in front."""
    run = RunFolder(home, created=time.time())
    run.launch().register()
    run.declare("grad_norm", "grad_norm", 0, None)
    console = run.path / "console.log"
    console.write_text("".join(_bar(19) + _line(number) for number in range(HELD)))
    feed = _Feed(run, console)
    with window(str(run.path), *docks) as watched:
        feed.until(3600.0 * WARM_HOURS, seconds / hours)
        memory, data, before = watched.memory(), feed.bytes, watched.used()
        feed.until(3600.0 * hours, seconds / hours)
        after = watched.used()
        share = (after[1] - before[1]) / (after[0] - before[0])
        return Growth(hours, watched.memory() - memory, feed.bytes - data, share)


@contextlib.contextmanager
def window(run: str, *docks: str) -> Iterator[Watched]:
    """A window on a run, once its curves are drawn; with these docks brought to the front."""
    env: Mapping[str, str] = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    words = [sys.executable, "-c", WINDOW, run, *docks]
    with subprocess.Popen(
        words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == "shown\n"
            yield Watched(process)
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()


class Watched:
    """A window's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def used(self) -> tuple[float, float, float, int]:
        """The time now, user and system time of the main thread and of all threads, in seconds,
        and the ticks so far."""
        pid = self._process.pid
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._process.stdin.write("ticks\n")
        self._process.stdin.flush()
        ticks = int(self._process.stdout.readline())
        gui, whole = (
            sum(map(int, Path(path).read_text().rpartition(")")[2].split()[11:13]))
            for path in (f"/proc/{pid}/task/{pid}/stat", f"/proc/{pid}/stat")
        )
        second = os.sysconf("SC_CLK_TCK")
        return time.monotonic(), gui / second, whole / second, ticks

    def memory(self) -> int:
        """Resident bytes, once it has read and drawn all that there is."""
        start = self.used()[3]
        wait_until(lambda: self.used()[3] >= start + SETTLING, 60, "the window's ticks")
        return int(psutil.Process(self._process.pid).memory_info().rss)


class _Feed:
    """Appends to a run as its supervisor and probe would, with times as if it had begun now."""

    def __init__(self, run: RunFolder, console: Path) -> None:
        self.bytes = 0
        self._run = run
        self._console = console
        self._begun = run.now
        self._folder = run.path / "ranks" / "0" / "series"
        self._folder.mkdir(exist_ok=True)
        self._noise = np.random.default_rng(1)
        self._factor = 1.0
        self._changes = 0

    def until(self, second: float, pace: float) -> None:
        """Go on to this second of the run, at `pace` real seconds for an hour of it."""
        while self._run.now - self._begun < second:
            part = min(3600.0 * 0.05 / pace, second - (self._run.now - self._begun))
            began = time.monotonic()
            self._train(max(round(part * STEPS_A_SECOND), 1))
            time.sleep(max(0.05 - (time.monotonic() - began), 0.0))

    def _train(self, steps: int) -> None:
        run = self._run
        step = np.arange(run.step + 1, run.step + steps + 1)
        moment = self._begun + step / STEPS_A_SECOND
        loss = 2.3 * np.exp(-step / 20000) + 0.2 + self._noise.normal(0, 0.05, steps)
        scheduled = 1e-3 * 0.5 * (1 + np.cos(np.pi * step / 300_000))
        sampled = step % NORM_STEPS == 0
        self._append("loss", step, moment, loss)
        self._append("scheduled[0.0]", step, moment, scheduled)
        self._append("lr[0.0]", step, moment, scheduled * self._factor)
        self._append("grad_norm", step[sampled], moment[sampled], loss[sampled] * 3)
        run.step, run.now = int(step[-1]), float(moment[-1])
        self._print(step)
        if run.step // 6000 > self._changes:
            self._change()

    def _change(self) -> None:
        """A rate command each ten minutes, and a note."""
        run = self._run
        self._changes = run.step // 6000
        before, self._factor = self._factor, 0.5 + self._changes % 3
        name = f"change-{self._changes}"
        run.command(name, "scale", self._factor)
        override = ("scale", self._factor)
        run.applied(name, "scale", self._factor, override, before * 1e-3, self._factor * 1e-3)
        run.note(f"looked at it after {self._changes * 10} minutes")

    def _append(self, name: str, *columns: np.ndarray) -> None:
        records = np.empty(len(columns[0]), _RECORD)
        for field, column in zip(("step", "time", "value"), columns, strict=True):
            records[field] = column
        data = records.tobytes()
        with open(self._folder / f"{self._run._series[name]}.f64", "ab", buffering=0) as file:
            file.write(data)
        self.bytes += len(data)

    def _print(self, step: np.ndarray) -> None:
        """A bar for each step, that overwrites itself; a line each two seconds."""
        with open(self._console, "a", encoding="utf-8") as file:
            for number in step.tolist():
                file.write(_bar(number % 20))
                if number % 20 == 0:
                    file.write(_line(number))


def _bar(done: int) -> str:
    return f"\r\033[32m{'#' * done}{'.' * (19 - done)}\033[0m {done:2d}/20"


def _line(number: int) -> str:
    return f"\rstep {number}: accuracy 0.9123\033[K\n"


def _step() -> int:
    """The step that the newest run is at."""
    folder = max(Path(os.environ["LRMONITOR_RUNS"]).iterdir())
    losses = folder / "ranks" / "0" / "series" / "0.f64"
    return losses.stat().st_size // _RECORD.itemsize if losses.exists() else 0


def main(words: list[str]) -> None:
    """The trial that the command line asks for, in folders of its own."""
    with tempfile.TemporaryDirectory(prefix="lrm-") as folder:
        home = Path(folder)
        os.environ.update(
            HOME=folder,
            XDG_CONFIG_HOME=str(home / "config"),
            LRMONITOR_RUNS=str(home / "runs"),
            LRMONITOR_RUNTIME_DIR=str(home / "run"),
        )
        result: Running | Growth
        if words[0] == "demo":
            result = demo(float(words[1]))
        else:
            result = replay(float(words[1]), float(words[2]), home / "runs", *words[3:])
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main(sys.argv[1:])
