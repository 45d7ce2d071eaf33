"""Undo and redo of the changes of rates and options that were made from this window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from lrmonitor.link.messages import Command
from lrmonitor.model import option_undo
from lrmonitor.model.option_undo import OptionChange, option_change_of
from lrmonitor.model.undo import RateChange, change_of, moved, restoring

from .format import format_count, format_rate
from .history import Outcome

if TYPE_CHECKING:
    from .session import Session

__all__ = ["RateUndo"]

KINDS = ("lr", "option")
"""Commands that can be undone."""

LIMIT = 100
"""Changes that can be undone."""


class RateUndo(QObject):
    """A stack of applied changes. An undo or a redo sends new commands; nothing is taken back
    before the training has acknowledged them. Lives in the GUI thread.

    `changed()`: what can be undone or redone, or how it is called, may be another.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._stack = QUndoStack(self)
        self._stack.setUndoLimit(LIMIT)
        self._answers: dict[str, Outcome | None] = {}
        """The commands of the undo or redo that is under way, with their answers."""
        self._way = ""
        self._moving = False
        session.answered.connect(self._on_answered)
        session.failed.connect(self._on_failed)

    def text(self, way: str) -> str:
        """What "undo" or "redo" would undo or do again, in words; empty when there is nothing."""
        return self._stack.undoText() if way == "undo" else self._stack.redoText()

    def problem(self, way: str) -> str | None:
        """Why it cannot be done now, in a sentence; None when it can."""
        if not self.text(way):
            if way == "undo":
                return self.tr("No change of a rate or an option was made from this window.")
            return self.tr("Nothing was undone that could be done again.")
        if self._answers or any(o.command in KINDS for o in self._session.pending()):
            return self.tr("A change is still waiting to take effect: that one can be cancelled.")
        return self._session.rate_problem(None)

    def conflict(self, way: str) -> str | None:
        """What somebody else did meanwhile that this would replace, in a sentence, or None."""
        step = self._next(way)
        if step is None:
            return None
        if isinstance(step.change, OptionChange):
            return self._option_conflict(step.change, way)
        expected = step.change.after if way == "undo" else step.change.before
        current = self._session.model.overrides
        address = moved(current, expected)
        if address is None:
            return None
        latest = self._session.log.latest()
        now = current[address].text if address in current else self.tr("script's schedule")
        by = "" if latest is None or latest.by is None else self.tr(", by {0}").format(latest.by)
        return self.tr("The rate was changed since: “{0}”{1}.").format(now, by)

    def _option_conflict(self, change: OptionChange, way: str) -> str | None:
        model = self._session.model
        expected = change.after if way == "undo" else change.before
        row = option_undo.moved(model.options.rows(model.rank), expected)
        if row is None:
            return None
        latest = self._session.log.latest(("option",))
        now = self.tr("script's own")
        if row.held is not None:
            now = self.tr("hold {0}").format(format_rate(row.held))
        by = "" if latest is None or latest.by is None else self.tr(", by {0}").format(latest.by)
        return self.tr("{0} was changed since: “{1}”{2}.").format(row.name, now, by)

    def undo(self) -> None:
        """Restore what was in force before the latest change."""
        if self.problem("undo") is None:
            self._stack.undo()

    def redo(self) -> None:
        """Restore what the latest undone change had made."""
        if self.problem("redo") is None:
            self._stack.redo()

    def is_top(self, identity: str) -> bool:
        """Whether that command is the one that an undo would undo."""
        step = self._next("undo")
        return step is not None and step.change.id == identity

    def restore(self, step: _Step, way: str) -> None:
        """Send what an undo or redo of `step` needs; called by the stack."""
        if self._moving:
            return
        at = format_count(step.change.step)
        if way == "undo":
            note = self.tr("Undo of step {0}'s change. The weights are not undone.").format(at)
        else:
            note = self.tr("Redo of step {0}'s change.").format(at)
        groups = {info.number: info.groups for info in self._session.model.optimizers}
        commands: Sequence[Command]
        change = step.change
        if isinstance(change, OptionChange):
            wanted_options = change.before if way == "undo" else change.after
            commands = option_undo.restoring(wanted_options, groups, note)
        else:
            commands = restoring(change.before if way == "undo" else change.after, groups, note)
        if len(commands) > 1:
            # One change to the person: their ids tell that they belong together.
            stem = commands[0].id
            commands = [replace(c, id=f"{stem}.{i}") for i, c in enumerate(commands)]
        self._way = way
        self._answers = {command.id: None for command in commands}
        self._session.send_all(commands)
        if not commands:
            self._session.problem.emit(
                self.tr("The record does not tell a rate to go back to: set the one you want.")
            )
            # The stack moves when this returns: back again after that.
            QTimer.singleShot(0, self, self._finish)
        self.changed.emit()

    def _next(self, way: str) -> _Step | None:
        index = self._stack.index() - (1 if way == "undo" else 0)
        step = self._stack.command(index) if 0 <= index < self._stack.count() else None
        return step if isinstance(step, _Step) else None

    def _on_answered(self, outcome: Outcome) -> None:
        if outcome.id in self._answers:
            self._answers[outcome.id] = outcome
            self._finish()
        elif outcome.command in KINDS and outcome.status == "applied":
            rank = self._session.model.rank
            find: Any = option_change_of if outcome.command == "option" else change_of
            change = None if rank is None else find(rank.events, outcome.id)
            if change is not None:
                self._stack.push(_Step(self, change, _words(outcome)))
        self.changed.emit()

    def _on_failed(self, identity: str) -> None:
        if identity in self._answers:
            self._answers.pop(identity)
            self._finish()
        self.changed.emit()

    def _finish(self) -> None:
        """Once all is answered: what was not done at all is put back on the stack."""
        if any(outcome is None for outcome in self._answers.values()):
            return
        applied = [o for o in self._answers.values() if o is not None and o.status == "applied"]
        way, self._answers = self._way, {}
        if not applied:
            self._moving = True
            if way == "undo":
                self._stack.redo()
            else:
                self._stack.undo()
            self._moving = False
            self.changed.emit()
            return
        step = self._next("redo" if way == "undo" else "undo")
        if step is not None and way == "redo" and applied[0].step is not None:
            step.change = replace(step.change, id=applied[0].id, step=applied[0].step)


class _Step(QUndoCommand):
    """One applied change on the stack."""

    def __init__(self, owner: RateUndo, change: RateChange | OptionChange, text: str) -> None:
        super().__init__(text)
        self.change = change
        self._owner = owner
        self._pushed = False

    def redo(self) -> None:
        # The stack calls this for a command that is pushed, which is one that was applied.
        if self._pushed:
            self._owner.restore(self, "redo")
        self._pushed = True

    def undo(self) -> None:
        self._owner.restore(self, "undo")


def _words(outcome: Outcome) -> str:
    args: Any = outcome.args
    group, optimizer = args.get("group"), args.get("optimizer")
    where = [] if optimizer in (None, 0) else [f"optimizer {optimizer}"]
    where += [] if group is None else [f"group {group}"]
    return f"{outcome.words} ({', '.join(where)})" if where else outcome.words
