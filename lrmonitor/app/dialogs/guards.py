"""Guards: what is done about a harmful step before it touches the weights."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.link.guard_command import AT_MOST, KINDS, NOISES, TIMES
from lrmonitor.model.guards import Set

from ..history import Outcome
from ..panels.parts import Banner, Choice, Count, Number, caption, line, quiet, set_primary
from ..session import Session
from ..theme import Theme

__all__ = ["GuardsDialog", "Row"]

MOST = 100_000


class Row:
    """The controls of one guard, and what it is to be by them."""

    def __init__(self, kind: str, dialog: GuardsDialog) -> None:
        tr = dialog.tr
        self.kind = kind
        looks = {
            "non-finite": tr("A loss or gradient that is &not finite"),
            "spike": tr("A spi&ke of the loss"),
            "gradient": tr("A spike of the &gradient norm"),
        }
        tips = {
            "non-finite": tr("NaN or infinite, in the loss or in any gradient."),
            "spike": tr("A loss far above the median of the last 64."),
            "gradient": tr("A gradient norm (after clipping) far above the median of the last 64."),
        }
        self.box = QCheckBox(looks[kind], dialog)
        self.box.setToolTip(tips[kind])
        self.box.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        name = looks[kind].replace("&", "")
        self.then = Choice(dialog)
        self.then.setAccessibleName(tr("What is done: {0}").format(name))
        for words, value in (
            (tr("Skip the step"), ("skip", None)),
            (tr("Pause before it"), ("pause", None)),
            (tr("Rewind"), ("rewind", None)),
            (tr("Rewind, rate ÷3"), ("rewind", 1 / 3)),
        ):
            self.then.addItem(words, value)
        self.at_most = Count(dialog)
        self.at_most.setRange(1, MOST)
        self.at_most.setPrefix(tr("at most "))
        self.at_most.setSuffix(tr(" times"))
        self.at_most.setAccessibleName(tr("At most: {0}").format(name))
        self.at_most.setToolTip(tr("After that it switches itself off, and the journal says so."))
        self.acted = QLabel(dialog)
        self.acted.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.acted.setToolTip(tr("How often guards of this kind have acted in this run."))
        self.bound, self.times = Number(dialog), Number(dialog)
        for field, least, words in (
            (self.bound, 0.0, tr("Noise: {0}")),
            (self.times, 1.01, tr("Ratio: {0}")),
        ):
            field.setRange(least, 1e6)
            field.setDecimals(2)
            field.setAccessibleName(words.format(name))
        self.bound.setPrefix(tr("above "))
        self.bound.setSuffix(tr(" × noise"))
        self.bound.setToolTip(
            tr("Above the median by so many times the noise of the last 64 values.")
        )
        self.times.setPrefix(tr("and "))
        self.times.setSuffix(tr(" × median"))
        self.times.setToolTip(
            tr("And above so many times the median. Below zero: by what is beyond 1 of its size.")
        )
        self.fields: tuple[QWidget, ...] = (self.then, self.at_most, self.bound, self.times)
        self.box.toggled.connect(lambda _: self.enable())

    @property
    def bounded(self) -> bool:
        """Whether there is a bound to set."""
        return self.kind != "non-finite"

    def enable(self, problem: bool = False) -> None:
        """Only what is switched on can be set."""
        self.box.setEnabled(not problem)
        for field in self.fields:
            field.setEnabled(self.box.isChecked() and not problem)

    def echo(self, one: Set | None) -> None:
        """Show what the training has."""
        self.box.setChecked(one is not None)
        wanted = ("skip", None) if one is None else (one.then, one.scale)
        at = next((i for i in range(self.then.count()) if self.then.itemData(i) == wanted), -1)
        if at < 0 and one is not None:  # another factor, set by the verb
            words = self.then.tr("Rewind, rate ×{0:.3g}").format(one.scale or 1.0)
            self.then.addItem(words, wanted)
            at = self.then.count() - 1
        self.then.setCurrentIndex(max(at, 0))
        self.at_most.setValue(AT_MOST if one is None else one.at_most)
        self.bound.setValue(NOISES if one is None or one.bound is None else one.bound)
        self.times.setValue(TIMES if one is None or one.times is None else one.times)
        self.enable()

    def wanted(self) -> Set | None:
        """What is to be; None: off."""
        if not self.box.isChecked():
            return None
        then, scale = self.then.currentData()
        bound, times = self.bound.value(), self.times.value()
        if not self.bounded:
            return Set(self.kind, then, None, None, self.at_most.value(), scale)
        return Set(self.kind, then, bound, times, self.at_most.value(), scale)


class GuardsDialog(QDialog):
    """Echoes the guards of the session's run, as the record tells them, and sets others."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        tr = self.tr
        self.setWindowTitle(tr("Guards"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.rows = {kind: Row(kind, self) for kind in KINDS}
        self._asked: set[str] = set()
        self._refused: list[str] = []
        self.problem = Banner(theme, self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.set = self.buttons.addButton(tr("&Apply"), QDialogButtonBox.ButtonRole.AcceptRole)
        set_primary(self.set, True)
        self.set.setDefault(True)
        for kind, row in self.rows.items():
            row.echo(session.model.guards.on.get(kind))
        self._lay_out()
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        session.changed.connect(self.refresh)
        session.answered.connect(self._on_answered)
        session.ended.connect(self.reject)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Echo how often they acted, and whether the training can be reached."""
        guards = self._session.model.guards
        for kind, row in self.rows.items():
            count = guards.counts[kind]
            words = self.tr("acted once") if count == 1 else self.tr("acted {0} times")
            row.acted.setText(words.format(count) if count else self.tr("has not acted"))
        problem = self._session.control_problem()
        if problem is not None:
            self.problem.say(problem, "wait")
        elif self._asked:
            self.problem.say(self.tr("Takes effect with the next step…"), "wait")
        else:
            self.problem.say("\n".join(self._refused), "bad")
        self.set.setEnabled(problem is None and not self._asked)

    def accept(self) -> None:
        """Ask for what differs; the dialog closes once that all of it is applied."""
        now = self._session.model.guards.on
        self._refused.clear()
        for kind, row in self.rows.items():
            wanted = row.wanted()
            if wanted != now.get(kind):
                self._asked.add(self._session.guard(kind, wanted))
        self.refresh()
        if not self._asked:
            super().accept()

    def _on_answered(self, outcome: Outcome) -> None:
        if outcome.id not in self._asked:
            return
        self._asked.discard(outcome.id)
        if outcome.status != "applied":
            reason = outcome.reason or self.tr("It was withdrawn.")
            self._refused.append(self.tr("Refused: {0}.").format(reason.rstrip(".")))
        self.refresh()
        if not self._asked and not self._refused:
            super().accept()

    def _lay_out(self) -> None:
        tr = self.tr
        told = quiet(
            tr(
                "A guard judges each step once its gradients are there, before the weights are "
                "touched. What it acts on is left out: weights, momentum, weight decay and step "
                "counters stay as they are. The loss is recorded all the same."
            ),
            self,
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        at = 0
        for row in self.rows.values():
            grid.addWidget(row.box, at, 0)
            grid.addWidget(row.then, at, 1)
            grid.addWidget(row.at_most, at, 2)
            grid.addWidget(row.acted, at, 3)
            at += 1
            if row.bounded:
                bounds = QHBoxLayout()
                bounds.setContentsMargins(24, 0, 0, 0)
                bounds.setSpacing(8)
                bounds.addWidget(row.bound)
                bounds.addWidget(row.times)
                bounds.addStretch(1)
                grid.addLayout(bounds, at, 0, 1, 4)
                at += 1
            else:
                row.bound.hide()
                row.times.hide()
            grid.setRowMinimumHeight(at, 8)
            at += 1
        costs = quiet(
            tr(
                "Pause: the training waits before the step; when it goes on, that step is left "
                "out. Rewind: back to the newest snapshot; if none are taken automatically, one is "
                "taken every 100 steps from then on.\n"
                "On a GPU each step waits until its loss and gradients are read. Not possible "
                "where steps are made with a closure (LBFGS, Lightning’s own loop) or by several "
                "processes."
            ),
            self,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(told)
        column.addLayout(grid)
        column.addWidget(line(self))
        column.addWidget(caption(tr("What they do and cost"), self))
        column.addWidget(costs)
        column.addStretch(1)
        column.addWidget(self.problem)
        column.addWidget(self.buttons)
