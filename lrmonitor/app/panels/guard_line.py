"""Which guards are on, and how often they acted; nothing while none is."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from lrmonitor.model.guards import words

from ..session import Session

__all__ = ["GuardLine"]


class GuardLine(QPushButton):
    """A chip that opens the dialog of guards; hidden while none is on."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setProperty("role", "chip")
        self.setAutoDefault(False)
        self.refresh()

    def refresh(self) -> None:
        """Echo the record."""
        guards = self._session.model.guards
        on = {} if self._session.over else guards.on
        acted = sum(guards.counts.values())
        text = self.tr("1 guard on") if len(on) == 1 else self.tr("{0} guards on")
        text = text.format(len(on))
        if acted:
            text += self.tr(", acted once") if acted == 1 else self.tr(", acted {0} times")
            text = text.format(acted)
        tip = "\n".join(words(one) for one in on.values())
        if (text, tip, bool(on)) != (self.text(), self.toolTip(), not self.isHidden()):
            self.setText(text)
            self.setToolTip(tip)
            self.setAccessibleName(f"{text}. {tip}")
            self.setVisible(bool(on))
