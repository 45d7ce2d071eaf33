"""The field that takes a rate: a number as code writes it, varied with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from lrmonitor.link.messages import CommandError, check_rate, parse_rate
from lrmonitor.model.ladder import finer, rung

from ..format import format_rate
from ..icons import icon
from ..theme import Theme

__all__ = ["RateField"]

EXACT = 12
"""Digits that a value put into the field keeps."""


class RateField(QLineEdit):
    """Takes `3e-4`, `0.0003`, `3E-4`: a number as code writes it, whatever the locale.

    Up and Down go 10 % up and down, with Shift to the next of 1, 2, 5, 10…; PageUp and PageDown
    multiply and divide by 10. An empty field begins at `base`. Alt+Down shows `recent` values.
    The Space bar is left to the window (pause), since no number has a space; so are undo and redo
    once what stands in the field has been said (`settle`).
    """

    escaped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.base: float | None = None
        self.recent: Sequence[float] = ()
        self.setPlaceholderText(self.tr("for example 3e-4"))
        self.setClearButtonEnabled(True)
        self.setMaxLength(40)
        self.menu = QMenu(self)
        self.menu.setAccessibleName(self.tr("Recent values"))
        self._offer: QAction | None = None
        self.set_tip("")

    def offer_recent(self, theme: Theme) -> None:
        """Have a button for the recent values, in the theme's colour."""
        if self._offer is None:
            self._offer = QAction(self.tr("Recent values"), self)
            self._offer.setToolTip(self.tr("Recent values (Alt+Down)"))
            self._offer.triggered.connect(self.show_recent)
            self.addAction(self._offer, QLineEdit.ActionPosition.TrailingPosition)
        self._offer.setIcon(icon("down", theme.quiet, theme.disabled))

    def set_tip(self, problem: str) -> None:
        """The tooltip: why nothing can be typed, or how the keys vary the value."""
        tip = problem or self.tr(
            "↑ ↓: 10 % up and down\n"
            "Shift+↑ ↓: the next of 1, 2, 5, 10…\n"
            "Page ↑ ↓: ×10, ÷10\n"
            "Alt+↓: recent values"
        )
        if self.toolTip() != tip:
            self.setToolTip(tip)

    def settle(self) -> None:
        """What stands here has been said: undo and redo are the window's again."""
        self.setModified(False)

    def put(self, value: float) -> None:
        """Write a value as if it had been typed."""
        self.setText(format_rate(value, EXACT))
        self.setModified(True)
        self.textEdited.emit(self.text())

    def show_recent(self) -> None:
        """The recent values, to choose one."""
        self.menu.clear()
        for value in self.recent:
            action = self.menu.addAction(format_rate(value, EXACT))
            action.triggered.connect(lambda _=False, value=value: self.put(value))
        if not self.recent:
            self.menu.addAction(self.tr("No values yet")).setEnabled(False)
        self.menu.popup(self.mapToGlobal(QPoint(0, self.height())))

    def _vary(self, key: int, shifted: bool) -> None:
        try:
            now = parse_rate(self.text()) if self.text().strip() else self.base
        except CommandError:
            return  # what stands there is said when it is sent; a key does not wipe it out
        if now is None or now <= 0:
            return
        up = 1 if key in (Qt.Key.Key_Up, Qt.Key.Key_PageUp) else -1
        if key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            value = float(f"{now * 10.0**up:.11e}")
        else:
            value = rung(now, up) if shifted else finer(now, up)
        try:
            self.put(check_rate(value))
        except CommandError:
            return  # the numbers end here

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and (event.key() == Qt.Key.Key_Space or (self._undoes(event) and not self.isModified()))
        ):
            event.ignore()
            return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        alt, shift = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
        if key == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif key == Qt.Key.Key_Down and held & alt:
            self.show_recent()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self._vary(key, bool(held & shift))
        else:
            super().keyPressEvent(event)

    def _undoes(self, event: QKeyEvent) -> bool:
        keys = QKeySequence.StandardKey
        return event.matches(keys.Undo) or event.matches(keys.Redo)
