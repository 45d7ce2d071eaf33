"""What is painted anew is what is another than before; the screen tells the same as if all were."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.plots.pane import PlotPane
from lrmonitor.app.plots.ranges import StepWindow
from lrmonitor.app.theme import LIGHT, ThemeManager
from lrmonitor.model.run import RunModel
from tests.app.desktop import come_up
from tests.app.folders import RunFolder
from tests.app.test_pens import pixels
from tests.conftest import Isolated

STEPS = 9000


class Growing(QObject):
    """A pane on a run that goes on; `areas` are the shares of the plots that were painted."""

    def __init__(self, folder: RunFolder, qtbot: QtBot) -> None:
        super().__init__()
        self._random = np.random.default_rng(0)
        self.folder = folder.launch().register()
        self.train(STEPS)
        self.model = RunModel(folder.path)
        self.model.poll()
        self.pane = PlotPane(self.model, LIGHT)
        qtbot.addWidget(self.pane)
        self.pane.resize(900, 600)
        come_up(self.pane, qtbot)
        self.areas: list[float] = []
        self._viewport = self.pane.canvas
        self._viewport.installEventFilter(self)
        self.pane._move(StepWindow(0.0, 1.5 * STEPS, True, False))
        self.tick()

    def loss(self, step: int) -> float:
        noise = float(self._random.normal(0, 0.05))
        return math.nan if step % 997 == 0 else 2.0 * math.exp(-step / 3000) + 0.3 + noise

    def train(self, steps: int) -> None:
        self.folder.train(
            steps, loss=self.loss, effective=lambda step: 1e-3 * math.exp(-step / 4e3)
        )

    def tick(self) -> None:
        """Look, draw, paint."""
        self.model.poll()
        self.pane.refresh()
        for _ in range(5):
            QApplication.processEvents()

    def screen(self) -> QImage:
        """What stands on the screen now."""
        return self.pane.screen().grabWindow(int(self.pane.winId())).toImage()

    def afresh(self) -> QImage:
        """The same once all has been painted."""
        self._viewport.update()
        for _ in range(5):
            QApplication.processEvents()
        return self.screen()

    def looks_as_afresh(self) -> bool:
        """Whether it looks as if all had been painted. Where a slanted line is cut by the edge of
        what was painted anew, Qt rounds its shade otherwise, by 2 of 255 at most, or takes a step
        of a line that is not antialiased a pixel earlier."""
        now, then = self.screen(), self.afresh()
        apart = np.abs(pixels(now).astype(int) - pixels(then).astype(int)).max(axis=2)
        return now.size() == then.size() and int((apart > 2).sum()) <= 2

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            area = event.region().boundingRect()
            whole = self._viewport.width() * self._viewport.height()
            self.areas.append(area.width() * area.height() / whole)
        return super().eventFilter(watched, event)


@pytest.fixture
def growing(isolated: Isolated, themes: ThemeManager, qtbot: QtBot) -> Growing:
    """Two plots in which nothing but the lines moves."""
    return Growing(RunFolder(isolated.runs), qtbot)


def test_of_lines_that_grow_the_ends_are_painted(growing: Growing) -> None:
    for _ in range(8):
        growing.areas.clear()
        growing.train(100)
        growing.tick()
        assert growing.areas
        assert max(growing.areas) < 0.15
        assert growing.looks_as_afresh()


def test_nothing_new_paints_nothing(growing: Growing) -> None:
    growing.areas.clear()
    growing.tick()
    assert growing.areas == []


def test_steps_that_go_back_are_painted_where_they_are(growing: Growing) -> None:
    growing.folder.step = STEPS // 2
    for _ in range(4):
        growing.train(300)
        growing.tick()
        assert growing.looks_as_afresh()


def test_what_moves_is_painted_whole(growing: Growing) -> None:
    for window in (StepWindow(0.0, 5e3, False, False), StepWindow(4e3, 2e4, True, False)):
        growing.pane._move(window)
        growing.train(100)
        growing.tick()
        assert growing.looks_as_afresh()
    growing.pane.tools.loss_log.click()
    for _ in range(5):
        QApplication.processEvents()
    assert growing.looks_as_afresh()
