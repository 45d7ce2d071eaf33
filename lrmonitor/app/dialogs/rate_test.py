"""What the dialogs of a range test and of a trial share: asking, following, the result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.link.test_commands import TestCommand
from lrmonitor.model.rate_tests import RateTest, newest_step
from lrmonitor.model.run import Changes
from lrmonitor.model.state import Phase
from lrmonitor.model.state_size import estimated
from lrmonitor.model.usage import bytes_text

from ..format import format_count, format_left, format_rate
from ..history import Outcome, told
from ..panels.parts import Banner, Choice, quiet, set_primary
from ..proposal import Proposal
from ..session import Session
from ..theme import Theme

__all__ = ["RateTestDialog"]

MOST_ROWS = 8
"""Rows of the table that are seen at once: the picture keeps its room on a small screen."""

BEGIN_MS = 3000
"""What a test may take to begin in a pause: the copy of the state."""


class RateTestDialog(QDialog):
    """Echoes the session's record; what is asked for here is followed until everything is put back.

    `shown` is the id of an earlier test whose result is to be seen. Of a run that is over nothing
    can be asked: results alone are shown.

    A subclass gives `kind`, the form, the picture, the table's `columns`, what it asks for
    (`wanted`), the form as a test had it (`put`) and what it makes of the record (`echo`), with a
    rate for each row of the table.
    """

    kind = ""

    def __init__(
        self, session: Session, theme: Theme, parent: QWidget, shown: str | None = None
    ) -> None:
        super().__init__(parent)
        self.session = session
        self.theme = theme
        self._pinned = shown
        self.asked: str | None = None
        """The command of this dialog that is awaited or followed."""
        self.applied: str | None = None
        """The command for the rate that was applied here."""
        self.pausing = False
        """Whether the run was paused when the test was asked for: then it ends in a pause."""
        self._resume: str | None = None
        """The test that was asked for in a pause, and goes on by a resume once it has begun."""
        self._waits = QTimer(self)
        self._waits.setSingleShot(True)
        self._waits.setInterval(BEGIN_MS)
        self._waits.timeout.connect(self._go)
        self._best: int | None = None
        self._seen: tuple[object, ...] = ()
        self.rates: list[float | None] = []
        """What applying each row of the table would hold."""
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        tr = self.tr
        self.cost = quiet("", self)
        self.said = Banner(theme, self)
        self._running = QWidget(self)
        self.bar = QProgressBar(self._running)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of the test"))
        self.where = quiet("", self)
        self.table = self._make_table()
        self.mode = Choice(self)
        self.mode.setAccessibleName(tr("How the rate is applied"))
        self.mode.addItem(tr("Hold it"), "hold")
        self.mode.addItem(tr("Set it, schedule continues"), "set")
        self.origin = Choice(self)
        self.origin.setAccessibleName(tr("The state to go on from"))
        self.origin.setToolTip(
            tr("From here on, or back at a snapshot: what was trained since is given up then.")
        )
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.start = QPushButton(tr("&Start"), self)
        self.start.setProperty("role", "primary")
        self.stop = QPushButton(tr("S&top"), self._running)
        self.stop.setToolTip(tr("End the test now; everything is put back"))
        self.apply = QPushButton(tr("&Apply"), self)
        close = self.buttons.button(QDialogButtonBox.StandardButton.Close)
        # Which of them Enter presses depends on where one is: see `keyPressEvent`.
        for button in (self.start, self.stop, self.apply, close):
            button.setAutoDefault(False)
        self.start.clicked.connect(self.ask)
        self.stop.clicked.connect(self._cancel)
        self.apply.clicked.connect(self._apply)
        self.origin.currentIndexChanged.connect(self._on_row)
        self.table.itemSelectionChanged.connect(self._on_row)
        self.buttons.rejected.connect(self.reject)
        session.changed.connect(self._on_changed)
        session.problem.connect(self._on_problem)
        session.answered.connect(self._on_answered)
        session.ended.connect(self.refresh)

    @property
    def test(self) -> RateTest | None:
        """The one that is shown: what was asked for here, else the one that was to be seen, else
        the run's newest of this kind."""
        known = self.session.model.rate_tests
        if self.asked is not None:
            found = known.find(self.asked)
            if found is not None or self._waiting():
                return found
        pinned = None if self._pinned is None else known.find(self._pinned)
        return pinned or known.latest(self.kind)

    @property
    def chosen(self) -> float | None:
        """The rate of the row that is chosen."""
        row = self.table.currentRow()
        if not self.table.selectedItems() or not 0 <= row < len(self.rates):
            return None
        return self.rates[row]

    def wanted(self) -> TestCommand | None:
        """What the form asks for; None where it says that something is wrong."""
        raise NotImplementedError

    def put(self, test: RateTest) -> None:
        """Write into the form what that test was asked for with. Raises what a bad field makes."""
        raise NotImplementedError

    def echo(self, test: RateTest | None) -> None:
        """Show what the record holds of the test, and fill the table."""
        raise NotImplementedError

    def columns(self) -> tuple[str, ...]:
        """The heads of the table's columns."""
        raise NotImplementedError

    def note(self) -> str:
        """Said in the journal beside a rate that is applied from here."""
        raise NotImplementedError

    def form_of(self, rows: Sequence[tuple[str, QWidget]], wide: Sequence[int]) -> QWidget:
        """Fields side by side, each after its label; those whose numbers are in `wide` share the
        room that is left."""
        form = QWidget(self)
        grid = QGridLayout(form)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        for place, (text, field) in enumerate(rows):
            label = QLabel(text, form)
            label.setBuddy(field)
            field.setAccessibleName(text.replace("&", ""))
            grid.addWidget(label, 0, 2 * place)
            grid.addWidget(field, 0, 2 * place + 1)
        for place in wide:
            grid.setColumnStretch(2 * place + 1, 1)
        return form

    def lay_out(self, form: QWidget, picture: QWidget) -> None:
        """Put the parts in their places."""
        self._form = form
        running = QHBoxLayout(self._running)
        running.setContentsMargins(0, 0, 0, 0)
        running.setSpacing(10)
        running.addWidget(self.bar, 1)
        running.addWidget(self.stop)
        applying = QHBoxLayout()
        applying.setSpacing(10)
        applying.addWidget(self.mode)
        applying.addWidget(self.origin)
        applying.addWidget(self.apply)
        applying.addStretch(1)
        applying.addWidget(self.start)
        applying.addWidget(self.buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(form)
        column.addWidget(self.cost)
        column.addWidget(self.said)
        column.addWidget(self._running)
        column.addWidget(self.where)
        column.addWidget(picture, 1)
        column.addWidget(self.table)
        column.addLayout(applying)
        if self.test is not None:
            # What it was asked for with may not be what it should be: nothing to repeat then.
            with suppress(KeyError, TypeError, ValueError):
                self.put(self.test)
        self.refresh()

    def ask(self) -> None:
        """Send what the form asks for."""
        command = self.wanted()
        if command is None:
            return
        self.said.say("")
        self.pausing = self.session.model.state.phase is Phase.PAUSED
        self.asked = self.send(command)
        self.refresh()

    def send(self, command: TestCommand) -> str:
        """Ask for a test; the command's id. In a pause it begins from the very state that is held,
        goes on by a resume, and ends in a pause again."""
        if not self.pausing:
            return self.session.try_rates(command)
        self._resume = self.session.try_rates(replace(command, then="pause"))
        self._waits.start()
        return self._resume

    def refresh(self, *_: object) -> None:
        """Echo the record, and what can be done now."""
        if self._resume is not None and self.session.model.rate_tests.find(self._resume):
            self._go()
        test = self.test
        waiting = self._waiting()
        going = test is not None and test.going and not self.session.over
        self._echo_origins()
        self.echo(test)
        problem = self.session.rate_problem(self.session.model.main)
        other = self.session.model.rate_tests.going
        idle = problem is None and other is None and not waiting
        over = self.session.over
        for widget in (self._form, self.cost, self.start):
            widget.setVisible(not over)
        self._running.setVisible(going or waiting)
        offered = not (over or going) and any(rate is not None for rate in self.rates)
        for widget in (self.mode, self.apply):
            widget.setVisible(offered)
        self.origin.setVisible(offered and self.origin.count() > 1)
        self._form.setEnabled(not going and not waiting)
        self.start.setEnabled(idle)
        self.start.setToolTip(problem or "")
        self.start.setText(self.tr("A&gain") if test is not None else self.tr("&Start"))
        self.stop.setEnabled(going or waiting)
        self.bar.setMaximum(test.steps if test is not None else 1)
        done = self._done(test)
        # A sweep that ends early makes a whole test of fewer steps.
        whole = test is not None and test.whole
        self.bar.setValue(self.bar.maximum() if whole else done)
        self.where.setText(self._where(test, done, going, waiting, problem))
        self._echo_end(test)
        self._enable(problem is None and not going)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.said.set_theme(theme)

    def fill(self, rows: list[tuple[tuple[str, ...], float | None]], best: int | None) -> None:
        """The rows of the table, each with the rate that applying it would hold; `best` is chosen
        for a start."""
        shown = [row for row, _ in rows]
        self.rates = [rate for _, rate in rows]
        table, columns = self.table, self.table.columnCount()
        now = [
            tuple(
                item.text() if (item := table.item(i, j)) is not None else ""
                for j in range(columns)
            )
            for i in range(table.rowCount())
        ]
        if now == shown and best == self._best:
            return
        self._best = best
        table.setRowCount(len(shown))
        for i, row in enumerate(shown):
            for j, text in enumerate(row):
                table.setItem(i, j, QTableWidgetItem(text))
        table.setVisible(bool(shown))
        seen = min(len(shown), MOST_ROWS)
        table.setFixedHeight(table.horizontalHeader().sizeHint().height() + 26 * seen + 4)
        table.clearSelection()
        table.setCurrentCell(-1, -1)
        if best is not None:
            table.selectRow(best)

    def price(self, steps: int, states: int) -> str:
        """What so many steps with so many copies of the state cost."""
        speed = self.session.model.state.steps_per_second
        words = self.tr("Takes {0} steps of the training").format(format_count(steps))
        if speed:
            words += self.tr(", {0} at its speed").format(format_left(steps / speed))
        rank = self.session.model.rank
        size = None if rank is None else estimated(rank.events)
        if size is None:
            held = self.tr("keeps a copy of the model and its optimizer meanwhile")
            if states > 1:
                held = self.tr("keeps {0} copies of the model and its optimizer meanwhile")
            words += self.tr(", and {0}.").format(held.format(states))
        else:
            held = self.tr("needs about {0} of memory meanwhile").format(bytes_text(states * size))
            words += self.tr(", and {0}.").format(held)
        return words + self.tr(
            " Then weights, optimizer and random numbers are put back, to the bit; the batches it "
            "saw are gone."
        )

    def news(self, test: RateTest, points: int, *more: object) -> bool:
        """Whether there is more to show than the last time, or something is another of what it
        hangs on. Of very long tests not each step."""
        every = 1 if not test.going else max(test.steps // 2000, 1)
        seen = (test, points // every, more)
        new, self._seen = seen != self._seen, seen
        return new

    def reason(self, text: str) -> None:
        """Say why there is no result."""
        self.said.say(text, "warn")

    def _go(self) -> None:
        """Let the test that began in a pause go on. With several optimizers it begins only with the
        end of an iteration, so it is not waited for for long."""
        if self._resume is not None:
            self._forget_resume()
            self.session.resume()

    def _forget_resume(self) -> None:
        """Leave the run in its pause: what was asked for will not be made."""
        self._waits.stop()
        self._resume = None

    def _done(self, test: RateTest | None) -> int:
        """Steps of it that were made."""
        rank = self.session.model.rank
        if test is None or rank is None:
            return 0
        return test.done(max(self.session.model.state.step or 0, newest_step(test, rank)))

    def _waiting(self) -> bool:
        """Whether an answer to what was asked for here is awaited."""
        if self.asked is None:
            return False
        if self.asked in self.session.sending:
            return True
        outcome = self.session.log.find(self.asked)
        return outcome is not None and outcome.status == "pending"

    def _where(
        self, test: RateTest | None, done: int, going: bool, waiting: bool, problem: str | None
    ) -> str:
        tr = self.tr
        if going and test is not None:
            leg = test.legs[-1] if test.legs else None
            words = tr("Step {0} of {1}").format(format_count(done), format_count(test.steps))
            return words if leg is None else f"{self._leg(test, leg.which)} · {words}"
        if waiting:
            return tr("Begins at the next step…")
        paused = problem is None and self.session.model.state.phase is Phase.PAUSED
        if test is None and paused:
            return tr("Begins from the state that is held, and ends in the pause.")
        if test is not None and test.why:
            return tr("After step {0}: {1}").format(format_count(test.step), self._ended(test))
        return problem or ""

    def _leg(self, test: RateTest, which: int) -> str:
        """Which part of the test goes on."""
        raise NotImplementedError

    def _ended(self, test: RateTest) -> str:
        tr = self.tr
        done = format_count(test.done(None))
        words = {
            "cancelled": tr("stopped after {0} steps"),
            "stopped": tr("ended by the end of the run, after {0} steps"),
            "interrupted": tr("the script was interrupted, after {0} steps"),
            "exit": tr("the script ended, after {0} steps"),
            "changed": tr("an optimizer or a group was added, after {0} steps"),
            "lost": tr("the process ended, after {0} steps"),
            "failed": tr("it failed, after {0} steps"),
        }.get(test.why, tr("{0} steps"))
        put = tr("everything was put back") if test.restored else tr("not everything was put back")
        return f"{words.format(done)}, {put}." if test.why != "lost" else f"{words.format(done)}."

    def _echo_end(self, test: RateTest | None) -> None:
        if test is None or test.going:
            return
        if test.warnings and not test.restored:
            told = self.tr("Not everything could be put back: {0}").format("; ".join(test.warnings))
            self.said.say(told, "bad")

    def _echo_origins(self) -> None:
        """The states that can be gone on from: the present one, and those that are kept."""
        steps: list[int | None] = [None, *(one.step for one in self.session.model.snapshots.own)]
        origin = self.origin
        chosen = origin.currentData()
        if chosen not in steps:
            # It is not kept any more. To go on from another state is not what was chosen: this
            # one is refused with the reason.
            steps.append(chosen)
        if steps == [origin.itemData(i) for i in range(origin.count())]:
            return
        with QSignalBlocker(origin):
            origin.clear()
            for step in steps:
                words = self.tr("From here on")
                if step is not None:
                    words = self.tr("Back at step {0}").format(format_count(step))
                origin.addItem(words, step)
            origin.setCurrentIndex(steps.index(chosen))

    def _make_table(self) -> QTableWidget:
        names = self.columns()
        table = QTableWidget(0, len(names), self)
        table.setAccessibleName(self.tr("Results"))
        table.setHorizontalHeaderLabels(names)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(26)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.hide()
        return table

    def _on_row(self) -> None:
        self._enable(self.apply.property("can") is not False)

    def _enable(self, can: bool) -> None:
        self.apply.setProperty("can", can)
        rate = self.chosen
        self.apply.setEnabled(can and rate is not None)
        set_primary(self.apply, self.apply.isEnabled())
        set_primary(self.start, not self.apply.isEnabled())
        text = self.tr("&Apply")
        if rate is not None:
            back = self.origin.currentData() is not None
            text = self.tr("Go b&ack, apply {0}") if back else self.tr("&Apply {0}")
            text = text.format(format_rate(rate, 2))
        self.apply.setText(text)

    def _apply(self) -> None:
        rate = self.chosen
        test = self.test
        if rate is None:
            return
        rate = float(f"{rate:.2g}")  # as the button says
        optimizer = None if test is None else test.optimizer
        group = None if test is None else test.only
        proposal = Proposal(self.mode.currentData(), rate)
        step = self.origin.currentData()
        if step is None:
            self.applied = self.session.send_rate(proposal, optimizer, group, self.note())
        else:
            self.applied = self.session.rewind_at(step, proposal, optimizer, group)
        if self.session.model.state.phase is Phase.PAUSED:
            self.said.say(self.tr("With the first step after the pause."), "wait")

    def _cancel(self) -> None:
        self._forget_resume()
        test = self.session.model.rate_tests.going
        self.session.cancel(test.id if test is not None else self.asked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter starts the test from its form, and applies the rate that is chosen in the table."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
            return
        at = self.focusWidget()
        if isinstance(at, QAbstractButton):
            at.click()
        elif at is self.table and self.apply.isEnabled():
            self._apply()
        elif at is not None and self._form.isAncestorOf(at) and self.start.isEnabled():
            self.ask()

    def _on_changed(self, changes: Changes) -> None:
        self.refresh()

    def _on_problem(self, text: str) -> None:
        if text:
            self.said.say(text, "bad")

    def _on_answered(self, outcome: Outcome) -> None:
        if outcome.id == self.applied:
            good = outcome.status == "applied"
            self.said.say(told(outcome, self.tr), "good" if good else "bad")
            if good:
                self.origin.setCurrentIndex(0)  # it was gone back
        elif outcome.id == self._resume and outcome.status == "cancelled":
            self._forget_resume()
        elif outcome.id in (self.asked, self._resume) and outcome.status == "refused":
            self.asked = None
            self._forget_resume()
            why = (outcome.reason or "").rstrip(".")
            self.said.say(self.tr("Refused: {0}.").format(why), "bad")
            self.refresh()
