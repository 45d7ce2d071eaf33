"""The strip on top: which run, in which state and why, how far and how fast."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.state import Phase

from ..format import format_count, format_duration, format_left, format_speed
from ..icons import pixmap
from ..phases import phase_colour, phase_heading, phase_symbol
from ..session import Session
from ..theme import Theme
from .guard_line import GuardLine
from .parts import Value, caption

__all__ = ["RunHeader"]


TITLES = 190
"""Pixels that the name and the state have for themselves, at least."""

WHY = 400
"""The same while the state is one that asks for an explanation: what it rests on is read then, and
speed and times tell little."""

LEAST_NAME = 60
"""Pixels of a long name that are seen at least, beside what stands behind it."""

SYMBOL = 18
"""Pixels that the state's symbol is high."""

_PLAIN = (Phase.RUNNING, Phase.ENDED)

_TOLD_BELOW = (Phase.STARTING, Phase.NOT_TRAINING, Phase.COMPILING)
"""Phases that the plots explain while they are empty."""


class ElidedLabel(QLabel):
    """A label that ends in … where there is no room on its `lines`; the whole text is its
    tooltip. A `close` one is no wider than its text, so that another stands right behind it."""

    def __init__(self, parent: QWidget | None = None, lines: int = 1, close: bool = False) -> None:
        super().__init__(parent)
        self._whole = ""
        self._lines = lines
        self._close = close
        self._dispensable = False
        wide = QSizePolicy.Policy.Maximum if close else QSizePolicy.Policy.Ignored
        self.setSizePolicy(wide, QSizePolicy.Policy.Preferred)

    @property
    def whole(self) -> str:
        """The text, not shortened."""
        return self._whole

    def show_text(self, text: str, dispensable: bool = False) -> None:
        """Show a text; a `dispensable` one only where a line has room for all of it."""
        if (text, dispensable) != (self._whole, self._dispensable):
            self._whole, self._dispensable = text, dispensable
            self.setToolTip(text)
            self._elide()
            if self._close:
                self.updateGeometry()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        if self._close:
            hint.setWidth(self.fontMetrics().horizontalAdvance(self._whole) + 2)
        return hint

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        if self._close:
            hint.setWidth(min(self.sizeHint().width(), LEAST_NAME))
        return hint

    def resizeEvent(self, event: object) -> None:
        self._elide()

    def _elide(self) -> None:
        shown: list[str] = []
        rest = self._whole
        if self._dispensable:
            fits = self.fontMetrics().horizontalAdvance(rest) <= self.width()
            self.setText(rest if fits else "")
            return
        while len(shown) < self._lines - 1 and rest:
            first = self._fitting(rest)
            shown.append(first)
            rest = rest[len(first) :].lstrip()
        if rest:
            right = Qt.TextElideMode.ElideRight
            shown.append(self.fontMetrics().elidedText(rest, right, self.width()))
        self.setText("\n".join(shown))

    def _fitting(self, text: str) -> str:
        """The words at the beginning that one line has room for; at least one."""
        words = text.split(" ")
        for count in range(len(words), 1, -1):
            line = " ".join(words[:count])
            if self.fontMetrics().horizontalAdvance(line) <= self.width():
                return line
        return words[0]


class _Figure(QWidget):
    """A number under its caption."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.value = Value(name, self)
        font = QFont(self.value.font())
        font.setPointSizeF(font.pointSizeF() * 1.2)
        font.setWeight(QFont.Weight.DemiBold)
        self.value.setFont(font)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(caption(name, self))
        layout.addWidget(self.value)

    def show_text(self, text: str) -> None:
        if text != self.value.text():
            self.value.setText(text)


class RunHeader(QFrame):
    """Name, state as symbol and word with its sentence; step, epoch, speed, time left and elapsed.

    Epoch and time left are there where they are known; in a narrow window some figures go. The
    sentence is left out where the same is told below: by the empty plots, or (`hush`) by a notice.
    `rules_wanted()`: how many rules are on stands behind the name, and was clicked.
    `guards_wanted()`: the same of guards.
    """

    rules_wanted = Signal()
    guards_wanted = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self._symbol: tuple[str, str] | None = None
        self._known = False, False
        self._speedy = True
        self._hushed = False
        self.setProperty("role", "header")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.name = ElidedLabel(self, close=True)
        font = QFont(self.name.font())
        font.setPointSizeF(font.pointSizeF() * 1.3)
        font.setWeight(QFont.Weight.DemiBold)
        self.name.setFont(font)
        self.icon = QLabel(self)
        self.word = Value(self.tr("State of the run"), self)
        bold = QFont(self.word.font())
        bold.setWeight(QFont.Weight.DemiBold)
        self.word.setFont(bold)
        # As high as the symbol, so that they stand beside its middle.
        self.word.setMinimumHeight(SYMBOL)
        self.sentence = ElidedLabel(self, lines=2)
        below = (SYMBOL - self.sentence.fontMetrics().height()) // 2
        self.sentence.setContentsMargins(0, max(below, 0), 0, 0)
        self.sentence.setProperty("role", "quiet")
        self.rules = QPushButton(self)
        self.rules.setProperty("role", "chip")
        self.rules.setAutoDefault(False)
        self.rules.setCursor(Qt.CursorShape.PointingHandCursor)
        self.rules.hide()
        self.rules.clicked.connect(self.rules_wanted)
        session.rules.changed.connect(self._show_rules)
        self.guards = GuardLine(session, self)
        self.guards.clicked.connect(self.guards_wanted)
        self.step = _Figure(self.tr("Step"), self)
        self.epoch = _Figure(self.tr("Epoch"), self)
        self.speed = _Figure(self.tr("Speed"), self)
        self.left = _Figure(self.tr("Time left"), self)
        self.elapsed = _Figure(self.tr("Elapsed"), self)
        self._lay_out()
        self.refresh()

    def refresh(self) -> None:
        """Echo the model."""
        model = self._session.model
        state = model.state
        self.name.show_text(model.name)
        symbol = phase_symbol(state.phase)
        colour = phase_colour(state.phase, self._theme)
        if (symbol, colour) != self._symbol:
            self._symbol = (symbol, colour)
            self.icon.setPixmap(pixmap(symbol, colour, SYMBOL))
            self.word.setStyleSheet(f"color: {colour};")
        word = phase_heading(state, self._session.clock())
        if word != self.word.text():
            self.word.setText(word)
        if state.sentence != self.word.toolTip():
            self.word.setToolTip(state.sentence)
        self._show_sentence()
        self._show_rules()
        self.guards.refresh()
        progress = model.progress
        self.step.show_text(_of(state.step, progress.steps))
        self.epoch.show_text(_of(progress.epoch, progress.epochs))
        eta = progress.eta if state.live else None
        self.left.show_text("–" if eta is None else f"≈ {format_left(eta)}")
        told = (
            self.tr("The length is told by {0}.").format(progress.basis) if progress.basis else ""
        )
        if told != self.left.toolTip():
            self.left.setToolTip(told)
        self._known = progress.epoch is not None, eta is not None
        # A run that is over, or compiles, has none; one that begins will have.
        self._speedy = not state.phase.over and state.phase not in (Phase.COMPILING, Phase.LOG)
        self.speed.show_text(format_speed(state.steps_per_second))
        self.elapsed.show_text(self._elapsed())
        self._fit()

    def hush(self, on: bool) -> None:
        """Whether a notice tells what the state rests on."""
        if on != self._hushed:
            self._hushed = on
            self._show_sentence()
            self._fit()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._symbol = None
        self.refresh()

    def _show_rules(self) -> None:
        """That something acts by itself is always in sight."""
        armed = () if self._session.over else self._session.rules.armed
        words = self.tr("1 rule on") if len(armed) == 1 else self.tr("{0} rules on")
        text = words.format(len(armed)) if armed else self.tr("No rule on")
        names = "\n".join(one.rule.name for one in armed)
        told = self.tr("These act by themselves:\n{0}").format(names) if armed else ""
        if (text, told) != (self.rules.text(), self.rules.toolTip()):
            self.rules.setText(text)
            self.rules.setToolTip(told)
            self.rules.setVisible(bool(armed))

    def _show_sentence(self) -> None:
        state = self._session.model.state
        if state.phase is Phase.RUNNING and state.step and state.live:
            # Step and speed stand beside it already, ten times a second.
            known = "" if state.pid is None else self.tr("Process {0}").format(state.pid)
            self.sentence.show_text(known, dispensable=True)
            return
        below = not state.step and (state.phase in _TOLD_BELOW or state.phase.over)
        self.sentence.show_text("" if below or self._hushed else state.beside)

    def _elapsed(self) -> str:
        begun = self._session.begun()
        if begun is None:
            return "–"
        end = self._session.finished() if self._session.over else self._session.clock()
        return "–" if end is None else format_duration(end - begun)

    def _lay_out(self) -> None:
        titles = QVBoxLayout()
        titles.setSpacing(2)
        # What acts by itself stands behind the name: the line below is the sentence's.
        named = QHBoxLayout()
        named.setSpacing(8)
        for shown in (self.name, self.rules, self.guards):
            named.addWidget(shown)
        named.addStretch(1)
        titles.addLayout(named)
        state = QHBoxLayout()
        state.setSpacing(6)
        top = Qt.AlignmentFlag.AlignTop
        for part in (self.icon, self.word):
            state.addWidget(part, 0, top)
        state.addSpacing(4)
        state.addWidget(self.sentence, 1, top)
        titles.addLayout(state)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 9, 18, 9)
        layout.setSpacing(20)
        layout.addLayout(titles, 1)
        for figure in (self.step, self.epoch, self.speed, self.left, self.elapsed):
            figure.setMinimumWidth(76)
            layout.addWidget(figure, 0, top)

    def _fit(self) -> None:
        """Show the figures that are known and have room, the weightiest first: what the state says
        is worth more than how long it took."""
        plain = self._session.model.state.phase in _PLAIN or not self.sentence.whole
        log = self._session.model.state.phase is Phase.LOG
        room = self.width() - (TITLES if plain else WHY)
        for figure, known in (
            (self.step, True),
            (self.left, self._known[1]),
            (self.epoch, self._known[0]),
            (self.speed, self._speedy),
            (self.elapsed, self.elapsed.value.text() != "–" or not log),
        ):
            needed = max(figure.sizeHint().width(), figure.minimumWidth()) + 20
            fits = known and (figure is self.step or needed <= room)
            room -= needed if fits else 0
            # Not by `isVisible`: the header may not be shown yet.
            if figure.isHidden() == fits:
                figure.setVisible(fits)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()


def _of(value: int | None, total: int | None) -> str:
    """A number, and of how many if that is known: "12 / 50"."""
    if value is None:
        return "–"
    return (
        format_count(value) if total is None else f"{format_count(value)} / {format_count(total)}"
    )
