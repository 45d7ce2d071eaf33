"""The list of live runs: found, searched, walked through with the keys, opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs import attach
from lrmonitor.app.dialogs.attach import COMMAND, LOSS, NAME, STATE, STEP, AttachDialog
from lrmonitor.app.theme import DARK, ThemeManager
from tests.app.folders import RunFolder
from tests.conftest import Isolated

Open = Callable[[], AttachDialog]


@pytest.fixture
def open_dialog(
    qtbot: QtBot, isolated: Isolated, themes: ThemeManager, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Opens the dialog and waits for its first look; closed and deleted after the test."""
    monkeypatch.setattr(attach, "REFRESH_MS", 30)
    dialogs: list[AttachDialog] = []

    def make() -> AttachDialog:
        dialog = AttachDialog(isolated.runs, themes.theme)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        dialogs.append(dialog)
        with qtbot.waitActive(dialog, timeout=30_000):  # where there is no window manager too
            dialog.show()
            dialog.activateWindow()
        qtbot.waitUntil(lambda: dialog.found is not None, timeout=30_000)
        return dialog

    yield make
    for dialog in dialogs:
        dialog.close()
        dialog.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QApplication.processEvents()


def texts(dialog: AttachDialog, column: int) -> list[str]:
    """A column of the list."""
    items = [dialog.list.topLevelItem(n) for n in range(dialog.list.topLevelItemCount())]
    return [item.text(column) for item in items if item is not None]


def two(home: Path) -> tuple[RunFolder, RunFolder]:
    """Two live runs; the first is the newer one."""
    new = RunFolder(home, "resnet").launch().register().train(1200, seconds=0.074)
    old = RunFolder(home, "bert", created=new.now - 10_000).launch()
    return new, old


def test_without_a_live_run_it_tells_how_to_get_one(
    open_dialog: Open, isolated: Isolated, qtbot: QtBot
) -> None:
    RunFolder(isolated.runs, "over").launch(False).exited(0)
    dialog = open_dialog()
    assert dialog.heading.text() == "No run goes on right now"
    assert dialog.heading.isVisible()
    said = " ".join(label.text() for label in dialog.findChildren(type(dialog.heading)))
    assert "lrmonitor run train.py" in said
    assert "lrmonitor.start()" in said
    assert not dialog.open_button.isEnabled()
    with qtbot.waitSignal(dialog.new_run_wanted):
        QTest.mouseClick(dialog.new_run, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


def test_what_is_told_of_each(open_dialog: Open, isolated: Isolated) -> None:
    two(isolated.runs)
    dialog = open_dialog()
    assert texts(dialog, NAME) == ["resnet", "bert"]
    assert texts(dialog, COMMAND) == ["resnet.py", "bert.py"]
    # The process of the second is that of the tests, which may have had PyTorch loaded by others.
    assert texts(dialog, STATE) in (["Training", "Starting up"], ["Training", "Preparing"])
    assert texts(dialog, STEP) == ["1\u202f200", "–"]
    assert texts(dialog, LOSS)[1] == "–"
    assert float(texts(dialog, LOSS)[0]) > 0
    item = dialog.list.topLevelItem(0)
    assert item is not None
    assert not item.icon(STATE).isNull()


def test_enter_opens_the_newest(open_dialog: Open, isolated: Isolated, qtbot: QtBot) -> None:
    new, _ = two(isolated.runs)
    dialog = open_dialog()
    assert dialog.search.hasFocus()
    with qtbot.waitSignal(dialog.opened) as opened:
        QTest.keyClick(dialog.search, Qt.Key.Key_Return)
    assert opened.args == [new.path]
    assert not dialog.isVisible()


def test_keys_walk_through_the_list_while_searching(
    open_dialog: Open, isolated: Isolated, qtbot: QtBot
) -> None:
    _, old = two(isolated.runs)
    dialog = open_dialog()
    QTest.keyClick(dialog.search, Qt.Key.Key_Down)
    with qtbot.waitSignal(dialog.opened) as opened:
        QTest.keyClick(dialog.search, Qt.Key.Key_Return)
    assert opened.args == [old.path]


def test_search(open_dialog: Open, isolated: Isolated, qtbot: QtBot) -> None:
    _, old = two(isolated.runs)
    dialog = open_dialog()
    state = texts(dialog, STATE)[1]
    QTest.keyClicks(dialog.search, f"BERT {state[:5].lower()}")
    assert texts(dialog, NAME) == ["bert"]
    with qtbot.waitSignal(dialog.opened) as opened:
        first = dialog.list.topLevelItem(0)
        assert first is not None
        item = dialog.list.visualItemRect(first)
        viewport = dialog.list.viewport()
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=item.center())
        QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=item.center())
    assert opened.args == [old.path]


def test_a_search_that_finds_nothing_says_so(open_dialog: Open, isolated: Isolated) -> None:
    two(isolated.runs)
    dialog = open_dialog()
    QTest.keyClicks(dialog.search, "gpt")
    assert dialog.nothing.isVisible()
    assert dialog.nothing.text() == "No live run matches “gpt”."
    assert not dialog.open_button.isEnabled()
    assert not dialog.new_run.isVisible()
    QTest.keyClick(dialog.search, Qt.Key.Key_Return)
    assert dialog.isVisible()


def test_it_follows_what_happens(open_dialog: Open, isolated: Isolated, qtbot: QtBot) -> None:
    new, old = two(isolated.runs)
    dialog = open_dialog()
    QTest.keyClick(dialog.search, Qt.Key.Key_Down)
    new.train(1)
    qtbot.waitUntil(lambda: texts(dialog, STEP)[0] == "1\u202f201")
    new.event("paused")
    qtbot.waitUntil(lambda: texts(dialog, STATE)[0] == "Paused")
    third = RunFolder(isolated.runs, "gpt2", created=new.now).launch()
    qtbot.waitUntil(lambda: texts(dialog, NAME) == ["gpt2", "resnet", "bert"])
    current = dialog.list.currentItem()
    assert current is not None
    assert current.text(NAME) == "bert"  # what was chosen stays chosen
    third.exited(0)
    old.exited(0)
    qtbot.waitUntil(lambda: texts(dialog, NAME) == ["resnet"])
    assert dialog.open_button.isEnabled()
    dialog.set_theme(DARK)
    assert texts(dialog, NAME) == ["resnet"]
