"""One rule in the dialog: its switch, what it does in words, its numbers, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QLocale, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.diagnosis.rule_presets import action_said, when_said
from lrmonitor.diagnosis.rules import Armed, Done, Rule, RuleError
from lrmonitor.model.rates import short

from ..format import format_count
from ..panels.parts import quiet, set_tone
from ..theme import Theme
from .fields import Note

__all__ = ["RuleCard"]

WIDTHS = {"at_most": 42, "not_within": 64}
"""Pixels of the fields of whole numbers; the others have room for a rate."""


class RuleCard(QFrame):
    """Shows a rule and lets its numbers be changed. `armed` is it as it is on, or None.

    `changed()`: the person switched it or typed into it.
    """

    changed = Signal()

    def __init__(self, rule: Rule, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rule = rule
        self._armed: Armed | None = None
        self._done: Sequence[Done] = ()
        self._open = ""
        self._shown: tuple[bool, Rule] = (False, rule)
        self.setProperty("role", "card")
        self.box = QCheckBox(rule.name, self)
        font = QFont(self.box.font())
        font.setWeight(QFont.Weight.DemiBold)
        self.box.setFont(font)
        self.words = quiet("", self)
        self.state = quiet("", self)
        self.problem = Note(theme, self)
        self.fields: dict[str, QLineEdit] = {}
        self._numbers = QWidget(self)
        self._lay_out()
        self._fill(rule)
        self.box.toggled.connect(self._on_changed)
        for field in self.fields.values():
            field.textEdited.connect(self._on_changed)
        self._on_changed()

    @property
    def on(self) -> bool:
        """Whether it is switched on in the dialog."""
        return self.box.isChecked()

    @property
    def touched(self) -> bool:
        """Whether it was changed in the dialog since it was last shown."""
        try:
            return (self.on, self.rule()) != self._shown
        except RuleError:
            return True

    def rule(self) -> Rule:
        """The rule with the numbers that stand there; raises RuleError."""
        names = {"at_most": self.tr("at most"), "not_within": self.tr("not within")}
        numbers: dict[str, object] = {}
        for name, field in self.fields.items():
            text = field.text().strip()
            if not text and name == "least_rate":
                numbers[name] = None
                continue
            if (number := _number(name, text)) is None:
                what = self.tr("a whole number") if name in WIDTHS else self.tr("a number")
                said = names.get(name, name.replace("_", " "))
                raise RuleError(self.tr("{0}: “{1}” is not {2}").format(said, text, what))
            numbers[name] = number
        return replace(self._rule, **numbers)  # type: ignore[arg-type]

    def fits(self, rule: Rule) -> bool:
        """Whether its fields are those that such a rule has."""
        return (rule.action, rule.lowers) == (self._rule.action, self._rule.lowers)

    def echo(self, rule: Rule, armed: Armed | None, done: Sequence[Done], open_now: str) -> None:
        """Show the rule as it is, and what it did; what the person typed meanwhile stays.
        `open_now`: a finding in words that it is about and that is open already, or nothing."""
        self._armed, self._done, self._open = armed, done, open_now
        if not self.touched:
            self._rule = rule
            self._shown = (armed is not None, rule)
            self._fill(rule)
            self.box.setChecked(armed is not None)
            self._on_changed()
        self._tell_state()

    def set_enabled(self, on: bool) -> None:
        """Whether it can be switched."""
        self.box.setEnabled(on)
        self._numbers.setEnabled(on)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.problem.set_theme(theme)

    def _fill(self, rule: Rule) -> None:
        for name, field in self.fields.items():
            value = getattr(rule, name)
            text = "" if value is None else short(value) if name not in WIDTHS else str(value)
            # The number that is read back must be the one that was shown.
            if value is not None and float(text) != value:
                text = repr(value)
            if text != field.text():
                field.setText(text)

    def _tell_state(self) -> None:
        armed, said = self._armed, ""
        if armed is not None and not self.on:
            said = self.tr("It is on; saved like this, it is off.")
        elif armed is not None:
            said = self.tr("On since step {0}.").format(format_count(armed.since))
            said += " " + (self._acted() if self._done else self.tr("Not needed so far."))
        elif self.on:
            said = self.tr("Once saved, it acts on what is found from then on.")
            if self._open:
                said += " " + self.tr(
                    "“{0}” is open already: Findings, Apply does something about that."
                ).format(self._open)
        self.state.setText(said)
        self.state.setVisible(bool(said))

    def _acted(self) -> str:
        words = {"refused": self.tr("refused"), "cancelled": self.tr("cancelled")}
        words["pending"] = self.tr("pending")
        steps = ", ".join(
            format_count(one.step) + (f" ({words[one.status]})" if one.status in words else "")
            for one in self._done
        )
        at_most = self._armed.rule.at_most if self._armed is not None else self._rule.at_most
        where = self.tr("at step {0}") if len(self._done) == 1 else self.tr("at steps {0}")
        return self.tr("Acted {0} of {1} times: {2}.").format(
            len(self._done), at_most, where.format(steps)
        )

    def _on_changed(self) -> None:
        # The numbers of what is off would only be in the way.
        self._numbers.setVisible(self.on)
        problem = ""
        try:
            rule = self.rule()
            what = action_said(rule)
            self.words.setText(self.tr("When: {0}. Then: {1}.").format(when_said(rule), what))
        except RuleError as error:
            problem = str(error) if self.on else ""
        self.problem.say(f"{problem[:1].upper()}{problem[1:]}." if problem else "", "bad")
        wrong = self._wrong() if problem else None
        for field in self.fields.values():
            set_tone(field, "bad" if field is wrong else "none")
        self._tell_state()
        self.changed.emit()

    def _wrong(self) -> QLineEdit | None:
        """The field that is no number; where all are, the one in which the rule became one that
        cannot be meant."""
        for name, field in self.fields.items():
            text = field.text().strip()
            if (text or name != "least_rate") and _number(name, text) is None:
                return field
        return next((field for field in self.fields.values() if field.hasFocus()), None)

    def _lay_out(self) -> None:
        tr, rule = self.tr, self._rule
        shown = [("at_most", tr("at most"), tr("times"))]
        if rule.action == "multiply":
            shown.insert(0, ("factor", tr("rate ×"), ""))
        if rule.action == "hold":
            shown.insert(0, ("value", tr("rate"), ""))
        shown.append(("not_within", tr("not within"), tr("steps")))
        if rule.lowers or rule.action == "advice":
            shown.append(("least_rate", tr("not below"), ""))
        row = QHBoxLayout(self._numbers)
        row.setContentsMargins(22, 0, 0, 0)
        row.setSpacing(6)
        for name, before, after in shown:
            field = QLineEdit(self._numbers)
            field.setFixedWidth(WIDTHS.get(name, 70))
            field.setAccessibleName(f"{rule.name}: {before} {after}".strip())
            field.setLocale(QLocale.c())
            if name == "least_rate":
                field.setPlaceholderText(tr("any rate"))
            self.fields[name] = field
            row.addWidget(QLabel(before, self._numbers))
            row.addWidget(field)
            if after:
                row.addWidget(QLabel(after, self._numbers))
            row.addSpacing(10)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 11)
        column.setSpacing(6)
        column.addWidget(self.box)
        for part in (self.words, self._numbers, self.problem, self.state):
            column.addWidget(part)
        for part in (self.words, self.problem, self.state):
            part.setContentsMargins(22, 0, 0, 0)


def _number(name: str, text: str) -> float | None:
    """What stands in the field of that name; None if it is no number."""
    try:
        return int(text) if name in WIDTHS else float(text)
    except ValueError:
        return None
