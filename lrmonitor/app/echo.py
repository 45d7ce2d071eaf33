"""What the window's actions offer, as the open run's state allows."""

from __future__ import annotations

from lrmonitor.model.state import Phase

from .actions import Actions
from .session import Session
from .toolbar import ToolBar

__all__ = ["show_session"]


def show_session(actions: Actions, toolbar: ToolBar, session: Session | None) -> None:
    """Offer what can be undone, and to pause or resume, to step and to stop."""
    if session is None:
        actions.show_undo("", "")
        return
    undo = session.undo
    ready = undo.problem("undo" if undo.text("undo") else "redo") is None
    actions.show_undo(undo.text("undo"), undo.text("redo"), ready)
    for action in (*actions.reruns, actions.rules):
        action.setEnabled(session.model.log is None)
    state = session.model.state
    paused = state.phase is Phase.PAUSED
    tested = {test.kind for test in session.model.rate_tests.all}
    actions.show_training(state.live, session.control_problem() is None, paused, tested)
    toolbar.show_training(paused)
