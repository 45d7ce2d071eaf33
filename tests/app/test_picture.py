"""The plots as a picture."""

from __future__ import annotations

import math
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from lrmonitor.app.picture import PictureError, image_of, save_picture
from lrmonitor.app.plots.pane import PlotPane
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.folders import RunFolder
from tests.conftest import Isolated

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(open_window: OpenWindow, isolated: Isolated, qtbot: QtBot) -> MainWindow:
    """A window on a run that is over."""
    run = RunFolder(isolated.runs, "one", created=time.time() - 900).launch(False).register()
    run.train(200, loss=lambda s: math.exp(-s / 50)).exited(0)
    window = open_window()
    window.open_run(run.path)
    qtbot.waitUntil(lambda: window.view is not None and window.view.plots is not None)
    return window


def plots_of(window: MainWindow) -> PlotPane:
    """Its plots."""
    assert window.view is not None
    assert window.view.plots is not None
    return window.view.plots


def colours(image: QImage) -> set[str]:
    """The colours of a picture, at each fifth pixel."""
    return {
        QColor(image.pixel(x, y)).name()
        for x in range(0, image.width(), 3)
        for y in range(0, image.height(), 3)
    }


def test_a_picture_is_twice_as_fine_and_shows_the_curve(window: MainWindow) -> None:
    canvas = plots_of(window).canvas
    image = image_of(canvas)
    assert image.width() == 2 * canvas.width()
    assert {window._themes.theme.curve(0), window._themes.theme.base} <= colours(image)


def test_saved_as_png_and_svg(window: MainWindow, tmp_path: Path) -> None:
    canvas = plots_of(window).canvas
    save_picture(canvas, tmp_path / "a.png")
    assert QImage(str(tmp_path / "a.png")).width() == 2 * canvas.width()
    save_picture(canvas, tmp_path / "a.svg")
    tree = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert tree.tag.endswith("svg")
    text = (tmp_path / "a.svg").read_text("utf-8")
    assert window._themes.theme.curve(0) in text
    assert ">Step" in text


def test_what_cannot_be_written_is_said(window: MainWindow, tmp_path: Path) -> None:
    canvas = plots_of(window).canvas
    with pytest.raises(PictureError, match=r"\.png or an \.svg"):
        save_picture(canvas, tmp_path / "a.gif")
    with pytest.raises(PictureError, match="cannot be written"):
        save_picture(canvas, tmp_path / "none" / "a.png")


def test_from_the_window(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = str(tmp_path / "plots")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (chosen, "Drawings (*.svg)"))
    QTest.keyClick(window, Qt.Key.Key_S, CTRL_SHIFT)
    assert (tmp_path / "plots.svg").is_file()
    QTest.keyClick(window, Qt.Key.Key_C, CTRL_SHIFT)
    assert QGuiApplication.clipboard().image().width() > 0
