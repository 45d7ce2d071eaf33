"""The worst open finding, above the plots: what it is, what to do, one click to do it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from lrmonitor.diagnosis.finding import RANK
from lrmonitor.diagnosis.words import action_words, headline
from lrmonitor.model.findings import Told

from ..format import format_count
from ..session import Session
from ..severity import severity_tone
from ..theme import Theme
from .parts import Banner

__all__ = ["FindingAlert"]


class FindingAlert(Banner):
    """Hidden while nothing alarms. `refresh` is called when the diagnosis or the state changed.

    `shown_wanted(int)`: the finding with that id is to be seen in full. `follow_wanted(int)`: its
    advice is to be followed.
    """

    shown_wanted = Signal(int)
    follow_wanted = Signal(int)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._session = session
        self.told: Told | None = None
        self.apply = QPushButton(self.tr("Apply"), self)
        self.more = QPushButton(self.tr("Details"), self)
        self.dismiss = QPushButton(self.tr("Not a problem"), self)
        for button in (self.apply, self.more, self.dismiss):
            button.setAutoDefault(False)
            self.row.addWidget(button)
        self.apply.clicked.connect(lambda: self.follow_wanted.emit(self._shown()))
        self.more.clicked.connect(lambda: self.shown_wanted.emit(self._shown()))
        self.dismiss.clicked.connect(self._dismiss)
        self.refresh()

    def refresh(self) -> None:
        """Echo the diagnosis."""
        session = self._session
        alarming = [one for one in session.diagnosis.told if one.alarming]
        self.told = max(
            alarming,
            key=lambda t: (RANK.get(t.finding.severity, 0), t.finding.detected_step),
            default=None,
        )
        if self.told is None:
            self.say("")
            return
        found = self.told.finding
        since = self.tr("since step {0}").format(format_count(found.first_step))
        text = f"{headline(found, self.tr)}, {since}."
        taken = self.told.taken
        if taken is None:
            text += " " + self.tr("Advice: {0}.").format(action_words(found.advice, self.tr))
        elif taken.judged:
            text += f" {taken.judged}."
        else:
            text += " " + self.tr("Followed: {0}; judged after {1} steps.").format(
                taken.words, format_count(taken.span)
            )
        if len(alarming) > 1:
            text += " " + self.tr("(and {0} more)").format(len(alarming) - 1)
        made = session.advice(found)
        able = made is not None and session.can_follow(made)
        self.apply.setVisible(able and taken is None)
        if made is not None:
            self.apply.setText(made.words)
            self.apply.setToolTip(made.instead)
        self.say(text, severity_tone(found.severity))

    def _shown(self) -> int:
        return -1 if self.told is None else self.told.finding.id

    def _dismiss(self) -> None:
        if self.told is not None:
            self._session.mute(self.told.finding, "dismiss")
