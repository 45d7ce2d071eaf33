"""A picture of the window, taken when there is something to see on it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from .window import MainWindow

__all__ = ["Photographer", "picture_problem"]

ENOUGH_STEPS = 300
LIMIT_SECONDS = 60.0


def picture_problem(path: Path) -> str | None:
    """Why no picture can be written to `path`, in a sentence; None when it can."""
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        return f"--screenshot {path}: the name must end in .png or .jpg"
    folder = path.absolute().parent
    if not folder.is_dir():
        return f"--screenshot {path}: there is no folder {folder}"
    if path.is_dir():
        return f"--screenshot {path}: that is a folder"
    if not os.access(path if path.exists() else folder, os.W_OK):
        return f"--screenshot {path}: it cannot be written"
    return None


class Photographer(QObject):
    """Takes one picture: `after` seconds from the first step (or after a minute without one), or at
    once when the run is over; without `after` also once there are enough steps, or a minute has
    gone by.

    `taken(bool)`: whether it could be saved.
    """

    taken = Signal(bool)

    def __init__(
        self,
        window: MainWindow,
        path: Path,
        after: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._path = path
        self._after = after
        self._clock = clock
        self._begun = clock()
        self._first_step: float | None = None
        self._done = False
        window.ticker.ticked.connect(self._look)

    def _look(self) -> None:
        if self._done or not self._ripe():
            return
        self._done = True
        view = self._window.view
        if view is not None:
            view.header.refresh()
            view.control.refresh()
            if view.plots is not None:
                view.plots.refresh()
        self.taken.emit(self._window.grab().save(str(self._path)))

    def _ripe(self) -> bool:
        view = self._window.view
        waited = self._clock() - self._begun
        if view is None:
            return waited >= (self._after or 0.0)
        if view.plots is None:
            return False
        step = view.session.model.state.step or 0
        if self._after is not None:
            # How long the script takes to its first step (the imports) is the machine's affair.
            if step and self._first_step is None:
                self._first_step = self._clock()
            late = waited >= max(self._after, LIMIT_SECONDS)
            trained = self._first_step is not None and (
                self._clock() - self._first_step >= self._after
            )
            return trained or late or view.session.over
        return step >= ENOUGH_STEPS or view.session.over or waited >= LIMIT_SECONDS
