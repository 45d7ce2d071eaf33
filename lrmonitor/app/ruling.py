"""Carrying out the rules of the run that a window shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from lrmonitor.diagnosis.rules import Armed, Done, Rule
from lrmonitor.model.deeds import (
    Deed,
    advice_event,
    deeds_of,
    done_of,
    rule_author,
    rules_problem,
)
from lrmonitor.model.findings import ADVICE
from lrmonitor.model.rulebook import RULES
from lrmonitor.record.client_log import ClientLog

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Ruling"]

VIA = "window"

AGAIN_SECONDS = 10.0
"""After this long a deed is tried again that did not get to the training."""


class Ruling(QObject):
    """Acts on what the session's diagnosis found, where a person switched rules on. Lives in the
    GUI thread; `advance` is called with each poll.

    - `changed()`: other rules are on, or they have done something.
    - `acted(Deed)`: a rule did something in this window.
    """

    changed = Signal()
    acted = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._sent: set[str] = set()
        self._again: dict[str, float] = {}
        self._logs: dict[str, ClientLog] = {}
        self._rank: object = None
        self._known: object = None
        session.failed.connect(self._on_failed)

    @property
    def armed(self) -> tuple[Armed, ...]:
        """The rules that are on, in the order in which findings belong to them."""
        return self._session.model.rules.armed

    @property
    def problem(self) -> str | None:
        """Why no rule can act in this run, in a sentence; None where one may."""
        return rules_problem(self._session.model)

    def done(self) -> dict[str, list[Done]]:
        """What each rule did since it was switched on, by its token."""
        return done_of(self._session.model)

    def switch(self, rules: Sequence[Rule]) -> str | None:
        """Have these be the rules that are on, from here; why it could not be kept, if so. Raises
        RuleError where two have one name."""
        model = self._session.model
        rank = 0 if model.rank is None else model.rank.rank
        fields = model.rules.switched(rules, model.state.step or 0, rank)
        problem = None if fields is None else self._session.record.write(RULES, fields)
        self._session.poll()
        return problem

    def advance(self) -> None:
        """Do what is to be done by now."""
        session, model = self._session, self._session.model
        if model.rank is not self._rank:
            # Another process, which knows nothing of what was sent to the one before.
            self._rank = model.rank
            self._sent.clear()
        if self.armed and session.diagnosis.current:
            for deed in deeds_of(model, session.diagnosis.told, VIA):
                self._do(deed)
        known = self.armed, [tuple(one) for one in self.done().values()]
        if known != self._known:
            self._known = known
            self.changed.emit()

    def _do(self, deed: Deed) -> None:
        session = self._session
        if deed.id in self._sent or session.clock() < self._again.get(deed.id, 0.0):
            return
        self._sent.add(deed.id)
        session.send_for_rule(deed.commands)
        event = advice_event(deed)
        if event is not None:
            self._record(deed, event)
        self.acted.emit(deed)

    def _record(self, deed: Deed, event: Mapping[str, object]) -> None:
        """As the rule. Where it cannot be written the command is in the record all the same."""
        if deed.rule not in self._logs:
            by = vars(rule_author(deed.rule, VIA))
            self._logs[deed.rule] = ClientLog(self._session.folder, VIA, by, self._session.clock)
        try:
            self._logs[deed.rule].write(ADVICE, **event)
        except OSError:
            self._session.model.findings.take({"event": ADVICE, **event})

    def _on_failed(self, identity: str) -> None:
        stem = identity.partition(".")[0]
        if stem in self._sent:
            self._sent.discard(stem)
            self._again[stem] = self._session.clock() + AGAIN_SECONDS
