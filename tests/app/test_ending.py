"""A run that ends is told: in the window, and to a person who looks elsewhere."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.notifier import Notifier, system_tray
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated


class Tray(QObject):
    """A tray's icon that writes down what it is to show: an offscreen desktop has no tray."""

    messageClicked = Signal()
    activated = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str, object]] = []
        self.visible = False

    def setToolTip(self, text: str) -> None:
        self.tip = text

    def show(self) -> None:
        self.visible = True

    def hide(self) -> None:
        self.visible = False

    def showMessage(self, title: str, text: str, kind: object, ms: int) -> None:
        self.said.append((title, text, kind))


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains, in this process."""
    return RunFolder(isolated.runs, created=time.time() - 5).launch().register().train(100)


@pytest.mark.parametrize(
    ("code", "signal", "tone", "words"),
    [
        (0, None, "good", "The script ended after step 100"),
        (3, None, "bad", "exit code 3"),
        (None, "SIGKILL", "bad", "Killed by SIGKILL"),
        (130, None, "wait", "interrupted after step 100"),
    ],
)
def test_the_window_tells_how_it_ended(
    code: int | None,
    signal: str | None,
    tone: str,
    words: str,
    open_window: OpenWindow,
    folder: RunFolder,
    qtbot: QtBot,
) -> None:
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    assert not view.notices.isVisible()
    (folder.path / "console.log").write_text("epoch 3\nRuntimeError: out of memory\n")
    folder.exited(code, signal)
    qtbot.waitUntil(view.notices.isVisible)
    assert words in view.notices.text
    assert view.notices.tone == tone
    assert ("out of memory" in view.notices.text) == (code == 3)
    QTest.mouseClick(view.notices.dismiss, Qt.MouseButton.LeftButton)
    # Why it failed stays.
    assert view.notices.isVisible() == (code == 3)


def test_of_a_run_that_was_over_nothing_is_news(open_window: OpenWindow, folder: RunFolder) -> None:
    window = open_window(folder.exited(0).path)
    assert window.view is not None
    assert not window.view.notices.isVisible()


def test_of_a_run_that_had_crashed_the_error_is_told(
    open_window: OpenWindow, folder: RunFolder
) -> None:
    (folder.path / "console.log").write_text(
        "epoch 3\nTraceback (most recent call last):\n"
        '  File "train.py", line 3, in <module>\n    main()\nValueError: bad rate\n'
    )
    window = open_window(folder.exited(1).path)
    assert window.view is not None
    notices = window.view.notices
    assert notices.isVisible()
    assert notices.text == "It ended with ValueError: bad rate"
    assert notices.show_error.isVisible()
    assert not notices.dismiss.isVisible()


def test_who_looks_elsewhere_is_told_by_the_desktop(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerted: list[QWidget] = []
    monkeypatch.setattr(QApplication, "alert", lambda window, ms=0: alerted.append(window))
    window = open_window(folder.path)
    tray = Tray()
    window.notifier._make = lambda icon, parent: tray  # type: ignore[assignment,return-value]
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(lambda: not window.isActiveWindow())
    folder.exited(1)
    qtbot.waitUntil(lambda: len(tray.said) == 1)
    title, text, kind = tray.said[0]
    assert title == "digits: failed"
    assert "exit code 1" in text
    assert kind == QSystemTrayIcon.MessageIcon.Critical
    assert alerted == [window]
    assert tray.visible
    window.showMinimized()
    tray.messageClicked.emit()
    assert not window.isMinimized()
    assert not tray.visible


def test_who_looks_at_the_window_is_not(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerted: list[QWidget] = []
    monkeypatch.setattr(QApplication, "alert", lambda window, ms=0: alerted.append(window))
    window = open_window(folder.path)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    folder.exited(0)
    assert window.view is not None
    qtbot.waitUntil(window.view.notices.isVisible)
    assert alerted == []


def test_the_icon_goes_when_the_window_is_looked_at(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    tray = Tray()
    notifier = Notifier(window, lambda icon, parent: tray)  # type: ignore[arg-type,return-value]
    notifier.tell("a run", "It ended.", bad=False)
    notifier.tell("a run", "It ended again.", bad=False)
    assert [kind for _, _, kind in tray.said] == [QSystemTrayIcon.MessageIcon.Information] * 2
    notifier.seen()
    assert not tray.visible


def test_a_desktop_without_a_tray_is_left_alone(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    assert system_tray(QIcon(), window) is None
    Notifier(window).tell("a run", "It ended.", bad=True)
