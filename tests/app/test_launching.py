"""Starting, attaching and re-running from the window, with real processes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.new_run import NewRunDialog
from lrmonitor.app.dialogs.questions import Question
from lrmonitor.app.dialogs.rerun import CannotRerunBox
from lrmonitor.app.launching import Launcher
from lrmonitor.app.window import MainWindow
from lrmonitor.launch import spec as specs
from lrmonitor.launch.spec import Options
from lrmonitor.launch.start import start_detached
from lrmonitor.model.state import Phase
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.app.test_new_run import click, drop, runs_in, type_into
from tests.conftest import Isolated

TIMEOUT = 30_000

TRAINS = """\
import sys, time
import torch

torch.set_num_threads(1)
weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], lr=float(sys.argv[sys.argv.index("--lr") + 1]))
for _ in range(100_000):
    optimizer.zero_grad()
    weight.pow(2).sum().backward()
    optimizer.step()
    time.sleep(0.01)
"""


@pytest.fixture(autouse=True)
def _no_shims(monkeypatch: pytest.MonkeyPatch) -> None:
    """All Pythons are told by their files: a shim on PATH would be started and waited for."""
    monkeypatch.setenv(
        "PATH", os.pathsep.join([os.path.dirname(sys.executable), "/usr/bin", "/bin"])
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that trains for a long time."""
    path = tmp_path / "project" / "train.py"
    path.parent.mkdir()
    path.write_text(TRAINS)
    return path


@pytest.fixture
def end_all(isolated: Isolated) -> Iterator[None]:
    """Kill the scripts that were started, after the test."""
    yield
    for folder in runs_in(isolated.runs):
        for text in (folder / "supervisor.jsonl").read_text().splitlines():
            told = json.loads(text)
            if told["event"] == "started":
                try:
                    process = psutil.Process(told["pid"])
                    if abs(process.create_time() - told["started"]) < 2:
                        process.kill()
                        psutil.wait_procs([process], timeout=10)
                except psutil.NoSuchProcess:
                    continue


def menu_action(window: MainWindow, text: str) -> Callable[[], None]:
    """What an entry of the window's menus does."""
    (action,) = [a for a in window.actions_table.all if a.text().replace("&", "") == text]
    return action.trigger


def new_dialog(window: MainWindow) -> NewRunDialog | None:
    """The New run dialog, if it is open."""
    return window.launcher.new_dialog


def question(window: MainWindow) -> Question | None:
    """What is asked, if anything."""
    return window.launcher.question


def box(window: MainWindow) -> CannotRerunBox | None:
    """What is explained, if anything."""
    return window.launcher.box


def step(window: MainWindow) -> int:
    """The latest step of the open run."""
    return 0 if window.session is None else window.session.model.state.step or 0


@pytest.mark.usefixtures("end_all")
def test_a_training_is_started_from_the_window_and_seen(
    open_window: OpenWindow, script: Path, isolated: Isolated, qtbot: QtBot
) -> None:
    window = open_window()
    with qtbot.waitActive(window, timeout=TIMEOUT):
        window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    dialog = window.launcher.new_dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.form.interpreters.searched, timeout=TIMEOUT)
    type_into(dialog.form.targets["script"], str(script))
    type_into(dialog.form.arguments, "--lr 0.001")
    click(dialog.start)
    qtbot.waitUntil(lambda: step(window) >= 3, timeout=TIMEOUT)
    assert new_dialog(window) is None
    assert window.session is not None
    assert window.session.model.state.phase is Phase.RUNNING
    assert [window.session.folder] == runs_in(isolated.runs)
    series = window.session.model.lr()
    assert series is not None
    assert series.value[0] == 0.001


@pytest.mark.usefixtures("end_all")
def test_a_live_run_is_attached_to_and_started_again(
    open_window: OpenWindow, script: Path, isolated: Isolated, tmp_path: Path, qtbot: QtBot
) -> None:
    """Launched elsewhere, into another folder of runs; then re-run twice, from the window."""
    away = tmp_path / "away"
    options = Options(away, cwd=str(script.parent), detached=True)
    spec = specs.script("train.py", ["--lr", "0.001"], sys.executable, options)
    first = start_detached(spec)
    assert first.pid is not None
    process = psutil.Process(first.pid)
    try:
        qtbot.waitUntil(lambda: any(isolated.runtime.glob("*.json")), timeout=TIMEOUT)
        window = open_window()
        assert window.start is not None
        click(window.start.choices["attach"])
        dialog = window.launcher.attach_dialog
        assert dialog is not None
        qtbot.waitUntil(lambda: dialog.list.topLevelItemCount() == 1, timeout=TIMEOUT)
        QTest.keyClick(dialog.search, Qt.Key.Key_Return)
        assert window.session is not None
        assert window.session.folder == first.folder
        qtbot.waitUntil(lambda: step(window) > 0, timeout=TIMEOUT)
        # It is still running: that is asked about, and no means no.
        menu_action(window, "Re-run")()
        asked = question(window)
        assert asked is not None
        click(asked.answers["cancel"])
        assert question(window) is None
        menu_action(window, "Re-run")()
        asked = question(window)
        assert asked is not None
        click(asked.answers["yes"])
        qtbot.waitUntil(lambda: bool(runs_in(isolated.runs)), timeout=TIMEOUT)
        (second,) = runs_in(isolated.runs)
        qtbot.waitUntil(
            lambda: window.session is not None and window.session.folder == second, timeout=TIMEOUT
        )
        info = [json.loads((folder / "run.json").read_text()) for folder in (first.folder, second)]
        for key in ("command", "cwd", "env", "name", "python", "script", "argv", "kind"):
            assert info[0][key] == info[1][key]
        # With another rate: the form comes filled in, and nothing is started by that.
        menu_action(window, "Re-run with other settings…")()
        new = window.launcher.new_dialog
        assert new is not None
        qtbot.waitUntil(lambda: not new.form.interpreters.busy, timeout=TIMEOUT)
        assert new.form.targets["script"].text() == str(script)
        assert new.form.arguments.text() == "--lr 0.001"
        type_into(new.form.arguments, "--lr 0.5")
        assert len(runs_in(isolated.runs)) == 1
        click(new.start)
        qtbot.waitUntil(lambda: len(runs_in(isolated.runs)) == 2, timeout=TIMEOUT)
        qtbot.waitUntil(lambda: step(window) >= 3, timeout=TIMEOUT)
        assert window.session is not None
        series = window.session.model.lr()
        assert series is not None
        assert series.value[0] == 0.5
    finally:
        process.kill()
        psutil.wait_procs([process], timeout=10)


def over(isolated: Isolated, folder: Path, **changes: object) -> Path:
    """A run that is over, whose script is in `folder`; its folder."""
    run = RunFolder(isolated.runs, "train").launch(False).exited(0)
    path = run.path / "run.json"
    info = json.loads(path.read_text()) | {
        "script": "train.py",
        "command": [sys.executable, "train.py"],
        "python": sys.executable,
        "cwd": str(folder),
    }
    path.write_text(json.dumps(info | changes))
    return run.path


def test_a_run_that_is_over_is_started_again_without_a_question(
    open_window: OpenWindow, isolated: Isolated, script: Path, qtbot: QtBot
) -> None:
    script.write_text("print('again')\n")
    folder = over(isolated, script.parent)
    window = open_window()
    window.runs.rerun_wanted.emit(folder)
    assert window.launcher.question is None
    qtbot.waitUntil(lambda: len(runs_in(isolated.runs)) == 2, timeout=TIMEOUT)
    qtbot.waitUntil(
        lambda: window.session is not None and window.session.folder != folder, timeout=TIMEOUT
    )
    qtbot.waitUntil(lambda: window.session is not None and window.session.over, timeout=TIMEOUT)
    assert window.session is not None
    assert (window.session.folder / "console.log").read_text() == "again\n"


def test_the_menu_of_a_listed_run_offers_it(
    open_window: OpenWindow, isolated: Isolated, script: Path, qtbot: QtBot
) -> None:
    folder = over(isolated, script.parent)
    window = open_window()
    qtbot.waitUntil(lambda: folder in window.runs.roster.lines, timeout=TIMEOUT)
    menu = window.runs.menu_for(window.runs.roster.lines[folder])
    assert isinstance(menu, QMenu)
    (action,) = [a for a in menu.actions() if a.text() == "Re-run with other &settings…"]
    action.trigger()
    dialog = window.launcher.new_dialog
    assert dialog is not None
    assert dialog.form.targets["script"].text() == str(script)
    menu.close()


def test_what_was_not_launched_is_explained(
    open_window: OpenWindow, isolated: Isolated, script: Path
) -> None:
    folder = over(isolated, script.parent, kind="started")
    window = open_window(folder)
    for text in ("Re-run", "Re-run with other settings…"):
        menu_action(window, text)()
        told = box(window)
        assert told is not None
        assert "lrmonitor.start()" in told.informativeText()
        click(told.buttons()[0])
        assert box(window) is None
        assert new_dialog(window) is None


def test_what_is_gone_is_said_where_it_can_be_changed(
    open_window: OpenWindow, isolated: Isolated, script: Path
) -> None:
    folder = over(isolated, script.parent)
    script.unlink()
    window = open_window(folder)
    menu_action(window, "Re-run")()
    dialog = window.launcher.new_dialog
    assert dialog is not None
    assert dialog.banner.text.startswith("It was not started again: there is no script train.py")
    assert dialog.form.fields["target"].problem == f"There is no file {script}."
    assert not dialog.start.isEnabled()


def test_what_fails_at_the_start_comes_back_as_a_form(
    open_window: OpenWindow, isolated: Isolated, script: Path, qtbot: QtBot
) -> None:
    tool = script.with_name("tool")
    tool.write_text("#!/no/such/interpreter\n")
    tool.chmod(0o755)
    folder = over(isolated, script.parent, command=[str(tool)], python=None, script=str(tool))
    window = open_window(folder)
    menu_action(window, "Re-run")()
    qtbot.waitUntil(lambda: window.launcher.new_dialog is not None, timeout=TIMEOUT)
    dialog = window.launcher.new_dialog
    assert dialog is not None
    assert "needs an interpreter that is not there" in dialog.banner.text
    assert dialog.form.targets["command"].text() == str(tool)


def test_a_script_dropped_on_the_window_fills_the_form_in(
    open_window: OpenWindow, script: Path, isolated: Isolated
) -> None:
    window = open_window()
    assert drop(window, script.parent)  # it might be a log; it is none, and that is said
    assert new_dialog(window) is None
    assert drop(window, script)
    dialog = window.launcher.new_dialog
    assert dialog is not None
    assert dialog.isVisible()
    assert dialog.form.targets["script"].text() == str(script)
    type_into(dialog.form.arguments, "--lr 1")
    other = script.with_name("other.py")
    other.write_text("")
    assert drop(window, other)  # into the dialog that is open; the rest stays
    assert window.launcher.new_dialog is dialog
    assert dialog.form.arguments.text() == "--lr 1"
    assert dialog.form.targets["script"].text() == str(other)
    assert runs_in(isolated.runs) == []


def test_each_dialog_is_there_once_and_goes_with_the_window(open_window: OpenWindow) -> None:
    window = open_window()
    launcher: Launcher = window.launcher
    assert launcher.new_run() is launcher.new_run()
    assert launcher.attach() is launcher.attach()
    window.preferring.put_colours("dark")
    window.close()
    assert (launcher.new_dialog, launcher.attach_dialog) == (None, None)
