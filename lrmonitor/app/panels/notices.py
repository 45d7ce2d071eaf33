"""What must not be overlooked: why a run failed, and what could not be recorded."""

from __future__ import annotations

import os
import re
from pathlib import Path

from PySide6.QtWidgets import QWidget

from lrmonitor.model.state import Phase

from ..session import Session
from ..theme import Theme
from .parts import Banner

__all__ = ["Notices", "last_line"]

TAIL_BYTES = 8192
LONGEST = 300

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def last_line(folder: Path) -> str:
    """The last line with anything on it that the script printed; empty if there is none."""
    try:
        with open(folder / "console.log", "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - TAIL_BYTES, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    for line in reversed(re.split(r"[\r\n]+", _ESCAPES.sub("", text))):
        words = "".join(c for c in line if c.isprintable()).strip()
        if words:
            return words if len(words) <= LONGEST else words[:LONGEST] + "…"
    return ""


class Notices(Banner):
    """Hidden while all is well."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._session = session
        self._seen = -1
        self._phase: Phase | None = None
        self.refresh()

    def refresh(self) -> None:
        """Echo the record."""
        journal = self._session.model.journal
        phase = self._session.model.state.phase
        if len(journal) == self._seen and phase is self._phase:
            return
        self._seen, self._phase = len(journal), phase
        lines = []
        for event in ("probe_error", "lost"):
            found = [entry for entry in journal if entry.event == event]
            if found:
                more = self.tr(" (and {0} more)").format(len(found) - 1) if len(found) > 1 else ""
                lines.append(found[-1].text + more)
        if phase is Phase.FAILED:
            words = last_line(self._session.folder)
            if words:
                lines.insert(0, self.tr("Its last line: {0}").format(words))
        self.say("\n".join(lines), "bad" if phase is Phase.FAILED else "warn")
