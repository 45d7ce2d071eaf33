"""All that a window can show at once, for tests that look at every widget."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtWidgets import QDialog, QWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.guards import GuardsDialog
from lrmonitor.app.dialogs.help import AboutBox, ShortcutsDialog
from lrmonitor.app.dialogs.questions import CloseQuestion, StopQuestion, UndoQuestion
from lrmonitor.app.dialogs.rerun import CannotRerunBox, RerunQuestion, RestartQuestion
from lrmonitor.app.dialogs.rules import RulesDialog
from lrmonitor.app.dialogs.series import SeriesDialog
from lrmonitor.app.window import MainWindow
from lrmonitor.model.patterns import Pattern
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder

PANELS = ("runs", "control", "journal", "console", "groups", "data")


def rich_run(home: Path) -> RunFolder:
    """A live run with several groups, a metric and some output."""
    run = RunFolder(home, "rich", time.time() - 12).launch().register([("SGD", 2), ("Adam", 1)])
    run.declare("accuracy", "metric", None, None)
    run.train(300)
    (run.path / "console.log").write_text("epoch 1 accuracy 0.91\nepoch 2 accuracy 0.93\n")
    return run


def full_window(qtbot: QtBot, open_window: OpenWindow, run: RunFolder) -> MainWindow:
    """A window on it in which every panel was seen."""
    window = open_window(run.path)
    for name in PANELS:
        window.docks.show(name)
        panel = window.docks.widget(name)
        assert panel is not None
        qtbot.waitUntil(panel.isVisible)
    return window


@contextmanager
def dialogs(window: MainWindow) -> Iterator[dict[str, QDialog]]:
    """Every dialog of the window, shown."""
    assert window.session is not None
    theme = window._themes.theme
    window.preferring.show_dialog(window.home)
    assert window.preferring.dialog is not None
    pattern = Pattern(name="accuracy", template="accuracy {value}")
    series = SeriesDialog(
        pattern, lambda: ["epoch 1 accuracy 0.91"], True, set(), lambda _: None, theme, window
    )
    window.show_guide()
    assert window.guide.window is not None
    found: dict[str, QDialog] = {
        "new run": window.launcher.new_run(),
        "attach": window.launcher.attach(),
        "preferences": window.preferring.dialog,
        "series": series,
        "guide": window.guide.window,
        "rules": RulesDialog(window.session, theme, window),
        "guards": GuardsDialog(window.session, theme, window),
        "keys": ShortcutsDialog(window, [*window.actions_table.all, *window.docks.actions]),
        "about": AboutBox(window),
        "close?": CloseQuestion(window, "rich", stopping=True),
        "stop?": StopQuestion(window, "rich", "interrupt"),
        "undo?": UndoQuestion(window, "undo", "hold 3e-4", "ann changed it at step 5."),
        "rerun?": RerunQuestion(window, "rich"),
        "again?": RestartQuestion(window, "rich", "×0.1", live=True),
        "no rerun": CannotRerunBox(window, "rich", "nothing says how it was started"),
    }
    for dialog in found.values():
        dialog.show()
    yield found
    for dialog in found.values():
        dialog.reject()


def place(widget: QWidget) -> str:
    """Where a widget is, for a message."""
    names = []
    at: QWidget | None = widget
    while at is not None:
        names.append(f"{type(at).__name__}:{at.objectName()}".rstrip(":"))
        at = at.parentWidget()
    return " < ".join(names)
