"""Holding, stepping and ending the training."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from lrmonitor.model.state import Phase

from ..format import format_duration
from ..icons import icon
from ..session import Session
from ..theme import Theme
from .parts import Banner

__all__ = ["TrainingControls"]

LADDER_SECONDS = 1.0
"""Most runs end sooner after Ctrl-C; only then are the harder ways offered."""


class TrainingControls(QWidget):
    """Pause or resume, one step, stop; and the ladder beyond stop.

    `stop_wanted(how)`: "interrupt", "terminate" or "kill", to be confirmed by who listens.
    """

    stop_wanted = Signal(str)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self._drawn: object = None
        self.pause = self._button("")
        self.step = self._button(self.tr("Step"))
        self.stop = self._button(self.tr("Stop…"))
        self.ladder = Banner(theme, self)
        self.terminate = QPushButton(self.tr("Terminate…"), self)
        self.kill = QPushButton(self.tr("Kill…"), self)
        for button in (self.terminate, self.kill):
            button.setAutoDefault(False)
            self.ladder.buttons.addWidget(button)
        self.pause.clicked.connect(self.toggle_pause)
        self.step.clicked.connect(self.single_step)
        self.stop.clicked.connect(lambda: self.stop_wanted.emit("interrupt"))
        self.terminate.clicked.connect(lambda: self.stop_wanted.emit("terminate"))
        self.kill.clicked.connect(lambda: self.stop_wanted.emit("kill"))
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self.pause, self.step, self.stop):
            row.addWidget(button, 1)
        self.note = Banner(theme, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.note)
        column.addWidget(self.ladder)
        self.refresh()

    @property
    def paused(self) -> bool:
        """Whether the record says that the training waits."""
        return self._session.model.state.phase is Phase.PAUSED

    def toggle_pause(self) -> None:
        """Pause, or resume when it is paused."""
        if not self.pause.isEnabled():
            return
        if self.paused:
            self._session.resume()
        else:
            self._session.pause()

    def single_step(self) -> None:
        """One step, then hold."""
        if self.step.isEnabled():
            self._session.step()

    def refresh(self) -> None:
        """Echo the record."""
        problem = self._session.control_problem()
        live = self._session.model.state.live
        if self._drawn != (self.paused, self._theme):
            self._drawn = (self.paused, self._theme)
            self._draw()
        self._enable(
            self.pause,
            problem,
            self.tr("Go on (Space)") if self.paused else self.tr("Hold the training (Space)"),
        )
        one = self.tr("Make one step, then wait again (N)")
        self._enable(self.step, problem or self._step_problem(), one)
        over = None if live else self.tr("There is no process to stop.")
        self._enable(
            self.stop, over, self.tr("End the run as Ctrl-C does, at the next step (asks first)")
        )
        self._show_waiting()
        self._show_ladder()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.ladder.set_theme(theme)
        self.note.set_theme(theme)
        self.refresh()

    def _step_problem(self) -> str | None:
        return None if self.paused else self.tr("Pause first: a single step is made while paused.")

    def _enable(self, button: QPushButton, problem: str | None, tip: str) -> None:
        if button.isEnabled() != (problem is None):
            button.setEnabled(problem is None)
        tip = problem or tip
        if button.toolTip() != tip:
            button.setToolTip(tip)

    def _show_waiting(self) -> None:
        waiting = [o for o in self._session.pending() if o.command in ("pause", "resume", "step")]
        if not waiting or self._session.over:
            refused = self._session.log.latest(("pause", "resume", "step"))
            if refused is not None and refused.status == "refused" and not self._session.over:
                self.note.say(
                    self.tr("{0} was refused: {1}").format(
                        refused.command.capitalize(), refused.reason or ""
                    ),
                    "bad",
                )
            else:
                self.note.say("")
            return
        waited = self._session.clock() - waiting[-1].asked
        if waited < 0.5:
            return
        words = {"pause": self.tr("Pausing"), "resume": self.tr("Resuming")}
        self.note.say(
            self.tr("{0}… {1}: waiting for the step in progress to end.").format(
                words.get(waiting[-1].command, self.tr("Stepping")), format_duration(waited)
            ),
            "wait",
        )

    def _show_ladder(self) -> None:
        request = self._session.stop_request()
        state = self._session.model.state
        if request is None or not state.live:
            self.ladder.say("")
            return
        when, how = request
        waited = self._session.clock() - when
        ago = format_duration(max(waited, 0.0))
        text = {
            "interrupt": self.tr("Asked to stop (as Ctrl-C does) {0} ago; it still runs."),
            "terminate": self.tr("Terminated (SIGTERM) {0} ago; it still runs."),
            "kill": self.tr("Killed (SIGKILL) {0} ago; the system has not ended it yet."),
        }.get(how, self.tr("Asked to stop {0} ago; it still runs."))
        offer = waited >= LADDER_SECONDS
        self.terminate.setVisible(offer and how == "interrupt")
        self.kill.setVisible(offer and how in ("interrupt", "terminate"))
        self.ladder.say(text.format(ago), "warn")

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        return button

    def _draw(self) -> None:
        theme = self._theme
        if self.paused:
            self.pause.setText(self.tr("Resume"))
            self.pause.setIcon(icon("play", theme.good, theme.disabled))
        else:
            self.pause.setText(self.tr("Pause"))
            self.pause.setIcon(icon("pause", theme.text, theme.disabled))
        self.step.setIcon(icon("step", theme.text, theme.disabled))
        self.stop.setIcon(icon("stop", theme.bad, theme.disabled))
