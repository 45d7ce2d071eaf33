"""What the diagnosis found, in the window: told, shaded, listed, followed, muted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.format import format_count
from lrmonitor.app.panels.finding_plot import around
from lrmonitor.app.panels.findings import FindingsPanel
from lrmonitor.app.runview import RunView
from lrmonitor.app.theme import DARK
from lrmonitor.app.window import MainWindow
from lrmonitor.record.foreign.reader import read_log
from lrmonitor.record.reader import RunReader
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder, falling
from tests.conftest import Isolated

WHEN = 400
"""The step from which the loss of `diverging` rises."""


def diverging(step: int) -> float:
    """A loss that falls, and then rises for good."""
    return falling(step) if step < WHEN else falling(WHEN) * 1.02 ** min(step - WHEN, 150)


@pytest.fixture
def folder(isolated: Isolated) -> RunFolder:
    """A run that trains, in this process, and has done well so far."""
    folder = RunFolder(isolated.runs, created=time.time() - 30).launch().register()
    return folder.train(WHEN - 1, loss=diverging)


def view_of(window: MainWindow) -> RunView:
    """The open run's."""
    assert window.view is not None
    return window.view


def caught_up(qtbot: QtBot, window: MainWindow) -> None:
    """All that was recorded has been looked at."""
    qtbot.waitUntil(lambda: view_of(window).session.diagnosis.settled, timeout=20_000)


def alarmed(qtbot: QtBot, window: MainWindow, folder: RunFolder) -> RunView:
    """The loss rises, and the window has told of it."""
    view = view_of(window)
    caught_up(qtbot, window)
    folder.train(200, loss=diverging)
    qtbot.waitUntil(lambda: not view.alert.isHidden(), timeout=20_000)
    return view


def panel_of(view: RunView, qtbot: QtBot) -> FindingsPanel:
    """The panel of findings, by a click on the alert's details."""
    QTest.mouseClick(view.alert.more, Qt.MouseButton.LeftButton)
    panel = view._findings()
    assert panel is not None
    qtbot.waitUntil(panel.isVisible)
    return panel


def test_a_divergence_is_told_above_the_plots(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    caught_up(qtbot, window)
    view = view_of(window)
    assert view.alert.isHidden()
    panel = view._findings()
    assert panel is not None
    assert "Nothing found" in panel.none.text()
    assert view._docks is not None
    view._docks.show("findings")
    assert panel.none.text().startswith(f"Nothing found up to step {format_count(folder.step)}:")
    folder.train(50)
    words = f"Nothing found up to step {format_count(folder.step)}:"
    qtbot.waitUntil(lambda: panel.none.text().startswith(words))
    with qtbot.waitSignal(view.session.diagnosis.alarmed, timeout=20_000) as told:
        folder.train(200, loss=diverging)
    assert told.args is not None
    assert told.args[0].finding.kind == "divergence"
    qtbot.waitUntil(lambda: not view.alert.isHidden())
    assert view.alert.text.startswith("Loss diverges – learning rate too high (")
    assert "go back to before it, with the rate ×0." in view.alert.text
    assert view.alert.tone in ("warn", "bad")


def test_a_diagnosis_that_dies_is_begun_again_and_then_left_at_that(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    view = alarmed(qtbot, window, folder)
    diagnosis = view.session.diagnosis
    caught_up(qtbot, window)
    before = list(diagnosis.told)
    assert before
    process = psutil.Process(diagnosis.process)
    process.kill()
    qtbot.waitUntil(lambda: "looks through the run once more" in view.notices.text, timeout=20_000)
    assert "SIGKILL" in view.notices.text
    assert diagnosis.told == before
    qtbot.waitUntil(lambda: diagnosis.settled and not diagnosis.trouble, timeout=20_000)
    assert view.notices.isHidden()
    assert [one.finding.id for one in diagnosis.told] == [one.finding.id for one in before]
    again = psutil.Process(diagnosis.process)
    assert again != process
    again.kill()
    qtbot.waitUntil(lambda: "until the run is opened again" in view.notices.text, timeout=20_000)
    assert not diagnosis.settled
    assert diagnosis.process == 0
    assert diagnosis.told


def test_the_panel_says_why_and_shows_what_was_seen(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    view = alarmed(qtbot, window, folder)
    panel = panel_of(view, qtbot)
    assert panel.chosen is not None
    assert panel.chosen.finding.kind == "divergence"
    assert "step 4" in panel.where.text()
    assert panel.advice.text().startswith("Advice: go back to before it")
    assert not panel.plot.isVisible()
    QTest.mouseClick(panel.show_evidence, Qt.MouseButton.LeftButton)
    assert panel.plot.isVisible()
    assert "Looked at: step" in panel.evidence.text()
    picture = panel.plot.grab().toImage()
    colours = {picture.pixelColor(x, picture.height() // 2).name() for x in range(picture.width())}
    assert len(colours) > 3  # ground, shades, the line
    QTest.mouseClick(panel.guide, Qt.MouseButton.LeftButton)
    guide = window.guide.window
    assert guide is not None
    assert guide.isVisible()
    assert "diverge" in guide.windowTitle().lower() + guide.view.toPlainText().lower()
    guide.close()
    panel.set_theme(DARK)
    assert panel.plot.grab().toImage() != picture


def test_where_it_holds_is_shaded_and_leads_to_the_panel(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    view = alarmed(qtbot, window, folder)
    plots = view.plots
    assert plots is not None
    region = plots.loss.findings.regions[-1]
    assert (region.severity, region.quiet) in {("warning", False), ("critical", False)}
    assert WHEN <= region.first <= region.last <= folder.step
    plots.fit()
    mark = next(m for m in plots.loss.mark_lines.marks if m.kind == "finding")
    box = plots.loss.view
    y = box.ranges()[1]
    at = box.to_canvas(QPointF(mark.step, sum(y) / 2)).toPoint()
    viewport = plots.canvas
    QTest.mouseMove(viewport, at)
    qtbot.waitUntil(lambda: "Loss diverges" in plots.readout.text())
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=at)
    panel = view._findings()
    assert panel is not None
    qtbot.waitUntil(panel.isVisible, timeout=10_000)
    assert panel.chosen is not None
    assert panel.chosen.finding.id == int(mark.time)
    # And back: a double click shows the step in the plots.
    plots.zoom(0.1)
    index = panel.list.currentIndex()
    assert index.isValid()
    with qtbot.waitSignal(panel.step_wanted) as wanted:
        row = panel.list.visualRect(index).center()
        QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=row)
        QTest.mouseDClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert wanted.args == [panel.chosen.finding.detected_step]


def test_a_click_follows_the_advice_and_its_outcome_is_told(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(folder.path)
    view = alarmed(qtbot, window, folder)
    sent: list[Any] = []
    monkeypatch.setattr(view.session.commander, "send", sent.append)
    factor = view.alert.told.finding.advice.factor if view.alert.told is not None else None
    assert factor is not None
    QTest.mouseClick(view.alert.apply, Qt.MouseButton.LeftButton)
    (command,) = sent
    assert (command.mode, command.value) == ("scale", pytest.approx(factor))
    assert command.note.startswith("advice: Loss diverges")
    folder.command(command.id, "scale", factor)
    folder.applied(command.id, "scale", factor, ("scale", factor), 1e-3, 1e-3 * factor)
    at = folder.step + 1

    def taken() -> Any:
        found = [one.taken for one in view.session.diagnosis.told if one.taken is not None]
        return found[0] if found else None

    qtbot.waitUntil(lambda: taken() is not None and taken().at == at, timeout=10_000)
    level = diverging(folder.step)
    folder.train(400, loss=lambda s: level * 0.98 ** (s - at), effective=lambda s: 1e-3 * factor)
    qtbot.waitUntil(lambda: taken().verdict == "helped", timeout=20_000)
    panel = view._findings()
    assert panel is not None
    identity = next(one.finding.id for one in view.session.diagnosis.told if one.taken is not None)
    panel.choose(identity)
    assert "Helped: loss" in panel.outcome.text()
    assert panel.outcome.property("tone") == "good"
    events = [entry.event for entry in view.session.model.journal]
    assert events.count("advice_taken") == events.count("advice_judged") == 1
    # It went back to where it was: the finding is over.
    qtbot.waitUntil(lambda: view.alert.isHidden(), timeout=20_000)


def test_what_is_no_problem_stays_none_in_this_run(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    view = alarmed(qtbot, window, folder)
    panel = panel_of(view, qtbot)
    QTest.mouseClick(panel.dismiss, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(view.alert.isHidden)
    assert "not a problem" in panel.where.text()
    window.close_run()
    again = open_window(folder.path)
    caught_up(qtbot, again)
    view = view_of(again)
    qtbot.waitUntil(lambda: bool(view.session.diagnosis.told), timeout=20_000)
    assert view.alert.isHidden()
    shown = view._findings()
    assert shown is not None
    assert shown.dismiss.text() == "It is a problem"
    shown.dismiss.click()
    qtbot.waitUntil(lambda: not view.alert.isHidden())


def test_a_snooze_ends(open_window: OpenWindow, folder: RunFolder, qtbot: QtBot) -> None:
    view = alarmed(qtbot, open_window(folder.path), folder)
    panel = panel_of(view, qtbot)
    QTest.mouseClick(panel.snooze, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(view.alert.isHidden)
    assert "snoozed until step" in panel.where.text()
    assert panel.snooze.text() == "Tell again"
    folder.train(1001, loss=diverging)
    qtbot.waitUntil(lambda: not view.alert.isHidden(), timeout=20_000)


def test_the_list_of_runs_shows_it(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    alarmed(qtbot, window, folder)
    index = window.runs.shown.mapFromSource(window.runs.model.index_of(folder.path))

    def spoken() -> str:
        return str(index.data(Qt.ItemDataRole.AccessibleTextRole))

    qtbot.waitUntil(lambda: "Loss diverges" in spoken(), timeout=20_000)
    assert "Critical" in spoken() or "Warning" in spoken()
    window.runs.search.setText("diverges")
    assert window.runs.shown.rowCount() == 1


def test_a_finished_run_is_looked_through_without_an_alarm_for_the_desktop(
    open_window: OpenWindow, isolated: Isolated, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(isolated.runs, created=time.time() - 60).launch(False).register()
    folder.train(WHEN + 200, loss=diverging).exited(0)
    told: list[object] = []
    window = open_window(folder.path)
    view = view_of(window)
    view.session.diagnosis.alarmed.connect(told.append)
    qtbot.waitUntil(lambda: not view.alert.isHidden(), timeout=20_000)
    assert told == []
    assert view.alert.apply.isHidden()
    qtbot.waitUntil(
        lambda: any(e.get("event") == "finding" for e in view.session.model.reader.clients)
    )
    # Opened once more, nothing is told twice in the record.
    window.close_run()
    again = open_window(folder.path)
    caught_up(qtbot, again)
    qtbot.waitUntil(lambda: not view_of(again).alert.isHidden(), timeout=20_000)
    reader = RunReader(folder.path)
    reader.poll()
    kinds = [(e["finding"]["kind"], e["finding"]["open"]) for e in reader.clients]
    assert len(kinds) == len(set(kinds))


def test_a_log_is_diagnosed_and_muted_for_this_window(
    open_window: OpenWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "log.csv"
    rows = [f"{step},{diverging(step)}" for step in range(1, WHEN + 200)]
    path.write_text("\n".join(["step,loss", *rows, ""]))
    window = open_window()
    assert window.open_run(path, read_log(path))
    view = view_of(window)
    qtbot.waitUntil(lambda: not view.alert.isHidden(), timeout=20_000)
    view.alert.dismiss.click()
    assert view.alert.isHidden()
    assert path.read_text().startswith("step,loss")


def test_few_points_stand_for_many(isolated: Isolated) -> None:
    folder = RunFolder(isolated.runs, created=1e9).launch(False).register()
    folder.train(3000, loss=lambda s: 50.0 if s == 1700 else float("nan") if s == 900 else 1.0)
    reader = RunReader(folder.path)
    reader.poll()
    series = reader.ranks[0].by_name["loss"]
    x, y = around(series, 500, 2500, 100)
    assert len(x) <= 301
    assert y[list(x).index(1700.0)] == 50.0
    assert 900.0 in x
    assert len(around(series, 1, 20, 100)[0]) == 20
