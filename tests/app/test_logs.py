"""Logs of other programs in the window: opened, shown, followed, and never written to."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.open_log import OpenLogDialog
from lrmonitor.app.theme import DARK
from lrmonitor.app.window import MainWindow
from lrmonitor.model.state import Phase
from lrmonitor.record.foreign.reader import read_log
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.app.test_new_run import drop
from tests.conftest import Isolated


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with a loss, a rate, a validation, a metric and a column of text."""
    path = tmp_path / "logs" / "run.csv"
    path.parent.mkdir()
    path.write_text("step,loss,lr,val_loss,acc,note\n")
    add(path, 1, 200)
    return path


def add(path: Path, first: int, last: int) -> None:
    """More steps, as a program writes them."""
    with open(path, "a") as file:
        for n in range(first, last + 1):
            file.write(f"{n},{1 / n},0.001,{2 / n if n % 50 == 0 else ''},{n / 500},x\n")


def dialog_of(window: MainWindow, qtbot: QtBot) -> OpenLogDialog:
    qtbot.waitUntil(lambda: window.logs.dialog is not None)
    dialog = window.logs.dialog
    assert dialog is not None
    return dialog


def loaded(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.view is not None and window.view.plots is not None)


def test_a_log_is_shown_and_followed(open_window: OpenWindow, log: Path, qtbot: QtBot) -> None:
    window = open_window()
    assert window.open_run(log, read_log(log, budget=0.05))
    loaded(window, qtbot)
    view = window.view
    assert view is not None
    plots = view.plots
    assert plots is not None
    assert window.windowTitle() == "run.csv – lrmonitor"
    assert view.header.word.text() == "Log – still growing"
    assert plots.newest() == 200
    names = [choice.name for choice in plots.metrics.choices]
    assert names == ["val_loss", "acc"]  # the validation first
    add(log, 201, 260)
    qtbot.waitUntil(lambda: view.header.step.value.text() == "260")
    assert view.session.model.lr(0, 0) is not None


def test_a_log_has_nothing_to_control_and_says_why(
    open_window: OpenWindow, log: Path, qtbot: QtBot
) -> None:
    window = open_window()
    window.open_run(log, read_log(log))
    loaded(window, qtbot)
    session = window.session
    assert session is not None
    problem = session.control_problem()
    assert problem is not None
    assert "not a process" in problem
    assert session.rate_problem(0) == problem
    table = window.actions_table
    assert not any(a.isEnabled() for a in (table.pause, table.step, table.stop))
    assert session.record.note("hello", 3) == (
        "This log is only read, so nothing can be added to it."
    )
    assert [p.name for p in log.parent.iterdir()] == ["run.csv"]


def test_a_log_that_does_not_grow_is_told_as_such(
    open_window: OpenWindow, log: Path, qtbot: QtBot
) -> None:
    moment = time.time() - 7200
    os.utime(log, (moment, moment))
    window = open_window()
    window.open_run(log, read_log(log))
    loaded(window, qtbot)
    view = window.view
    assert view is not None
    assert view.header.word.text() == "Log – no change for 2 h"
    assert view.session.model.state.phase is Phase.LOG
    add(log, 201, 201)
    qtbot.waitUntil(lambda: view.header.word.text() == "Log – still growing")


def test_the_dialog_shows_what_was_recognised(
    open_window: OpenWindow, log: Path, qtbot: QtBot
) -> None:
    window = open_window()
    window.logs.look_at(log)
    dialog = dialog_of(window, qtbot)
    assert "run.csv is a CSV log" in dialog.told.text()
    assert "note" in dialog.told.text()
    rows = {dialog.box(row).text(): row for row in range(4)}
    shown = {name: dialog.role(row).currentText() for name, row in rows.items()}
    assert shown == {
        "loss": "Loss",
        "lr": "Learning rate",
        "val_loss": "Validation loss",
        "acc": "Metric",
    }
    dialog.box(rows["val_loss"]).setCheckState(Qt.CheckState.Unchecked)
    dialog.role(rows["acc"]).setCurrentIndex(dialog.role(rows["acc"]).findData("loss"))
    assert "There can be one loss" in dialog.problem.text
    dialog.box(rows["loss"]).setCheckState(Qt.CheckState.Unchecked)
    assert dialog.choice().roles == {"loss": None, "lr": "lr", "val_loss": None, "acc": "loss"}
    dialog.set_theme(DARK)
    dialog.accept()
    loaded(window, qtbot)
    session = window.session
    assert session is not None
    loss = session.model.loss()
    assert loss is not None
    assert loss.info.name == "acc"
    assert session.model.metrics() == []
    assert window.logs.dialog is None


def test_no_column_chosen_is_nothing_to_open(
    open_window: OpenWindow, log: Path, qtbot: QtBot
) -> None:
    window = open_window()
    window.logs.look_at(log)
    dialog = dialog_of(window, qtbot)
    for row in range(4):
        dialog.box(row).setCheckState(Qt.CheckState.Unchecked)
    assert not dialog.go.isEnabled()
    dialog.reject()
    assert window.session is None


def test_a_log_without_a_loss_says_how_to_name_one(
    open_window: OpenWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "other.csv"
    path.write_text("step,cost\n" + "".join(f"{n},{n / 2}\n" for n in range(1, 30)))
    window = open_window()
    window.open_run(path, read_log(path))
    loaded(window, qtbot)
    view = window.view
    assert view is not None
    assert "Open log…" in view._message()
    assert view.header.step.value.text() == "29"


def test_what_is_no_log_is_said(open_window: OpenWindow, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear all,\nno log\n")
    window = open_window()
    window.logs.look_at(path)
    assert window.start is not None
    assert "letter.txt is no log that is understood" in window.start.problem.text
    assert window.logs.dialog is None


def test_a_run_folder_is_opened_as_a_run(
    open_window: OpenWindow, isolated: Isolated, qtbot: QtBot
) -> None:
    folder = RunFolder(isolated.runs).launch().register().train(20)
    window = open_window()
    window.logs.look_at(folder.path)
    loaded(window, qtbot)
    assert window.session is not None
    assert window.session.model.log is None


@pytest.mark.parametrize("dropped", ["run.csv", "."])
def test_a_dropped_log(open_window: OpenWindow, log: Path, qtbot: QtBot, dropped: str) -> None:
    if dropped == ".":
        log.rename(log.with_name("metrics.csv"))
    window = open_window()
    assert drop(window, log.parent / dropped)
    dialog = dialog_of(window, qtbot)
    assert dialog.reader.log.format == ("CSV" if dropped == "run.csv" else "Lightning CSV")
    dialog.reject()


def test_the_menu_asks_for_a_file(
    open_window: OpenWindow, log: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(log), ""))
    window = open_window()
    (action,) = (a for a in window.actions_table.all if a.text() == "Open lo&g…")
    action.trigger()
    dialog_of(window, qtbot).accept()
    loaded(window, qtbot)


def test_a_report_is_exported(
    open_window: OpenWindow,
    isolated: Isolated,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = RunFolder(isolated.runs).launch().register().train(20)
    path = tmp_path / "report.html"
    asked: list[str] = []

    def choose(_: object, __: str, name: str, ___: str) -> tuple[str, str]:
        asked.append(name)
        return str(path), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    window = open_window(folder.path)
    (action,) = (a for a in window.actions_table.all if a.text() == "Export re&port…")
    assert action.isEnabled()
    action.trigger()
    assert asked == ["digits.html"]
    assert "<h1>digits</h1>" in path.read_text("utf-8")
    assert window.cursor().shape() == Qt.CursorShape.ArrowCursor
    problems: list[str] = []
    window.reporter.failed.connect(problems.append)
    window.reporter.failed.disconnect(window.say)
    window.reporter.write(tmp_path / "no" / "report.html")
    assert problems == ["The report could not be written: No such file or directory."]
