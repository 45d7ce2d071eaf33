"""A real training at a rate that is far too high or far too low, told of and put right."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from lrmonitor.app.dialogs.rerun import RestartQuestion
from lrmonitor.app.panels.findings import FindingsPanel
from lrmonitor.app.window import MainWindow
from lrmonitor.link.first_rate import VARIABLE
from lrmonitor.resources import resource_path
from tests.app.conftest import OpenWindow
from tests.app.test_real_run import (
    Launch,
    launch,  # noqa: F401
    view_of,
)

GOOD = 0.02
"""A good rate for the demo."""


@pytest.fixture
def demo(launch: Launch) -> Launch:  # noqa: F811
    """Starts the demo's script at another rate."""
    text = Path(resource_path("examples", "digits.py")).read_text("utf-8")
    data = Path(resource_path("examples", "digits.csv.gz"))
    text = text.replace("__file__", repr(str(data.with_name("digits.py"))))
    return lambda rate: launch(text, "--lr", repr(rate))


def panel_of(window: MainWindow, qtbot: QtBot) -> FindingsPanel:
    """The panel, by a click on the details of the alert."""
    view = view_of(window)
    qtbot.waitUntil(lambda: view.alert.isVisible(), timeout=60_000)
    QTest.mouseClick(view.alert.more, Qt.MouseButton.LeftButton)
    panel = view._findings()
    assert panel is not None
    qtbot.waitUntil(panel.isVisible)
    return panel


@pytest.mark.parametrize(
    ("times", "cause", "factor"), [(100, "lr_too_high", 0.1), (1e-3, "lr_too_low", 30)]
)
def test_the_demo_at_a_bad_rate_is_told_followed_and_judged(
    times: float, cause: str, factor: float, open_window: OpenWindow, demo: Launch, qtbot: QtBot
) -> None:
    window = open_window(demo(GOOD * times))
    view = view_of(window)
    panel = panel_of(window, qtbot)
    assert panel.chosen is not None
    found = panel.chosen.finding
    assert (found.cause, found.advice.factor) == (cause, factor)
    # "Within seconds": of steps (some 400 a second), as a busy machine makes fewer of them. Which
    # step it is depends on the processor: at this rate rounding errors grow into another course.
    assert found.detected_step <= 1200
    QTest.mouseClick(view.alert.apply, Qt.MouseButton.LeftButton)

    def judged() -> bool:
        return any(t.taken is not None and t.taken.judged for t in view.session.diagnosis.told)

    qtbot.waitUntil(judged, timeout=60_000)
    taken = next(t.taken for t in view.session.diagnosis.told if t.taken is not None)
    assert taken.at is not None
    rate, scheduled = view.session.model.lr(), view.session.model.scheduled()
    assert rate is not None
    assert scheduled is not None
    first = rate.value[rate.step.searchsorted(taken.at)]
    assert first == pytest.approx(
        factor * scheduled.value[scheduled.step.searchsorted(taken.at, "right") - 1], rel=1e-12
    )
    assert taken.judged.split(":")[0] in ("Helped", "No clear change", "Worse")


def test_a_ruined_run_starts_again_with_a_lower_rate(
    open_window: OpenWindow, demo: Launch, qtbot: QtBot
) -> None:
    folder = demo(GOOD * 100)
    window = open_window(folder)
    panel = panel_of(window, qtbot)
    QTest.mouseClick(panel.restart, Qt.MouseButton.LeftButton)
    question = window.launcher.question
    assert isinstance(question, RestartQuestion)
    QTest.mouseClick(question.answers["yes"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: window.session is not None and window.session.folder != folder, timeout=60_000
    )
    view = view_of(window)
    model = view.session.model
    assert model.reader.info["env"][VARIABLE] == "scale 0.1"
    try:
        qtbot.waitUntil(lambda: (model.state.step or 0) > 5, timeout=60_000)
        rate, scheduled = model.lr(), model.scheduled()
        assert rate is not None
        assert scheduled is not None
        assert (rate.step[0], scheduled.step[0]) == (1, 1)
        assert rate.value[0] == pytest.approx(0.1 * scheduled.value[0], rel=1e-12)
        assert scheduled.value[0] == GOOD * 100
    finally:
        view.session.stop("kill")
        qtbot.waitUntil(lambda: view.session.over, timeout=30_000)
