"""Ending a run that this window does not show."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from lrmonitor.link.messages import Author
from lrmonitor.model.command import NotLive
from lrmonitor.model.stop import stop_run

__all__ = ["Stopper"]


class Stopper(QObject):
    """Asks runs to end, in short-lived threads: that may wait for a step. Lives in the GUI thread.

    `failed(str)`: a run could not be asked, in a sentence.
    """

    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: list[threading.Thread] = []

    def stop(self, folder: Path, by: Author) -> None:
        """End the run as Ctrl-C does, without waiting for its end."""
        thread = threading.Thread(
            target=self._stop, args=(folder, by), name="lrmonitor-stop", daemon=True
        )
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Wait for what is under way."""
        for thread in self._threads:
            thread.join(5.0)

    def _stop(self, folder: Path, by: Author) -> None:
        problem = ""
        try:
            result = stop_run(folder, timeout=0.0, by=by, kind="window")
            if result.refused:
                problem = result.sentence
        except NotLive as error:
            problem = str(error)
        except OSError as error:
            problem = self.tr("The run could not be signalled: {0}.").format(error)
        if problem:
            try:
                self.failed.emit(problem)
            except RuntimeError:
                return  # the window was closed meanwhile
