"""At every scale the symbols are sharp and nothing is cut off."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import pytest
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QLabel,
    QPushButton,
    QRadioButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from lrmonitor.app.icons import pixmap, window_icon
from lrmonitor.app.panels.header import ElidedLabel
from lrmonitor.app.window import MainWindow
from tests.app.conftest import OpenWindow
from tests.app.everything import PANELS, dialogs, full_window, rich_run
from tests.conftest import Isolated


def cut_off(root: QWidget) -> list[str]:
    """Words that have less room than they need."""
    found = []
    for widget in root.findChildren(QWidget):
        if widget.visibleRegion().isEmpty():
            continue
        if isinstance(widget, QLabel) and not isinstance(widget, ElidedLabel):
            if widget.wordWrap():
                fits = widget.heightForWidth(widget.width()) <= widget.height()
            else:
                fits = widget.sizeHint().width() <= widget.width()
        elif isinstance(widget, (QPushButton, QToolButton, QCheckBox, QRadioButton)):
            fits = _text_width(widget) <= widget.width()
        else:
            continue
        if not fits:
            found.append(f"{type(widget).__name__} {widget.text()!r}")
    return found


def _text_width(button: QAbstractButton) -> int:
    text = button.text().replace("&", "")
    only_icon = isinstance(button, QToolButton) and not button.icon().isNull()
    return 0 if only_icon or not text else button.fontMetrics().horizontalAdvance(text) + 2


@pytest.fixture
def window(qtbot: QtBot, open_window: OpenWindow, isolated: Isolated) -> MainWindow:
    """One with all its panels, on the scale that the environment gives."""
    return full_window(qtbot, open_window, rich_run(isolated.runs))


def test_nothing_is_cut_off(window: MainWindow, qtbot: QtBot) -> None:
    for size in ((1280, 800), (1060, 760)):
        window.resize(*size)
        for name in PANELS:
            window.docks.show(name)
            qtbot.waitUntil(partial(_none_cut_off, window))
    with dialogs(window) as shown:
        for dialog in shown.values():
            qtbot.waitUntil(partial(_none_cut_off, dialog))


def _none_cut_off(root: QWidget) -> None:
    """A new text is laid out a moment after it came: for `waitUntil`."""
    assert cut_off(root) == []


def test_what_is_cut_off_is_found(qtbot: QtBot) -> None:
    box = QWidget()
    qtbot.addWidget(box)
    QLabel("all of this has no room", box).resize(20, 20)
    QPushButton("nor has this", box).resize(20, 20)
    with qtbot.waitExposed(box):
        box.show()
    assert len(cut_off(box)) == 2


def test_symbols_have_more_pixels_than_a_plain_screen() -> None:
    symbol = pixmap("pause", "#000000")
    assert symbol.devicePixelRatio() >= 2
    assert symbol.width() == 32
    # Drawn from its shapes at any size.
    assert window_icon().pixmap(256, 256).width() >= 256


@pytest.mark.parametrize("scale", ["1.5", "2"])
def test_the_same_on_screens_of_high_density(scale: str) -> None:
    """Qt takes the scale when it starts, so in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", __file__, "-k", "cut_off"],
        env={**os.environ, "QT_SCALE_FACTOR": scale},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout
