"""Asking for a rate: the field, its mode, the factors, and what is said before sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.link.messages import NOTE_LIMIT, CommandError, parse_rate
from lrmonitor.model.recent import Recent

from ..format import format_count, format_rate
from ..proposal import Caution, Proposal, RateNow, caution, expected, multiplied
from ..theme import Theme
from .parts import Banner, Choice, PointedButton, caption, quiet, set_tone
from .ramp import RampField, labelled
from .ratefield import RateField

__all__ = ["FactorButtons", "RateEntry"]

PAUSE_MS = 180
"""How long nothing is typed before the number is taken for one."""

FACTORS = ((0.1, "÷10"), (0.5, "÷2"), (2.0, "×2"), (10.0, "×10"))


class FactorButtons(QWidget):
    """÷10 ÷2 ×2 ×10: sent at once. `picked(factor)`; `pointed(factor or None)`: looked at."""

    picked = Signal(float)
    pointed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[float, PointedButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for factor, text in FACTORS:
            button = PointedButton(text, self)
            button.setMinimumWidth(40)
            button.pointed.connect(
                lambda on, factor=factor: self.pointed.emit(factor if on else None)
            )
            button.clicked.connect(lambda _=False, factor=factor: self.picked.emit(factor))
            self.buttons[factor] = button
            row.addWidget(button, 1)

    def echo(self, now: RateNow, problem: str | None) -> None:
        """Enabled where a factor means something; the tooltip says what it sends, or why not."""
        for factor, button in self.buttons.items():
            proposal = multiplied(now, factor)
            if problem is not None:
                tip = problem
            elif proposal is None:
                tip = self.tr("The rate is held at 0; a multiple of it is 0 too.")
            else:
                tip = self.tr("Sends “{0}” at once").format(proposal.words)
            button.setEnabled(problem is None and proposal is not None)
            if button.toolTip() != tip:
                button.setToolTip(tip)


class RateEntry(QWidget):
    """The field with its mode, reason, Apply and the factors. `wanted(Proposal)`: send this.

    A large change is pointed out while typing; one that can do harm is asked about once more.
    `thought_of(Proposal or None)`: what is typed, or offered by the button that is pointed at, and
    is not sent yet. `recent_changed()`: a value was used that was not the newest recent one.
    """

    wanted = Signal(object)
    thought_of = Signal(object)
    recent_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now = RateNow()
        self._problem: str | None = None
        self._armed = False
        self._sent = False
        self._thought: Proposal | None = None
        self._pointed: Proposal | None = None
        # A number is not shown while it is being typed: 3e-4 begins with 3.
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._tell)
        self._recent = {"rate": Recent(), "factor": Recent()}
        self.caption = caption(self.tr("New rate"), self)
        self.field = RateField(self)
        self.field.offer_recent(theme)
        self.caption.setBuddy(self.field)
        self.apply = QPushButton(self.tr("Apply"), self)
        self.apply.setProperty("role", "primary")
        self.apply.setAutoDefault(False)
        self.mode = Choice(self)
        self.mode.setAccessibleName(self.tr("How the new rate is meant"))
        self.mode.addItem(self.tr("Hold it: what you type is what it is"), "hold")
        self.mode.addItem(self.tr("Set it now, the schedule continues"), "set")
        self.mode.addItem(self.tr("Scale the schedule by a factor"), "scale")
        self.ramp = RampField(self)
        self.note = QLineEdit(self)
        self.note.setPlaceholderText(self.tr("Why? (kept in the journal; optional)"))
        self.note.setAccessibleName(self.tr("Why the rate is changed"))
        self.note.setToolTip(self.tr("Goes with the next change into the run's journal"))
        self.note.setMaxLength(NOTE_LIMIT)
        self.factors = FactorButtons(self)
        self.hint = quiet(parent=self)
        self.banner = Banner(theme, self)
        self.hold_instead = QPushButton(self.tr("Hold instead"), self)
        self.hold_instead.setAutoDefault(False)
        self.banner.buttons.insertWidget(0, self.hold_instead)
        self.hold_instead.hide()
        self._lay_out()
        self.field.textEdited.connect(self._edited)
        self.field.returnPressed.connect(self.submit)
        self.field.escaped.connect(self.reset)
        self.note.returnPressed.connect(self.submit)
        self.apply.clicked.connect(self.submit)
        self.mode.currentIndexChanged.connect(self._mode_picked)
        self.ramp.changed.connect(self._edited)
        self.ramp.returnPressed.connect(self.submit)
        self.factors.picked.connect(self._factor_picked)
        self.factors.pointed.connect(self._factor_pointed)
        self.hold_instead.clicked.connect(self._hold_picked)
        self._review()

    def echo(self, now: RateNow, problem: str | None) -> None:
        """What the record says of the chosen group, and why it cannot be changed (or None)."""
        unchanged = now == self._now and problem == self._problem
        self._now = now
        self._problem = problem
        self.factors.echo(now, problem)
        for widget in (self.field, self.apply, self.mode, self.ramp, self.note):
            if widget.isEnabled() != (problem is None):
                widget.setEnabled(problem is None)
        self.field.set_tip(problem or "")
        for plain in (self.apply, self.mode):
            if plain.toolTip() != (problem or ""):
                plain.setToolTip(problem or "")
        self._echo_base()
        if not unchanged:
            self._review()

    def chosen_mode(self) -> str:
        """ "hold", "set" or "scale"."""
        return str(self.mode.currentData())

    def set_mode(self, mode: str) -> None:
        """Choose a mode; an unknown one is ignored."""
        index = self.mode.findData(mode)
        if index >= 0:
            self.mode.setCurrentIndex(index)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.field.offer_recent(theme)
        self.banner.set_theme(theme)

    def take_note(self) -> str:
        """The reason for the change that is sent now; the next one has its own."""
        note = self.note.text().strip()
        self.note.clear()
        return note

    def recent(self) -> dict[str, list[float]]:
        """The values used lately, newest first, for the settings."""
        return {name: list(kept.values) for name, kept in self._recent.items()}

    def set_recent(self, kept: Mapping[str, Any]) -> None:
        """Take up the values used before."""
        for name in self._recent:
            values = kept.get(name)
            self._recent[name] = Recent(values if isinstance(values, list) else ())
        self._echo_base()

    def point_at(self, proposal: Proposal | None) -> None:
        """A button is pointed at that would send this; None: no longer."""
        self._pointed = None if self._problem is not None else proposal
        self._tell()

    def submit(self) -> None:
        """Enter or Apply: send, unless there is something to say first."""
        if self._problem is not None:
            return
        self._sent = False
        try:
            proposal = self._typed()
        except CommandError as error:
            self._armed = False
            set_tone(self.field, "bad")
            self._warn(str(error), "bad", None)
            self.field.setFocus()
            return
        warning = caution(self._now, proposal)
        if warning is not None and warning.ask and not self._armed:
            self._armed = True
            self._review()
            return
        self._send(proposal)

    def reset(self) -> None:
        """Empty the field and take back what was said."""
        with QSignalBlocker(self.field):
            self.field.clear()
        self.field.settle()
        self._armed = False
        self._review()

    def _send(self, proposal: Proposal) -> None:
        self._armed = False
        # What stands in the field has been said; until it is edited it is no wish any more.
        self._sent = True
        self.wanted.emit(proposal)
        self.field.selectAll()
        self.field.settle()
        if self.note.hasFocus():
            self.field.setFocus()
        self._remember(proposal)
        self._review()

    def _edited(self) -> None:
        self._pause.stop()
        self._armed = False
        self._sent = False
        self._review()

    def _mode_picked(self) -> None:
        scale = self.chosen_mode() == "scale"
        self.caption.setText(self.tr("New factor") if scale else self.tr("New rate"))
        self.field.setPlaceholderText(
            self.tr("for example 0.5") if scale else self.tr("for example 3e-4")
        )
        self._armed = False
        self._sent = False
        self._echo_base()
        self._review()

    def _remember(self, proposal: Proposal) -> None:
        name = _kind(proposal.mode)
        if proposal.value is not None and self._recent[name].add(proposal.value):
            self._echo_base()
            self.recent_changed.emit()

    def _echo_base(self) -> None:
        """Where the keys begin, and the recent values, for the mode that is chosen."""
        now = self._now
        if self.chosen_mode() == "scale":
            self.field.base = now.value if now.kind == "scale" else 1.0
        else:
            self.field.base = now.effective
        self.field.recent = self._recent[_kind(self.chosen_mode())].values

    def _factor_picked(self, factor: float) -> None:
        proposal = self._multiplied(factor)
        if proposal is not None and self._problem is None:
            self.wanted.emit(proposal)

    def _factor_pointed(self, factor: float | None) -> None:
        self.point_at(None if factor is None else self._multiplied(factor))

    def _multiplied(self, factor: float) -> Proposal | None:
        found = multiplied(self._now, factor)
        return None if found is None else replace(found, ramp=self.ramp.value())

    def _tell(self) -> None:
        """What is thought of now, if it is something else."""
        self._pause.stop()
        typed = None if self._sent or self._problem is not None else self._proposal()
        thought = self._pointed or typed
        if thought != self._thought:
            self._thought = thought
            self.thought_of.emit(thought)

    def _hold_picked(self) -> None:
        proposal = self._proposal()
        warning = None if proposal is None else caution(self._now, proposal)
        if warning is not None and warning.hold is not None and self._problem is None:
            self.set_mode("hold")
            self._send(replace(warning.hold, ramp=self.ramp.value()))

    def _proposal(self) -> Proposal | None:
        try:
            return self._typed()
        except CommandError:
            return None

    def _typed(self) -> Proposal:
        """What stands in the field; raises CommandError."""
        value = parse_rate(self.field.text())
        return Proposal(self.chosen_mode(), value, ramp=self.ramp.value())

    def _review(self) -> None:
        """Say what the entry would do, and what to think of first."""
        set_tone(self.field, "none")
        proposal = None if self._sent else self._proposal()
        if proposal is None:
            self._tell()
        elif proposal != self._thought and not self._pause.isActive():
            self._pause.start()
        warning = None if proposal is None else caution(self._now, proposal)
        self.apply.setText(self.tr("Apply anyway") if self._armed else self.tr("Apply"))
        if warning is None:
            self._armed = False
            self._warn("", "quiet", None)
        else:
            text = warning.text
            if self._armed:
                text += self.tr(" Press Enter again to apply it all the same.")
            self._warn(text, "warn", warning)
        hint = self._hint(proposal)
        if hint != self.hint.text():
            self.hint.setText(hint)
        self.apply.setText(self.tr("Apply anyway") if self._armed else self.tr("Apply"))

    def _hint(self, proposal: Proposal | None) -> str:
        if self._problem is not None:
            return self._problem
        if proposal is not None:
            after = expected(self._now, proposal)
            before = self._now.effective
            if after is not None and before is not None:
                told = self.tr("Enter: {0} → {1} from the next step on")
                if proposal.ramp > 1:
                    told = self.tr("Enter: {0} → {1} in {2} steps")
                steps = format_count(proposal.ramp)
                return told.format(format_rate(before), format_rate(after), steps)
        return {
            "hold": self.tr("Stays at this value, whatever the schedule does, until released."),
            "set": self.tr("Takes this value at the next step; then the schedule's shape goes on."),
            "scale": self.tr("The schedule goes on, multiplied by this factor."),
        }[self.chosen_mode()]

    def _warn(self, text: str, tone: str, warning: Caution | None) -> None:
        hold = None if warning is None else warning.hold
        if hold is not None and hold.value is not None:
            self.hold_instead.setText(self.tr("Hold {0} instead").format(format_rate(hold.value)))
        self.hold_instead.setVisible(hold is not None)
        self.banner.say(text, tone)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.field, 1)
        row.addWidget(self.apply)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.caption)
        column.addLayout(row)
        column.addWidget(self.mode)
        column.addLayout(labelled(self.tr("Ramp"), self.ramp, self.tr("steps")))
        column.addWidget(self.note)
        column.addWidget(self.hint)
        column.addWidget(self.banner)
        column.addWidget(self.factors)


def _kind(mode: str) -> str:
    """What a mode's values are: rates, or factors of the schedule."""
    return "factor" if mode == "scale" else "rate"
