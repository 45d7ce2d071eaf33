"""Small symbols, drawn: sharp at every scale, in the theme's colours, no files to find.

Each name stands for one shape, so that a state is told by shape and word, never by colour
alone.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from lrmonitor.resources import resource_path

__all__ = ["icon", "pixmap", "window_icon"]


def pixmap(name: str, colour: str, size: int = 16, ratio: float = 2.0) -> QPixmap:
    """The symbol `name` in `colour`; `size` in logical pixels. An unknown name is a dot."""
    result = QPixmap(QSize(size, size) * ratio)
    result.setDevicePixelRatio(ratio)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 16.0, size / 16.0)
    _draw(painter, name, QColor(colour))
    painter.end()
    return result


def icon(
    name: str, colour: str, disabled: str | None = None, size: int = 16, chosen: str | None = None
) -> QIcon:
    """The symbol as an icon, with its own colour where the control is disabled, and where its row
    is chosen (by default Qt tints it)."""
    result = QIcon(pixmap(name, colour, size))
    if disabled is not None:
        result.addPixmap(pixmap(name, disabled, size), QIcon.Mode.Disabled)
    if chosen is not None:
        result.addPixmap(pixmap(name, chosen, size), QIcon.Mode.Selected)
    return result


def window_icon() -> QIcon:
    """The icon of the window and of the task bar; empty where the installation is incomplete."""
    try:
        return QIcon(str(resource_path("icons", "lrmonitor.svg")))
    except FileNotFoundError:
        return QIcon()


def _polygon(*points: tuple[float, float]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])


def _draw(painter: QPainter, name: str, colour: QColor) -> None:
    pen = QPen(colour, 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if name in ("running", "play"):
        painter.drawPolygon(_polygon((4, 2.5), (13.5, 8), (4, 13.5)))
    elif name in ("paused", "pause"):
        painter.drawRoundedRect(QRectF(3.5, 2.5, 3.4, 11), 0.8, 0.8)
        painter.drawRoundedRect(QRectF(9.1, 2.5, 3.4, 11), 0.8, 0.8)
    elif name == "step":
        painter.drawPolygon(_polygon((3, 2.5), (10.5, 8), (3, 13.5)))
        painter.drawRoundedRect(QRectF(10.9, 2.5, 2.4, 11), 0.8, 0.8)
    elif name in ("stopped", "stop"):
        painter.drawRoundedRect(QRectF(3.2, 3.2, 9.6, 9.6), 1.4, 1.4)
    elif name in ("ended", "good"):
        _stroke(painter, pen, [(3, 8.6), (6.6, 12), (13, 4.4)])
    elif name in ("failed", "bad"):
        _stroke(painter, pen, [(4, 4), (12, 12)])
        _stroke(painter, pen, [(12, 4), (4, 12)])
    elif name in ("stalled", "warn"):
        path = QPainterPath()
        path.addPolygon(_polygon((8, 1.6), (15, 14), (1, 14), (8, 1.6)))
        hole = QPainterPath()
        hole.addRoundedRect(QRectF(7.2, 5.8, 1.6, 4.4), 0.7, 0.7)
        hole.addEllipse(QPointF(8, 12), 1.0, 1.0)
        painter.drawPath(path.subtracted(hole))
    elif name == "critical":  # an octagon with a stroke: not the triangle of a warning
        octagon = QPainterPath()
        corners = [
            (
                8 + 7 * math.cos(math.pi * (2 * n + 1) / 8),
                8 + 7 * math.sin(math.pi * (2 * n + 1) / 8),
            )
            for n in range(8)
        ]
        octagon.addPolygon(_polygon(*corners, corners[0]))
        hole = QPainterPath()
        hole.addRoundedRect(QRectF(7.1, 3.8, 1.8, 5.2), 0.8, 0.8)
        hole.addEllipse(QPointF(8, 11.4), 1.2, 1.2)
        painter.drawPath(octagon.subtracted(hole))
    elif name == "info":
        disc = QPainterPath()
        disc.addEllipse(QPointF(8, 8), 6.4, 6.4)
        hole = QPainterPath()
        hole.addRoundedRect(QRectF(7.1, 7, 1.8, 5), 0.8, 0.8)
        hole.addEllipse(QPointF(8, 4.9), 1.1, 1.1)
        painter.drawPath(disc.subtracted(hole))
    elif name == "killed":
        bolt = ((9.6, 1), (3.4, 9), (7.4, 9), (6.2, 15), (12.6, 6.6), (8.6, 6.6))
        painter.drawPolygon(_polygon(*bolt))
    elif name in ("starting", "wait"):
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(8, 8), 5.8, 5.8)
        _stroke(painter, pen, [(8, 4.8), (8, 8), (10.4, 9.4)])
    elif name in ("lost", "unknown"):
        pen.setWidthF(1.6)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawArc(QRectF(4.6, 2.2, 6.8, 6.8), -100 * 16, 280 * 16)
        painter.drawLine(QPointF(8, 9), QPointF(8, 10.6))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(8, 13.4), 1.1, 1.1)
    elif name == "compiling":
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(8, 8), 3.6, 3.6)
        for turn in range(8):
            ray = QPointF(math.cos(turn * math.pi / 4), math.sin(turn * math.pi / 4))
            painter.drawLine(QPointF(8, 8) + ray * 5.4, QPointF(8, 8) + ray * 6.4)
    elif name == "validating":  # a magnifying glass
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(6.8, 6.8), 4.4, 4.4)
        _stroke(painter, pen, [(10.2, 10.2), (13.6, 13.6)])
    elif name == "rate":
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        _stroke(
            painter, pen, [(1.8, 4), (6.2, 4), (6.2, 8.4), (10.4, 8.4), (10.4, 12.4), (14.4, 12.4)]
        )
    elif name == "note":
        pen.setWidthF(1.5)
        _stroke(painter, pen, [(3, 2.6), (13, 2.6), (13, 10), (9.6, 13.4), (3, 13.4), (3, 2.6)])
        _stroke(painter, pen, [(5.6, 6), (10.4, 6)])
        _stroke(painter, pen, [(5.6, 9), (8.6, 9)])
    elif name == "log":
        pen.setWidthF(1.5)
        _stroke(painter, pen, [(3, 2), (13, 2), (13, 14), (3, 14), (3, 2)])
        _stroke(painter, pen, [(5.2, 11), (7.2, 7.4), (8.8, 9), (10.8, 5.2)])
    elif name == "snapshot":  # a bookmark: a place to come back to
        pen.setWidthF(1.6)
        _stroke(painter, pen, [(4, 2.4), (12, 2.4), (12, 13.4), (8, 10), (4, 13.4), (4, 2.4)])
    elif name == "rewind":
        painter.drawPolygon(_polygon((8, 3), (8, 13), (1.6, 8)))
        painter.drawPolygon(_polygon((14.4, 3), (14.4, 13), (8, 8)))
    elif name == "series":
        pen.setWidthF(1.6)
        _stroke(painter, pen, [(2, 12.6), (6, 7), (9.4, 9.6), (14, 3.6)])
    elif name == "not_training":
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(8, 8), 5.6, 5.6)
        _stroke(painter, pen, [(5.4, 8), (10.6, 8)])
    elif name == "down":
        _stroke(painter, pen, [(4, 6), (8, 10), (12, 6)])
    elif name == "add":
        _stroke(painter, pen, [(8, 2.8), (8, 13.2)])
        _stroke(painter, pen, [(2.8, 8), (13.2, 8)])
    elif name == "link":  # a plug and its socket
        _stroke(painter, pen, [(1.4, 8), (5, 8)])
        _stroke(painter, pen, [(11, 8), (14.6, 8)])
        painter.drawArc(QRectF(5, 4.2, 7.6, 7.6), 90 * 16, 180 * 16)
        painter.drawLine(QPointF(8.8, 4.2), QPointF(8.8, 11.8))
        pen.setWidthF(1.5)
        painter.setPen(pen)
        painter.drawLine(QPointF(8.8, 6.4), QPointF(11, 6.4))
        painter.drawLine(QPointF(8.8, 9.6), QPointF(11, 9.6))
    elif name in ("undo", "redo"):
        if name == "redo":
            painter.translate(16, 0)
            painter.scale(-1, 1)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        path = QPainterPath(QPointF(3, 6.4))
        path.lineTo(9.4, 6.4)
        path.arcTo(QRectF(6.2, 6.4, 6.8, 6.8), 90, -180)
        path.lineTo(6, 13.2)
        painter.drawPath(path)
        _stroke(painter, pen, [(6.2, 3.2), (3, 6.4), (6.2, 9.6)])
    elif name == "folder":
        pen.setWidthF(1.5)
        _stroke(
            painter,
            pen,
            [(2, 12.8), (2, 3.4), (6.2, 3.4), (7.8, 5.2), (14, 5.2), (14, 12.8), (2, 12.8)],
        )
    else:
        painter.drawEllipse(QPointF(8, 8), 3.6, 3.6)


def _stroke(painter: QPainter, pen: QPen, points: list[tuple[float, float]]) -> None:
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(_polygon(*points))
