"""What the diagnosis found: a list, and of the one that is chosen why it is told and what to do."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QLabel,
    QListView,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.diagnosis.finding import Finding
from lrmonitor.diagnosis.words import action_words, evidence_words, headline, severity_word
from lrmonitor.guide import topic_of
from lrmonitor.model.findings import Told
from lrmonitor.record.reader import Series

from ..advising import again, may_try
from ..format import format_count, format_rate
from ..session import Session
from ..theme import Theme
from .finding_list import FindingList, state_words, steps_words
from .finding_plot import FindingPlot
from .flow import FlowLayout
from .parts import quiet, set_tone

__all__ = ["FindingsPanel"]


class FindingsPanel(QWidget):
    """Echoes the session's diagnosis.

    `step_wanted(int)`: a finding is to be seen in the plots. `stop_wanted()`: the advice to end
    the run is to be followed. `restart_wanted(float)`: the script is to be started again with its
    rate times that factor. `guide_wanted(str)`: a page of the guide. `trial_wanted()`: rates are to
    be tried, since what was recorded does not tell the cause.
    """

    step_wanted = Signal(int)
    stop_wanted = Signal()
    guide_wanted = Signal(str)
    restart_wanted = Signal(float)
    trial_wanted = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._chosen: int | None = None
        self._plotted: object = None
        self.rows = FindingList(theme, self)
        self.split = QSplitter(Qt.Orientation.Horizontal, self)
        self.list = QListView(self)
        self.none = quiet("", self)
        self.details = QWidget(self)
        self.title = QLabel(self.details)
        self.where = quiet("", self.details)
        self.advice = quiet("", self.details)
        self.outcome = QLabel(self.details)
        self.evidence = quiet("", self.details)
        self.plot = FindingPlot(theme, self.details)
        self.apply = QPushButton(self.tr("Apply"), self.details)
        self.restart = QPushButton(self.tr("Start again…"), self.details)
        self.trial = QPushButton(self.tr("Try rates…"), self.details)
        self.snooze = QPushButton(self.tr("Snooze"), self.details)
        self.dismiss = QPushButton(self.tr("Not a problem"), self.details)
        self.show_evidence = QPushButton(self.tr("Evidence"), self.details)
        self.guide = QPushButton(self.tr("Guide"), self.details)
        self._lay_out()
        self.list.selectionModel().currentChanged.connect(self._on_chosen)
        self.list.activated.connect(lambda _: self._show_in_plots())
        self.apply.clicked.connect(self.follow)
        self.restart.clicked.connect(self._ask_restart)
        self.trial.clicked.connect(self.trial_wanted)
        self.snooze.clicked.connect(lambda: self._mute("snooze"))
        self.dismiss.clicked.connect(lambda: self._mute("dismiss"))
        self.show_evidence.toggled.connect(self._show_evidence)
        self.guide.clicked.connect(self._ask_guide)
        session.diagnosis.changed.connect(self.refresh)
        self.refresh()

    @property
    def chosen(self) -> Told | None:
        """The finding whose details are shown."""
        found = self.rows.row_of(self._chosen)
        return self.rows.told(found)

    def choose(self, identity: int) -> None:
        """Show the details of the finding with this id."""
        at = self.rows.row_of(identity)
        if at.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.list.selectionModel().setCurrentIndex(at, flags)
            self.list.scrollTo(at)

    def refresh(self) -> None:
        """Echo the diagnosis."""
        self.rows.show(self._session.diagnosis.told)
        at = self.rows.row_of(self._chosen)
        if not at.isValid():
            at = self.rows.index(0) if self.rows.rowCount() else QModelIndex()
        told = self.rows.told(at)
        self._chosen = None if told is None else told.finding.id
        if self.list.currentIndex() != at and at.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.list.selectionModel().setCurrentIndex(at, flags)
        self.none.setVisible(told is None)
        self.split.setVisible(told is not None)
        if told is None:
            self.none.setText(self._nothing())
        else:
            self._show(told)

    def refresh_words(self) -> None:
        """Say up to which step nothing was found: that goes on without a finding."""
        if self._chosen is None:
            text = self._nothing()
            if text != self.none.text():
                self.none.setText(text)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.rows.set_theme(theme)
        self.plot.set_theme(theme)

    def follow(self) -> None:
        """Do what the chosen finding's advice says, as far as a click can."""
        told = self.chosen
        if told is None:
            return
        found = told.finding
        made = self._session.advice(found)
        if made is None:
            return
        if made.back is not None:
            going = self._session.rewind(made.back.step, made.factor)
            self._session.keep(self._session.diagnosis.follow(found, going, made.words))
            return
        if made.proposal is None:
            self.stop_wanted.emit()
            return
        note = self.tr("advice: {0}").format(headline(found, self.tr))
        command = self._session.send_rate(made.proposal, None, None, note)
        if command is not None:
            self._session.keep(self._session.diagnosis.follow(found, command, made.proposal.words))

    def _mute(self, how: str) -> None:
        told = self.chosen
        if told is not None:
            how = "" if told.muted == how else how
            self._session.mute(told.finding, how)

    def _show(self, told: Told) -> None:
        found, tr = told.finding, self.tr
        self.title.setText(headline(found, tr))
        told_of = (severity_word(found.severity, tr), steps_words(found, tr), state_words(told, tr))
        where = " · ".join(told_of)
        if found.outcome:
            where += f": {found.outcome}"
        self.where.setText(where)
        advice = found.advice
        expect = tr("Expected: {0}").format(advice.expect)
        if advice.judged_after is not None:
            expect += tr(", to be judged after {0} steps").format(format_count(advice.judged_after))
        words = tr("Advice: {0}.").format(action_words(advice, tr))
        self.advice.setText(f"{words} {_sentence(advice.reason)} {expect}.")
        self._show_outcome(told)
        self._show_buttons(told)
        if self.show_evidence.isChecked():
            self._show_evidence(True)

    def _show_outcome(self, told: Told) -> None:
        taken, text, tone = told.taken, "", "quiet"
        if taken is not None:
            text = self.tr("Followed: {0}.").format(taken.words)
            if taken.at is not None:
                step = format_count(taken.at)
                text = self.tr("Followed at step {0}: {1}.").format(step, taken.words)
                due = format_count(taken.at + taken.span)
                text += "" if taken.judged else self.tr(" It is judged at step {0}.").format(due)
            if taken.judged:
                text += f" {taken.judged}."
                tone = {"helped": "good", "worse": "bad"}.get(taken.verdict, "quiet")
        self.outcome.setText(text)
        self.outcome.setVisible(bool(text))
        set_tone(self.outcome, tone)

    def _show_buttons(self, told: Told) -> None:
        found, session = told.finding, self._session
        made = session.advice(found)
        self.apply.setVisible(made is not None and found.open and not session.over)
        factor = again(found)
        self.restart.setVisible(factor is not None and session.model.log is None)
        if factor is not None:
            times = format_rate(factor, 3)
            self.restart.setText(self.tr("Start again: rate ×{0}…").format(times))
        if made is not None:
            self.apply.setText(made.words)
            self.apply.setToolTip(made.instead)
            waiting = told.taken is not None and not told.taken.judged
            self.apply.setEnabled(session.can_follow(made) and not waiting)
        self.trial.setVisible(may_try(found) and not session.over)
        self.trial.setEnabled(session.rate_problem(session.model.main) is None)
        self.snooze.setVisible(found.open and told.muted != "dismiss" and not session.over)
        self.snooze.setText(self.tr("Tell again") if told.muted == "snooze" else self.tr("Snooze"))
        self.dismiss.setText(
            self.tr("It is a problem") if told.muted == "dismiss" else self.tr("Not a problem")
        )

    def _show_evidence(self, on: bool) -> None:
        self.evidence.setVisible(on)
        self.plot.setVisible(on)
        told = self.chosen
        if not on or told is None:
            return
        found = told.finding
        evidence = found.evidence
        values = evidence_words(evidence, self.tr)
        start, end = (format_count(step) for step in evidence.window)
        looked = self.tr("Looked at: step {0} to {1}.").format(start, end)
        rule = _sentence(evidence.rule)
        self.evidence.setText(f"{rule} {looked}" + (f"\n{values}" if values else ""))
        seen = (found.id, found.detected_step, found.last_step, found.severity)
        if seen != self._plotted:
            self._plotted = seen
            self.plot.show_finding(found, *self._series_of(found))

    def _series_of(self, finding: Finding) -> tuple[Series | None, str]:
        """What the detector looked at, and its name."""
        model = self._session.model
        kinds = {"exploding_gradient": "grad_norm", "vanishing_updates": "update_ratio"}
        wanted = kinds.get(finding.kind)
        for series in model.measured():
            if series.info.kind == wanted:
                return series, series.info.name
        if finding.kind == "overfitting":
            validation = self._session.diagnosis.validation
            if validation is not None:
                return validation, validation.info.name
        return model.loss(), self.tr("loss")

    def _show_in_plots(self) -> None:
        told = self.chosen
        if told is not None:
            self.step_wanted.emit(told.finding.detected_step)

    def _ask_restart(self) -> None:
        told = self.chosen
        factor = None if told is None else again(told.finding)
        if factor is not None:
            self.restart_wanted.emit(factor)

    def _ask_guide(self) -> None:
        told = self.chosen
        if told is not None:
            self.guide_wanted.emit(topic_of(told.finding.kind, told.finding.cause))

    def _on_chosen(self, index: QModelIndex) -> None:
        told = self.rows.told(index)
        if told is not None and told.finding.id != self._chosen:
            self._chosen = told.finding.id
            self._show(told)

    def _nothing(self) -> str:
        if self._session.model.loss() is None:
            return self.tr("The diagnosis begins with the first losses.")
        if self._session.diagnosis.trouble:
            return self._session.diagnosis.trouble
        # It looks at what was recorded a moment later: the newest losses may be beyond that.
        last = self._session.diagnosis.looked_to
        if last is None or not self._session.diagnosis.caught_up:
            return self.tr("Looking through what was recorded…")
        if self._session.over:
            if not self._session.diagnosis.settled:
                return self.tr("Looking through the last steps…")
            return self.tr("Nothing found: no divergence, no spikes, no plateau.")
        words = self.tr(
            "Nothing found up to step {0}: no divergence, no spikes, no plateau. What is found "
            "later appears here."
        )
        return words.format(format_count(last))

    def _lay_out(self) -> None:
        self.list.setModel(self.rows)
        self.list.setAccessibleName(self.tr("Findings"))
        self.list.setProperty("role", "rows")
        self.list.setUniformItemSizes(True)
        self.list.setMinimumWidth(230)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setIconSize(QSize(16, 16))
        self.list.setSpacing(2)
        font = self.title.font()
        font.setWeight(font.Weight.DemiBold)
        self.title.setFont(font)
        for label in (self.title, self.outcome):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.outcome.setMargin(5)
        self.show_evidence.setCheckable(True)
        self.trial.setToolTip(
            self.tr("Train a while with several rates from the same state, and compare")
        )
        self.snooze.setToolTip(self.tr("Do not tell it for the next 1,000 steps"))
        self.dismiss.setToolTip(
            self.tr("Do not tell this kind with this cause again in this run; kept with the run")
        )
        self.guide.setToolTip(self.tr("What the guide says about it"))
        buttons = FlowLayout()
        for button in (
            self.apply,
            self.restart,
            self.trial,
            self.snooze,
            self.dismiss,
            self.show_evidence,
            self.guide,
        ):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        words = QVBoxLayout(self.details)
        words.setContentsMargins(12, 8, 12, 8)
        words.setSpacing(5)
        words.addWidget(self.title)
        words.addWidget(self.where)
        words.addLayout(buttons)
        for part in (self.outcome, self.advice, self.evidence, self.plot):
            words.addWidget(part)
        words.addStretch(1)
        self.evidence.hide()
        self.plot.hide()
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.details)
        split = self.split
        split.setChildrenCollapsible(False)
        split.addWidget(self.list)
        split.addWidget(scroll)
        split.setStretchFactor(1, 1)
        split.setSizes([250, 600])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.none, 1)
        column.addWidget(split, 1)
        self.setFocusProxy(self.list)

    def minimumSizeHint(self) -> QSize:
        return QSize(300, 110)


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return text[:1].upper() + text[1:] + "."
