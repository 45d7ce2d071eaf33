"""Where findings hold: shades and bars, at their places whatever their number."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from lrmonitor.app.plots.regions import BAR, FindingRegions, Region
from lrmonitor.app.severity import severity_colour
from lrmonitor.app.theme import DARK, LIGHT, Theme

AREA = QRectF(10, 5, 400, 60)
SHOWN = (1000.0, 5000.0)  # ten steps a pixel


def painted(theme: Theme, *found: Region) -> QImage:
    layer = FindingRegions()
    layer.colour(theme)
    layer.show_regions(found)
    image = QImage(420, 70, QImage.Format.Format_RGB32)
    image.fill(QColor(theme.base))
    painter = QPainter(image)
    layer.draw(painter, AREA, SHOWN)
    painter.end()
    return image


def at(image: QImage, step: float, y: float) -> str:
    x = AREA.left() + (step - SHOWN[0]) / 10
    return image.pixelColor(int(x), int(AREA.top() + y)).name()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_finding_is_shaded_over_its_steps(qtbot: QtBot, theme: Theme) -> None:
    ground = QColor(theme.base).name()
    strong = QColor(severity_colour("critical", theme)).name()
    image = painted(
        theme,
        Region(0.0, 400.0, "critical", False),  # out of view
        Region(6000.0, 7000.0, "critical", False),
        Region(2000.0, 3000.0, "info", False),
        Region(2500.0, 4000.0, "critical", False),
    )
    for step in (1020, 1900, 4100, 4990):
        assert at(image, step, BAR / 2) == at(image, step, 30) == ground
    assert at(image, 2200, 30) == ground  # what is only worth knowing has the bar alone
    assert at(image, 2200, BAR / 2) not in (ground, strong)
    for step in (2510, 3000, 3980):
        assert at(image, step, BAR / 2) == strong  # the worse one above
        assert at(image, step, 30) not in (ground, strong)
        assert at(image, step, BAR + 1) == at(image, step, 58)


def test_thousands_are_painted_where_they_are(qtbot: QtBot) -> None:
    some = [Region(step, step + 1.0, "warning", True) for step in range(1500, 2500)]
    image = painted(LIGHT, *some, Region(4000.0, 4000.0, "warning", True))
    bar, ground = at(image, 2000, 1), QColor(LIGHT.base).name()
    assert bar != ground
    for step in range(1500, 2500, 10):
        assert at(image, step, 1) == bar
    assert at(image, 4000, 1) == at(image, 4000 - 9 * BAR, 1) == bar  # never narrower than told
    assert at(image, 3800, 1) == at(image, 4200, 1) == ground


def test_what_reaches_beyond_the_view_is_cut_at_its_edge(qtbot: QtBot) -> None:
    image = painted(LIGHT, Region(0.0, 9000.0, "warning", False))
    assert at(image, 1000, 30) == at(image, 4990, 30) != QColor(LIGHT.base).name()
    assert image.pixelColor(8, 30) == image.pixelColor(412, 30) == QColor(LIGHT.base)
