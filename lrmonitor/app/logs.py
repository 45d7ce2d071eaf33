"""Opening what lrmonitor did not record: the dialogs for it, and what is dropped on the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from lrmonitor.record import layout

from .dialogs.drops import dropped_log
from .theme import Theme, ThemeManager

if TYPE_CHECKING:
    from lrmonitor.record.foreign.reader import LogReader

    from .dialogs.open_log import OpenLogDialog

__all__ = ["BUDGET", "LogOpener"]

BUDGET = 0.05
"""Seconds at a time that a log is read for, so that the window stays quick."""


class LogOpener(QObject):
    """Belongs to one window. `opened(Path, LogReader or None)`: a log or a run that the window is
    to show; `failed(str)`: why one cannot be, in a sentence.

    A file or folder that is dropped on the window, and is neither a script nor a run, is taken for
    a log. What is imported for it is imported when it is wanted.
    """

    opened = Signal(object, object)
    failed = Signal(str)

    def __init__(self, window: QWidget, home: Path, themes: ThemeManager) -> None:
        super().__init__(window)
        self._window = window
        self._home = home
        self._themes = themes
        self.dialog: OpenLogDialog | None = None
        themes.changed.connect(self._on_theme)
        window.installEventFilter(self)

    def choose(self) -> None:
        """Let the person choose a log's file, and show what it holds."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window,
            self.tr("Open a log"),
            "",
            self.tr("Logs (*.csv *.tsv *.txt *.jsonl *.ndjson *.json *tfevents*);;All files (*)"),
        )
        if chosen:
            self.look_at(Path(chosen))

    def choose_folder(self) -> None:
        """Let the person choose a run's folder, or that of a log."""
        chosen = QFileDialog.getExistingDirectory(
            self._window, self.tr("Open a run's or a log's folder"), str(self._home)
        )
        if chosen:
            self.look_at(Path(chosen))

    def look_at(self, path: Path) -> None:
        """Open a run's folder; of a log, show what it holds before it is opened."""
        from lrmonitor.record.foreign.base import NotALog
        from lrmonitor.record.foreign.reader import read_log

        if (path / layout.RUN).exists():
            self.opened.emit(path, None)
            return
        try:
            reader = read_log(path, budget=BUDGET)
        except NotALog as error:
            self.failed.emit(self.tr("{0}.").format(error))
            return
        reader.poll()
        self._ask(reader)

    def _ask(self, reader: LogReader) -> None:
        from .dialogs.open_log import OpenLogDialog

        if self.dialog is not None:
            self.dialog.close()
        dialog = OpenLogDialog(reader, self._themes.theme, self._window)
        dialog.accepted.connect(lambda: self._open(dialog))
        dialog.finished.connect(self._closed)
        self.dialog = dialog
        dialog.open()

    def _open(self, dialog: OpenLogDialog) -> None:
        from lrmonitor.record.foreign.reader import read_log

        path = dialog.reader.log.path
        self.opened.emit(path, read_log(path, dialog.choice(), BUDGET))

    def _closed(self) -> None:
        self.dialog = None

    def _on_theme(self, theme: Theme) -> None:
        if self.dialog is not None:
            self.dialog.set_theme(theme)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDragEnterEvent) and dropped_log(event.mimeData()) is not None:
            event.acceptProposedAction()
            return True
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            path = dropped_log(event.mimeData())
            if path is not None:
                event.acceptProposedAction()
                self.look_at(path)
                return True
        return super().eventFilter(watched, event)
