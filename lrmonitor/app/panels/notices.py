"""What must not be overlooked: that a run ended and why, and what could not be recorded."""

from __future__ import annotations

import os
import re
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from lrmonitor.model.console import ConsoleText, Traceback, last_traceback
from lrmonitor.model.state import Phase

from ..phases import phase_tone
from ..session import Session
from ..theme import Theme
from .parts import Banner

__all__ = ["Notices", "last_line"]

TAIL_BYTES = 8192
LONGEST = 300

CRASH_BYTES = 1 << 17
"""Bytes at the end of the output in which the error that ended the script is looked for."""

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


def crash(folder: Path) -> Traceback | None:
    """The last traceback near the end of what the script printed; None without one."""
    text = ConsoleText(folder, tail=CRASH_BYTES)
    text.poll(budget=1.0)
    return last_traceback(text.texts())


class Notices(Banner):
    """Hidden while all is well. That a run ended while it was shown can be dismissed.

    `traceback_wanted()`: the person wants to see the error that ended the script.
    """

    traceback_wanted = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._session = session
        self._seen: object = None
        self._ended = False
        self.show_error = QPushButton(self.tr("Show the output"), self)
        self.show_error.setAutoDefault(False)
        self.show_error.clicked.connect(self.traceback_wanted)
        self.show_error.hide()
        self.row.addWidget(self.show_error, 0, Qt.AlignmentFlag.AlignTop)
        self.dismiss = QToolButton(self)
        self.dismiss.setText("✕")
        self.dismiss.setAutoRaise(True)
        self.dismiss.setAccessibleName(self.tr("Dismiss"))
        self.dismiss.setToolTip(self.tr("Dismiss"))
        self.dismiss.clicked.connect(self._dismiss)
        self.row.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        session.ended.connect(self._on_ended)
        self.refresh()

    @property
    def tells_end(self) -> bool:
        """Whether the state's sentence stands here."""
        return self._ended

    def refresh(self) -> None:
        """Echo the record."""
        journal = self._session.model.journal
        state = self._session.model.state
        trouble = self._session.diagnosis.trouble
        ended = state.sentence if self._ended else ""
        seen = (len(journal), state.phase, ended, self._ended, trouble)
        if seen == self._seen:
            return
        self._seen = seen
        lines = [state.sentence] if self._ended else []
        if state.phase is Phase.FAILED:
            # The header says after which step and with which code, and leaves the error to this.
            lines += self._error("\n".join(lines))
        self.show_error.setVisible(state.phase is Phase.FAILED and bool(self.show_error.text()))
        for event in ("probe_error", "lost"):
            found = [entry for entry in journal if entry.event == event]
            if found:
                more = self.tr(" (and {0} more)").format(len(found) - 1) if len(found) > 1 else ""
                lines.append(found[-1].text + more)
        if trouble:
            lines.append(trouble)
        tone = "bad" if state.phase is Phase.FAILED else "warn"
        self.dismiss.setVisible(self._ended)
        self.say("\n".join(lines), phase_tone(state.phase) if self._ended else tone)

    def _error(self, told: str) -> list[str]:
        """What the script's output says of its end, unless these words told it already."""
        words = last_line(self._session.folder)
        error = crash(self._session.folder)
        if error is not None:
            self.show_error.setText(self.tr("Show the traceback"))
            words = error.error if len(error.error) <= LONGEST else error.error[:LONGEST] + "…"
            text = self.tr("It ended with {0}").format(words)
        else:
            self.show_error.setText(self.tr("Show the output") if words else "")
            text = self.tr("Its last line: {0}").format(words)
        return [text] if words and words.rstrip(".") not in told else []

    def _on_ended(self) -> None:
        self._ended = True
        self.refresh()

    def _dismiss(self) -> None:
        self._ended = False
        self.refresh()
