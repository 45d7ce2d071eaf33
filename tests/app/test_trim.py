"""What frames the panels is seen in both themes: menus' boxes, tabs, scroll bars, titles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QMenu,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.parts import Choice
from lrmonitor.app.theme import DARK, LIGHT, Theme, ThemeManager, style_sheet
from lrmonitor.resources import resource_path
from tests.app.test_theme import contrast

BOTH = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)


def strongest(image: QImage, place: QRect, ground: str) -> float:
    """The best contrast to the ground that something in there has."""
    colours = {
        image.pixelColor(x, y).name()
        for x in range(place.left(), place.right() + 1)
        for y in range(place.top(), place.bottom() + 1)
    }
    return max(contrast(colour, ground) for colour in colours)


@BOTH
def test_the_boxes_of_a_menu_are_seen(qapp: QApplication, qtbot: QtBot, theme: Theme) -> None:
    manager = ThemeManager(theme.name)
    menu = QMenu()
    qtbot.addWidget(menu)
    for ticked in (False, True):
        action = menu.addAction("Runs")
        action.setCheckable(True)
        action.setChecked(ticked)
    menu.resize(menu.sizeHint())
    image = menu.grab().toImage()
    for action in menu.actions():
        row = menu.actionGeometry(action)
        # Left of the words, which begin after the box.
        box = QRect(row.left() + 2, row.top() + 1, 20, row.height() - 2)
        assert strongest(image, box, theme.base) >= 3.0
    manager.deleteLater()


@BOTH
def test_the_handle_of_a_scroll_bar_is_seen(qapp: QApplication, qtbot: QtBot, theme: Theme) -> None:
    manager = ThemeManager(theme.name)
    text = QPlainTextEdit("\n".join(map(str, range(100))))
    qtbot.addWidget(text)
    text.resize(200, 150)
    bar = text.verticalScrollBar()
    text.grab()  # lays it out
    assert bar.maximum() > 0
    assert strongest(bar.grab().toImage(), QRect(0, 0, bar.width(), 40), theme.base) >= 3.0
    manager.deleteLater()


@BOTH
def test_the_buttons_of_a_dock_are_seen(qapp: QApplication, qtbot: QtBot, theme: Theme) -> None:
    manager = ThemeManager(theme.name)
    window = QMainWindow()
    qtbot.addWidget(window)
    dock = QDockWidget("Runs", window)
    inside = QWidget()
    QVBoxLayout(inside)
    dock.setWidget(inside)
    window.setCentralWidget(dock)
    window.resize(300, 200)
    image = window.grab().toImage()
    for name in ("qt_dockwidget_closebutton", "qt_dockwidget_floatbutton"):
        button = dock.findChild(QWidget, name)
        assert button is not None
        place = QRect(button.mapTo(window, button.rect().topLeft()), button.size())
        assert strongest(image, place, theme.window) >= 3.0, name
    manager.deleteLater()


@BOTH
def test_every_picture_of_the_style_is_there_and_seen(qapp: QApplication, theme: Theme) -> None:
    named = [Path(path) for path in re.findall(r'url\("([^"]+)"\)', style_sheet(theme))]
    assert {path.name for path in named} > {
        f"{name}-{theme.name}.svg" for name in ("dock-close", "dock-float", "arrow-right")
    }
    for name in ("dock-close", "dock-float", "arrow-right"):
        drawn = resource_path("icons", f"{name}-{theme.name}.svg").read_text(encoding="utf-8")
        (colour,) = re.findall(r'stroke="(#[0-9a-f]{6})"', drawn)
        assert QColor(colour).isValid()
        for ground in (theme.window, theme.base):
            assert contrast(colour, ground) >= 3.0, name


@BOTH
def test_the_chosen_line_of_a_list_of_choices_can_be_read(
    qapp: QApplication, qtbot: QtBot, theme: Theme
) -> None:
    manager = ThemeManager(theme.name)
    box = Choice()
    qtbot.addWidget(box)
    box.addItems(["Hold it", "Set it now"])
    with qtbot.waitExposed(box):
        box.show()
    box.showPopup()
    row = box.view().visualRect(box.model().index(0, 0))
    image = box.view().viewport().grab().toImage()
    ground = image.pixelColor(row.right() - 1, row.center().y()).name()
    assert ground == theme.accent
    assert strongest(image, row, ground) >= 4.5
    box.hidePopup()
    manager.deleteLater()
