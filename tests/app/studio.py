"""Where pictures of the window are taken: runs, windows, and a camera."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.app import passing

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from lrmonitor.app.window import MainWindow
    from tests.app.folders import RunFolder

__all__ = ["ERROR", "OUTPUT", "Studio"]

OUTPUT = """\
epoch 1/20  loss 1.9071  accuracy 41.25%
\x1b[32m##########..........\x1b[0m 10/20
epoch 2/20  loss 1.2260  accuracy 63.10%
epoch 3/20  loss 0.8812  accuracy \x1b[1m74.38%\x1b[0m
"""
ERROR = """\
Traceback (most recent call last):
  File "/home/ann/digits.py", line 61, in <module>
    train(model, loader, optimizer)
  File "/home/ann/digits.py", line 38, in train
    loss = criterion(model(images), labels)
RuntimeError: mat1 and mat2 shapes cannot be multiplied (8x3 and 4x1)
"""


class Studio:
    """Makes runs and windows, and takes the pictures. Lives in the GUI thread."""

    def __init__(self, folder: Path, home: Path, theme: str, scale: int, words: list[str]) -> None:
        from lrmonitor.app.theme import ThemeManager

        self.home = home
        self.folder = folder
        self.scale = scale
        self._suffix = f"{theme}-{scale}00"
        self._words = words
        self._themes = ThemeManager(theme)
        self._count = 0
        self._windows = 0
        self.failed = False

    def each(self, scenes: Sequence[Callable[[Studio], None]]) -> None:
        """Take the pictures of each, also after one that failed."""
        for scene in scenes:
            try:
                scene(self)
            except Exception:  # the others are wanted all the same
                traceback.print_exc()
                self.failed = True

    def wants(self, scene: str) -> bool:
        """Whether a picture of that scene is asked for: a word is in its name, or begins with it.

        The latter is the full name of a picture of a scene that takes several.
        """
        return not self._words or any(w in scene or w.startswith(scene) for w in self._words)

    def run(self, name: str = "digits", alive: bool = True, ago: float = 90.0) -> RunFolder:
        """A run of its own in a home of its own, launched."""
        from tests.app.folders import RunFolder

        self._count += 1
        self.home = self.home.parent / f"runs-{self._count}"
        self.latest = RunFolder(self.home, name, created=time.time() - ago).launch(alive)
        return self.latest

    def trained(self, steps: int = 800, alive: bool = True, quiet: float = 0.0) -> RunFolder:
        """A run that made its latest step `quiet` seconds ago."""
        run = self.run(alive=alive, ago=steps * 0.04 + quiet)
        run.register()
        run.event("loader", loader=0, iteration=1, batches=90, step=0)
        run.train(4).event("batches", loader=0, iteration=1, taken=4)
        run.train(steps - 4)
        (run.path / "console.log").write_text(OUTPUT)
        return run

    def window(self, run: RunFolder | None = None) -> MainWindow:
        """A window on it, when all of it is there."""
        from lrmonitor.app.settings import Settings
        from lrmonitor.app.window import MainWindow

        # Each as at a first start: no picture depends on those before it.
        self._windows += 1
        settings = Settings(self.home.parent / f"window-{self._windows}.ini")
        window = MainWindow(self.home, settings, self._themes)
        window.resize(1280, 800)
        if run is not None:
            window.open_run(run.path)
        window.show()
        self.wait(lambda: window.view is None or window.view.plots is not None)
        self.pass_time(0.7)
        return window

    def take(self, name: str, widget: QWidget) -> None:
        """Save a picture of a widget, if it is one of those that are asked for."""
        from PySide6.QtWidgets import QApplication

        if self._words and not any(word in name for word in self._words):
            return
        self.pass_time(0.2)
        for _ in range(5):  # what the last tick changed is laid out, layout in layout
            QApplication.processEvents()
        path = self.folder / f"{name}-{self._suffix}.png"
        if not widget.grab().save(str(path)):
            raise OSError(f"{path} could not be written")

    def close(self, window: MainWindow) -> None:
        """Close a window without a question."""
        from PySide6.QtCore import QEvent
        from PySide6.QtWidgets import QApplication

        if window.question is not None:
            window.question.reject()
        window.leave_and_close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QApplication.processEvents()

    def wait(self, found: Callable[[], object], limit: float = 30.0) -> None:
        """Go on until something is true."""
        passing.wait(found, limit)

    def pass_time(self, seconds: float) -> None:
        """Go on for a while: what is drawn after some ticks is drawn then."""
        passing.pass_time(seconds)
