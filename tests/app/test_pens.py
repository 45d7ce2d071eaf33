"""Curves are as thick at 200 % as at 100 %, and dense ones show what their pieces would show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from lrmonitor.app.picture import image_of
from lrmonitor.app.plots.bars import extents
from lrmonitor.app.plots.chart import Chart
from lrmonitor.app.plots.layers import Upright
from lrmonitor.app.plots.line import Line
from lrmonitor.app.plots.pens import pen_of
from lrmonitor.app.plots.sheet import PlotSheet
from lrmonitor.app.theme import LIGHT

COLOUR = "#ff0000"


class Sheet:
    """A plot of 0 to 1 in both directions, with one line; and pictures of it."""

    def __init__(self, qtbot: QtBot) -> None:
        self.canvas = PlotSheet()
        qtbot.addWidget(self.canvas)
        self.canvas.set_background(LIGHT.base)
        self.canvas.resize(500, 300)
        self.chart = Chart("", handles=False)
        self.chart.colour(LIGHT)
        self.canvas.add(self.chart, 0, 1)
        self.chart.view.show_steps(0, 1)
        self.chart.view.show_values(0, 1)

    def draw(self, x: object, y: object, width: float, antialias: bool = False) -> Line:
        line = Line(antialias)
        line.set_pen(pen_of(COLOUR, width))
        self.chart.view.add(line)
        line.show(np.asarray(x, float), np.asarray(y, float))
        return line

    def picture(self, scale: float) -> QImage:
        return image_of(self.canvas, scale)

    def ink(self, scale: float) -> float:
        """How much of the line's colour there is, in pixels."""
        red, green, blue = (pixels(self.picture(scale))[..., at].astype(float) for at in (2, 1, 0))
        coloured = (red > 200) & (green == blue) & (green < 250)
        return float(((255 - green) / 255)[coloured].sum())


def pixels(image: QImage) -> np.ndarray:
    """Blue, green, red and alpha, shape (height, width, 4)."""
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width()].copy()


@pytest.mark.parametrize(
    ("count", "width", "antialias"),
    [(60, 1.0, False), (60, 2.0, True), (60, 2.0, False), (3000, 1.0, False)],
    ids=["raw", "smoothed", "rate", "dense"],
)
def test_a_curve_is_as_thick_at_200_percent(
    qtbot: QtBot, count: int, width: float, antialias: bool
) -> None:
    sheet = Sheet(qtbot)
    x = np.linspace(0.05, 0.95, count)
    y = 0.5 + 0.3 * np.sin(9 * x) + (0.05 * np.cos(math.pi * np.arange(count)) if count > 99 else 0)
    sheet.draw(x, y, width, antialias)
    at_100, at_200 = sheet.ink(1.0), sheet.ink(2.0)
    assert at_100 > 300 * width
    # Twice as long, and twice as thick: slanted, a line of one pixel has fewer than its area.
    assert 3.6 * at_100 < at_200 < 4.9 * at_100


def test_the_line_under_the_mouse_is_as_thick_at_200_percent(qtbot: QtBot) -> None:
    sheet = Sheet(qtbot)
    line = Upright()
    line.colour(pen_of(COLOUR))
    line.show_at(0.5)
    sheet.chart.view.add(line)
    assert sheet.ink(2.0) == pytest.approx(4 * sheet.ink(1.0), rel=0.02) != 0


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_point_without_a_line_is_seen(qtbot: QtBot, scale: float) -> None:
    sheet = Sheet(qtbot)
    sheet.draw([0.2, 0.4, 0.5, 0.6], [0.5, math.nan, 0.5, math.nan], 1.0)
    assert sheet.ink(scale) > 2 * 9 * scale**2


def test_a_dense_line_looks_as_its_pieces_do(qtbot: QtBot) -> None:
    random = np.random.default_rng(0)
    x = np.linspace(0, 1, 4000)
    y = 0.4 + 0.1 * random.random(4000)
    y[1234], y[2345], y[3000:3100] = 0.95, 0.05, math.nan
    dense = Sheet(qtbot)
    dense.draw(x, y, 1.0)
    plain = Sheet(qtbot)
    line = plain.draw(x, y, 1.0)
    assert line._dense
    line._dense = False
    bars, pieces = (
        (pixels(sheet.picture(1.0))[..., :3] == (0, 0, 255)).all(axis=2) for sheet in (dense, plain)
    )
    # Each column from the same least to the same greatest value, to the pixel's edge.
    unlike = np.flatnonzero(bars.any(axis=0) != pieces.any(axis=0))
    assert len(unlike) <= 1
    both = np.flatnonzero(bars.any(axis=0) & pieces.any(axis=0))
    assert len(both) > 350
    for end in (np.argmax, lambda column: len(column) - np.argmax(column[::-1])):
        off = [abs(int(end(bars[:, at])) - int(end(pieces[:, at]))) for at in both]
        # But beside a spike, whose way into the next column is told by half.
        assert np.quantile(off, 0.9) <= 2
        assert np.mean(off) < 0.5
    # The gap is one, and the spikes are there.
    left, right = int(both[0]), int(both[-1])
    assert not bars[:, left + round(0.7625 * (right - left))].any()
    rows, wanted = np.flatnonzero(bars.any(axis=1)), np.flatnonzero(pieces.any(axis=1))
    assert abs(rows[0] - wanted[0]) <= 1
    assert abs(rows[-1] - wanted[-1]) <= 1


def test_extents_reach_to_each_other_and_not_over_gaps() -> None:
    x = np.array([0.1, 0.9, 1.2, 1.8, 2.5, 2.6, 3.1])
    y = np.array([1.0, 5.0, 9.0, 7.0, math.nan, 2.0, 2.0])
    column, low, high, pieces = extents(x, y)
    assert column.tolist() == [0, 1, 2, 3]
    assert low.tolist() == [1, 7, 2, 2]  # from 5 to 9 they meet at 7
    assert high.tolist() == [7, 9, 2, 2]
    assert not len(pieces)


def test_pieces_over_columns_without_a_point_are_told() -> None:
    one_hole = np.concatenate((np.arange(0.0, 20.0, 0.5), np.arange(30.0, 50.0, 0.5)))
    column, _, _, pieces = extents(one_hole, one_hole)
    assert len(column) == 40
    assert pieces.tolist() == [[19.5, 19.5, 30.0, 30.0]]
