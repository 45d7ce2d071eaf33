"""The window without a run: the ways to begin."""

from __future__ import annotations

import os

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from lrmonitor.app.demo import DemoStarter
from lrmonitor.launch import demo as launched_demo
from lrmonitor.link.paths import window_address
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated
from tests.helpers.wait import wait_until


def test_the_ways_to_begin(open_window: OpenWindow) -> None:
    window = open_window()
    assert window.start is not None
    assert [b.text() for b in window.start.choices.values()][:1] == ["Run the demo"]
    assert "Open…" in [b.text() for b in window.start.choices.values()]
    assert not window.actions_table.pause.isEnabled()
    assert window.runs.isVisible()


def test_the_demo_runs_and_is_opened(
    open_window: OpenWindow, isolated: Isolated, qtbot: QtBot
) -> None:
    window = open_window()
    start = window.start
    assert start is not None
    QTest.mouseClick(start.choices["demo"], Qt.MouseButton.LeftButton)
    assert not start.choices["demo"].isEnabled()
    assert start.problem.text == "Starting the demo…"
    qtbot.waitUntil(lambda: window.session is not None, timeout=30000)
    session = window.session
    assert session is not None
    assert session.model.name == "demo"
    qtbot.waitUntil(lambda: session.model.state.live, timeout=30000)
    session.stop("kill")
    qtbot.waitUntil(lambda: session.over, timeout=30000)


def test_without_torch_it_says_what_to_do(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launched_demo, "can_import_torch", lambda python: False)
    window = open_window()
    window.run_demo()
    start = window.start
    assert start is not None
    qtbot.waitUntil(lambda: "pip install 'lrmonitor[demo]'" in start.problem.text)
    assert start.problem.tone == "bad"
    assert start.choices["demo"].isEnabled()
    assert window.session is None


def test_a_demo_that_cannot_be_recorded_says_why(isolated: Isolated, qtbot: QtBot) -> None:
    isolated.runs.rmdir()
    isolated.runs.write_text("in the way")
    starter = DemoStarter(isolated.runs)
    with qtbot.waitSignal(starter.failed, timeout=30000) as failed:
        starter.start()
    assert failed.args is not None
    assert failed.args[0].startswith("The demo could not be started: ")
    starter.close()


def test_opening_a_folder(
    open_window: OpenWindow, isolated: Isolated, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(isolated.runs).launch(False).exited(0)
    chosen = [str(isolated.home), "", str(run.path)]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: chosen.pop(0))
    window = open_window()
    start = window.start
    assert start is not None
    start.choices["open"].click()
    assert "no run.json" in start.problem.text
    start.choices["open"].click()
    assert window.start is start
    start.choices["open"].click()
    assert window.session is not None
    assert window.session.folder == run.path


def test_what_is_no_run_leaves_the_open_one(open_window: OpenWindow, isolated: Isolated) -> None:
    run = RunFolder(isolated.runs).launch(False).exited(0)
    window = open_window(run.path)
    assert not window.open_run(isolated.home)
    assert window.session is not None
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    assert "has no run.json" in box.text()
    box.close()


def test_a_new_window_is_a_process_of_its_own(open_window: OpenWindow, isolated: Isolated) -> None:
    run = RunFolder(isolated.runs).launch(False).exited(0)
    window = open_window()
    window.open_apart(run.path)
    process = window.others.started[0]
    try:
        wait_until(lambda: os.path.exists(window_address(run.path)))
        assert os.getsid(process.pid) == process.pid
        window.close()
        assert window.others.started == []
    finally:
        os.kill(process.pid, 9)
        os.waitpid(process.pid, 0)
