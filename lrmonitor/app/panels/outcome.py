"""What became of the latest rate command: pending for n s, applied at a step, or refused."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from lrmonitor.model.state import Phase

from ..format import format_count, format_duration
from ..history import Outcome, told
from ..session import Session
from ..theme import Theme
from .parts import Banner

__all__ = ["OutcomeLine"]


class OutcomeLine(Banner):
    """Derived from the run's record: it shows another window's command as well as this one's.

    `undo_wanted()`: the change that is shown, made from this window, should be undone.
    """

    undo_wanted = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._session = session
        self._problem = ""
        self.cancel = QPushButton(self.tr("Cancel it"), self)
        self.cancel.setAutoDefault(False)
        self.cancel.setToolTip(self.tr("Withdraw the command before it takes effect"))
        self.cancel.clicked.connect(self._cancel)
        self.undo = QPushButton(self.tr("Undo"), self)
        self.undo.setAutoDefault(False)
        self.undo.setToolTip(
            self.tr("Restore the rate as it was before this change. The weights are not undone.")
        )
        self.undo.clicked.connect(self.undo_wanted)
        # Beside its symbol, also while there is more room than it needs.
        self._text.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.buttons.addWidget(self.cancel)
        self.buttons.addWidget(self.undo)
        self.cancel.hide()
        self.undo.hide()
        self._told: object = None
        session.problem.connect(self._on_problem)
        self.refresh()

    def refresh(self) -> bool:
        """Echo the record. True when there is news, not just another second of waiting."""
        self._show()
        outcome = self._session.log.latest()
        told = (self._problem, None if outcome is None else (outcome.id, outcome.status))
        news = told != self._told and self._told is not None
        self._told = told
        return news

    def _show(self) -> None:
        if self._problem:
            self.cancel.hide()
            self.undo.hide()
            self.say(self._problem, "bad")
            return
        waiting = [o for o in self._session.pending() if o.command == "lr"]
        outcome = self._session.log.latest()
        # What waits for a step far ahead does not hide what came of a later change.
        later = outcome is not None and waiting and outcome.id != waiting[-1].id
        if waiting and not (later and self._ahead(waiting[-1])):
            self.undo.hide()
            self._show_pending(waiting[-1])
            return
        self.cancel.hide()
        undo = self._session.undo
        mine = outcome is not None and outcome.status == "applied" and undo.is_top(outcome.id)
        self.undo.setVisible(mine and undo.problem("undo") is None)
        if outcome is None:
            self.say("")
            return
        text = told(outcome, self.tr)
        words = self._words(outcome)
        detail = words if outcome.status != "cancelled" else ""
        if outcome.by:
            detail = self.tr("{0}, by {1}").format(words, outcome.by)
        if detail:
            text += f"\n{detail}"
        if outcome.note:
            text += f"\n{outcome.note}"
        if outcome.warning:
            text += f"\n{outcome.warning}"
        tone = {"applied": "warn" if outcome.warning else "good", "refused": "bad"}
        self.say(text, tone.get(outcome.status, "wait"))

    def _show_pending(self, outcome: Outcome) -> None:
        state = self._session.model.state
        if self._session.over:
            self.cancel.hide()
            self.say(
                self.tr("The run ended before “{0}” took effect.").format(outcome.words), "bad"
            )
            return
        waited = format_duration(max(self._session.clock() - outcome.asked, 0.0))
        text = self.tr("Pending… {0}: {1}").format(waited, self._words(outcome))
        if outcome.note:
            text += f"\n{outcome.note}"
        if state.phase is Phase.PAUSED:
            text += "\n" + self.tr("Takes effect with the next step, once training goes on.")
        elif begin := self._ahead(outcome):
            text += "\n" + self.tr("Waits for step {0}.").format(format_count(begin))
        else:
            text += "\n" + self.tr("Takes effect at the next step.")
        self.cancel.setVisible(outcome.id not in self._session.sending)
        self.say(text, "wait")

    def _ahead(self, outcome: Outcome) -> int | None:
        """The step to come that a command waits for, if it does."""
        begin = outcome.args.get("begin")
        step = self._session.model.state.step or 0
        return begin if isinstance(begin, int) and begin > step + 1 else None

    def _words(self, outcome: Outcome) -> str:
        """What was asked for; and of which group, where it was for one of several."""
        optimizers = self._session.model.optimizers
        optimizer, group = outcome.args.get("optimizer"), outcome.args.get("group")
        if not isinstance(group, int) or all(info.groups <= 1 for info in optimizers):
            return outcome.words
        whose = self.tr("group {0}").format(group)
        if len(optimizers) > 1 and isinstance(optimizer, int):
            whose = self.tr("optimizer {0}, group {1}").format(optimizer, group)
        return self.tr("{0} for {1}").format(outcome.words, whose)

    def _cancel(self) -> None:
        waiting = [o for o in self._session.pending() if o.command == "lr"]
        for outcome in waiting:
            if outcome.stem == waiting[-1].stem:
                self._session.cancel(outcome.id)

    def _on_problem(self, text: str) -> None:
        self._problem = text
        self.refresh()
