"""A strip for each layer, its colour the ratio of the update to the weights over the steps."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QLinearGradient,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QWidget

from ..format import format_count, format_rate
from ..theme import Theme
from .hover import Hovered

__all__ = ["HeatStrip", "colours", "columns", "decades"]

COLUMNS = 400
"""Columns of the picture, at most: it is stretched to the room there is."""

LEGEND = 58
"""Pixels at the right for the colours' meaning."""

Floats = NDArray[np.float64]


VIRIDIS = (
    "440154 481a6c 472f7d 414487 39568c 31688e 2a788e 23888e "
    "1f988b 22a884 35b779 54c568 7ad151 a5db36 d2e21b fde725"
)
"""Sixteen of its colours, evenly spaced, from low to high (van der Walt and Smith, 2015, CC0)."""


@functools.cache
def colours() -> NDArray[np.uint8]:
    """256 colours from low to high, shape (256, 3): viridis, which is told apart with any colour
    blindness and in grey as well. Straight from one of `VIRIDIS` to the next."""
    known = np.array([list(bytes.fromhex(one)) for one in VIRIDIS.split()], float)
    at, whole = np.linspace(0, 255, len(known)), np.arange(256)
    between = np.stack([np.interp(whole, at, part) for part in known.T], 1)
    return np.asarray(np.rint(between), np.uint8)


def decades(ratios: Floats) -> tuple[float, float]:
    """The range of log10 that the colours tell: whole decades around nearly all of the ratios; at
    least two."""
    found = ratios[np.isfinite(ratios) & (ratios > 0)]
    if not len(found):
        return -4.0, -2.0
    low, high = np.quantile(np.log10(found), (0.01, 0.99))
    bottom, top = math.floor(low), math.ceil(high)
    if top - bottom < 2:
        bottom, top = bottom - (2 - (top - bottom)), top
    return float(bottom), float(top)


def columns(steps: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Which sample is shown in each of `count` columns, evenly spaced over the steps: the latest up
    to there. Where steps were counted anew, those from there on are shown."""
    back = np.flatnonzero(steps[1:] < steps[:-1])
    begin = int(back[-1]) + 1 if len(back) else 0
    mine = steps[begin:]
    places = np.linspace(float(mine[0]), float(mine[-1]), count)
    return begin + np.clip(np.searchsorted(mine, places, "right") - 1, 0, len(mine) - 1)


class HeatStrip(Hovered):
    """Layers from top to bottom, steps from left to right."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._layers: list[str] = []
        self._steps = np.empty(0, np.int64)
        self._ratios: Floats = np.empty((0, 0))
        self._shown = np.empty(0, np.int64)
        self._range = (-4.0, -2.0)
        self._image: QImage | None = None
        self.setMinimumSize(260, 90)
        self.setAccessibleName(self.tr("Update ratio of each layer over the steps"))

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._make_image()

    def show_ratios(self, layers: list[str], steps: NDArray[np.int64], ratios: Floats) -> None:
        """Show these: `steps` (n), `ratios` (n, layers), nan where there is none."""
        self._layers, self._steps, self._ratios = list(layers), steps, ratios
        if len(steps):
            self._shown = columns(
                steps, min(COLUMNS, int(steps[-1] - steps[0]) + 1, 10 * len(steps))
            )
            self._range = decades(ratios)
            first, last = int(steps[self._shown[0]]), int(steps[-1])
            self.setAccessibleDescription(
                self.tr("{0} layers, steps {1} to {2}; the table tells their numbers").format(
                    len(layers), format_count(first), format_count(last)
                )
            )
        self._make_image()

    def sizeHint(self) -> QSize:
        return QSize(480, 150)

    def _make_image(self) -> None:
        """The picture: a pixel for each layer and column."""
        self._image = None
        if len(self._steps) and self._layers:
            low, high = self._range
            with np.errstate(divide="ignore", invalid="ignore"):
                level = (np.log10(self._ratios[self._shown].T) - low) / (high - low)
            known = ~np.isnan(level)
            index = np.clip(np.where(known, level, 0.0) * 255, 0, 255).astype(np.uint8)
            pixels = np.empty((*index.shape, 4), np.uint8)
            pixels[..., :3] = colours()[index][..., ::-1]
            pixels[..., 3] = 255
            base = QColor(self._theme.base)
            pixels[~known] = (base.blue(), base.green(), base.red(), 255)
            height, width = index.shape
            data = np.ascontiguousarray(pixels)
            image = QImage(data.data, width, height, 4 * width, QImage.Format.Format_RGB32)
            self._image = image.copy()  # the array goes
        self.update()

    def _area(self) -> QRectF:
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(one) for one in self._layers), default=0)
        left = min(names + 10, max(self.width() * 0.34, 60))
        return QRectF(self.rect()).adjusted(left, 4, -LEGEND - 8, -metrics.height() - 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.base))
        if self._image is None:
            return
        area = self._area()
        painter.drawImage(area, self._image)
        self._write_names(painter, area)
        self._write_steps(painter, area)
        self._draw_legend(painter, area)

    def _write_names(self, painter: QPainter, area: QRectF) -> None:
        """As many names as have room, evenly spaced."""
        metrics = painter.fontMetrics()
        height = area.height() / len(self._layers)
        every = max(math.ceil(metrics.height() / height), 1)
        painter.setPen(QColor(self._theme.quiet))
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row in range(0, len(self._layers), every):
            middle = area.top() + (row + 0.5) * height
            top = max(middle - metrics.height() / 2, 0.0)
            box = QRectF(0, top, area.left() - 6, metrics.height())
            # The end of a name tells more than its beginning.
            text = metrics.elidedText(
                self._layers[row], Qt.TextElideMode.ElideLeft, int(box.width())
            )
            painter.drawText(box, side, text)

    def _write_steps(self, painter: QPainter, area: QRectF) -> None:
        height = painter.fontMetrics().height()
        box = QRectF(area.left(), area.bottom() + 3, area.width(), height)
        first, last = int(self._steps[self._shown[0]]), int(self._steps[-1])
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft, format_count(first))
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, self.tr("Step"))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight, format_count(last))

    def _draw_legend(self, painter: QPainter, area: QRectF) -> None:
        """What the colours mean: a bar with its decades."""
        bar = QRectF(area.right() + 10, area.top() + 4, 10, area.height() - 8)
        gradient = QLinearGradient(bar.bottomLeft(), bar.topLeft())
        table = colours()
        for at in range(0, 256, 15):
            gradient.setColorAt(at / 255, QColor(*(int(c) for c in table[at])))
        painter.fillRect(bar, gradient)
        low, high = (round(end) for end in self._range)
        metrics = painter.fontMetrics()
        room = max(int(bar.height() / metrics.height()), 2)
        every = max(math.ceil((high - low + 1) / room), 1)
        for decade in range(low, high + 1, every):
            y = bar.bottom() - (decade - low) / (high - low) * bar.height()
            box = QRectF(bar.right() + 4, y - metrics.height() / 2, 44, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, f"1e{decade}")

    def told_at(self, place: QPointF) -> str:
        """The layer, the step and the ratio at a place of the widget; empty where there is none."""
        area = self._area()
        if self._image is None or not area.contains(place):
            return ""
        across = (place.x() - area.left()) / area.width()
        down = (place.y() - area.top()) / area.height()
        column = min(int(across * len(self._shown)), len(self._shown) - 1)
        row = min(int(down * len(self._layers)), len(self._layers) - 1)
        sample = int(self._shown[column])
        ratio = float(self._ratios[sample, row])
        value = "–" if math.isnan(ratio) else format_rate(ratio)
        return self.tr("{0}\nstep {1}: |Δw| / |w| = {2}").format(
            self._layers[row], format_count(int(self._steps[sample])), value
        )
