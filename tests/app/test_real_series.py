"""The demo prints its validation loss and accuracy: in the window they become curves."""

from __future__ import annotations

import contextlib
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.series import SeriesDialog
from lrmonitor.app.panels.console import ConsolePanel
from lrmonitor.app.window import MainWindow
from lrmonitor.record.reader import Series
from lrmonitor.resources import resource_path
from tests.app.conftest import OpenWindow

pytest.importorskip("torch")

TIMEOUT = 60_000
EPOCHS = 3


def make_series(window: MainWindow, console: ConsolePanel, label: str, qtbot: QtBot) -> None:
    """Select the number after a label in the last line that has it, and make a series of it."""
    cursor = console.view.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.End)
    backward = QTextDocument.FindFlag.FindBackward
    found = console.view.document().find(label, cursor, backward)
    assert not found.isNull()
    cursor.setPosition(found.selectionEnd() + 2)  # within the number; a caret is enough
    console.view.setTextCursor(cursor)
    console.series.click()
    # One that was closed before is deleted a moment later.
    (dialog,) = (one for one in window.findChildren(SeriesDialog) if one.isVisible())
    assert dialog.name.text() == label
    with qtbot.waitSignal(dialog.finished):
        QTest.mouseClick(dialog.make, Qt.MouseButton.LeftButton)


@pytest.fixture
def folder() -> Iterator[Path]:
    """The demo, started for a few epochs; killed if it is still there after the test."""
    script = [str(resource_path("examples", "digits.py")), "--epochs", str(EPOCHS)]
    command = [sys.executable, "-m", "lrmonitor", "run", "--detach", "--json", *script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    told = json.loads(done.stdout)
    process = psutil.Process(told["pid"]) if psutil.pid_exists(told["pid"]) else None
    yield Path(told["folder"])
    if process is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        psutil.wait_procs([process], timeout=10)


def test_printed_numbers_of_the_demo_become_series(
    open_window: OpenWindow, folder: Path, qtbot: QtBot
) -> None:
    window = open_window(folder)
    view = window.view
    assert view is not None
    plots = view.plots
    assert plots is not None
    window.docks.show("console")
    console = window.docks.widget("console")
    assert isinstance(console, ConsolePanel)
    qtbot.waitUntil(lambda: any("accuracy" in text for text in console.texts()), timeout=TIMEOUT)
    make_series(window, console, "validation loss", qtbot)  # while it goes on, perhaps
    make_series(window, console, "accuracy", qtbot)
    qtbot.waitUntil(lambda: view.session.over, timeout=TIMEOUT)
    printed = (folder / "console.log").read_text()
    wanted = {
        "validation loss": [float(x) for x in re.findall(r"validation loss ([\d.]+)", printed)],
        "accuracy": [float(x) for x in re.findall(r"accuracy ([\d.]+)%", printed)],
    }

    def printed_series() -> dict[str, Series]:
        charts = plots.metrics.charts.items()
        return {c.title: c.curve.series for key, c in charts if key.startswith("printed:")}

    qtbot.waitUntil(
        lambda: [len(series) for series in printed_series().values()] == [EPOCHS] * 2,
        timeout=TIMEOUT,
    )
    shown = printed_series()
    steps = view.session.model.state.step
    assert steps is not None
    each = math.ceil(steps / EPOCHS)
    for name, values in wanted.items():
        assert shown[name].value.tolist() == values
        at = shown[name].step.tolist()
        # Printed after its epoch's last step; after the last one no more steps are made.
        assert all(step >= (epoch + 1) * each for epoch, step in enumerate(at))
        assert at == sorted(at)
        assert at[-1] == steps
    drawn = plots.metrics.charts["printed:accuracy"].curve.line.points()
    assert drawn[1].tolist() == wanted["accuracy"]
