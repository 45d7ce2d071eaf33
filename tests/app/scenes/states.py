"""Runs in states that need more than a folder, and the window at other sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QDialog

from lrmonitor.diagnosis.rule_presets import PRESETS
from lrmonitor.probe.lone import NO_OPTIMIZER
from tests.app.folders import RunFolder, falling
from tests.app.studio import Studio

if TYPE_CHECKING:
    from lrmonitor.app.window import MainWindow

__all__ = ["pictures"]


def pictures(studio: Studio) -> None:
    """The rarer states, the status bar, notices, a log, and sizes."""
    ends = {
        "failed": (3, None),
        "interrupted": (130, None),
        "terminated": (None, "SIGTERM"),
    }
    for name, (code, signal) in ends.items():
        if studio.wants(f"state-{name}"):
            _take(studio, f"state-{name}", studio.trained(alive=False).exited(code, signal))
    if studio.wants("state-not-started"):
        run = studio.run()
        (run.path / "supervisor.jsonl").unlink()
        run.supervisor("starting", pid=2**22 - 7, command=["python", "digits.py"])
        run.supervisor("failed", reason="no such file: /home/ann/digits.py")
        _take(studio, "state-not-started", run)
    if studio.wants("state-trained-nothing"):
        _take(studio, "state-trained-nothing", studio.run(alive=False).exited(0))
    if studio.wants("state-preparing"):
        with _process("import torch; print(flush=True)") as pid:
            run = studio.run(ago=8)
            (run.path / "supervisor.jsonl").unlink()
            run.launch(pid=pid)
            _take(studio, "state-preparing", run)
    if studio.wants("state-loss-only"):
        run = studio.run(ago=32).register((), NO_OPTIMIZER)
        _take(studio, "state-loss-only", run.train(800))
    if studio.wants("state-not-controllable"):
        run = studio.run(ago=32).register(reason="Lion keeps no number as its learning rate")
        _take(studio, "state-not-controllable", run.train(800))
    if studio.wants("state-ranks"):
        _take(studio, "state-ranks", _ranks(studio))
    if studio.wants("state-elsewhere"):
        run = studio.trained(alive=False)
        info = json.loads((run.path / "run.json").read_text())
        (run.path / "run.json").write_text(json.dumps({**info, "host": "gpu-17"}))
        _take(studio, "state-elsewhere", run)
    if studio.wants("state-log"):
        log = studio.home.parent / "log.csv"
        rows = [f"{s},{falling(s):.4f},{falling(s) * 1.2:.4f},{1e-3}" for s in range(1, 300)]
        log.write_text("\n".join(["step,loss,val_loss,lr", *rows, ""]))
        window = studio.window()
        window.logs.look_at(log)
        studio.wait(lambda: QApplication.activeModalWidget() is not None)
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QDialog)
        studio.take("state-log-asked", dialog)
        dialog.accept()
        studio.wait(lambda: window.view is not None and window.view.plots is not None)
        studio.pass_time(1.0)
        studio.take("state-log", window)
        studio.close(window)
    if studio.wants("state-stopping"):
        run = studio.trained()
        run.client("stop", how="interrupt", signal="SIGINT", pids=[run.pid])
        _take(studio, "state-stopping", run)
    if studio.wants("state-lost-records"):
        run = studio.trained()
        run.event(
            "lost", records=120, events=0, bytes=2880, since=run.now, until=run.now,
            reason="No space left on device",
        )  # fmt: skip
        _take(studio, "state-lost-records", run)
    if studio.wants("state-ended-meanwhile"):
        run = studio.trained()
        window = studio.window(run)
        run.exited(0)
        studio.wait(lambda: window.session is not None and window.session.over)
        studio.pass_time(0.4)
        studio.take("state-ended-meanwhile", window)
        studio.close(window)
    if studio.wants("status"):
        with _process("print(flush=True)") as pid:
            run = studio.run(ago=32)
            (run.path / "supervisor.jsonl").unlink()
            window = studio.window(run.launch(pid=pid).register().train(800))
            studio.wait(lambda: not window.status.isHidden())
            studio.pass_time(2.5)
            studio.take("status", window)
            studio.close(window)
    for name, size in (("narrow", (1024, 700)), ("huge", (2560, 1440))):
        if studio.wants(f"size-{name}"):
            window = studio.window(studio.trained())
            window.resize(*size)
            studio.pass_time(0.7)
            studio.take(f"size-{name}", window)
            studio.close(window)
    if studio.wants("size-narrow-acting"):
        run = studio.trained(quiet=20)
        told = {"then": "skip", "bound": 8.0, "times": 1.5, "at_most": 5}
        run.event("guards", step=700, on=[{"on": "spike", **told}, {"on": "norm", **told}])
        window = studio.window(run)
        assert window.view is not None
        window.view.session.rules.switch([PRESETS[0], PRESETS[3]])
        window.resize(1024, 700)
        studio.pass_time(0.7)
        studio.take("size-narrow-acting", window)
        studio.close(window)
    if studio.wants("size-least"):
        window = studio.window(studio.trained())
        window.resize(400, 300)
        studio.pass_time(0.7)
        studio.take("size-least", window)
        studio.close(window)
    for name, way in (("start-error", "failed"), ("start-wait", "wait")):
        if studio.wants(name):
            window = studio.window()
            assert window.start is not None
            if way == "wait":
                window.start.say("Starting the demo…", "wait")
                window.start.busy("demo", True)
            else:
                window._on_demo_failed(
                    "No Python with PyTorch was found: the one lrmonitor runs in "
                    "(/usr/bin/python3) has none. Install it there, or activate an environment."
                )
            studio.take(name, window)
            studio.close(window)


def _take(studio: Studio, name: str, run: RunFolder) -> None:
    window: MainWindow = studio.window(run)
    studio.take(name, window)
    studio.close(window)


@contextmanager
def _process(code: str) -> Iterator[int]:
    """A process that does this, prints an empty line, and waits for its end."""
    pipe = subprocess.PIPE
    code = f"{code}; input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.write(b"\n")
        process.stdin.flush()


def _ranks(studio: Studio) -> RunFolder:
    """Two processes that train together."""
    run = studio.run(ago=32).register().train(400)
    other = run.path / "ranks" / "1"
    other.mkdir()
    line = json.loads((run.path / "ranks" / "0" / "events.jsonl").read_text().splitlines()[0])
    line |= {"rank": 1, "pid": os.getppid(), "world_size": 2, "time": line["time"] + 0.1}
    import psutil

    line["started"] = psutil.Process(os.getppid()).create_time()
    (other / "events.jsonl").write_text(json.dumps(line) + "\n")
    run.now = time.time()
    return run
