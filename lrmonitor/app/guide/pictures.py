"""The guide's pictures in the colours of the theme.

A picture is an SVG whose parts have classes and whose style sheet stands in one `<style>` element.
The files carry the light colours; here that element is put in again with those of the theme, so
that a picture also follows the person's set of curves' colours. Qt draws SVG with its own module,
which knows simple CSS (classes, no variables, no media queries).
"""

from __future__ import annotations

import re

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from ..theme import Theme

__all__ = ["CURVES", "drawn", "style"]

CURVES = 6
"""Colours of curves that a picture may use."""

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def style(theme: Theme, family: str = "sans-serif") -> str:
    """The style sheet of a picture: what each class looks like."""
    rules = [
        f"text{{font-family:{family};font-size:12px;fill:{theme.text}}}",
        f".q{{fill:{theme.quiet}}}",
        f".grid{{fill:none;stroke:{theme.grid};stroke-width:1}}",
        f".axis{{fill:none;stroke:{theme.border};stroke-width:1}}",
        f".band{{fill:{theme.warn};opacity:0.16}}",
        f".mark{{fill:none;stroke:{theme.marker};stroke-width:1.5;stroke-dasharray:4 3}}",
        f".lost{{fill:{theme.bad}}}",
        ".d1{stroke-dasharray:7 4}",
        ".d2{stroke-dasharray:2 3}",
        ".d3{stroke-dasharray:9 3 2 3}",
    ]
    for index in range(CURVES):
        colour = theme.curve(index)
        line = f"fill:none;stroke:{colour};stroke-linejoin:round;"
        rules.append(f".c{index}{{{line}stroke-width:2}}")
        # Opaque, as the window's own raw curves: mixed into the ground.
        raw = f"fill:none;stroke:{theme.dim(colour, 0.32)};stroke-linejoin:round;"
        rules.append(f".r{index}{{{raw}stroke-width:1}}")
    return "".join(rules)


def drawn(svg: str, theme: Theme, width: int, ratio: float, family: str) -> QImage:
    """A picture `width` logical pixels wide, for a screen with `ratio` pixels for each of these;
    null if `svg` is not one."""
    text = _STYLE.sub(f"<style>{style(theme, family)}</style>", svg, count=1)
    renderer = QSvgRenderer(QByteArray(text.encode()))
    size = renderer.defaultSize()
    if not renderer.isValid() or size.isEmpty():
        return QImage()
    height = width * size.height() / size.width()
    image = QImage(
        QSize(round(width * ratio), round(height * ratio)),
        QImage.Format.Format_ARGB32_Premultiplied,
    )
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(image.rect()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image
