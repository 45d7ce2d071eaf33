"""The three rates, told apart: what is used, what the script wants, what the person asked for."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from ..format import format_count, format_rate
from ..session import Session
from .live import LiveText
from .parts import Value, caption, quiet

__all__ = ["RateReadout"]


class RateReadout(QWidget):
    """Effective (large), scheduled and requested rate of one group."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.effective = self._number(1.9, self.tr("Effective rate"))
        self.effective_note = LiveText(parent=self)
        self.effective_note.setProperty("role", "quiet")
        self.effective_note.setWordWrap(True)
        self.scheduled = self._number(1.2, self.tr("Scheduled rate"))
        self.requested = self._number(1.2, self.tr("Requested rate"))
        self.requested.setWordWrap(True)
        self.scheduled_note = quiet(parent=self)
        self.requested_note = quiet(parent=self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(1)
        grid.addWidget(caption(self.tr("Effective"), self), 0, 0, 1, 2)
        grid.addWidget(self.effective, 1, 0, 1, 2)
        grid.addWidget(self.effective_note, 2, 0, 1, 2)
        grid.setRowMinimumHeight(3, 8)
        grid.addWidget(caption(self.tr("Scheduled"), self), 4, 0)
        grid.addWidget(caption(self.tr("Requested"), self), 4, 1)
        # In columns of their own: what is asked for may take several lines, and each note stands
        # right below its number.
        for at, parts in enumerate(
            ((self.scheduled, self.scheduled_note), (self.requested, self.requested_note))
        ):
            column = QVBoxLayout()
            column.setSpacing(1)
            for part in parts:
                column.addWidget(part)
            column.addStretch(1)
            grid.addLayout(column, 5, at)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)

    def refresh(self, address: tuple[int, int], note: str) -> None:
        """Echo the rates of the group at `address`; `note` says what they stand for."""
        now = self._session.rate_now(*address)
        self._show(self.effective, now.effective)
        self._show(self.scheduled, now.scheduled)
        self._say(self.scheduled_note, "" if now.scheduled is None else self.tr("the script's own"))
        step = self._session.model.state.step
        if self._session.model.no_optimizer is not None:
            text = self.tr("no torch optimizer makes the steps")
        elif self._session.model.log is not None:
            text = self.tr("the latest in the log")
        elif note:
            text = note
        elif self._session.over and now.effective is None:
            text = self.tr("no step was made")
        elif now.effective is None or step is None:
            text = self.tr("what the optimizer uses; known with the first step")
        else:
            text = self.tr("used by the optimizer in step {0}").format(format_count(step))
        self._say(self.effective_note, text)
        override = self._session.model.overrides.get(address)
        words = override.text if override is not None else self.tr("script's schedule")
        pending = self._session.waiting_for(address)
        if pending is not None:
            words = pending.words
        elif now.effective is None or self._session.model.log is not None:
            words = "–"
        self._say(self.requested, words)
        if pending is not None:
            self._say(self.requested_note, self.tr("pending, not in effect yet"))
        elif now.effective is None or self._session.model.log is not None:
            self._say(self.requested_note, "")
        elif override is None or override.kind == "none":
            self._say(self.requested_note, self.tr("no override"))
        else:
            self._say(self.requested_note, self.tr("until released"))

    def _number(self, scale: float, name: str) -> QLabel:
        label = Value(name, self)
        font = QFont(label.font())
        font.setPointSizeF(font.pointSizeF() * scale)
        font.setWeight(QFont.Weight.DemiBold)
        label.setFont(font)
        return label

    def _show(self, label: QLabel, value: float | None) -> None:
        self._say(label, "–" if value is None else format_rate(value))
        tip = "" if value is None else self.tr("exactly {0}").format(repr(value))
        if label.toolTip() != tip:
            label.setToolTip(tip)

    def _say(self, label: QLabel, text: str) -> None:
        if label.text() != text:
            label.setText(text)
