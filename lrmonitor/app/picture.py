"""The plots as a picture: saved as PNG or SVG, or copied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QRectF, QSaveFile
from PySide6.QtGui import QGuiApplication, QImage, QImageWriter, QPainter, QRegion

if TYPE_CHECKING:
    from .plots.sheet import PlotSheet

__all__ = ["PictureError", "copy_picture", "image_of", "save_picture"]

SCALE = 2.0
"""Pixels of a picture for each of the screen's, so that it is sharp in a paper too."""


class PictureError(Exception):
    """A picture could not be written; the message is a sentence for the person."""


def image_of(canvas: PlotSheet, scale: float = SCALE) -> QImage:
    """What the canvas shows now, on its own background."""
    size = canvas.size()
    image = QImage(size * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    painter = QPainter(image)
    canvas.draw(painter, QRegion(canvas.rect()))
    painter.end()
    return image


def copy_picture(canvas: PlotSheet) -> None:
    """Put the picture on the clipboard."""
    QGuiApplication.clipboard().setImage(image_of(canvas))


def save_picture(canvas: PlotSheet, path: Path) -> None:
    """Write a picture whose kind the file's ending tells: `.png` or `.svg`.

    A file of that name is replaced once the new one is whole. Raises PictureError.
    """
    ending = path.suffix.lower()
    if ending == ".svg":
        data = _svg(canvas)
    elif ending == ".png":
        data = _png(canvas)
    else:
        raise PictureError(f"{path.name}: a picture is a .png or an .svg file")
    file = QSaveFile(str(path))
    if not (file.open(QIODevice.OpenModeFlag.WriteOnly) and file.write(data) == len(data)):
        raise PictureError(f"{path} cannot be written: {file.errorString()}")
    if not file.commit():
        raise PictureError(f"{path} cannot be written: {file.errorString()}")


def _png(canvas: PlotSheet) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, b"png")
    writer.write(image_of(canvas))
    return bytes(buffer.data().data())


def _svg(canvas: PlotSheet) -> bytes:
    from PySide6.QtSvg import QSvgGenerator

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    size = canvas.size()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(QGuiApplication.applicationDisplayName() or "lrmonitor")
    painter = QPainter(generator)
    canvas.draw(painter, QRegion(canvas.rect()))
    painter.end()
    return bytes(buffer.data().data())
