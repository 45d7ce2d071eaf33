"""One step of ten million that is a spike, and one that is nan, are pixels on the screen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.plots.pane import PlotPane
from lrmonitor.app.plots.ranges import StepWindow
from lrmonitor.app.theme import DARK, LIGHT, Theme, ThemeManager
from lrmonitor.model.run import RunModel
from tests.app.folders import RunFolder
from tests.conftest import Isolated

STEPS = 10_000_000
ZOOMS = 20
SPIKE = 3.0

_RECORD = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])


class Screen:
    """A pane, and what is to be seen on it."""

    def __init__(self, pane: PlotPane, theme: Theme) -> None:
        self.pane = pane
        self.bad = QColor(theme.bad).rgb()
        self.line = pane.loss.curves[0].raw.pen.color().rgb()

    def show(self, low: float, high: float) -> QImage:
        self.pane._move(StepWindow(low, high, False, False))
        self.pane.refresh(new=False)
        image: QImage = self.pane.canvas.grab().toImage()
        return image

    def has(self, image: QImage, colour: int, step: int, value: float, below: int) -> bool:
        """Whether the colour is within a pixel of a step, at most `below` pixels under a value."""
        view = self.pane.loss.view
        at = view.to_canvas(QPointF(step, value)).toPoint()
        return any(
            image.pixel(at.x() + dx, at.y() + dy) == colour
            for dx in (-1, 0, 1)
            for dy in range(-1, below)
        )

    def spike(self, image: QImage, step: int, value: float) -> bool:
        return self.has(image, self.line, step, value, 3)

    def mark(self, image: QImage, step: int) -> bool:
        """Whether there is a mark on the lower edge at a step."""
        low, high = self.pane.loss.view.ranges()[1]
        pixel = (high - low) / self.pane.loss.view.area.height()
        return self.has(image, self.bad, step, low + 5 * pixel, 3)


@pytest.fixture
def panes() -> Iterator[list[PlotPane]]:
    """Panes that live as long as the test: one could be collected in the middle of a paint."""
    made: list[PlotPane] = []
    yield made
    for pane in made:
        pane.close()
        pane.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def losses(seed: int) -> tuple[np.ndarray, int, int]:
    """Ten million losses, the step of the spike and the step of the nan, a few steps apart."""
    rng = np.random.default_rng(seed)
    value = rng.normal(1.0, 0.02, STEPS)
    spike = int(rng.integers(10, STEPS - 10))
    lost = spike + int(rng.integers(3, 9))
    value[spike - 1] = SPIKE
    value[lost - 1] = np.nan
    return value, spike, lost


def opened(
    folder: RunFolder, value: np.ndarray, theme: Theme, qtbot: QtBot, panes: list[PlotPane]
) -> PlotPane:
    folder.launch(False).register().train(1)
    records = np.empty(len(value), _RECORD)
    records["step"], records["value"] = np.arange(1, len(value) + 1), value
    records["time"] = folder.now + 0.01 * records["step"]
    records.tofile(folder.path / "ranks" / "0" / "series" / "0.f64")
    model = RunModel(folder.path)
    model.poll()
    pane = PlotPane(model, theme)
    panes.append(pane)
    pane.resize(1000, 700)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh()
    return pane


@pytest.mark.parametrize(("theme", "log"), [(LIGHT, False), (DARK, True)], ids=["linear", "log"])
def test_one_step_of_ten_million_is_seen_at_every_zoom(
    isolated: Isolated,
    themes: ThemeManager,
    qtbot: QtBot,
    panes: list[PlotPane],
    theme: Theme,
    log: bool,
) -> None:
    value, spike, lost = losses(seed=int(log))
    pane = opened(RunFolder(isolated.runs), value, theme, qtbot, panes)
    if log:
        pane.tools.loss_log.click()
    screen = Screen(pane, theme)
    drawn = float(np.log10(SPIKE)) if log else SPIKE
    rng = np.random.default_rng(2)
    views = [(0.0, 1.01 * STEPS)]
    for width in 10 ** rng.uniform(1.2, np.log10(STEPS), ZOOMS):
        low = spike - float(rng.uniform(0.05, 0.9)) * (width - 12)
        views.append((low, low + float(width)))
    for low, high in views:
        image = screen.show(low, high)
        said = f"steps {low:.0f} to {high:.0f} of {STEPS}"
        assert screen.spike(image, spike, drawn), f"no spike at step {spike} in {said}"
        if low <= lost <= high:
            assert screen.mark(image, lost), f"no mark at step {lost} in {said}"
    away = screen.show(spike + 20.0, spike + 220.0)
    assert not any(screen.mark(away, step) for step in range(spike + 22, spike + 218))
