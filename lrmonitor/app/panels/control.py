"""The control panel: it arranges the controls and wires them to the session, nothing more."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from lrmonitor.model.groups import addressed
from lrmonitor.model.preview import Wish

from ..proposal import Proposal
from ..session import Session
from ..theme import Theme
from .entry import RateEntry
from .outcome import OutcomeLine
from .parts import PointedButton, line
from .rates import RateReadout
from .target import TargetChoice
from .training import TrainingControls

__all__ = ["ControlPanel"]

WIDTH = 330

NEWS_MS = 500
"""How long the panel's growing is taken for that of the news, which is kept in view then."""


class ControlPanel(QWidget):
    """Rates, their entry and outcome, and the training's buttons.

    `stop_wanted(how)`: the person wants the run ended; to be confirmed. `undo_wanted()`: the latest
    change should be undone; to be confirmed where somebody else made one since. `groups_wanted()`:
    the table of groups should be shown. `schedule_wanted()`: so should the editor of schedules.
    `thought_of(Wish or None)`: the rate command that is typed
    or pointed at, not sent yet.
    """

    stop_wanted = Signal(str)
    undo_wanted = Signal()
    groups_wanted = Signal()
    schedule_wanted = Signal()
    thought_of = Signal(object)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # It shows what has the focus; itself it needs none.
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(self.tr("Control panel"))
        self.target = TargetChoice(session, self)
        self.readout = RateReadout(session, self)
        self.entry = RateEntry(theme, self)
        self.outcome = OutcomeLine(session, theme, self)
        self.release = PointedButton(self.tr("Release"), self)
        self.freeze = PointedButton(self.tr("Freeze"), self)
        self.schedule = QPushButton(self.tr("Schedule…"), self)
        self.schedule.setAutoDefault(False)
        self._thought: Proposal | None = None
        # News is laid out a moment after it came, and the panel is longer then.
        self._news = QTimer(self)
        self._news.setSingleShot(True)
        self._news.setInterval(NEWS_MS)
        bar = self._scroll.verticalScrollBar()
        bar.rangeChanged.connect(lambda: self._show_outcome() if self._news.isActive() else None)
        self.training = TrainingControls(session, theme, self)
        self._lay_out()
        self.target.changed.connect(self.refresh)
        self.target.changed.connect(lambda: self._think(self._thought))
        self.target.table_wanted.connect(self.groups_wanted)
        self.entry.wanted.connect(self._send)
        self.entry.thought_of.connect(self._think)
        for button, mode in ((self.release, "follow"), (self.freeze, "freeze")):
            button.pointed.connect(
                lambda on, mode=mode: self.entry.point_at(self._offered(mode) if on else None)
            )
        self.release.clicked.connect(lambda: self._send(self._offered("follow")))
        self.freeze.clicked.connect(lambda: self._send(Proposal("freeze")))
        self.schedule.clicked.connect(self.schedule_wanted)
        self.training.stop_wanted.connect(self.stop_wanted)
        self.outcome.undo_wanted.connect(self.undo_wanted)
        self.refresh()

    def refresh(self) -> None:
        """Echo the record."""
        self.target.refresh()
        address = self.target.address()
        self.readout.refresh(address, self.target.note())
        problem = self._session.rate_problem(self.target.chosen_optimizer())
        self.entry.echo(self._session.rate_now(*address), problem)
        self._echo_release(problem)
        if self.outcome.refresh():
            self._news.start()
            QTimer.singleShot(0, self, self._show_outcome)
        self.training.refresh()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.entry.set_theme(theme)
        self.outcome.set_theme(theme)
        self.training.set_theme(theme)

    def _offered(self, mode: str) -> Proposal:
        """What a button sends: the way back may take its time, to freeze is done at once."""
        return Proposal(mode, ramp=self.entry.ramp.value() if mode == "follow" else 0)

    def _send(self, proposal: Proposal) -> None:
        self._session.send_rate(
            proposal,
            self.target.chosen_optimizer(),
            self.target.chosen_group(),
            self.entry.take_note(),
        )
        self.refresh()

    def _think(self, proposal: Proposal | None) -> None:
        if proposal is None and self._thought is None:
            return
        self._thought = proposal
        wish: Wish | None = None
        if proposal is not None:
            optimizer, group = self.target.chosen_optimizer(), self.target.chosen_group()
            wish = proposal.wish(optimizer, group)
        self.thought_of.emit(wish)

    def _show_outcome(self) -> None:
        """In a low window the news may be below what is seen."""
        self._scroll.ensureWidgetVisible(self.outcome, 0, 12)

    def _echo_release(self, problem: str | None) -> None:
        kinds = {self._kind(address) for address in self._addressed()}
        held = kinds != {"none"}
        frozen = kinds == {"frozen"}
        why = self.tr("There is no override to release: the script's schedule is followed.")
        self._enable(
            self.release,
            problem or (None if held else why),
            self.tr("Back to the script's schedule, as if nothing had been changed"),
        )
        already = self.tr("It is frozen already: “Release” goes back to the schedule.")
        self._enable(
            self.freeze,
            problem or (already if frozen else None),
            self.tr("Hold the rate at 0: steps go on, the weights stay as they are"),
        )
        self._enable(
            self.schedule,
            problem,
            self.tr("Put a schedule in the place of the script's, or edit the one that is"),
        )

    def _addressed(self) -> list[tuple[int, int]]:
        model = self._session.model
        return addressed(
            model.optimizers,
            model.main,
            self.target.chosen_optimizer(),
            self.target.chosen_group(),
        )

    def _kind(self, address: tuple[int, int]) -> str:
        override = self._session.model.overrides.get(address)
        if override is None:
            return "none"
        return "frozen" if override.kind == "hold" and override.value == 0 else override.kind

    def _enable(self, button: QPushButton, problem: str | None, tip: str) -> None:
        if button.isEnabled() != (problem is None):
            button.setEnabled(problem is None)
        tip = problem or tip
        if button.toolTip() != tip:
            button.setToolTip(tip)

    def _lay_out(self) -> None:
        body = QWidget(self)
        inner = QVBoxLayout(body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self._card(self._rate_widgets()))
        inner.addStretch(1)
        self._scroll.setWidget(body)
        body.setAutoFillBackground(False)
        self._scroll.viewport().setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(12)
        # Above the part that scrolls: holding and ending the training are always in reach.
        column.addWidget(self._card([self.training]))
        column.addWidget(self._scroll, 1)
        self.setMinimumWidth(WIDTH)
        self.setFocusProxy(self.entry.field)

    def _rate_widgets(self) -> list[QWidget]:
        buttons = QWidget(self)
        row = QHBoxLayout(buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.release, 1)
        row.addWidget(self.freeze, 1)
        row.addWidget(self.schedule, 1)
        return [
            self.target,
            self.readout,
            line(self),
            self.entry,
            buttons,
            self.outcome,
        ]

    def _card(self, widgets: list[QWidget]) -> QFrame:
        card = QFrame(self)
        card.setProperty("role", "card")
        column = QVBoxLayout(card)
        column.setContentsMargins(12, 11, 12, 12)
        column.setSpacing(9)
        for widget in widgets:
            column.addWidget(widget)
        return card

    def sizeHint(self) -> QSize:
        return QSize(WIDTH + 20, 560)
