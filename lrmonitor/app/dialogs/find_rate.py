"""Find the learning rate: a range test on the run that trains, and what it suggests."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QCheckBox, QHeaderView, QWidget

from lrmonitor.finder import Choice, Reading, Tried, rungs
from lrmonitor.finder import ladder as below
from lrmonitor.finder.trial import tried as tried_of
from lrmonitor.link.messages import CommandError, RangeTestCommand, TrialCommand, parse_rate
from lrmonitor.model.rate_tests import (
    RateTest,
    better_from,
    candidates,
    readable,
    said,
    sweeps,
)

from ..format import format_count, format_loss, format_rate
from ..history import Outcome
from ..panels.parts import Count
from ..panels.ratefield import RateField
from ..plots.sweep_plot import SweepPlot
from ..session import Session
from ..theme import Theme
from .rate_test import RateTestDialog

__all__ = ["FindRateDialog"]

FROM, TO, STEPS, SWEEPS = 1e-7, 10.0, 100, 3
"""What is suggested; three sweeps, as the median of them is steadier than one."""


class FindRateDialog(RateTestDialog):
    """Asks for a range test and shows it while it goes on; where asked, a trial of the rates below
    the one that broke follows on it, and its word counts."""

    kind = "range"

    def __init__(
        self, session: Session, theme: Theme, parent: QWidget, shown: str | None = None
    ) -> None:
        super().__init__(session, theme, parent, shown)
        tr = self.tr
        self.setWindowTitle(tr("Find the learning rate"))
        self.begin, self.end = RateField(self), RateField(self)
        self.steps, self.sweeps = Count(self), Count(self)
        self.then_try = QCheckBox(tr("Then tr&y rates"), self)
        self.plot = SweepPlot(theme, self)
        self.reading: Reading | None = None
        self.choice: Choice | None = None
        """What the trial says, if one followed."""
        self._told = ""
        """What was said last of a suggestion."""
        self.tried: list[Tried] = []
        """What came of each rate of that trial, so far; by rising rate."""
        self._ranged: str | None = None
        """The range test of this dialog that a trial is to follow, or followed."""
        self._following = False
        self.begin.put(FROM)
        self.end.put(TO)
        self.steps.setRange(20, 100_000)
        self.steps.setValue(STEPS)
        self.sweeps.setRange(1, 20)
        self.sweeps.setValue(SWEEPS)
        self.table.horizontalHeader().setSectionResizeMode(
            1, QHeaderView.ResizeMode.ResizeToContents
        )
        self.lay_out(self._make_form(), self.plot)
        for field in (self.begin, self.end):
            field.textEdited.connect(self._price)
            field.escaped.connect(self.reject)
        for box in (self.steps, self.sweeps):
            box.valueChanged.connect(self._price)
        self.then_try.toggled.connect(self._price)
        self._price()
        self.begin.setFocus()
        self.resize(720, 760)

    @property
    def test(self) -> RateTest | None:
        """The range test, or the trial that followed on it."""
        known = self.session.model.rate_tests
        found = super().test
        if found is None and self._ranged is not None:
            return known.find(self._ranged)  # the trial has not begun yet
        ladder = None if found is None or found.kind != self.kind else known.ladder(found)
        return ladder or found

    def ask(self) -> None:
        before = self.asked
        self._ranged, self._following = None, False
        super().ask()
        if self.asked is not None and self.asked != before and self.then_try.isChecked():
            self._ranged, self._following = self.asked, True

    def refresh(self, *_: object) -> None:
        super().refresh()
        if self._follow():
            super().refresh()

    def wanted(self) -> RangeTestCommand | None:
        try:
            return RangeTestCommand(
                start=parse_rate(self.begin.text()),
                stop=parse_rate(self.end.text()),
                steps=self.steps.value(),
                sweeps=self.sweeps.value(),
            )
        except CommandError as error:
            self.said.say(str(error)[:1].upper() + str(error)[1:] + ".", "bad")
            return None

    def put(self, test: RateTest) -> None:
        swept = self.session.model.rate_tests.swept(test)
        if swept is None:
            return
        plan = swept.plan
        self.then_try.setChecked(swept is not test)
        self.begin.put(float(plan["start"]))
        self.end.put(float(plan["stop"]))
        self.steps.setValue(int(plan["steps"]))
        self.sweeps.setValue(int(plan["sweeps"]))

    def echo(self, test: RateTest | None) -> None:
        rank = self.session.model.rank
        swept = None if test is None else self.session.model.rate_tests.swept(test)
        if test is None or swept is None or rank is None:
            self.plot.show_test((), None, None, self._span(), None)
            return
        found = sweeps(swept, rank)
        tried = candidates(test, rank) if test is not swept else []
        # While rates are tried, or are to be, nothing is suggested: their word counts.
        asked = test is swept and self._ranged == swept.id != self.asked and self._waiting()
        open_still = test.going or self._following or asked
        points = sum(len(s) for s in found) + sum(len(c.loss) for c in tried)
        if not self.news(test, points, open_still):
            return
        self.reading, self.choice = said(swept, test if test is not swept else None, rank)
        span = (float(swept.plan["start"]), float(swept.plan["stop"]))
        best = None if open_still else self.choice or self.reading
        self.tried = [tried_of(one) for one in sorted(tried, key=lambda one: one.factor)]
        self.plot.show_test(found, self.reading, best, span, swept.effective, self.tried)
        own = best is not None and best.rate is not None
        self.table.setColumnHidden(3, not self.tried)
        # Where ours is refused, no other is offered for that: it is for the person to choose.
        self.fill(self._rows(test), 0 if own else None)
        if best is not None:
            self._say(best, test, cut=test is not swept and self.choice is None)
        elif self.said.text == self._told:
            self.said.say("")

    def columns(self) -> tuple[str, ...]:
        tr = self.tr
        return tr("Suggestion"), tr("Rate"), tr("Change"), tr("Loss reached")

    def note(self) -> str:
        return self.tr("LR finder")

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self.plot.set_theme(theme)

    def _enable(self, can: bool) -> None:
        super()._enable(can)
        self.plot.choose(self.chosen)

    def _follow(self) -> bool:
        """Ask for the trial once the sweeps are over; whether it is known now if one follows."""
        if not self._following or self._ranged is None:
            return False
        if self.session.over:
            self._following = False
            return True
        test = self.session.model.rate_tests.find(self._ranged)
        rank = self.session.model.rank
        if test is None or test.going or rank is None:
            return False
        self._following = False
        rates = rungs(readable(test, rank)) if test.whole else ()
        if not rates:
            return True
        command = TrialCommand(rates=rates, steps=below.STEPS, legs=below.LEGS)
        self.asked = self.send(command)
        return True

    def _say(self, reading: Reading | Choice, test: RateTest, cut: bool) -> None:
        """Say what is suggested; of the sweeps alone where the trial was `cut` short."""
        tr = self.tr
        if reading.rate is None or reading.low is None or reading.high is None:
            self.reason(reading.reason[:1].upper() + reading.reason[1:])
            return
        ends = (format_rate(reading.low, 2), format_rate(reading.high, 2))
        words = tr("Suggested: {0}, between {1} and {2}").format(
            format_rate(reading.rate, 2), *ends
        )
        if isinstance(reading, Choice):
            lowest = tr(": of the {0} rates that were tried it came to the lowest loss")
            words += lowest.format(len(reading.tried))
        words += "."
        if isinstance(reading, Reading) and reading.open_end:
            words += tr(" The loss had not turned up at the end: a higher one tells more.")
        if cut:
            words += tr(" The trial was cut short: that is of the sweeps alone.")
        words += self._suggest_origin(reading.rate, test)
        self._told = words
        self.said.say(words, "good")

    def _on_answered(self, outcome: Outcome) -> None:
        trial = self._ranged is not None and outcome.id == self.asked != self._ranged
        super()._on_answered(outcome)
        if trial and outcome.status == "refused":
            why = (outcome.reason or "").rstrip(".")
            self.said.say(self.tr("The rates were not tried: {0}.").format(why), "warn")

    def _suggest_origin(self, rate: float, test: RateTest) -> str:
        """Choose the state to go on from; why, where that is an earlier one. Only of a test that
        was asked for here: the run may be far from an older one."""
        model, present = self.session.model, test.effective
        swept = model.rate_tests.swept(test) or test
        mine = test.id in (self.asked, self._ranged)
        back = better_from(swept, rate, model.snapshots) if mine else None
        if back is None or present is None:
            self.origin.setCurrentIndex(0)
            return ""
        self.origin.setCurrentIndex(max(self.origin.findData(back.step), 0))
        return self.tr(
            " Since the run went back to step {0} it has trained at {1}, {2} times as much: better "
            "go back there once more."
        ).format(format_count(back.step), format_rate(present, 2), format_rate(present / rate, 2))

    def _rows(self, test: RateTest) -> list[tuple[tuple[str, ...], float | None]]:
        reading = self.reading
        if reading is None:
            return []
        rows: list[tuple[tuple[str, ...], float | None]] = []
        if self.choice is not None:
            rows.append(self._own(self.tr("lrmonitor"), self.choice, test))
        alone = self.tr("The sweeps alone") if self.tried else self.tr("lrmonitor")
        swept = self._own(alone, reading, test)
        if self.choice is None:
            rows.append(swept)
        best = self.choice or reading
        if best.rate is not None and best.low is not None:
            # What is fastest in the next steps is often too fast for the many that follow.
            told = self.tr("Its lower end, safer"), format_rate(best.low, 2)
            rows.append(((*told, self._times(best.low, test), ""), best.low))
        rows += [
            self._tried(one, test)
            for one in self.tried
            if self.choice is None or one.factor != self.choice.rate
        ]
        if self.choice is not None:
            rows.append(swept)
        names = {
            "valley": self.tr("Valley (fastai)"),
            "minimum": self.tr("Minimum ÷ 10"),
            "steepest": self.tr("Steepest"),
            "slide": self.tr("Slide (fastai)"),
        }
        for name, rate in reading.others.items():
            text = "–" if rate is None else format_rate(rate, 2)
            rows.append(((names[name], text, self._times(rate, test), ""), rate))
        return rows

    def _own(
        self, who: str, best: Reading | Choice, test: RateTest
    ) -> tuple[tuple[str, ...], float | None]:
        """The row of a suggestion of ours."""
        text, reached = self.tr("none"), ""
        if best.rate is not None and best.low is not None and best.high is not None:
            text = format_rate(best.rate, 2)
            text += f" ({format_rate(best.low, 2)} … {format_rate(best.high, 2)})"
        if isinstance(best, Choice):
            reached = next(
                (format_loss(t.reached) for t in best.tried if t.factor == best.rate), ""
            )
        return (who, text, self._times(best.rate, test), reached), best.rate

    def _tried(self, one: Tried, test: RateTest) -> tuple[tuple[str, ...], float | None]:
        """The row of a rate that was tried; none to apply where the loss broke."""
        reached = "–" if math.isnan(one.reached) else format_loss(one.reached)
        if one.broke:
            reached = self.tr("the loss broke")
        row = (self.tr("Tried"), format_rate(one.factor, 2), self._times(one.factor, test), reached)
        return row, None if one.broke else one.factor

    @staticmethod
    def _times(rate: float | None, test: RateTest) -> str:
        if rate is None or not test.effective:
            return ""
        return f"×{format_rate(rate / test.effective, 2)}"

    def _leg(self, test: RateTest, which: int) -> str:
        if test.kind == "ladder":
            rates = test.plan.get("rates") or ()
            return self.tr("Rate {0}").format(format_rate(float(rates[which]), 2))
        total = int(test.plan.get("sweeps") or 1)
        return self.tr("Sweep {0} of {1}").format(which + 1, total)

    def _span(self) -> tuple[float, float]:
        try:
            low, high = parse_rate(self.begin.text()), parse_rate(self.end.text())
        except CommandError:
            return FROM, TO
        return (low, high) if 0 < low < high else (FROM, TO)

    def _price(self, *_: object) -> None:
        steps, states = self.steps.value() * self.sweeps.value(), 1
        if self.then_try.isChecked():
            steps, states = steps + below.RUNGS * below.STEPS, 1 + below.RUNGS
        self.cost.setText(self.price(steps, states))
        if self.test is None:
            self.plot.show_test((), None, None, self._span(), None)

    def _make_form(self) -> QWidget:
        tr = self.tr
        rows = (
            (tr("&From"), self.begin),
            (tr("t&o"), self.end),
            (tr("Ste&ps"), self.steps),
            (tr("S&weeps"), self.sweeps),
            ("", self.then_try),
        )
        self.then_try.setToolTip(
            tr(
                "{0} rates below the one that breaks, {1} steps each: longer, and more often right"
            ).format(below.RUNGS, below.STEPS)
        )
        self.sweeps.setToolTip(tr("Each from the same state; the median of them is suggested"))
        return self.form_of(rows, (0, 1))
