"""The toolbar and the menus: what they offer, as the run's state allows."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.help import AboutBox, ShortcutsDialog
from lrmonitor.app.settings import Settings
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains, in this process."""
    return RunFolder(isolated.runs, created=time.time() - 5).launch().register().train(100)


def states(window: MainWindow) -> tuple[bool, bool, bool]:
    """Whether to pause, to step and to stop can be chosen."""
    table = window.actions_table
    return table.pause.isEnabled(), table.step.isEnabled(), table.stop.isEnabled()


def test_it_offers_what_the_state_allows(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window()
    assert states(window) == (False, False, False)
    window.open_run(folder.path)
    assert states(window) == (True, False, True)
    table = window.actions_table
    assert table.pause.iconText() == "Pause"
    folder.event("paused")
    qtbot.waitUntil(lambda: states(window) == (True, True, True))
    assert table.pause.iconText() == "Resume"
    assert table.pause.text() == "&Resume"
    folder.exited(0)
    qtbot.waitUntil(lambda: states(window) == (False, False, False))
    assert table.pause.iconText() == "Pause"
    window.close_run()
    assert not table.stop.isEnabled()


def test_its_buttons_do_it(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(folder.path)
    assert window.session is not None
    sent: list[str] = []
    monkeypatch.setattr(
        window.session.commander, "send", lambda command: sent.append(type(command).__name__)
    )
    for action in (window.actions_table.pause, window.actions_table.stop):
        button = window.toolbar.widgetForAction(action)
        assert isinstance(button, QToolButton)
        assert not button.icon().isNull()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert sent == ["PauseCommand"]
    assert window.question is not None
    window.question.reject()


def test_it_can_be_hidden_and_stays_so(
    open_window: OpenWindow, folder: RunFolder, settings: Settings
) -> None:
    window = open_window(folder.path)
    window.toolbar.toggleViewAction().trigger()
    assert not window.toolbar.isVisible()
    window.leave_and_close()
    again = open_window(folder.path)
    assert not again.toolbar.isVisible()
    again.actions_table.after_docks.trigger()
    assert again.toolbar.isVisible()


def test_every_key_is_told_once_and_means_one_thing(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    actions = [*window.actions_table.all, *window.docks.actions]
    keys = [a.shortcut().toString() for a in actions if not a.shortcut().isEmpty()]
    assert len(keys) == len(set(keys))
    dialog = ShortcutsDialog(window, actions)
    qtbot.addWidget(dialog)
    told = [label.text() for label in dialog.findChildren(QLabel)]
    for action in actions:
        if not action.shortcut().isEmpty():
            form = QKeySequence.SequenceFormat.NativeText
            assert told.count(action.shortcut().toString(form)) == 1
    dialog.open()
    assert dialog.height() < 720


def test_help_from_the_menu(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    by_text = {a.text().replace("&", ""): a for a in window.actions_table.all}
    for text, kind in (("Keys and mouse…", ShortcutsDialog), ("About lrmonitor…", AboutBox)):
        by_text[text].trigger()
        (dialog,) = window.findChildren(kind)
        assert dialog.isVisible()
        dialog.close()


def test_the_header_tells_how_far_it_is_and_what_is_left(
    open_window: OpenWindow, isolated: Isolated, qtbot: QtBot
) -> None:
    run = RunFolder(isolated.runs, created=time.time() - 20).launch().register()
    window = open_window(run.path)
    window.resize(1600, 800)
    assert window.view is not None
    header = window.view.header
    assert header.left.isHidden()
    assert header.epoch.isHidden()
    run.event("loader", loader=0, iteration=1, batches=200)
    source = "the training loop"
    run.event("progress", total_steps=None, total_epochs=10, first_epoch=1, source=source)
    run.train(200)
    run.event("loader", loader=0, iteration=2, batches=200)
    run.train(50)
    run.now = time.time()
    run.train(2)
    qtbot.waitUntil(lambda: header.step.value.text() == "252 / 2\u202f000")
    assert header.epoch.value.text() == "2 / 10"
    assert header.left.value.text().startswith("≈ ")
    assert source in header.left.toolTip()
    assert not header.left.isHidden()
    run.exited(0)
    qtbot.waitUntil(header.left.isHidden)
    assert not header.epoch.isHidden()


def test_a_narrow_window_is_not_clipped(open_window: OpenWindow, folder: RunFolder) -> None:
    window = open_window(folder.path)
    window.resize(400, 300)
    assert window.width() >= window.minimumSizeHint().width()
    assert window.view is not None
    control = window.view.control
    right = control.mapTo(window, control.rect().topRight()).x()
    assert right < window.width()
    assert not window.view.header.elapsed.isVisible()
    window.resize(1500, 800)
    assert window.view.header.elapsed.isVisible()
