"""Both themes can be read, and the window follows the system."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QStyleOptionComboBox
from pytestqt.qtbot import QtBot

from lrmonitor.app.icons import pixmap
from lrmonitor.app.panels.parts import Choice, Count, Number
from lrmonitor.app.theme import DARK, LIGHT, Theme, ThemeManager


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = []
    for value in (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF()):
        parts.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio (WCAG 2.1), 1 to 21."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_text_has_the_contrast_of_wcag_aa(theme: Theme) -> None:
    for back in (theme.window, theme.base, theme.raised):
        for front in (theme.text, theme.quiet, theme.good, theme.warn, theme.bad):
            assert contrast(front, back) >= 4.5, (front, back)
    assert contrast(theme.accent_text, theme.accent) >= 4.5
    for fill in (theme.good_fill, theme.warn_fill, theme.bad_fill):
        assert contrast(theme.text, fill) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_what_can_be_typed_into_or_pressed_has_an_edge(qapp: QApplication, theme: Theme) -> None:
    for back in (theme.window, theme.base, theme.raised):
        assert contrast(theme.edge, back) >= 3.0, back
    manager = ThemeManager(theme.name)
    for made in (QLineEdit, Count, Number, Choice, QPushButton):
        box = made()
        box.resize(120, 24)
        image = box.grab().toImage()
        for at in ((0, 12), (119, 12), (60, 0), (60, 23)):
            edge = image.pixelColor(*at).name()
            assert contrast(edge, theme.window) >= 3.0, (made.__name__, at)
        box.deleteLater()
    manager.deleteLater()


def test_the_arrows_of_boxes_are_drawn(qapp: QApplication) -> None:
    manager = ThemeManager("dark")
    box = Count()
    box.resize(120, 24)
    image = box.grab().toImage()
    for top in (2, 12):
        drawn = [
            image.pixelColor(x, y).name() for x in range(102, 117) for y in range(top, top + 9)
        ]
        assert max(contrast(colour, DARK.base) for colour in drawn) >= 2.0
    box.deleteLater()
    manager.deleteLater()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_curves_and_marks_can_be_seen(theme: Theme) -> None:
    for colour in (*theme.curves, theme.marker, theme.accent):
        assert contrast(colour, theme.base) >= 3.0, colour
    assert len(set(theme.curves)) == 8
    assert theme.curve(8) == theme.curves[0]


def test_a_dim_colour_is_opaque_and_between() -> None:
    dim = LIGHT.dim("#000000", 0.4)
    assert dim == "#999999"


def test_the_chosen_theme_is_applied_and_said(qapp: QApplication) -> None:
    manager = ThemeManager("light")
    seen: list[Theme] = []
    manager.changed.connect(seen.append)
    manager.choose("dark")
    assert seen == [DARK]
    assert qapp.palette().base().color().name() == DARK.base
    manager.choose("light")
    assert seen == [DARK, LIGHT]
    assert manager.choice == "light"
    manager.deleteLater()


def test_the_colours_follow_the_system(qapp: QApplication) -> None:
    scheme = Qt.ColorScheme.Light
    manager = ThemeManager("system", scheme=lambda: scheme)
    said: list[str] = []
    manager.changed.connect(lambda theme: said.append(theme.name))
    scheme = Qt.ColorScheme.Dark
    # What a desktop sends when its colours change; a test has no desktop that would.
    QGuiApplication.styleHints().colorSchemeChanged.emit(scheme)
    assert said == ["dark"]
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK.window
    manager.choose("light")
    QGuiApplication.styleHints().colorSchemeChanged.emit(scheme)
    assert said == ["dark", "light"]
    manager.deleteLater()


def test_every_symbol_has_a_shape_of_its_own(qapp: QApplication) -> None:
    names = [
        *("running", "paused", "step", "stopped", "ended", "failed", "stalled", "killed"),
        *("validating", "compiling", "undo", "redo", "add", "link", "folder"),
        *("starting", "lost", "not_training", "dot"),
    ]
    shapes = {bytes(pixmap(name, "#000000").toImage().constBits()) for name in names}
    assert len(shapes) == len(names)


def test_a_choice_without_room_is_cut_in_its_middle(qtbot: QtBot) -> None:
    manager = ThemeManager("light")
    box = Choice()
    qtbot.addWidget(box)
    box.addItem("Python 3.12, torch 2.9 · /home/ann/projects/digits/.venv/bin/python3.12")
    option = QStyleOptionComboBox()
    box.resize(box.sizeHint())
    box.initStyleOption(option)
    assert option.currentText == box.currentText()
    box.resize(200, 24)
    box.initStyleOption(option)
    assert option.currentText.startswith("Python 3.12")
    assert "…" in option.currentText
    assert option.currentText.endswith("3.12")
    manager.deleteLater()
