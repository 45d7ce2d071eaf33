"""The bar below tells what a live run uses, and is not there for others."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.status import StatusBar
from lrmonitor.app.session import Session
from lrmonitor.app.usage import UsageWatch
from lrmonitor.model.gpu import GpuUsage
from lrmonitor.model.usage import Reading, Usage, UsageMeter
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder

GIB = 1 << 30


@pytest.fixture
def script() -> Iterator[int]:
    """The pid of a process that stands in for the script's."""
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    yield child.pid
    child.communicate()


@pytest.fixture
def run(isolated: object, tmp_path: Path, script: int) -> RunFolder:
    """A run that trains in that process."""
    home = tmp_path / "told"
    return RunFolder(home, "told", time.time() - 21).launch(pid=script).register().train(500)


def test_a_live_run(qtbot: QtBot, open_window: OpenWindow, run: RunFolder) -> None:
    window = open_window(run.path)
    bar = window.status
    qtbot.waitUntil(lambda: bar.memory.isVisible() and "MiB" in bar.memory.text())
    assert "core" in bar.cores.text() or bar.cores.text() == "CPU  –"
    assert bar.step.text().endswith("ago")
    assert bar.cores.accessibleName().startswith("CPU: ")
    for figure in (bar.cores, bar.memory, bar.step):
        assert len(figure.toolTip()) > 20
    run.exited(0)
    qtbot.waitUntil(lambda: bar.isHidden())
    window.close_run()
    assert bar.isHidden()


def test_a_run_that_is_over_or_elsewhere(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    run.exited(0)
    looked: list[object] = []

    def read(whose: object) -> list[Reading]:
        looked.append(whose)
        return []

    session = Session(run.path)
    watch = UsageWatch(session, make=lambda: UsageMeter(read))
    watch.changed.connect(looked.append)
    for _ in range(5):
        watch.tick()
    assert not watch._worker.busy
    assert not looked
    watch.close()
    session.close()


def test_one_look_in_two_seconds(qtbot: QtBot, run: RunFolder) -> None:
    now = time.time()
    readings = [Reading(1, 10.0, 5.0, GIB)]
    session = Session(run.path, clock=lambda: now)
    assert session.model.state.live
    watch = UsageWatch(session, make=lambda: UsageMeter(lambda _: readings))
    told: list[object] = []
    watch.changed.connect(told.append)
    for _ in range(3):
        watch.tick()
    qtbot.waitUntil(lambda: len(told) == 1)
    watch.tick()
    assert not watch._worker.busy
    now += 2.1
    watch.tick()
    qtbot.waitUntil(lambda: len(told) == 2)
    watch.close()
    session.close()


def test_gpus_and_little_room(qtbot: QtBot, run: RunFolder) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    session = Session(run.path)
    bar.follow(session)
    bar.resize(900, 24)
    gpus = tuple(GpuUsage(i, "RTX", (6 + i) * GIB, 9 * GIB, 24 * GIB, 0.93) for i in range(2))
    bar._show_usage(Usage(1.8, 3 * GIB, 5, gpus))
    assert [label.text() for label in bar.gpus] == [
        "GPU 0  6.0 GiB, 93 % busy",
        "GPU 1  7.0 GiB, 93 % busy",
    ]
    assert "All programs together use 9.0 GiB of its 24.0 GiB." in bar.gpus[0].toolTip()
    assert not bar.step.isHidden()
    bar._show_usage(Usage(1.8, 3 * GIB, 5, gpus[:1]))
    assert [label.isHidden() for label in bar.gpus] == [False, True]
    two = sum(label.sizeHint().width() for label in (bar.cores, bar.memory)) + 20
    bar.resize(two, 24)
    figures = (bar.cores, bar.memory, bar.gpus[0], bar.step)
    assert [label.isHidden() for label in figures] == [False, False, True, True]
    bar.follow(None)
    assert bar.isHidden()
    session.close()


def test_a_look_that_is_under_way_is_waited_for(qtbot: QtBot, run: RunFolder) -> None:
    """A thread must not tell a watch that is being deleted."""
    begun, go_on = threading.Event(), threading.Event()

    def read(_: object) -> list[Reading]:
        begun.set()
        assert go_on.wait(10)
        return [Reading(1, 10.0, 5.0, GIB)]

    session = Session(run.path)
    watch = UsageWatch(session, make=lambda: UsageMeter(read))
    told: list[object] = []
    watch.changed.connect(told.append)
    watch.tick()
    assert begun.wait(10)
    releasing = threading.Timer(0.05, go_on.set)
    releasing.start()
    watch.close()
    assert go_on.is_set()  # it was waited for
    QApplication.processEvents()
    assert told == []
    releasing.join()
    watch.deleteLater()
    session.close()
