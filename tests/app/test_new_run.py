"""The New run dialog as a person uses it: typing, choosing, dropping, starting."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.new_run import NewRunDialog
from lrmonitor.app.theme import DARK, ThemeManager
from lrmonitor.launch.form import Form
from tests.conftest import Isolated
from tests.helpers.recorded import Recorded

HELLO = "print('hello')\n"
TIMEOUT = 30_000


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script in a folder of its own."""
    path = tmp_path / "project" / "train.py"
    path.parent.mkdir()
    path.write_text(HELLO)
    return path


@pytest.fixture(autouse=True)
def _no_shims(monkeypatch: pytest.MonkeyPatch) -> None:
    """All Pythons are told by their files: a shim on PATH would be started and waited for."""
    monkeypatch.setenv(
        "PATH", os.pathsep.join([os.path.dirname(sys.executable), "/usr/bin", "/bin"])
    )


@pytest.fixture
def dialog(qtbot: QtBot, isolated: Isolated, themes: ThemeManager) -> Iterator[NewRunDialog]:
    """The dialog, shown; closed and deleted after the test, when nothing is looked for any more."""
    dialog = NewRunDialog(isolated.runs, themes.theme)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    with qtbot.waitActive(dialog, timeout=TIMEOUT):  # without a window manager too
        dialog.show()
        dialog.activateWindow()
    qtbot.waitUntil(lambda: dialog.form.interpreters.searched, timeout=TIMEOUT)
    yield dialog
    qtbot.waitUntil(lambda: not dialog.form.interpreters.busy, timeout=TIMEOUT)
    dialog.close()
    dialog.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QApplication.processEvents()


def type_into(edit: QLineEdit, text: str) -> None:
    """Replace a field's text, key by key."""
    edit.setFocus()
    edit.selectAll()
    QTest.keyClick(edit, Qt.Key.Key_Delete)
    QTest.keyClicks(edit, text)


def click(widget: QWidget) -> None:
    """Click it with the mouse."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def drop(widget: QWidget, *paths: Path | str) -> bool:
    """Drag files onto a widget and let go; whether it took them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), action, data, button, none)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(widget, QDropEvent(QPointF(5, 5), action, data, button, none))
    return True


def runs_in(home: Path) -> list[Path]:
    """The folders of the runs that were made."""
    return sorted(path.parent for path in home.glob("*/run.json"))


def test_at_first_it_says_what_is_missing(dialog: NewRunDialog) -> None:
    assert not dialog.start.isEnabled()
    assert dialog.reason.text() == "Choose the script to run."
    assert [name for name, field in dialog.form.fields.items() if field.problem] == []
    assert dialog.command.text == ""
    assert not dialog.command.copy.isEnabled()
    assert dialog.form.targets["script"].hasFocus()


def test_a_command_of_three_lines_is_seen_whole(dialog: NewRunDialog) -> None:
    box = dialog.command.box
    for lines, whole in ((3, True), (4, False)):
        dialog.command.show_command("\n".join("line" for _ in range(lines)))
        QApplication.processEvents()
        assert box.verticalScrollBar().isVisible() != whole


def test_typed_in_and_started(
    dialog: NewRunDialog, script: Path, isolated: Isolated, qtbot: QtBot
) -> None:
    form = dialog.form
    type_into(form.targets["script"], str(script))
    type_into(form.arguments, "--lr 0.1 'a b'")
    type_into(form.name, "first try")
    assert form.folder.placeholderText() == str(script.parent)
    assert dialog.reason.text() == ""
    words = shlex.split(dialog.command.text)
    assert words == [
        "lrmonitor", "run", "--name", "first try", "--python", form.interpreters.path,
        "--cwd", str(script.parent), "train.py", "--lr", "0.1", "a b",
    ]  # fmt: skip
    with qtbot.waitSignal(dialog.started, timeout=TIMEOUT) as started:
        QTest.keyClick(form.name, Qt.Key.Key_Return)
    (folder,) = runs_in(isolated.runs)
    assert started.args == [folder]
    assert not dialog.isVisible()
    info = json.loads((folder / "run.json").read_text())
    assert info["command"] == [form.interpreters.path, "train.py", "--lr", "0.1", "a b"]
    assert (info["name"], info["cwd"]) == ("first try", str(script.parent))
    qtbot.waitUntil(lambda: "exited" in (folder / "supervisor.jsonl").read_text(), timeout=TIMEOUT)
    assert (folder / "console.log").read_text() == "hello\n"


def test_what_is_wrong_is_said_at_its_field_after_a_pause(
    dialog: NewRunDialog, script: Path, qtbot: QtBot
) -> None:
    type_into(dialog.form.targets["script"], str(script))
    type_into(dialog.form.arguments, '--note "half')
    field = dialog.form.fields["arguments"]
    # At once the button, with the reason beside it; at the field when the person pauses.
    assert not dialog.start.isEnabled()
    assert dialog.reason.text() == 'A quote (") is opened and not closed.'
    assert field.problem == ""
    qtbot.waitUntil(lambda: field.problem == 'A quote (") is opened and not closed.')
    assert dialog.reason.text() == "", "it is not said twice"
    assert field.note.isVisible()
    assert field.note.tone == "bad"
    assert dialog.form.arguments.property("tone") == "bad"
    QTest.keyClicks(dialog.form.arguments, '"')
    assert (field.problem, dialog.reason.text()) == ("", "")
    assert dialog.start.isEnabled()


def test_a_field_that_is_left_is_judged_at_once(dialog: NewRunDialog) -> None:
    type_into(dialog.form.targets["script"], "/no/such/train.py")
    QTest.keyClick(dialog.form.targets["script"], Qt.Key.Key_Tab)
    assert dialog.form.fields["target"].problem == "There is no file /no/such/train.py."


def test_each_kind_keeps_what_was_typed(dialog: NewRunDialog, script: Path) -> None:
    form = dialog.form
    type_into(form.targets["script"], str(script))
    buttons = form.kinds.buttons()
    click(buttons[1])
    assert form.kind == "module"
    assert dialog.reason.text() == "Name the module to run, such as package.train."
    type_into(form.targets["module"], "json.tool")
    assert form.folder.placeholderText() == os.getcwd()
    assert "-m json.tool" in dialog.command.text
    click(buttons[2])
    assert not form.fields["python"].isVisible()
    assert not form.fields["arguments"].isVisible()
    type_into(form.targets["command"], "echo $HOME")
    assert "No shell reads this line: $HOME is passed on" in form.fields["target"].note.text
    assert form.fields["target"].note.text.endswith("For a shell: bash -c '…'")
    assert dialog.command.text.endswith("-- echo '$HOME'")
    click(buttons[0])
    assert form.targets["script"].text() == str(script)
    assert form.fields["python"].isVisible()


def test_the_module_is_started(dialog: NewRunDialog, isolated: Isolated, qtbot: QtBot) -> None:
    click(dialog.form.kinds.buttons()[1])
    type_into(dialog.form.targets["module"], "this")
    with qtbot.waitSignal(dialog.started, timeout=TIMEOUT):
        click(dialog.start)
    (folder,) = runs_in(isolated.runs)
    qtbot.waitUntil(lambda: "exited" in (folder / "supervisor.jsonl").read_text(), timeout=TIMEOUT)
    assert "Zen of Python" in (folder / "console.log").read_text()


def test_what_cannot_be_started_is_told_and_nothing_typed_is_lost(
    dialog: NewRunDialog, isolated: Isolated, tmp_path: Path, qtbot: QtBot
) -> None:
    tool = tmp_path / "trainer"
    tool.write_text("#!/no/such/interpreter\n")
    tool.chmod(0o755)
    click(dialog.form.kinds.buttons()[2])
    type_into(dialog.form.targets["command"], f"{tool} --lr 0.1")
    type_into(dialog.form.name, "mine")
    before = dialog.form.form()
    click(dialog.start)
    assert dialog.start.text() == "Starting…"
    assert not dialog.form.isEnabled()
    qtbot.waitUntil(lambda: bool(dialog.banner.text), timeout=TIMEOUT)
    assert dialog.banner.text.startswith("It was not started: ")
    assert "needs an interpreter that is not there" in dialog.banner.text
    assert dialog.isVisible()
    assert dialog.form.form() == before
    assert dialog.start.isEnabled()


def test_a_folder_of_runs_that_cannot_be_written(
    qtbot: QtBot, dialog: NewRunDialog, script: Path, isolated: Isolated
) -> None:
    isolated.runs.rmdir()
    isolated.runs.write_text("a file is in the way")
    dialog.fill_script(script)
    click(dialog.start)
    qtbot.waitUntil(lambda: bool(dialog.banner.text), timeout=TIMEOUT)
    assert f"folder cannot be made in {isolated.runs}" in dialog.banner.text
    assert dialog.form.targets["script"].text() == str(script)


def test_a_dropped_script_is_filled_in_and_not_started(
    dialog: NewRunDialog, script: Path, isolated: Isolated
) -> None:
    type_into(dialog.form.arguments, "--lr 1")
    click(dialog.form.kinds.buttons()[2])
    assert drop(dialog, script.with_name("notes.txt"), script)
    assert dialog.form.kind == "script"
    assert dialog.form.targets["script"].text() == str(script)
    assert dialog.form.arguments.text() == "--lr 1"
    assert dialog.form.arguments.hasFocus()
    assert dialog.isVisible()
    assert runs_in(isolated.runs) == []
    other = script.with_name("notes.txt")
    other.write_text("")
    assert not drop(dialog, other)
    assert not drop(dialog, script.with_name("missing.py"))


def test_variables(dialog: NewRunDialog, script: Path, isolated: Isolated, qtbot: QtBot) -> None:
    table = dialog.form.variables
    dialog.fill_script(script)
    assert table.rowCount() == 1

    def type_cell(row: int, column: int, text: str) -> None:
        table.setCurrentCell(row, column)
        table.setFocus()
        QTest.keyClick(table, Qt.Key.Key_F2)
        editor = table.findChild(QLineEdit)
        assert editor is not None
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: table.findChild(QLineEdit) is None)

    type_cell(0, 0, "SEED")
    type_cell(0, 1, "7")
    assert table.rowCount() == 2  # a free row follows
    type_cell(1, 0, "export MODE=fast run")
    assert table.pairs() == (("SEED", "7"), ("MODE", "fast run"))
    assert "--env SEED=7 --env 'MODE=fast run'" in dialog.command.text
    type_cell(2, 0, "SEED")
    qtbot.waitUntil(lambda: dialog.form.fields["env"].problem == "SEED is set twice.")
    table.setCurrentCell(2, 0)
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert table.pairs() == (("SEED", "7"), ("MODE", "fast run"))
    assert dialog.form.fields["env"].problem == ""
    script.write_text("import os\nprint(os.environ['SEED'], os.environ['MODE'])\n")
    with qtbot.waitSignal(dialog.started, timeout=TIMEOUT):
        click(dialog.start)
    (folder,) = runs_in(isolated.runs)
    qtbot.waitUntil(lambda: "exited" in (folder / "supervisor.jsonl").read_text(), timeout=TIMEOUT)
    assert (folder / "console.log").read_text() == "7 fast run\n"


def test_the_command_is_copied(dialog: NewRunDialog, script: Path, qtbot: QtBot) -> None:
    dialog.fill_script(script)
    click(dialog.command.copy)
    assert QGuiApplication.clipboard().text() == dialog.command.text
    assert dialog.command.copy.text() == "Copied"
    qtbot.waitUntil(lambda: dialog.command.copy.text() != "Copied")


class TestPythons:
    def test_the_one_with_torch_is_offered_and_told(self, dialog: NewRunDialog) -> None:
        choice = dialog.form.interpreters
        assert choice.path == sys.executable
        assert "torch" in choice.box.currentText()
        assert sys.executable in dialog.form.fields["python"].note.text

    def test_the_environment_beside_the_script_comes_first(
        self, dialog: NewRunDialog, script: Path, qtbot: QtBot
    ) -> None:
        python = script.parent / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        (python.parent.parent / "pyvenv.cfg").write_text("version = 3.11.7\nhome = /nowhere\n")
        site = python.parent.parent / "lib" / "python3.11" / "site-packages" / "torch"
        site.mkdir(parents=True)
        (site / "version.py").write_text("__version__ = '2.4.1'\n")
        type_into(dialog.form.targets["script"], str(script))
        qtbot.waitUntil(lambda: dialog.form.interpreters.path == str(python), timeout=TIMEOUT)
        assert dialog.form.interpreters.box.currentText().startswith("Python 3.11.7, torch 2.4.1")
        assert "beside the script" in dialog.form.fields["python"].note.text

    def test_what_the_person_chose_stays_chosen(
        self, dialog: NewRunDialog, script: Path, qtbot: QtBot, tmp_path: Path
    ) -> None:
        bare = tmp_path / "bare" / "bin" / "python"
        bare.parent.mkdir(parents=True)
        bare.symlink_to(sys.executable)
        (tmp_path / "bare" / "pyvenv.cfg").write_text("version = 3.11.7\nhome = /nowhere\n")
        choice = dialog.form.interpreters
        click(dialog.form.fields["python"].findChildren(QWidget)[0])
        choice.browse()
        files = dialog.form.findChild(QFileDialog)
        assert files is not None
        files.selectFile(str(bare))
        files.accept()
        qtbot.waitUntil(lambda: choice.python is not None and choice.python.known, timeout=TIMEOUT)
        assert choice.path == str(bare)
        note = dialog.form.fields["python"].note
        assert (note.tone, "no torch" in note.text) == ("warn", True)
        dialog.fill_script(script)
        qtbot.waitUntil(lambda: not choice.busy, timeout=TIMEOUT)
        assert choice.path == str(bare)
        assert f"--python {bare}" in dialog.command.text

    def test_one_that_is_gone_is_said_to_be(self, dialog: NewRunDialog, script: Path) -> None:
        dialog.fill(Form(target=str(script), python="/no/such/python"))
        assert dialog.form.fields["python"].problem == "/no/such/python does not exist."
        assert not dialog.start.isEnabled()


def test_the_script_and_the_folder_are_chosen_from_the_disk(
    dialog: NewRunDialog, script: Path, tmp_path: Path
) -> None:
    click(dialog.form.browse)
    files = dialog.form.findChild(QFileDialog)
    assert files is not None
    files.selectFile(str(script))
    files.accept()
    assert dialog.form.targets["script"].text() == str(script)
    elsewhere = tmp_path / "data"
    elsewhere.mkdir()
    dialog.form.folder.setText(str(elsewhere))
    assert dialog.command.text.endswith(f"--cwd {elsewhere} {script}")


def test_recent_runs_fill_the_form(
    qtbot: QtBot, isolated: Isolated, themes: ThemeManager, script: Path
) -> None:
    for number, created in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        Recorded(
            isolated.runs,
            f"20260101-000000-{number * 4}",
            created=created,
            name="train" if number != "c" else "tuned",
            script="train.py",
            command=[sys.executable, "train.py", "--lr", "0.5" if number == "c" else "0.1"],
            cwd=str(script.parent),
            python=sys.executable,
            env={"SEED": "1"},
        )
    Recorded(isolated.runs, "20260101-000000-dddd", kind="started")
    dialog = NewRunDialog(isolated.runs, themes.theme)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.recent.isVisible(), timeout=TIMEOUT)
    menu = dialog.recent.menu()
    assert menu is not None
    texts = [action.text() for action in menu.actions()]
    assert len(texts) == 2  # the same launch is listed once, what was not launched is not
    assert texts[0].startswith("tuned: train.py --lr 0.5")
    assert texts[1].startswith("train.py --lr 0.1")
    menu.actions()[0].trigger()
    assert dialog.form.form() == Form(
        "script", str(script), "--lr 0.5", sys.executable, "", (("SEED", "1"),), "tuned"
    )
    assert dialog.start.isEnabled()
    qtbot.waitUntil(lambda: not dialog.form.interpreters.busy, timeout=TIMEOUT)


def test_it_follows_the_theme_and_grows_for_what_it_says(
    dialog: NewRunDialog, script: Path
) -> None:
    before = dialog.height()
    dialog.set_theme(DARK)
    dialog.fill(Form("script", "/no.py", "'", "", "/no", (("", "1"),), ""))
    assert [n for n, f in dialog.form.fields.items() if f.problem] == [
        "target", "arguments", "folder", "env",
    ]  # fmt: skip
    assert dialog.height() > before
