"""What the window itself adds to a run: notes, name, tags and series of printed numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from lrmonitor.model.patterns import Pattern, kept
from lrmonitor.model.printed import KEPT, REMOVED
from lrmonitor.record.client_log import ClientLog

__all__ = ["WindowLog"]


class WindowLog(QObject):
    """Appends to the run's record as this window. Each method returns why it failed, in a sentence,
    or None when it was written. Lives in the GUI thread."""

    def __init__(
        self,
        folder: Path,
        by: Mapping[str, Any],
        parent: QObject | None = None,
        refused: str | None = None,
    ) -> None:
        """`refused` is why nothing is to be written there, if so."""
        super().__init__(parent)
        self._refused = refused
        self._log = ClientLog(folder, "window", by)

    def note(self, text: str, step: int | None) -> str | None:
        """A note of the person at a step."""
        fields: dict[str, object] = {"text": text}
        if step is not None:
            fields["step"] = step
        return self.write("note", fields)

    def name(self, name: str) -> str | None:
        """Another name for the run."""
        return self.write("name", {"name": name})

    def tags(self, tags: list[str]) -> str | None:
        """The run's tags, in the place of those that it had."""
        return self.write("tags", {"tags": tags})

    def keep_series(self, pattern: Pattern) -> str | None:
        """A series made of printed numbers, in the place of one of that name."""
        return self.write(KEPT, kept(pattern))

    def remove_series(self, name: str) -> str | None:
        """Such a series is not wanted any more."""
        return self.write(REMOVED, {"name": name})

    def write(self, event: str, fields: Mapping[str, object]) -> str | None:
        """Any event."""
        if self._refused is not None:
            return self._refused
        try:
            self._log.write(event, **fields)
        except OSError as error:
            reason = error.strerror or str(error)
            return self.tr("This could not be written to the run’s folder: {0}.").format(reason)
        return None
