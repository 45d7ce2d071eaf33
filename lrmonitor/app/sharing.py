"""What leaves the window: pictures of the plots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from .picture import PictureError, copy_picture, save_picture

if TYPE_CHECKING:
    from .plots.sheet import PlotSheet

__all__ = ["Sharing"]


class Sharing(QObject):
    """Asks where to, and writes. `canvas` gives the plots that are shown, if any are; `say` tells
    what did not work."""

    def __init__(
        self,
        window: QWidget,
        canvas: Callable[[], PlotSheet | None],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._canvas = canvas
        self._say = say

    def save_picture(self) -> None:
        """Ask for a file, and write what the plots show as PNG or SVG."""
        canvas = self._canvas()
        if canvas is None:
            return
        kinds = self.tr("Pictures (*.png);;Drawings (*.svg)")
        title = self.tr("Save the plots as a picture")
        chosen, kind = QFileDialog.getSaveFileName(self._window, title, "lrmonitor.png", kinds)
        if not chosen:
            return
        path = Path(chosen)
        if not path.suffix:
            path = path.with_suffix(".svg" if "svg" in kind else ".png")
        try:
            save_picture(canvas, path)
        except PictureError as error:
            self._say(str(error))

    def copy_picture(self) -> None:
        """Put what the plots show on the clipboard."""
        canvas = self._canvas()
        if canvas is not None:
            copy_picture(canvas)
