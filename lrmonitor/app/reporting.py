"""Exporting the open run as a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from .session import Session

__all__ = ["Reporter"]


class Reporter(QObject):
    """Belongs to one window. `session` tells which run it shows. `failed(str)`: why no report was
    written, in a sentence; `written(Path)`: one was."""

    failed = Signal(str)
    written = Signal(object)

    def __init__(self, window: QWidget, session: Callable[[], Session | None]) -> None:
        super().__init__(window)
        self._window = window
        self._session = session

    def choose(self) -> None:
        """Ask for the file and write the report."""
        session = self._session()
        if session is None:
            return
        name = "".join(c if c.isalnum() or c in "-_. " else "-" for c in session.model.name)
        chosen, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Export a report"),
            f"{name}.html",
            self.tr("HTML (*.html)"),
        )
        if chosen:
            self.write(Path(chosen))

    def write(self, path: Path) -> None:
        """Write the report of the open run, as far as it is."""
        from lrmonitor.report.html import write_report

        session = self._session()
        if session is None:
            return
        # About a second for ten million steps.
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            write_report(session.model, path, session.clock())
        except OSError as error:
            reason = error.strerror or str(error)
            self.failed.emit(self.tr("The report could not be written: {0}.").format(reason))
            return
        finally:
            QGuiApplication.restoreOverrideCursor()
        self.written.emit(path)
