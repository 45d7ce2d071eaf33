"""The window as a whole, on run folders."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.help import AboutBox, ShortcutsDialog
from lrmonitor.app.runview import RunView
from lrmonitor.app.settings import Settings, settings_file
from lrmonitor.app.theme import DARK, ThemeManager
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains, in this process."""
    return RunFolder(isolated.runs, created=time.time() - 5).launch().register().train(100)


def test_an_open_run_is_followed(open_window: OpenWindow, folder: RunFolder, qtbot: QtBot) -> None:
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    assert window.windowTitle().startswith("digits")
    assert view.header.word.text() == "Training"
    assert view.header.step.value.text() == "100"
    folder.train(50)
    qtbot.waitUntil(lambda: view.header.step.value.text() == "150")
    plots = view.plots
    assert plots is not None
    qtbot.waitUntil(lambda: plots.newest() == 150)
    folder.event("paused")
    qtbot.waitUntil(lambda: view.header.word.text() == "Paused")
    folder.exited(3)
    qtbot.waitUntil(lambda: view.header.word.text() == "Failed")
    # The notice tells it, as it ended in sight: the head does not tell it again.
    assert "exit code 3" in view.notices.text
    assert view.header.sentence.whole == ""


def test_two_windows_show_what_either_did(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    windows = [open_window(folder.path), open_window(folder.path)]
    folder.command("a", "hold", 3e-4)
    folder.applied("a", "hold", 3e-4, ("hold", 3e-4), 1e-3, 3e-4)
    for window in windows:
        view = window.view
        assert view is not None
        _wait_for_outcome(qtbot, view, "Applied at step 101")
        assert view.control.readout.requested.text() == "hold 3e-4"


def _wait_for_outcome(qtbot: QtBot, view: RunView, text: str) -> None:
    qtbot.waitUntil(lambda: text in view.control.outcome.text)


def test_a_folder_that_is_deleted_leaves_what_was_read(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    shutil.rmtree(folder.path)
    qtbot.waitUntil(lambda: "gone" in view.header.word.toolTip(), timeout=10000)
    assert view.plots is not None
    assert view.plots.newest() == 100


def test_what_is_no_run_is_said(open_window: OpenWindow, isolated: Isolated) -> None:
    window = open_window()
    assert not window.open_run(isolated.home)
    assert window.start is not None
    assert "has no run.json" in window.start.problem.text


def test_closing_a_live_run_asks_and_leaves_it_by_default(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    assert not window.close()
    question = window.question
    assert question is not None
    assert question.defaultButton() is question.answers["leave"]
    assert [b.text() for b in question.answers.values()] == [
        "Leave it training",
        "Stop it",
        "Cancel",
    ]
    QTest.mouseClick(question.answers["cancel"], Qt.MouseButton.LeftButton)
    assert window.isVisible()
    window.close()
    again = window.question
    assert again is not None
    assert again is not question
    with qtbot.waitSignal(window.finished):
        QTest.keyClick(again, Qt.Key.Key_Return)
    assert not window.isVisible()


def test_escape_cancels_closing(open_window: OpenWindow, folder: RunFolder, qtbot: QtBot) -> None:
    window = open_window(folder.path)
    window.close()
    assert window.question is not None
    QTest.keyClick(window.question, Qt.Key.Key_Escape)
    assert window.isVisible()
    assert window.question is None


def test_stop_it_closes_once_the_run_has_ended(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(folder.path)
    assert window.session is not None
    asked: list[str] = []
    monkeypatch.setattr(window.session, "stop", lambda how="interrupt": asked.append(how))
    window.close()
    assert window.question is not None
    QTest.mouseClick(window.question.answers["stop"], Qt.MouseButton.LeftButton)
    assert asked == ["interrupt"]
    assert window.isVisible()
    with qtbot.waitSignal(window.finished):
        folder.exited(130)


def test_closing_a_run_that_is_over_asks_nothing(
    open_window: OpenWindow, folder: RunFolder
) -> None:
    window = open_window(folder.exited(0).path)
    assert window.close()


def test_a_run_that_ends_takes_the_question_away(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    window.ask_stop("kill")
    assert window.question is not None
    assert window.question.defaultButton() is window.question.answers["cancel"]
    folder.exited(0)
    qtbot.waitUntil(lambda: window.question is None)
    assert window.isVisible()


@pytest.mark.parametrize("how", ["interrupt", "terminate", "kill"])
def test_each_way_to_end_a_run_is_confirmed(
    how: str,
    open_window: OpenWindow,
    folder: RunFolder,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = open_window(folder.path)
    assert window.session is not None
    asked: list[str] = []
    monkeypatch.setattr(window.session, "stop", asked.append)
    window.ask_stop(how)
    assert window.question is not None
    QTest.mouseClick(window.question.answers["cancel"], Qt.MouseButton.LeftButton)
    assert asked == []
    window.ask_stop(how)
    assert window.question is not None
    QTest.mouseClick(window.question.answers["yes"], Qt.MouseButton.LeftButton)
    assert asked == [how]


def test_keys(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    assert view.plots is not None
    sent: list[str] = []
    monkeypatch.setattr(
        view.session.commander, "send", lambda command: sent.append(type(command).__name__)
    )
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    field = view.control.entry.field
    assert field.hasFocus()
    QTest.keyClick(field, Qt.Key.Key_Space)
    assert sent == ["PauseCommand"]
    assert field.text() == ""
    folder.event("paused")
    qtbot.waitUntil(lambda: view.control.training.step.isEnabled())
    view.plots.canvas.setFocus()
    QTest.keyClick(view.plots.canvas, Qt.Key.Key_N)
    QTest.keyClick(view.plots.canvas, Qt.Key.Key_Space)
    assert sent == ["PauseCommand", "StepCommand", "ResumeCommand"]
    QTest.keyClick(view.plots.canvas, Qt.Key.Key_L)
    assert view.plots.loss.log
    QTest.keyClick(view.plots.canvas, Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
    assert not view.plots.rate.log
    QTest.keyClick(view.plots.canvas, Qt.Key.Key_F)
    assert not view.plots.shown.follow
    QTest.keyClick(view.plots.canvas, Qt.Key.Key_Home)
    assert view.plots.shown.follow


def test_a_digit_anywhere_begins_a_rate(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    assert view.plots is not None
    view.plots.canvas.setFocus()
    QTest.keyClick(view.plots.canvas, Qt.Key.Key_3)
    assert view.control.entry.field.hasFocus()
    QTest.keyClicks(view.control.entry.field, "e-4")
    assert view.control.entry.field.text() == "3e-4"
    QTest.keyClick(view.control.entry.field, Qt.Key.Key_Escape)
    assert view.control.entry.field.text() == ""


def test_space_on_a_button_presses_that_button(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    sent: list[object] = []
    monkeypatch.setattr(view.session.commander, "send", sent.append)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    button = view.control.training.stop
    button.setFocus()
    with qtbot.waitSignal(view.control.stop_wanted):
        QTest.keyClick(button, Qt.Key.Key_Space)
    assert sent == []


def test_choices_are_remembered(
    open_window: OpenWindow, folder: RunFolder, settings: Settings
) -> None:
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    assert view.plots is not None
    view.plots.tools.loss_log.click()
    window.preferring.put_colours("dark")
    window.leave_and_close()
    assert settings.text("window/theme") == "dark"
    again = open_window(folder.path)
    assert again.view is not None
    assert again.view.plots is not None
    assert again.view.plots.loss.log


def test_the_size_is_remembered(
    open_window: OpenWindow, isolated: Isolated, settings: Settings, themes: ThemeManager
) -> None:
    window = open_window()
    window.resize(790, 640)
    window.close()
    fresh = MainWindow(isolated.runs, settings, themes)
    assert (fresh.width(), fresh.height()) == (790, 640)
    fresh.deleteLater()


def test_settings_that_make_no_sense_are_ignored(settings: Settings) -> None:
    settings.put("window/geometry", "nonsense")
    settings.put("plots/choices", "[1]")
    assert settings.bytes("window/geometry") is None
    assert settings.mapping("plots/choices") == {}
    settings.put("plots/choices", "{")
    assert settings.mapping("plots/choices") == {}
    settings.put("x", QByteArray(b"abc"))
    assert settings.bytes("x") == QByteArray(b"abc")


def test_settings_live_in_the_users_configuration(isolated: Isolated) -> None:
    assert settings_file() == isolated.home / ".config" / "lrmonitor" / "window.ini"


def test_the_theme_changes_live(
    open_window: OpenWindow, folder: RunFolder, themes: ThemeManager
) -> None:
    window = open_window(folder.path)
    themes.choose("dark")
    assert window.grab().toImage().pixelColor(4, 4).name() == DARK.window
    window.show_start()
    themes.choose("light")


def test_the_runs_menu_switches(open_window: OpenWindow, isolated: Isolated) -> None:
    first = RunFolder(isolated.runs, "first").launch(False).register().train(3).exited(0)
    second = RunFolder(isolated.runs, "second").launch(False).register().train(5).exited(0)
    window = open_window(first.path)
    menu = window.actions_table.recent
    menu.aboutToShow.emit()
    by_name = {action.text(): action for action in menu.actions()}
    assert by_name["first"].isChecked()
    by_name["second"].trigger()
    assert window.session is not None
    assert window.session.folder == second.path
    assert window.view is not None
    assert window.view.plots is not None
    window.show_start()
    assert window.session is None


def test_help(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    shortcuts = ShortcutsDialog(window, window.actions_table.all)
    about = AboutBox(window)
    for dialog in (shortcuts, about):
        qtbot.addWidget(dialog)
        dialog.open()
        assert dialog.isVisible()
        dialog.close()


def test_a_run_that_was_renamed_is_called_so(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    clients: Path = folder.path / "clients"
    clients.mkdir()
    line = {"time": folder.now, "event": "name", "name": "a better name"}
    (clients / "cli-7.jsonl").write_text(json.dumps(line) + "\n")
    view = window.view
    assert view is not None
    qtbot.waitUntil(lambda: view.header.name.whole == "a better name")
