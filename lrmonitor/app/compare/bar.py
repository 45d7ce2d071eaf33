"""The line above a comparison: which series, relative to what, on which scale, how smooth."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from ..panels.parts import set_tone
from ..plots.tools import DEFAULT_SMOOTHING, SMOOTHING

__all__ = ["CompareBar"]


class CompareBar(QFrame):
    """Emits what the person chose. `pattern_changed(str)`, `baseline_changed(int)` (-1: none),
    `log_changed(bool)`, `smoothing_changed(int)`, `fit_wanted()`, `copy_wanted()`, `done()`."""

    pattern_changed = Signal(str)
    baseline_changed = Signal(int)
    log_changed = Signal(bool)
    smoothing_changed = Signal(int)
    fit_wanted = Signal()
    copy_wanted = Signal()
    done = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "tools")
        self.pattern = QLineEdit("^loss$|^lr$", self)
        self.pattern.setAccessibleName(self.tr("Series, as a regular expression"))
        self.pattern.setToolTip(
            self.tr("The series whose names this regular expression is found in have a plot each")
        )
        self.pattern.setClearButtonEnabled(True)
        self.pattern.setMinimumWidth(90)
        self.pattern.textChanged.connect(self.pattern_changed)
        self.baseline = QComboBox(self)
        self.baseline.setAccessibleName(self.tr("Baseline"))
        self.baseline.setToolTip(
            self.tr("Curves are drawn as the difference to this run, step by step")
        )
        self.baseline.currentIndexChanged.connect(lambda i: self.baseline_changed.emit(i - 1))
        self.log = self._toggle(self.tr("Log"), self.tr("On a logarithmic scale (L)"))
        self.log.toggled.connect(self.log_changed)
        self.smooth = QComboBox(self)
        self.smooth.setAccessibleName(self.tr("Smoothing"))
        for span in SMOOTHING:
            text = self.tr("1 step") if span == 1 else self.tr("{0} steps").format(span)
            self.smooth.addItem(text, span)
        self.smooth.setCurrentIndex(self.smooth.findData(DEFAULT_SMOOTHING))
        self.smooth.currentIndexChanged.connect(
            lambda: self.smoothing_changed.emit(self.smoothing())
        )
        self.fit = self._button(self.tr("Fit"), self.tr("Show all steps (Home)"))
        self.fit.clicked.connect(self.fit_wanted)
        self.copy = self._button(self.tr("Copy table"), self.tr("Copy the table as text"))
        self.copy.clicked.connect(self.copy_wanted)
        self.close_button = self._button(self.tr("Done"), self.tr("Back to the run (Esc)"))
        self.close_button.clicked.connect(self.done)
        self._lay_out()

    def smoothing(self) -> int:
        """Steps that are averaged over; 1 for not at all."""
        return int(self.smooth.currentData())

    def show_runs(self, names: Sequence[str], baseline: int) -> None:
        """Offer these as the baseline; the one of that number is it (-1: none)."""
        with QSignalBlocker(self.baseline):
            wanted = [self.tr("none"), *names]
            if [self.baseline.itemText(i) for i in range(self.baseline.count())] != wanted:
                self.baseline.clear()
                self.baseline.addItems(wanted)
            self.baseline.setCurrentIndex(baseline + 1)

    def show_pattern(self, problem: str | None) -> None:
        """Say what is wrong with the expression, if anything is."""
        set_tone(self.pattern, "bad" if problem else "none")
        if problem:
            self.pattern.setToolTip(self.tr("No regular expression: {0}").format(problem))

    def show_log(self, on: bool, can: bool) -> None:
        """Echo the scale; differences have none that is logarithmic."""
        with QSignalBlocker(self.log):
            self.log.setChecked(on and can)
        self.log.setEnabled(can)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("role", "tool")
        button.setText(text)
        button.setToolTip(tip)
        return button

    def _toggle(self, text: str, tip: str) -> QToolButton:
        button = self._button(text, tip)
        button.setCheckable(True)
        return button

    def _caption(self, text: str, buddy: QWidget) -> QLabel:
        label = QLabel(text, self)
        label.setProperty("role", "quiet")
        label.setBuddy(buddy)
        return label

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 14, 4)
        row.setSpacing(6)
        row.addWidget(self._caption(self.tr("Series"), self.pattern))
        row.addWidget(self.pattern, 1)
        row.addWidget(self._caption(self.tr("Baseline"), self.baseline))
        row.addWidget(self.baseline)
        row.addWidget(self.log)
        row.addWidget(self._caption(self.tr("Smooth over"), self.smooth))
        row.addWidget(self.smooth)
        row.addWidget(self.fit)
        row.addWidget(self.copy)
        row.addStretch(1)
        row.addWidget(self.close_button)
