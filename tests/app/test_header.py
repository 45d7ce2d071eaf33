"""The strip on top tells how far the run is, as far as that is known."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from lrmonitor.app.format import format_left
from lrmonitor.app.panels.header import LEAST_NAME, ElidedLabel, RunHeader
from lrmonitor.app.window import MainWindow
from lrmonitor.diagnosis.rule_presets import PRESETS
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder


@pytest.fixture
def run(isolated: object, tmp_path: Path) -> RunFolder:
    """One that trains: 500 steps of 0.04 s so far."""
    home = tmp_path / "told"
    return RunFolder(home, "told", time.time() - 21).launch().register().train(500)


def loaders(run: RunFolder) -> None:
    """It is in the third epoch of 200 batches each."""
    for n in range(3):
        run.event("loader", loader=0, iteration=n + 1, batches=200, step=200 * n)


def test_what_is_unknown_takes_no_room(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    header = header_of(open_window(run.path))
    assert header.step.value.text() == "500"
    assert not header.epoch.isVisible()
    assert not header.left.isVisible()


def test_epoch_total_and_time_left(qtbot: QtBot, open_window: OpenWindow, run: RunFolder) -> None:
    loaders(run)
    window = open_window(run.path)
    window.resize(1500, 800)
    header = header_of(window)
    qtbot.waitUntil(lambda: header.epoch.isVisible() and header.epoch.value.text() == "3")
    assert not header.left.isVisible()
    run.event("progress", total_steps=2000, total_epochs=None, source="OneCycleLR.total_steps")
    qtbot.waitUntil(lambda: header.epoch.value.text() == "3 / 10")
    assert header.step.value.text() == "500 / 2\u202f000"
    assert header.left.isVisible()
    assert header.left.value.text() == "≈ 1 min"  # 1,500 steps of 0.04 s
    assert "OneCycleLR.total_steps" in header.left.toolTip()
    assert header.left.value.accessibleName() == "Time left: ≈ 1 min"
    run.event("progress", total_steps=None, total_epochs=None, source=None)
    qtbot.waitUntil(lambda: header.step.value.text() == "500")
    assert not header.left.isVisible()


def test_in_a_narrow_window_state_and_step_come_first(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    loaders(run)
    run.event("progress", total_steps=2000, total_epochs=None, source="OneCycleLR.total_steps")
    window = open_window(run.path)
    header = header_of(window)
    figures = [header.epoch, header.step, header.speed, header.elapsed, header.left]

    def shown() -> list[bool]:
        return [figure.isVisible() for figure in figures]

    window.resize(1600, 800)
    qtbot.waitUntil(lambda: shown() == [True] * 5)
    assert header.step.value.text() == "500 / 2\u202f000"
    window.resize(400, 600)  # as narrow as it can be
    qtbot.waitUntil(lambda: header.width() < 500)
    assert header.step.isVisible()
    assert not header.elapsed.isVisible()
    assert header.step.geometry().right() <= header.width()
    header.resize(330, header.height())
    assert shown() == [False, True, False, False, False]


def test_what_a_state_rests_on_has_room(
    qtbot: QtBot, open_window: OpenWindow, run: RunFolder
) -> None:
    loaders(run)
    run.exited(None, "SIGKILL")
    window = open_window(run.path)
    header = header_of(window)
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: header.elapsed.isHidden())
    assert header.width() < 700
    assert not header.step.isHidden()
    # What it rests on is read whole, on two lines if need be.
    qtbot.waitUntil(lambda: not header.sentence.text().endswith("…"))
    assert header.sentence.text().replace("\n", " ") == header.sentence.whole
    window.resize(1700, 800)
    qtbot.waitUntil(lambda: not header.elapsed.isHidden())
    # A run that is over has no speed.
    assert header.speed.isHidden()


def test_which_process_it_is_stands_on_one_line_or_nowhere(qtbot: QtBot) -> None:
    label = ElidedLabel(lines=2)
    qtbot.addWidget(label)
    wide = label.fontMetrics().horizontalAdvance("Process 11594")
    label.resize(wide + 2, 40)
    label.show()
    label.show_text("Process 11594", dispensable=True)
    assert label.text() == "Process 11594"
    label.resize(wide - 2, 40)
    qtbot.waitUntil(lambda: label.text() == "")
    assert label.toolTip() == "Process 11594"
    label.show_text("Process 11594 is gone.")
    assert label.text().startswith("Process\n11594")


def test_what_acts_by_itself_leaves_the_sentence_its_line(
    qtbot: QtBot, open_window: OpenWindow, isolated: object, tmp_path: Path
) -> None:
    long = "a name that is too long for a narrow window"
    run = RunFolder(tmp_path / "told", long, time.time() - 60).launch().register().train(500)
    spike = {"on": "spike", "then": "skip", "bound": 8.0, "times": 1.5, "at_most": 5}
    run.event("guards", step=500, on=[spike])
    window = open_window(run.path)
    assert window.view is not None
    window.view.session.rules.switch([PRESETS[0], PRESETS[3]])
    window.resize(1800, 800)
    header = header_of(window)
    qtbot.waitUntil(lambda: header.rules.isVisible() and header.guards.isVisible())
    qtbot.waitUntil(lambda: header.word.text().startswith("Stalled for "))
    assert header.sentence.text().replace("\n", " ") == header.sentence.whole
    # Behind the name, which is whole while there is room, and then keeps a piece.
    assert header.name.geometry().right() < header.rules.geometry().left()
    assert header.guards.geometry().bottom() <= header.word.geometry().top()
    assert header.name.text() == long
    header.resize(430, header.height())
    qtbot.waitUntil(lambda: header.name.text().endswith("…"))
    qtbot.waitUntil(lambda: header.name.width() >= LEAST_NAME)
    assert header.guards.geometry().right() < header.step.geometry().left()


def test_what_is_told_below_is_not_told_in_the_head(
    qtbot: QtBot, open_window: OpenWindow, isolated: object, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "told", "told", time.time() - 60).launch()
    window = open_window(run.path)
    header = header_of(window)
    view = window.view
    assert view is not None
    assert view.plots is not None
    # It is the empty plots that explain, and the head alone that counts.
    assert header.sentence.whole == ""
    assert header.word.toolTip().startswith("The script ")
    assert header.elapsed.isVisible()
    told = window.session.model.state.beside if window.session is not None else ""
    assert view.plots._message == f"The curves begin with the first step.\n\n{told}"
    assert "has run for" not in told
    run.register().train(50)
    run.exited(0)
    # A notice tells that it ended, until it is dismissed.
    qtbot.waitUntil(lambda: view.notices.isVisible())
    assert view.notices.text == "The script ended after step 50 (exit code 0)."
    qtbot.waitUntil(lambda: header.word.text() == "Ended")
    assert header.sentence.whole == ""
    view.notices.dismiss.click()
    qtbot.waitUntil(lambda: header.sentence.whole == "After step 50 (exit code 0).")


def test_how_long_it_has_stalled_is_said_once(
    qtbot: QtBot, open_window: OpenWindow, isolated: object, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "told", "told", time.time() - 60).launch().register().train(500)
    header = header_of(open_window(run.path))
    qtbot.waitUntil(lambda: header.word.text().startswith("Stalled for "))
    assert header.sentence.whole.startswith("A step usually takes 0.04 s; it may be")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "5 s"),
        (41, "40 s"),
        (57, "55 s"),
        (58, "1 min"),
        (89, "1 min"),
        (3550, "59 min"),
        (3590, "1 h 00 min"),
        (4329, "1 h 12 min"),
        (86_390, "1 d 0 h"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_time_that_is_left(seconds: float, text: str) -> None:
    assert format_left(seconds) == text


def header_of(window: MainWindow) -> RunHeader:
    """The strip of a window that shows a run."""
    assert window.view is not None
    return window.view.header
