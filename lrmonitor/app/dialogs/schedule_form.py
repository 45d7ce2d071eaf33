"""The kind of a schedule and its parameters, a row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QVBoxLayout, QWidget

from lrmonitor.model.planning import AFTER
from lrmonitor.schedules.base import Parameter, Schedule, parameters
from lrmonitor.schedules.decays import Exponential
from lrmonitor.schedules.warm import Warmup, WarmupStableDecay
from lrmonitor.schedules.wire import KINDS

from ..format import format_rate
from ..panels.parts import Choice, quiet
from ..theme import Theme
from .fields import Field

__all__ = ["ScheduleForm"]

_ELSEWHERE = ("then", "length")
"""Parameters that the dialog asks for itself, since all kinds have them."""


class ScheduleForm(QWidget):
    """Texts of the parameters by name, as `Draft` has them. `edited()`: the person changed one."""

    edited = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._now = self._to_come = ""
        self.fields: dict[str, Field] = {}
        self.kind = self._kinds(self.tr("Kind of schedule"))
        self.formula = quiet(parent=self)
        self._kind_row = Field(self.tr("&Kind"), self.kind, theme, parent=self)
        self._rows = QWidget(self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(7)
        self._column.addWidget(self._kind_row)
        self._column.addWidget(self._rows)
        self.kind.activated.connect(lambda _: self._picked())
        self._build({})

    def texts(self) -> dict[str, str]:
        """What is typed, by parameter."""
        return {name: _text(field.control) for name, field in self.fields.items()}

    def chosen(self) -> str:
        """The kind."""
        return str(self.kind.currentData())

    @property
    def measured(self) -> bool:
        """Whether the chosen kind is none without a length."""
        made = KINDS[self.chosen()]
        texts = self.texts()
        if made is WarmupStableDecay:
            return not texts.get("stable", "").strip()
        if "after" in texts:
            made = KINDS[texts["after"]]
        return any(one.name == "length" and one.needed for one in parameters(made))

    def missing(self) -> list[Field]:
        """Rows without which there is no schedule and in which nothing is typed."""
        made = KINDS[self.chosen()]
        needed = {one.name for one in _asked(made) if one.needed}
        if made is WarmupStableDecay:
            needed.discard("stable")  # the length tells it as well
        after = self.texts().get("after")
        if after is not None:
            needed |= {AFTER + one.name for one in _asked(KINDS[after]) if one.needed}
            needed.add(AFTER + "start")
        return [f for n, f in self.fields.items() if n in needed and not _text(f.control).strip()]

    def put(self, kind: str, texts: Mapping[str, str]) -> None:
        """Show another schedule."""
        self.kind.setCurrentIndex(max(self.kind.findData(kind), 0))
        self._build(texts)

    def say(self, name: str | None, problem: str) -> bool:
        """Say a problem at the parameter that it is about; False where that has no row."""
        for field in self.fields.values():
            field.say("")
        found = self.fields.get(name or "") or self.fields.get(AFTER + (name or ""))
        if found is None:
            return False
        found.say(problem)
        return True

    def now(self, rate: float | None, to_come: float | None = None) -> None:
        """The rate that a schedule begins at if none is typed: that of now, or the one that was
        asked for and is to come with the next step."""
        self._now = "" if rate is None else format_rate(rate)
        self._to_come = "" if to_come is None else format_rate(to_come)
        self._hint_start()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        for field in self.fields.values():
            field.set_theme(theme)

    def _picked(self) -> None:
        self._build(self.texts())
        self.edited.emit()

    def _build(self, texts: Mapping[str, str]) -> None:
        """The rows of the chosen kind; what is typed in those of the same name stays."""
        self._rows.hide()
        self._rows.deleteLater()
        self._rows = QWidget(self)
        self._column.addWidget(self._rows)
        self.fields = {}
        rows = QVBoxLayout(self._rows)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(7)
        made = KINDS[self.chosen()]
        self._kind_row.hint(_shape(self.tr, made.kind))
        self.kind.setToolTip(_shown(made.formula))
        self._kind_row.note.setToolTip(self.kind.toolTip())
        for one in _asked(made):
            if one.unit == "schedule":
                inner = self._kinds(self.tr("The schedule after the warm-up"), without=Warmup)
                inner.setCurrentIndex(max(inner.findData(texts.get(one.name, "cosine")), 0))
                inner.activated.connect(lambda _: self._picked())
                rows.addWidget(self._row(one.name, inner, one.help))
                after = KINDS[str(inner.currentData())]
                for more in _asked(after):
                    rows.addWidget(self._of(more, texts, AFTER, after))
            else:
                rows.addWidget(self._of(one, texts, "", made))
        self._hint_start()
        self._rows.show()

    def _of(
        self, one: Parameter, texts: Mapping[str, str], prefix: str, made: type[Schedule]
    ) -> Field:
        name = prefix + one.name
        text = texts.get(name, "")
        control: QWidget
        if one.unit == "choice":
            control = choice = Choice(self)
            for value in one.choices:
                choice.addItem(value[:1].upper() + value[1:], value)
            choice.setCurrentIndex(max(choice.findData(text or one.default), 0))
            choice.activated.connect(lambda _: self.edited.emit())
        elif one.unit == "flag":
            control = box = QCheckBox(one.help, self)
            box.setChecked(text == "true")
            box.clicked.connect(lambda _: self.edited.emit())
        else:
            control = edit = QLineEdit(text, self)
            default = "" if one.default is None else format_default(one)
            # Where the schedule after a warm-up starts is what that goes up to.
            peak = one.name == "peak" or name == f"{AFTER}start"
            edit.setPlaceholderText(self._hint_of(one, default, made, peak))
            edit.textEdited.connect(lambda _: self.edited.emit())
        return self._row(name, control, one.help)

    def _hint_of(self, one: Parameter, default: str, made: type[Schedule], peak: bool) -> str:
        """What is used where nothing is typed, or else what could be typed; and in which unit."""
        if default:
            return self.tr("{0} of the length").format(default) if one.unit == "share" else default
        if not one.needed and one.name == "end":
            return self.tr("the start ÷ 10 000")
        example = _EXAMPLES.get("peak" if peak else one.unit, "")
        if made is Exponential and one.unit == "factor":
            example = "0.999"  # it is multiplied at every step
        words = self.tr("for example {0}").format(example) if example else ""
        if one.unit in ("steps", "milestones"):
            return self.tr("steps, {0}").format(words)
        return words

    def _row(self, name: str, control: QWidget, help: str) -> Field:
        words = name.removeprefix(AFTER)
        called = {
            "warmup": self.tr("warm-up"),
            "at": self.tr("at steps"),
            "three_phase": self.tr("three phases"),
        }
        words = called.get(words, words.replace("_", " "))
        label = words[:1].upper() + words[1:]
        if name.startswith(AFTER):
            label = self.tr("Its {0}").format(words)
        control.setAccessibleName(label)
        control.setToolTip(help[:1].upper() + help[1:])
        field = Field(label, control, self._theme, parent=self._rows)
        field.label.setToolTip(control.toolTip())
        self.fields[name] = field
        return field

    def _kinds(self, name: str, without: type[Schedule] | None = None) -> Choice:
        choice = Choice(self)
        choice.setAccessibleName(name)
        for kind, made in KINDS.items():
            if made is not without:
                choice.addItem(made.title[:1].upper() + made.title[1:], kind)
        return choice

    def _hint_start(self) -> None:
        start = self.fields.get("start")
        if start is not None and isinstance(start.control, QLineEdit):
            if self._to_come:
                hint = self.tr("the rate to come ({0})").format(self._to_come)
            elif self._now:
                hint = self.tr("the rate now ({0})").format(self._now)
            else:
                hint = self.tr("the rate now")
            start.control.setPlaceholderText(hint)


def _shape(tr: Callable[[str], str], kind: str) -> str:
    """A kind in a sentence; its formula is in the tip."""
    return {
        "constant": tr("The same rate throughout."),
        "step": tr("Multiplied by the factor each time so many steps have passed."),
        "multi-step": tr("Multiplied by the factor at each of the steps given."),
        "exponential": tr("Multiplied by the factor at every step."),
        "inverse-sqrt": tr("Falls quickly at first, then ever more slowly."),
        "linear": tr("A straight line from start to end."),
        "polynomial": tr("A curve from start to end; the higher the power, the earlier it falls."),
        "cosine": tr("Half a cosine from start to end: slow, fast, slow."),
        "cosine-restarts": tr("In each period half a cosine from start to end, then back."),
        "one-cycle": tr("Up to the peak, then down to the end, all within the length."),
        "warmup": tr("A straight line up to where the schedule after it begins."),
        "warmup-stable-decay": tr("Up to the peak, a while at the peak, then down to the end."),
    }[kind]


_EXAMPLES = {
    "rate": "1e-5",
    "peak": "1e-3",
    "steps": "200",
    "factor": "0.5",
    "milestones": "1000, 2000",
}
"""What a field shows while it is empty and has no default."""


def format_default(one: Parameter) -> str:
    """A default as a person would type it."""
    value = one.default
    return format_rate(value) if isinstance(value, float) else str(value)


def _shown(formula: str) -> str:
    """A formula as it is set: with true minus signs, between which and what follows no line ends.
    One in words is a sentence."""
    if " to " in formula:
        return formula[:1].upper() + formula[1:] + "."
    return f"p(t) = {formula}".replace(" - ", " −\N{NO-BREAK SPACE}")


def _asked(made: type[Schedule]) -> list[Parameter]:
    """The parameters of a kind in the order in which they are asked for: where it begins first."""
    asked = [one for one in parameters(made) if one.name not in _ELSEWHERE]
    return sorted(asked, key=lambda one: one.name != "start")


def _text(control: QWidget) -> str:
    if isinstance(control, QLineEdit):
        return control.text()
    if isinstance(control, QComboBox):
        return str(control.currentData())
    assert isinstance(control, QCheckBox)
    return "true" if control.isChecked() else "false"
