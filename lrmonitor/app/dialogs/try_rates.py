"""Try rates: some multiples of the present rate, each for a while from the same state, compared."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QLineEdit, QWidget

from lrmonitor.finder import Comparison, Tried, compare
from lrmonitor.finder.trial import LEAST, times
from lrmonitor.link.messages import CommandError, TrialCommand
from lrmonitor.model.rate_tests import RateTest, candidates

from ..format import format_loss, format_rate
from ..panels.parts import Count
from ..plots.trial_plot import TrialPlot
from ..session import Session
from ..theme import Theme
from .rate_test import RateTestDialog

__all__ = ["TryRatesDialog", "factors"]

FACTORS = "÷3 ×1 ×3"
STEPS, LEGS = 100, 4


def factors(text: str) -> tuple[float, ...]:
    """Factors as people write them: `÷3 ×1 ×3`, `0.3, 1, 3`, `1/3 1 3`. Raises CommandError."""
    found = []
    for word in text.replace(",", " ").replace(";", " ").split():
        over = word.startswith(("÷", "/", "1/"))
        number = word.removeprefix("1/").lstrip("÷/×x*")
        try:
            value = float(number)
        except ValueError:
            raise CommandError(f"{word} is no factor: write for example {FACTORS}") from None
        if not (math.isfinite(value) and value > 0):
            raise CommandError(f"{word} is no factor: they are above 0")
        found.append(1 / value if over else value)
    return tuple(found)


class TryRatesDialog(RateTestDialog):
    """Asks for a trial and shows it while it goes on."""

    kind = "trial"

    def __init__(
        self, session: Session, theme: Theme, parent: QWidget, shown: str | None = None
    ) -> None:
        super().__init__(session, theme, parent, shown)
        tr = self.tr
        self.setWindowTitle(tr("Try rates"))
        self.factors = QLineEdit(FACTORS, self)
        self.steps, self.legs = Count(self), Count(self)
        self.plot = TrialPlot(theme, self)
        self.comparison: Comparison | None = None
        self.steps.setRange(LEAST, 100_000)
        self.steps.setValue(STEPS)
        self.legs.setRange(1, LEAST)
        self.legs.setValue(LEGS)
        self.lay_out(self._make_form(), self.plot)
        self.factors.textEdited.connect(self._price)
        for box in (self.steps, self.legs):
            box.valueChanged.connect(self._price)
        self._price()
        self.factors.setFocus()
        self.resize(640, 600)

    def wanted(self) -> TrialCommand | None:
        try:
            return TrialCommand(
                factors=factors(self.factors.text()),
                steps=self.steps.value(),
                legs=self.legs.value(),
            )
        except CommandError as error:
            self.said.say(str(error)[:1].upper() + str(error)[1:] + ".", "bad")
            return None

    def put(self, test: RateTest) -> None:
        plan = test.plan
        self.factors.setText(" ".join(times(float(one)) for one in plan["factors"]))
        self.steps.setValue(int(plan["steps"]))
        self.legs.setValue(int(plan["legs"]))

    def echo(self, test: RateTest | None) -> None:
        rank = self.session.model.rank
        if test is None or rank is None:
            self.plot.show_comparison(None, True)
            return
        found = candidates(test, rank)
        if len(found) < 2 or not self.news(test, sum(len(c.loss) for c in found)):
            return
        made = self.comparison = compare(found)
        self.plot.show_comparison(made, not test.going)
        best = None
        if made.recommended is not None:
            best = [one.factor for one in made.tried].index(made.recommended)
        self.fill([self._row(one, test) for one in made.tried], None if test.going else best)
        if not test.going:
            self._say(made)

    def columns(self) -> tuple[str, ...]:
        tr = self.tr
        return tr("Rate"), tr("Slope per step"), tr("95 % interval"), tr("Loss reached")

    def note(self) -> str:
        return self.tr("rate trial")

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self.plot.set_theme(theme)

    def _say(self, found: Comparison) -> None:
        reason = found.reason[:1].upper() + found.reason[1:]
        better = found.clear and found.recommended is not None
        self.said.say(reason, "good" if better else "quiet" if found.recommended else "warn")

    def _row(self, one: Tried, test: RateTest) -> tuple[tuple[str, ...], float | None]:
        rate = None if test.effective is None else one.factor * test.effective
        name = times(one.factor)
        if rate is not None:
            name += f" = {format_rate(rate, 3)}"
        if one.broke:
            return (name, self.tr("the loss broke"), "", ""), None
        if math.isnan(one.slope):
            return (name, "–", "", ""), None
        span = f"{format_loss(one.low, 2)} … {format_loss(one.high, 2)}"
        return (name, format_loss(one.slope, 2), span, format_loss(one.reached)), rate

    def _leg(self, test: RateTest, which: int) -> str:
        known = test.plan.get("factors") or ()
        return self.tr("Rate {0}").format(times(known[which]) if which < len(known) else "–")

    def _price(self, *_: object) -> None:
        try:
            count = len(factors(self.factors.text()))
        except CommandError:
            count = len(FACTORS.split())
        states = 1 + count if self.legs.value() > 1 else 1
        self.cost.setText(self.price(count * self.steps.value(), states))

    def _make_form(self) -> QWidget:
        tr = self.tr
        rows = (
            (tr("&Rates"), self.factors),
            (tr("Ste&ps each"), self.steps),
            (tr("T&urns"), self.legs),
        )
        self.factors.setToolTip(tr("Multiples of the present rate, for example ÷3 ×1 ×3"))
        self.legs.setToolTip(
            tr("The rates take turns, so that all see batches from the whole of the time")
        )
        return self.form_of(rows, (0,))
