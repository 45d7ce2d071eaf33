"""Find the learning rate: a range test on the run that trains, and what it suggests."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from lrmonitor.finder import Reading, read
from lrmonitor.link.messages import CommandError, RangeTestCommand, parse_rate
from lrmonitor.model.rate_tests import RateTest, readable, sweeps

from ..format import format_rate
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
    """Asks for a range test and shows it while it goes on."""

    kind = "range"

    def __init__(
        self, session: Session, theme: Theme, parent: QWidget, shown: str | None = None
    ) -> None:
        super().__init__(session, theme, parent, shown)
        tr = self.tr
        self.setWindowTitle(tr("Find the learning rate"))
        self.begin, self.end = RateField(self), RateField(self)
        self.steps, self.sweeps = Count(self), Count(self)
        self.plot = SweepPlot(theme, self)
        self.reading: Reading | None = None
        self.begin.put(FROM)
        self.end.put(TO)
        self.steps.setRange(20, 100_000)
        self.steps.setValue(STEPS)
        self.sweeps.setRange(1, 20)
        self.sweeps.setValue(SWEEPS)
        self.lay_out(self._make_form(), self.plot)
        for field in (self.begin, self.end):
            field.textEdited.connect(self._price)
            field.escaped.connect(self.reject)
        for box in (self.steps, self.sweeps):
            box.valueChanged.connect(self._price)
        self._price()
        self.begin.setFocus()
        self.resize(640, 760)

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
        plan = test.plan
        self.begin.put(float(plan["start"]))
        self.end.put(float(plan["stop"]))
        self.steps.setValue(int(plan["steps"]))
        self.sweeps.setValue(int(plan["sweeps"]))

    def echo(self, test: RateTest | None) -> None:
        rank = self.session.model.rank
        if test is None or rank is None:
            self.plot.show_test((), None, self._span(), None)
            return
        found = sweeps(test, rank)
        if not self.news(test, sum(len(s) for s in found)):
            return
        self.reading = None
        if not test.going and any(len(s) for s in found):
            planned = int(test.plan.get("steps") or 0) or None
            self.reading = read(readable(test, rank), planned)
        span = (float(test.plan["start"]), float(test.plan["stop"]))
        self.plot.show_test(found, self.reading, span, test.effective)
        own = self.reading is not None and self.reading.rate is not None
        # Where ours is refused, no other is offered for that: it is for the person to choose.
        self.fill(self._rows(test), 0 if own else None)
        if self.reading is not None:
            self._say(self.reading)

    def columns(self) -> tuple[str, ...]:
        tr = self.tr
        return tr("Suggestion"), tr("Rate"), tr("Change")

    def note(self) -> str:
        return self.tr("LR finder")

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self.plot.set_theme(theme)

    def _enable(self, can: bool) -> None:
        super()._enable(can)
        self.plot.choose(self.chosen)

    def _say(self, reading: Reading) -> None:
        tr = self.tr
        if reading.rate is None or reading.low is None or reading.high is None:
            self.reason(reading.reason[:1].upper() + reading.reason[1:])
            return
        ends = (format_rate(reading.low, 2), format_rate(reading.high, 2))
        words = tr("Suggested: {0}, between {1} and {2}.").format(
            format_rate(reading.rate, 2), *ends
        )
        if reading.open_end:
            words += tr(" The loss had not turned up at the end: a higher one tells more.")
        self.said.say(words, "good")

    def _rows(self, test: RateTest) -> list[tuple[tuple[str, ...], float | None]]:
        reading = self.reading
        if reading is None:
            return []
        own = self.tr("none")
        if reading.rate is not None and reading.low is not None and reading.high is not None:
            own = format_rate(reading.rate, 2)
            own += f" ({format_rate(reading.low, 2)} … {format_rate(reading.high, 2)})"
        rows: list[tuple[tuple[str, ...], float | None]] = [
            ((self.tr("lrmonitor"), own, self._times(reading.rate, test)), reading.rate)
        ]
        names = {
            "valley": self.tr("Valley (fastai)"),
            "minimum": self.tr("Minimum ÷ 10"),
            "steepest": self.tr("Steepest"),
            "slide": self.tr("Slide (fastai)"),
        }
        for name, rate in reading.others.items():
            text = "–" if rate is None else format_rate(rate, 2)
            rows.append(((names[name], text, self._times(rate, test)), rate))
        return rows

    @staticmethod
    def _times(rate: float | None, test: RateTest) -> str:
        if rate is None or not test.effective:
            return ""
        return f"×{format_rate(rate / test.effective, 2)}"

    def _leg(self, test: RateTest, which: int) -> str:
        total = int(test.plan.get("sweeps") or 1)
        return self.tr("Sweep {0} of {1}").format(which + 1, total)

    def _span(self) -> tuple[float, float]:
        try:
            low, high = parse_rate(self.begin.text()), parse_rate(self.end.text())
        except CommandError:
            return FROM, TO
        return (low, high) if 0 < low < high else (FROM, TO)

    def _price(self, *_: object) -> None:
        self.cost.setText(self.price(self.steps.value() * self.sweeps.value(), 1))
        if self.test is None:
            self.plot.show_test((), None, self._span(), None)

    def _make_form(self) -> QWidget:
        tr = self.tr
        rows = (
            (tr("&From"), self.begin),
            (tr("t&o"), self.end),
            (tr("Ste&ps"), self.steps),
            (tr("S&weeps"), self.sweeps),
        )
        self.sweeps.setToolTip(tr("Each from the same state; the median of them is suggested"))
        return self.form_of(rows, (0, 1))
