"""The rules of a run: switching them on and off, their numbers, what they did."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.diagnosis.rule_presets import PRESETS
from lrmonitor.diagnosis.rules import Rule, RuleError
from lrmonitor.diagnosis.words import KINDS

from ..panels.parts import Banner, quiet
from ..session import Session
from ..theme import Theme
from .rule_card import RuleCard

__all__ = ["RulesDialog"]


class RulesDialog(QDialog):
    """Echoes the rules of a session; what is changed holds once it is saved."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Rules of {0}").format(session.model.name))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._theme = theme
        self.cards: dict[str, RuleCard] = {}
        self.about = QLabel(self)
        self.why_not = Banner(theme, self)
        self._inside = QWidget(self)
        self._column = QVBoxLayout(self._inside)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.save = QPushButton(self.tr("Save"), self)
        self.save.setProperty("role", "primary")
        self.save.setDefault(True)
        self._lay_out()
        self.save.clicked.connect(self._save)
        self.buttons.rejected.connect(self.reject)
        session.rules.changed.connect(self.refresh)
        session.changed.connect(self._on_changed)
        self.refresh()
        next(iter(self.cards.values())).box.setFocus()
        self.resize(self.sizeHint())

    def refresh(self) -> None:
        """Echo the rules that are on and what they did."""
        rules = self._session.rules
        armed, done = {one.rule.slug: one for one in rules.armed}, rules.done()
        shown = {one.slug: one for one in (*PRESETS, *(a.rule for a in rules.armed))}
        for place, (name, rule) in enumerate(shown.items()):
            on = armed.get(name)
            card = self._card(place, name, rule)
            known = done.get(on.token, ()) if on is not None else ()
            card.echo(rule, on, known, self._open_already(card))
        problem = rules.problem
        self.why_not.say(problem or "", "warn")
        for card in self.cards.values():
            # What is on can be switched off whatever the run does.
            card.set_enabled(problem is None or card.on)
        self._show_buttons()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.why_not.set_theme(theme)
        for card in self.cards.values():
            card.set_theme(theme)

    def _card(self, place: int, name: str, rule: Rule) -> RuleCard:
        """The card of that name; another one where its fields are not those of the rule."""
        card = self.cards.get(name)
        if card is not None and not card.fits(rule):
            card.deleteLater()
            self._column.removeWidget(card)
            card = None
        if card is None:
            card = self.cards[name] = RuleCard(rule, self._theme, self._inside)
            card.changed.connect(self._show_buttons)
            self._column.insertWidget(place, card)
        return card

    def _open_already(self, card: RuleCard) -> str:
        """A finding that is open and that the rule would be about, had it been on."""
        try:
            rule = card.rule()
        except RuleError:
            return ""
        for told in self._session.diagnosis.told:
            found = told.finding
            if found.open and not told.muted and rule.matches(found):
                return KINDS.get(found.kind, found.kind)
        return ""

    def _on_changed(self) -> None:
        if (self._session.rules.problem or "") != self.why_not.text:
            self.refresh()

    def _show_buttons(self) -> None:
        touched = any(card.touched for card in self.cards.values())
        fits = not any(card.on and card.problem.text for card in self.cards.values())
        self.save.setEnabled(touched and fits)

    def _save(self) -> None:
        try:
            wanted = [card.rule() for card in self.cards.values() if card.on]
            problem = self._session.rules.switch(wanted)
        except RuleError as error:
            problem = str(error)
        if problem is not None:
            self.why_not.say(problem, "bad")
            return
        self.accept()

    def _lay_out(self) -> None:
        self.about.setWordWrap(True)
        self.about.setText(
            self.tr(
                "A rule that is on acts by itself, without asking: as soon as such a finding is "
                "made, within its limits. All are off until you switch them on; they are kept "
                "with this run."
            )
        )
        who = quiet(
            self.tr(
                "They act while a window shows the run, or while “lrmonitor rules” carries them "
                "out. A finding belongs to the first rule here that is about it."
            ),
            self,
        )
        self._column.setContentsMargins(0, 0, 10, 0)
        self._column.setSpacing(8)
        self._column.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self._inside)
        self.buttons.addButton(self.save, QDialogButtonBox.ButtonRole.AcceptRole)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        column.addWidget(self.about)
        column.addWidget(who)
        column.addWidget(self.why_not)
        column.addWidget(scroll, 1)
        column.addWidget(self.buttons)

    def sizeHint(self) -> QSize:
        return QSize(760, 600)
