"""What must not be overlooked: that a run ended and why, and what could not be recorded."""

from __future__ import annotations

import os
import re
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from lrmonitor.model.state import Phase

from ..phases import phase_tone
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
    """Hidden while all is well. That a run ended while it was shown can be dismissed."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._session = session
        self._seen: object = None
        self._ended = False
        self.dismiss = QToolButton(self)
        self.dismiss.setText("✕")
        self.dismiss.setAutoRaise(True)
        self.dismiss.setAccessibleName(self.tr("Dismiss"))
        self.dismiss.setToolTip(self.tr("Dismiss"))
        self.dismiss.clicked.connect(self._dismiss)
        self.row.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        session.ended.connect(self._on_ended)
        self.refresh()

    def refresh(self) -> None:
        """Echo the record."""
        journal = self._session.model.journal
        state = self._session.model.state
        seen = (len(journal), state.phase, state.sentence if self._ended else "", self._ended)
        if seen == self._seen:
            return
        self._seen = seen
        lines = [state.sentence] if self._ended else []
        if state.phase is Phase.FAILED:
            words = last_line(self._session.folder)
            if words and words.rstrip(".") not in state.sentence:
                lines.append(self.tr("Its last line: {0}").format(words))
        for event in ("probe_error", "lost"):
            found = [entry for entry in journal if entry.event == event]
            if found:
                more = self.tr(" (and {0} more)").format(len(found) - 1) if len(found) > 1 else ""
                lines.append(found[-1].text + more)
        tone = "bad" if state.phase is Phase.FAILED else "warn"
        self.dismiss.setVisible(self._ended)
        self.say("\n".join(lines), phase_tone(state.phase) if self._ended else tone)

    def _on_ended(self) -> None:
        self._ended = True
        self.refresh()

    def _dismiss(self) -> None:
        self._ended = False
        self.refresh()
