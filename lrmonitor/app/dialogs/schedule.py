"""The editor of schedules: what takes the place of the script's, drawn before it is applied."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QInputDialog,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.planning import Draft, draft_of
from lrmonitor.schedules.base import ScheduleError

from ..format import format_count
from ..panels.outcome import OutcomeLine
from ..panels.parts import Banner, Choice, line, quiet
from ..panels.ramp import RampField
from ..panels.target import TargetChoice
from ..presets import Presets
from ..proposal import Proposal, caution
from ..session import Session
from ..theme import Theme
from .fields import Field
from .schedule_form import ScheduleForm

__all__ = ["ScheduleDialog"]

PAUSE_MS = 180
"""How long nothing is typed before the schedule is drawn."""


class ScheduleDialog(QDialog):
    """Not modal: the plots behind it show what is typed. `thought_of(Wish or None)`."""

    thought_of = Signal(object)

    def __init__(self, session: Session, theme: Theme, presets: Presets, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._presets = presets
        self._armed = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._tell)
        self.setWindowTitle(self.tr("Schedule – {0}").format(session.model.name))
        tr = self.tr
        self.target = TargetChoice(session, self)
        self.target.table.hide()
        self.form = ScheduleForm(theme, self)
        self.length = QLineEdit(self)
        self.length.setPlaceholderText(tr("2000, 5 epochs, or rest"))
        self.begin = QLineEdit(self)
        self.begin.setPlaceholderText(tr("the next step"))
        self.then = Choice(self)
        self.then.addItem(tr("Hold the last rate"), "hold")
        self.then.addItem(tr("Return to the script's schedule"), "follow")
        self.ramp = RampField(self)
        self.ramp.setPlaceholderText(tr("none; or a number of steps"))
        self.ramp.setToolTip(tr("How many steps it takes from the rate of now to this schedule"))
        self.same = QCheckBox(tr("The &same rate in all groups, whatever their ratios"), self)
        self.rows = {
            "length": Field(tr("&Length"), self.length, theme, parent=self),
            "then": Field(tr("At its &end"), self.then, theme, parent=self),
            "begin": Field(tr("&From step"), self.begin, theme, parent=self),
            "ramp": Field(tr("&Ramp into it"), self.ramp, theme, parent=self),
        }
        self.summary = quiet(parent=self)
        self.banner = Banner(theme, self)
        self.outcome = OutcomeLine(session, theme, self)
        self._sent = False
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.apply = QPushButton(tr("&Apply"), self)
        self.apply.setProperty("role", "primary")
        self.kept = QPushButton(tr("&Presets"), self)
        self.menu = QMenu(self.kept)
        self.kept.setMenu(self.menu)
        self.kept.setProperty("role", "menu")
        self._lay_out()
        self._name()
        self.menu.aboutToShow.connect(self._fill_menu)
        self.form.edited.connect(self._edited)
        for field in (self.length, self.begin):
            field.textEdited.connect(self._edited)
        self.then.activated.connect(lambda _: self._edited())
        self.ramp.changed.connect(self._edited)
        self.same.clicked.connect(self._edited)
        self.target.changed.connect(self._edited)
        self.apply.clicked.connect(self.submit)
        self.buttons.rejected.connect(self.reject)
        session.changed.connect(self.refresh)
        self.finished.connect(self._done)
        self._begin_with_what_is()

    def refresh(self) -> None:
        """Echo the run: whether it can be commanded, the rate it has now, what became of what was
        applied."""
        self.outcome.refresh()
        if not self._sent:
            self.outcome.hide()  # what was changed before is not this editor's affair
        self.target.refresh()
        address = self.target.address()
        to_come = self._session.rate_to_come(address)
        self.form.now(self._session.rate_now(*address).effective, to_come)
        several = any(info.groups > 1 for info in self._session.model.optimizers)
        self.same.setVisible(several)
        self.same.setEnabled(self.target.chosen_group() is None)
        self._allow()

    def draft(self) -> Draft:
        """What is typed."""
        then = str(self.then.currentData())
        return Draft(self.form.chosen(), self.form.texts(), self.length.text(), then)

    def put(self, draft: Draft, begin: int | None = None) -> None:
        """Show this to be edited."""
        self.form.put(draft.kind, draft.texts)
        self.length.setText(draft.length)
        self.then.setCurrentIndex(max(self.then.findData(draft.then), 0))
        self.begin.setText("" if begin is None else str(begin))
        self._edited()

    def submit(self) -> None:
        """Apply: send it, unless there is something to say first."""
        self._pause.stop()
        try:
            proposal = self.proposal()
        except ScheduleError as error:
            self._complain(error)
            return
        warning = caution(self._session.rate_now(*self.target.address()), proposal)
        if warning is not None and warning.ask and not self._armed:
            self._armed = True
            self.apply.setText(self.tr("&Apply anyway"))
            self.banner.say(warning.text, "warn")
            return
        optimizer, group = self.target.chosen_optimizer(), self.target.chosen_group()
        self._session.send_rate(proposal, optimizer, group)
        self._sent = True
        self._disarm()
        self.refresh()
        self.thought_of.emit(None)

    def proposal(self) -> Proposal:
        """What would be sent; raises ScheduleError."""
        plan, begin = self.draft().made(self._session.model), self._begin()
        to_come = self._session.rate_to_come(self.target.address())
        if to_come is not None and begin is None:
            plan = plan.begun(to_come)  # the rate that was just asked for, in a pause, say
        group = self.target.chosen_group()
        same = self.same.isChecked() and self.same.isVisibleTo(self) and group is None
        return Proposal("plan", ramp=self.ramp.value(), plan=plan, begin=begin, same=same)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.form.set_theme(theme)
        self.banner.set_theme(theme)
        self.outcome.set_theme(theme)
        for row in self.rows.values():
            row.set_theme(theme)

    def _begin(self) -> int | None:
        text = self.begin.text().strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit()):
            raise ScheduleError(
                self.tr("type the number of a step, or nothing for the next one"), "begin"
            )
        return int(text)

    def _begin_with_what_is(self) -> None:
        """The plan that is in force, to be edited; else a cosine over what is left."""
        self.refresh()
        now = self._session.rate_now(*self.target.address())
        if now.plan is not None:
            self.put(draft_of(now.plan), now.begin)
            return
        rest = "rest" if self._session.model.progress.left else ""
        self.put(Draft("cosine", {}, rest))

    def _allow(self) -> None:
        """Apply looks ready only where something could be applied."""
        problem = self._session.rate_problem(self.target.chosen_optimizer())
        missing = self._missing()
        if problem is None and missing:
            problem = self._to_fill_in(missing)
        if (self.apply.isEnabled(), self.apply.toolTip()) != (problem is None, problem or ""):
            self.apply.setEnabled(problem is None)
            self.apply.setToolTip(problem or "")

    def _missing(self) -> list[Field]:
        """Rows in which something is to be typed yet."""
        length = [] if self.length.text().strip() or not self.form.measured else ["length"]
        return [*self.form.missing(), *(self.rows[name] for name in length)]

    def _to_fill_in(self, missing: list[Field]) -> str:
        """By the names of the rows."""
        names = ", ".join(field.label.text().replace("&", "") for field in missing)
        return self.tr("Still to fill in: {0}.").format(names)

    def _edited(self) -> None:
        self._disarm()
        self._allow()
        self._pause.start()

    def _disarm(self) -> None:
        self._armed = False
        self.apply.setText(self.tr("&Apply"))
        self.banner.say("", "quiet")

    def _tell(self) -> None:
        """Draw what is typed where it can be meant; what is missing yet is no mistake."""
        self._clear()
        self.refresh()
        try:
            proposal = self.proposal()
        except ScheduleError as error:
            self.summary.setText(self._not_yet(error))
            self.thought_of.emit(None)
            return
        told = proposal.words
        steps = None if proposal.plan is None else proposal.plan.steps
        each = self._session.model.steps_per_epoch
        if steps is not None and each:
            told += self.tr(" (about {0} epochs)").format(format_count(round(steps / each)))
        self.summary.setText(told[:1].upper() + told[1:])
        optimizer, group = self.target.chosen_optimizer(), self.target.chosen_group()
        self.thought_of.emit(proposal.wish(optimizer, group))

    def _not_yet(self, error: ScheduleError) -> str:
        """What is to be typed yet, else what is wrong."""
        missing = self._missing()
        if missing:
            return self._to_fill_in(missing)
        return self.tr("Not complete yet: {0}").format(error)

    def _complain(self, error: ScheduleError) -> None:
        """Say what is wrong where it is."""
        self._clear()
        self.summary.setText("")
        missing = self._missing()
        if missing:
            for field in missing:
                field.say(self.tr("Still to fill in."))
            missing[0].control.setFocus()
            return
        row = self.rows.get(error.parameter or "")
        if row is not None:
            row.say(str(error))
        elif not self.form.say(error.parameter, str(error)):
            self.banner.say(str(error), "bad")

    def _clear(self) -> None:
        for row in self.rows.values():
            row.say("")
        self.form.say(None, "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not self.apply.isEnabled() and self._missing():
            self.submit()  # which says at the fields what they lack
            return
        super().keyPressEvent(event)

    def _done(self) -> None:
        self._pause.stop()
        self.thought_of.emit(None)

    def _fill_menu(self) -> None:
        self.menu.clear()
        for name in self._presets.names():
            self.menu.addAction(name, partial(self._use, name))
        if not self.menu.isEmpty():
            self.menu.addSeparator()
        self.menu.addAction(self.tr("Save as a preset…"), self._keep)
        names = self._presets.names()
        if names:
            forget = self.menu.addMenu(self.tr("Remove"))
            for name in names:
                forget.addAction(name, partial(self._presets.remove, name))

    def _use(self, name: str) -> None:
        draft = self._presets.get(name)
        if draft is not None:
            self.put(draft)

    def _keep(self) -> None:
        """Ask for a name and keep what is typed under it."""
        asked = QInputDialog(self)
        asked.setWindowTitle(self.tr("Save as a preset"))
        asked.setLabelText(self.tr("Name (replaces a preset of the same name):"))
        field = asked.findChild(QLineEdit)
        if field is not None:
            field.setMinimumWidth(360)
        asked.setTextValue(self.form.kind.currentText())
        asked.setOkButtonText(self.tr("Save"))
        asked.textValueSelected.connect(
            lambda name: self._presets.put(name.strip(), self.draft()) if name.strip() else None
        )
        asked.open()

    def _name(self) -> None:
        for widget, name in (
            (self.length, self.tr("Length of the schedule")),
            (self.begin, self.tr("The step it begins at")),
            (self.then, self.tr("What comes at its end")),
        ):
            widget.setAccessibleName(name)
        self.begin.setToolTip(
            self.tr(
                "A step to come, which the command waits for, or one that is past: the schedule is "
                "then taken up as if it had begun there"
            )
        )
        self.length.setToolTip(
            self.tr("Steps, or epochs, or the rest of the run where these are known")
        )

    def _lay_out(self) -> None:
        self.buttons.addButton(self.apply, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self.kept, QDialogButtonBox.ButtonRole.ResetRole)
        close = self.buttons.button(QDialogButtonBox.StandardButton.Close)
        for button in (close, self.kept):
            button.setAutoDefault(False)
        self.apply.setDefault(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 14)
        column.setSpacing(8)
        column.addWidget(self.target)
        column.addWidget(self.form)
        column.addWidget(line(self))
        for row in self.rows.values():
            column.addWidget(row)
        column.addWidget(self.same)
        column.addWidget(line(self))
        column.addWidget(self.summary)
        column.addWidget(self.banner)
        column.addWidget(self.outcome)
        column.addStretch(1)
        column.addWidget(self.buttons)
        self.setMinimumWidth(520)
