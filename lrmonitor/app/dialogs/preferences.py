"""Preferences: few, each applied as soon as it is changed, in all windows."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.record.home import runs_home

from ..palettes import curves
from ..panels.parts import Choice, caption, code, quiet
from ..preferences import Preferences

if TYPE_CHECKING:
    from ..preferring import Preferring

__all__ = ["PreferencesDialog"]


class PreferencesDialog(QDialog):
    """Echoes the preferences in force and changes them. Not modal."""

    def __init__(self, preferring: Preferring, home: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self._preferring = preferring
        self.setWindowTitle(self.tr("Preferences"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        tr = self.tr
        self.colours = self._choice(
            tr("Window"),
            (("system", tr("Same as the system")), ("light", tr("Light")), ("dark", tr("Dark"))),
        )
        self.curves = self._choice(
            tr("Curves"), (("standard", tr("Standard")), ("contrast", tr("High contrast")))
        )
        self.swatches = _Swatches(self)
        self.boxes = {
            "tell_ended": QCheckBox(tr("A run has &ended or was stopped"), self),
            "tell_failed": QCheckBox(tr("A run has &crashed, failed or was killed"), self),
            "tell_findings": QCheckBox(tr("A problem is &found, such as a diverging loss"), self),
            "task_bar": QCheckBox(tr("Ask for attention in the &task bar"), self),
            "tray": QCheckBox(tr("Show a &message, where the desktop has a tray"), self),
            "reopen": QCheckBox(tr("&Open the run that was open last, if it still trains"), self),
        }
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.RestoreDefaults | QDialogButtonBox.StandardButton.Close,
            self,
        )
        self.defaults = self.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        self.defaults.setText(tr("&Restore defaults"))
        self.defaults.setAutoDefault(False)
        self.buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        self._lay_out(home)
        self.colours.activated.connect(lambda _: self._put(colours=self.colours.currentData()))
        self.curves.activated.connect(lambda _: self._put(curves=self.curves.currentData()))
        for name, box in self.boxes.items():
            box.clicked.connect(lambda on, name=name: self._put(**{name: on}))
        self.defaults.clicked.connect(lambda: preferring.put(Preferences()))
        self.buttons.rejected.connect(self.reject)
        preferring.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Echo the preferences."""
        now = self._preferring.now
        for choice, value in ((self.colours, now.colours), (self.curves, now.curves)):
            choice.setCurrentIndex(max(choice.findData(value), 0))
        for name, box in self.boxes.items():
            box.setChecked(getattr(now, name))
        told = now.tell_ended or now.tell_failed or now.tell_findings
        for name in ("task_bar", "tray"):
            self.boxes[name].setEnabled(told)
        self.swatches.show_set(now.curves)

    def _put(self, **changed: Any) -> None:
        self._preferring.put(replace(self._preferring.now, **changed))

    def _choice(self, name: str, choices: tuple[tuple[str, str], ...]) -> Choice:
        choice = Choice(self)
        choice.setAccessibleName(name)
        for value, text in choices:
            choice.addItem(text, value)
        return choice

    def _lay_out(self, home: Path) -> None:
        tr = self.tr
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 14)
        column.setSpacing(7)
        column.addWidget(caption(tr("Colours"), self))
        form = QFormLayout()
        form.setHorizontalSpacing(18)
        for text, choice in ((tr("&Window"), self.colours), (tr("C&urves"), self.curves)):
            label = QLabel(text, self)
            label.setBuddy(choice)
            form.addRow(label, choice)
        form.addRow(QLabel(self), self.swatches)
        column.addLayout(form)
        column.addSpacing(10)
        column.addWidget(caption(tr("Notify me, while another window is in front, when"), self))
        for name in ("tell_ended", "tell_failed", "tell_findings"):
            column.addWidget(self.boxes[name])
        column.addSpacing(4)
        column.addWidget(caption(tr("In these ways"), self))
        for name in ("task_bar", "tray"):
            column.addWidget(self.boxes[name])
        column.addWidget(quiet(tr("The run’s own window always shows it."), self))
        column.addSpacing(10)
        column.addWidget(caption(tr("When lrmonitor is opened without a run"), self))
        column.addWidget(self.boxes["reopen"])
        column.addSpacing(10)
        column.addWidget(caption(tr("Folder of the runs"), self))
        column.addWidget(code(str(home), self))
        column.addWidget(quiet(self._source(home), self))
        column.addStretch(1)
        column.addSpacing(8)
        column.addWidget(self.buttons)

    def _source(self, home: Path) -> str:
        """Where the folder of the runs comes from."""
        if home != runs_home():
            return self.tr("Given by --runs when this window was opened.")
        if os.environ.get("LRMONITOR_RUNS"):
            return self.tr("Given by the environment variable LRMONITOR_RUNS.")
        return self.tr("The usual one. Another is given by --runs or by LRMONITOR_RUNS.")


class _Swatches(QWidget):
    """The colours of a set of curves, on the grounds of both themes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = ""
        self.setFixedHeight(30)

    def show_set(self, name: str) -> None:
        """Show a set."""
        self._name = name
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(260, 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        from ..theme import DARK, LIGHT

        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        half = self.width() / 2
        for at, theme in enumerate((LIGHT, DARK)):
            painter.setBrush(QColor(theme.base))
            painter.drawRoundedRect(QRectF(at * half, 0, half - 4, self.height()), 4, 4)
            colours = curves(self._name, theme.name)
            step = (half - 16) / len(colours)
            for number, colour in enumerate(colours):
                painter.setBrush(QColor(colour))
                left = at * half + 6 + number * step
                painter.drawRoundedRect(QRectF(left + 1, 9, step - 3, 12), 2, 2)
        painter.end()
