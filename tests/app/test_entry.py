"""Entering a rate by keys, from recent values, and with a reason."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.ratefield import RateField
from lrmonitor.app.settings import Settings
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated

# A number is entered and shown alike, whatever the locale.
pytestmark = pytest.mark.usefixtures("any_locale")

UP, DOWN = Qt.Key.Key_Up, Qt.Key.Key_Down
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def field(qtbot: QtBot) -> RateField:
    """An empty field."""
    made = RateField()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains (in this process) at a steady rate."""
    made = RunFolder(isolated.runs, created=time.time() - 5).launch().register()
    return made.train(100, scheduled=lambda step: 1e-3)


@pytest.mark.parametrize(
    ("key", "held", "after"),
    [
        (UP, Qt.KeyboardModifier.NoModifier, "3.3e-4"),
        (DOWN, Qt.KeyboardModifier.NoModifier, "2.73e-4"),
        (UP, SHIFT, "5e-4"),
        (DOWN, SHIFT, "2e-4"),
        (Qt.Key.Key_PageUp, Qt.KeyboardModifier.NoModifier, "0.003"),
        (Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier, "3e-5"),
    ],
)
def test_keys_vary_what_stands_there(
    key: Qt.Key, held: Qt.KeyboardModifier, after: str, field: RateField, qtbot: QtBot
) -> None:
    field.setText("3e-4")
    with qtbot.waitSignal(field.textEdited):
        QTest.keyClick(field, key, held)
    assert field.text() == after


def test_an_empty_field_begins_at_the_present_rate(field: RateField) -> None:
    QTest.keyClick(field, UP)
    assert field.text() == ""
    field.base = 1e-3
    QTest.keyClick(field, UP)
    assert field.text() == "0.0011"


@pytest.mark.parametrize("text", ["3e-", "1e308", "abc"])
def test_a_key_wipes_nothing_out(text: str, field: RateField) -> None:
    field.setText(text)
    QTest.keyClick(field, Qt.Key.Key_PageUp)
    assert field.text() == text


def test_recent_values_are_offered_newest_first_and_kept(
    folder: RunFolder, open_window: OpenWindow, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(folder.path)
    assert window.view is not None
    entry = window.view.control.entry
    sent: list[object] = []
    monkeypatch.setattr(window.view.session.commander, "send", sent.append)
    for text in ("5e-4", "2e-4"):
        entry.field.setText(text)
        entry.submit()
    assert settings.mapping("rates/recent") == {"rate": [2e-4, 5e-4], "factor": []}
    again = open_window(folder.path)
    assert again.view is not None
    field = again.view.control.entry.field
    QTest.keyClick(field, DOWN, Qt.KeyboardModifier.AltModifier)
    assert field.menu.isVisible()
    assert [action.text() for action in field.menu.actions()] == ["2e-4", "5e-4"]
    field.menu.actions()[1].trigger()
    field.menu.close()
    assert field.text() == "5e-4"
    assert "→ 5e-4" in again.view.control.entry.hint.text()
    again.view.control.entry.set_mode("scale")
    field.show_recent()
    assert [action.isEnabled() for action in field.menu.actions()] == [False]
    field.menu.close()


def test_the_reason_goes_with_one_change(
    folder: RunFolder, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(folder.path)
    assert window.view is not None
    entry = window.view.control.entry
    sent: list[object] = []
    monkeypatch.setattr(window.view.session.commander, "send", sent.append)
    QTest.keyClicks(entry.field, "5e-4")
    QTest.keyClicks(entry.note, "it spiked at 90 ")
    QTest.keyClick(entry.note, Qt.Key.Key_Return)
    entry.factors.buttons[2.0].click()
    assert [getattr(one, "note", None) for one in sent] == ["it spiked at 90", ""]
    assert entry.note.text() == ""


def test_undo_is_the_windows_once_a_rate_was_sent(field: RateField) -> None:
    def windows(widget: RateField) -> bool:
        keys = QKeyEvent(
            QEvent.Type.ShortcutOverride, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier
        )
        keys.ignore()
        QApplication.sendEvent(widget, keys)
        return not keys.isAccepted()

    assert windows(field)
    QTest.keyClicks(field, "3e-4")
    assert not windows(field)
    field.settle()
    assert windows(field)
