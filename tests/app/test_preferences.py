"""Preferences: applied at once, kept, taken over by other windows, and never a reason to fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app import preferences
from lrmonitor.app.dialogs.preferences import PreferencesDialog
from lrmonitor.app.notifier import Notifier
from lrmonitor.app.palettes import curves
from lrmonitor.app.preferences import Preferences
from lrmonitor.app.settings import Settings
from lrmonitor.app.theme import ThemeManager
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.test_ending import Tray
from tests.conftest import Isolated

OTHERS = Preferences("dark", "contrast", False, False, False, False, False, False)


def test_they_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    assert preferences.load(Settings(path)) == Preferences()
    preferences.save(Settings(path), OTHERS)
    assert preferences.load(Settings(path)) == OTHERS
    assert "version=1" in path.read_text()


@pytest.mark.parametrize(
    "kept",
    [
        "[preferences]",
        "[General]\npreferences=@Invalid()\n[window]\ntheme=@ByteArray(\\x1)",
        "[General]\npreferences=" + "[" * 5000,
        '[General]\npreferences="[1, 2]"\n[window]\ntheme=pink',
        '[General]\npreferences="{\\"tray\\": \\"yes\\", \\"curves\\": [1], \\"reopen\\": 3}"',
        "[General]\nversion=1\npreferences=1e999",
    ],
)
def test_what_makes_no_sense_is_the_default(tmp_path: Path, kept: str) -> None:
    path = tmp_path / "window.ini"
    path.write_text(kept)
    assert preferences.load(Settings(path)) == Preferences()


def test_one_value_that_makes_no_sense_spoils_no_other(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "window.ini")
    settings.put("preferences", {"tray": False, "reopen": "no", "curves": "contrast"})
    assert preferences.load(settings) == Preferences(curves="contrast", tray=False)


def test_a_file_without_a_version_is_the_first_version(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    path.write_text("[window]\ntheme=dark\n")
    assert preferences.load(Settings(path)).colours == "dark"


def test_the_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    newer = "[General]\nversion=2\npreferences=something new\n"
    path.write_text(newer)
    for wanted in (OTHERS, Preferences(tray=False)):
        settings = Settings(path)
        preferences.save(settings, wanted)
        assert path.read_text() == newer
        assert preferences.load(Settings(path)) == wanted
    assert settings.path == tmp_path / "window-1.ini"


@pytest.mark.parametrize(
    "content", [b"\x00\xff\x13 no settings\n\x80\n", b"[General]\nversion=soon\ntheme=dark\n"]
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "window.ini"
    path.write_bytes(content)
    settings = Settings(path)
    assert preferences.load(settings) == Preferences()
    preferences.save(settings, OTHERS)
    assert (tmp_path / "window.damaged.ini").read_bytes() == content
    assert preferences.load(Settings(path)) == OTHERS


def test_a_folder_in_its_place_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "window.ini").mkdir()
    settings = Settings(tmp_path / "window.ini")
    preferences.save(settings, OTHERS)
    assert (tmp_path / "window.ini").is_dir()


def test_a_window_opens_on_garbage(
    qtbot: QtBot, isolated: Isolated, themes: ThemeManager, tmp_path: Path
) -> None:
    path = tmp_path / "garbage.ini"
    keys = "window/geometry layout/start layout/run plots/choices rates/recent preferences"
    settings = Settings(path)
    for key in keys.split():
        settings.put(key, "\x01\x02 {[")
    settings.put("window/theme", "{}")
    settings.save()
    window = MainWindow(isolated.runs, Settings(path), themes)
    with qtbot.waitExposed(window):
        window.show()
    window.leave_and_close()
    window.deleteLater()
    assert preferences.load(Settings(path)) == Preferences()


def dialog_of(window: MainWindow) -> PreferencesDialog:
    """The dialog, opened by its key."""
    QTest.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    dialog = window.preferring.dialog
    assert dialog is not None
    return dialog


def test_the_dialog_changes_at_once(
    qtbot: QtBot, open_window: OpenWindow, themes: ThemeManager, settings: Settings
) -> None:
    window = open_window()
    window.preferring.put(Preferences(colours="light"))
    dialog = dialog_of(window)
    window.preferring.show_dialog(window.home)  # again: the same one
    assert window.preferring.dialog is dialog
    dialog.curves.setFocus()
    QTest.keyClick(dialog.curves, Qt.Key.Key_Down)
    assert themes.theme.curves == curves("contrast", "light")
    dialog.boxes["tell_ended"].click()
    assert dialog.boxes["tray"].isEnabled()
    dialog.boxes["tell_failed"].click()
    assert dialog.boxes["tray"].isEnabled()
    dialog.boxes["tell_findings"].click()
    assert not dialog.boxes["tray"].isEnabled()
    window.actions_table.colours["dark"].trigger()
    assert dialog.colours.currentData() == "dark"
    assert themes.theme.curves == curves("contrast", "dark")
    untold = {"tell_ended": False, "tell_failed": False, "tell_findings": False}
    kept = Preferences("dark", "contrast", **untold)
    assert preferences.load(settings) == window.preferring.now == kept
    dialog.defaults.click()
    assert preferences.load(settings) == Preferences()
    assert window.actions_table.colours["system"].isChecked()
    assert dialog.boxes["tray"].isChecked()
    with qtbot.waitSignal(dialog.destroyed):
        dialog.reject()
    assert window.preferring.dialog is None


def test_another_window_takes_them_over_when_it_is_used(
    qtbot: QtBot, open_window: OpenWindow, settings: Settings, themes: ThemeManager
) -> None:
    window = open_window()
    dialog = dialog_of(window)
    other = Settings(settings.path)  # as another process holds it
    preferences.save(other, Preferences("dark", tray=False))
    assert themes.theme.name == "light"
    window.activateWindow()
    window.preferring.look()
    assert themes.theme.name == "dark"
    assert not dialog.boxes["tray"].isChecked()
    assert window.actions_table.colours["dark"].isChecked()
    dialog.reject()


def test_colours_given_at_the_start_are_of_that_window(
    open_window: OpenWindow, settings: Settings, themes: ThemeManager
) -> None:
    """`themes` is light as by `--theme light`; what is kept says dark."""
    preferences.save(settings, Preferences("dark"))
    window = open_window()
    assert themes.theme.name == "light"
    window.preferring.look()
    window.preferring.put(Preferences("dark", tray=False))
    assert themes.theme.name == "light"
    window.preferring.put_colours("dark")
    assert themes.theme.name == "dark"


def test_the_folder_of_the_runs_and_where_it_comes_from(
    open_window: OpenWindow, isolated: Isolated, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window()
    dialog = dialog_of(window)
    assert "LRMONITOR_RUNS" in dialog._source(isolated.runs)
    assert "--runs" in dialog._source(isolated.home)
    monkeypatch.delenv("LRMONITOR_RUNS")
    from lrmonitor.record.home import runs_home

    assert dialog._source(runs_home()).startswith("The usual one.")
    dialog.reject()


@pytest.mark.parametrize("bad", [False, True])
@pytest.mark.parametrize("task_bar", [False, True])
@pytest.mark.parametrize("tray", [False, True])
@pytest.mark.parametrize("wanted", [False, True])
def test_news_come_as_it_is_preferred(
    open_window: OpenWindow,
    monkeypatch: pytest.MonkeyPatch,
    bad: bool,
    task_bar: bool,
    tray: bool,
    wanted: bool,
) -> None:
    alerted: list[object] = []
    monkeypatch.setattr(QApplication, "alert", lambda window, ms=0: alerted.append(window))
    icon = Tray()
    notifier = Notifier(open_window(show=False), lambda *_: icon)  # type: ignore[arg-type]
    how = Preferences(
        tell_failed=wanted if bad else not wanted,
        tell_ended=not wanted if bad else wanted,
        task_bar=task_bar,
        tray=tray,
    )
    notifier.tell("digits: ended", "The script ended.", bad, how)
    assert bool(alerted) == (wanted and task_bar)
    assert bool(icon.said) == (wanted and tray)
    if icon.said:
        assert json.dumps(icon.said[0][:2]) == '["digits: ended", "The script ended."]'
