"""What the window asks before it ends, leaves or changes something: one question at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from .dialogs.questions import CloseQuestion, Question, StopQuestion, UndoQuestion
from .session import Session, person
from .stopper import Stopper

__all__ = ["Asking"]


class Asking(QObject):
    """Asks in front of a window about its session (None: no run is open) and does what is answered.

    `left()`: the window is to be closed now, without a question.
    """

    left = Signal()

    def __init__(
        self, window: QWidget, session: Callable[[], Session | None], stopper: Stopper
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._stopper = stopper
        self._elsewhere = False
        self._close_when_over = False
        self.question: Question | None = None

    def stop(self, how: str = "interrupt") -> None:
        """Whether to end the open run in the way `how` names."""
        session = self._session()
        if session is None or not session.model.state.live:
            return
        question = StopQuestion(self._window, session.model.name, how)
        self._ask(question, lambda answer: session.stop(how) if answer == "yes" else None)

    def stop_elsewhere(self, folder: Path, name: str) -> None:
        """Whether to end a run that is not open."""
        question = StopQuestion(self._window, name, "interrupt")
        self._ask(
            question,
            lambda answer: self._stopper.stop(folder, person()) if answer == "yes" else None,
            elsewhere=True,
        )

    def undo(self, way: str) -> None:
        """Undo the latest change of the rate made here, or redo it ("redo"); ask first where
        somebody else changed the rate since."""
        session = self._session()
        if session is None or self.question is not None or session.undo.problem(way) is not None:
            return
        conflict = session.undo.conflict(way)
        do = getattr(session.undo, way)
        if conflict is None:
            do()
            return
        question = UndoQuestion(self._window, way, session.undo.text(way), conflict)
        self._ask(question, lambda answer: do() if answer == "yes" else None)

    def rewind(self) -> None:
        """Which snapshot to go back to, and how snapshots are to be taken."""
        session = self._session()
        if session is None or session.control_problem() is not None:
            return
        from .dialogs.rewind import RewindDialog

        RewindDialog(session, self._window).open()

    def close(self, session: Session) -> None:
        """What is to become of the live run when the window is closed."""
        stopping = session.stop_request() is not None
        question = CloseQuestion(self._window, session.model.name, stopping)
        self._ask(question, lambda answer: self._on_close(answer, session))

    def run_ended(self) -> None:
        """The open run is over: a question about it has answered itself."""
        if self.question is not None and not self._elsewhere:
            self.question.reject()
        if self._close_when_over:
            self.left.emit()

    def _ask(
        self, question: Question, answered: Callable[[str], object], elsewhere: bool = False
    ) -> None:
        if self.question is not None:
            question.deleteLater()
            return

        def finish(answer: str) -> None:
            self.question = None
            answered(answer)

        question.answered.connect(finish)
        self.question = question
        self._elsewhere = elsewhere
        question.open()

    def _on_close(self, answer: str, session: Session) -> None:
        self._close_when_over = False
        if answer == "leave" or (answer == "stop" and session.over):
            self.left.emit()
        elif answer == "stop":
            self._close_when_over = True
            session.stop()
