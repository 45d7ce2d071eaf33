"""The dialogs that depend on more than an open run: each kind of schedule, going back, names."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QDialog, QInputDialog, QMenu, QPushButton, QToolButton

from tests.app.scenes.panels import _take_menu, events
from tests.app.studio import Studio

if TYPE_CHECKING:
    from lrmonitor.app.window import MainWindow

__all__ = ["pictures"]


def pictures(studio: Studio) -> None:
    """Dialogs, and the report as a browser shows it."""
    studio.each((schedules, rewinding, results, keeping, questions, forms, report))


def schedules(studio: Studio) -> None:
    """The editor for each kind, as it is opened."""
    from lrmonitor.model.planning import Draft
    from lrmonitor.schedules.wire import KINDS

    if not studio.wants("schedule-kind"):
        return
    window = studio.window(studio.trained())
    for kind in KINDS:
        window.edit_schedule()
        dialog = window.scheduling.dialog
        assert dialog is not None
        dialog.put(Draft(kind, {}, "300"))
        dialog.adjustSize()
        studio.pass_time(0.2)
        studio.take(f"schedule-kind-{kind}", dialog)
        dialog.reject()
    window.edit_schedule()
    dialog = window.scheduling.dialog
    assert dialog is not None
    for menu in _menus(dialog):
        _take_menu(studio, "schedule-kind-presets", menu, window)
    dialog._keep()
    (name,) = dialog.findChildren(QInputDialog)
    studio.take("schedule-kind-preset-name", name)
    name.reject()
    dialog.reject()
    studio.close(window)


def rewinding(studio: Studio) -> None:
    """Going back: nothing is kept; some is; one is of a course that was left."""
    if not studio.wants("rewind"):
        return
    for name, run in (("rewind-none", studio.trained()), ("rewind", studio.trained(400))):
        if name == "rewind":
            for number, why in ((2, "every"), (3, "change"), (4, "every")):
                run.event(
                    "snapshot", id=number, step=run.step, bytes=48_000_000, seconds=0.02, why=why
                )
                run.train(150)
            events(run)
            run.now = time.time()
            run.event("snapshots", every=500, before=True, budget=2**30)
        window = studio.window(run)
        window.asking.rewind()
        studio.pass_time(0.3)
        dialog = _modal()
        studio.take(name, dialog)
        dialog.reject()
        studio.close(window)


def results(studio: Studio) -> None:
    """What a range test and a trial found, seen again once the run is over."""
    from tests.app.rate_tests import range_test, trial

    if not studio.wants("result-"):
        return
    run = studio.trained(300)
    range_test(run).end()
    trial(run, (-1e-3, -3e-3, -5e-3)).end()
    run.exited(0)
    window = studio.window(run)
    window.trying.fill(window.actions_table.tests, window.view)
    _take_menu(studio, "result-menu", window.actions_table.tests, window)
    for name, show in (("range", window.trying.find), ("trial", window.trying.compare)):
        show(window.view)
        dialog = window.trying.dialog
        assert dialog is not None
        studio.take(f"result-{name}", dialog)
        dialog.reject()
    studio.close(window)


def keeping(studio: Studio) -> None:
    """A name, tags and a note for a run of the list; a note in the journal."""
    if not any(studio.wants(f"keep-{name}") for name in ("rename", "tag", "note")):
        return
    window = studio.window(studio.trained())
    studio.pass_time(1.0)
    line = next(iter(window.runs.roster.lines.values()))
    for name in ("rename", "tag", "note"):
        getattr(window.runs.keeping, name)(line)
        (dialog,) = window.runs.keeping.findChildren(QInputDialog)
        studio.take(f"keep-{name}", dialog)
        dialog.reject()
        studio.pass_time(0.1)
    studio.close(window)


def questions(studio: Studio) -> None:
    """What is asked in rarer cases, and what is told in a box."""
    from lrmonitor.app.dialogs.questions import CloseQuestion, UndoQuestion
    from lrmonitor.app.dialogs.rerun import CannotRerunBox, RerunQuestion

    if not studio.wants("asked"):
        return
    window = studio.window(studio.trained())
    conflict = "ann changed the rate from a terminal at step 812 (×0.5, schedule continues)."
    boxes: dict[str, QDialog] = {
        "asked-undo": UndoQuestion(window, "undo", "hold 3e-4", conflict),
        "asked-rerun": RerunQuestion(window, "digits"),
        "asked-cannot": CannotRerunBox(window, "digits", "it was not started by lrmonitor"),
        "asked-closing": CloseQuestion(window, "digits", stopping=True),
    }
    for name, box in boxes.items():
        box.open()
        studio.take(name, box)
        box.reject()
    window.ask_stop("terminate")
    assert window.question is not None
    studio.take("asked-terminate", window.question)
    window.question.reject()
    window.say("The report could not be written: No space left on device.")
    studio.take("asked-told", _modal())
    _modal().reject()
    studio.close(window)


def forms(studio: Studio) -> None:
    """New run for a module and a command; Attach without a run; preferences in high contrast."""
    if not any(studio.wants(f"form-{name}") for name in ("module", "command", "recent", "pythons")):
        return
    run = studio.trained()
    window = studio.window(run)
    dialog = window.launcher.new_run()
    studio.wait(lambda: not dialog.form.interpreters.busy)
    for kind, text in (("module", "mypackage.train"), ("command", "torchrun --nproc 2 train.py")):
        next(
            b
            for b in dialog.form.kinds.buttons()
            if b.text().replace("&", "").lower().startswith(kind)
        ).click()
        dialog.form.targets[kind].setText(text)
        studio.pass_time(0.4)
        studio.take(f"form-{kind}", dialog)
    for menu in _menus(dialog):
        menu.aboutToShow.emit()
        _take_menu(studio, "form-recent", menu, window)
    dialog.form.interpreters.box.showPopup()
    studio.take("form-pythons", dialog.form.interpreters.box.view().window())
    dialog.form.interpreters.box.hidePopup()
    dialog.reject()
    studio.close(window)


def _menus(dialog: QDialog) -> list[QMenu]:
    """Those that its buttons open."""
    pushed = [button.menu() for button in dialog.findChildren(QPushButton)]
    tools = [button.menu() for button in dialog.findChildren(QToolButton)]
    return [menu for menu in [*pushed, *tools] if isinstance(menu, QMenu)]


def report(studio: Studio) -> None:
    """The report of a run, written beside the pictures: a browser shows it."""
    if not studio.wants("report"):
        return
    window: MainWindow = studio.window(events(studio.trained(400)))
    window.reporter.write(studio.folder / "report.html")
    studio.close(window)
    if (chromium := _browser()) is not None and studio.scale == 1:
        for theme in ("light", "dark"):
            path = studio.folder / f"report-{theme}-100.png"
            words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
            words += [f"--screenshot={path}", "--window-size=1100,2600"]
            if theme == "dark":
                words.append("--blink-settings=preferredColorScheme=0")
            page = (studio.folder / "report.html").as_uri()
            subprocess.run([*words, page], check=False, capture_output=True, timeout=60)


def _browser() -> str | None:
    import shutil

    return shutil.which("chromium") or shutil.which("google-chrome")


def _modal() -> QDialog:
    found = QApplication.activeModalWidget()
    assert isinstance(found, QDialog), (found, sys.argv, Path.cwd())
    return found
