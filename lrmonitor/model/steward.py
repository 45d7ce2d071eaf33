"""Carrying out a run's rules without a window: the run is followed, diagnosed and acted upon."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from lrmonitor.diagnosis import Diagnosis
from lrmonitor.diagnosis.finding import Finding
from lrmonitor.diagnosis.source import RowSource, SourceError
from lrmonitor.link.messages import Command
from lrmonitor.model.deeds import Deed, advice_event, deeds_of, rule_author
from lrmonitor.model.findings import ADVICE, FINDING, Told
from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase
from lrmonitor.record.client_log import ClientLog
from lrmonitor.record.reader import RankReader

__all__ = ["AGAIN_SECONDS", "Steward", "Unsent"]

PIECE = 8192
"""Rows that are diagnosed at a time."""

AGAIN_SECONDS = 10.0
"""After this long a deed is tried again that did not get to the training."""


class Unsent(Exception):
    """A command did not get there, as far as is known; the message is a sentence."""


class Steward:
    """Follows one run. Not thread-safe; `poll` is called now and then, once a second say.

    `send` gives a command to the training process and returns once it was taken there; it raises
    Unsent. `via` says through which program ("cli"). `acted` is told of each deed that was sent,
    `failed` of one that was not, with the reason.
    """

    def __init__(
        self,
        folder: Path,
        send: Callable[[Command], None],
        via: str = "cli",
        clock: Callable[[], float] = time.time,
        acted: Callable[[Deed], None] = lambda _: None,
        failed: Callable[[Deed, str], None] = lambda *_: None,
    ) -> None:
        self.model = RunModel(folder, clock=clock)
        self._folder = folder
        self._send = send
        self._via = via
        self._clock = clock
        self._acted = acted
        self._failed = failed
        self._rank: RankReader | None = None
        self._source: RowSource | None = None
        self._diagnosis = Diagnosis()
        self._found: dict[int, Finding] = {}
        self._sent: set[str] = set()
        self._again: dict[str, float] = {}
        self._logs: dict[str, ClientLog] = {}

    @property
    def told(self) -> list[Told]:
        """The findings so far, with what the person made of them."""
        return self.model.findings.told(self._found.values(), self.model.state.step or 0)

    def poll(self) -> None:
        """Read and diagnose what is new, and do what the rules say about it."""
        self.model.poll()
        if self.model.rank is not self._rank:
            self._rank = self.model.rank
            self._diagnosis, self._found = Diagnosis(), {}
            self._sent.clear()
            self._source = None
            if self._rank is not None:
                self._source = RowSource(self._rank, others=self.model.metrics)
        self._diagnose()
        for deed in deeds_of(self.model, self.told, self._via):
            self._do(deed)

    def _diagnose(self) -> None:
        source, model = self._source, self.model
        if source is None:
            return
        while True:
            try:
                rows = source.take(PIECE, wait=not model.state.phase.over)
            except SourceError:
                return  # nothing that could be a loss yet
            if not len(rows):
                break
            self._keep(self._diagnosis.feed(rows))
        if model.state.phase in (Phase.RUNNING, Phase.STALLED) and source.loss is not None:
            self._keep(self._diagnosis.tick(self._clock()))

    def _keep(self, found: list[Finding]) -> None:
        self._found.update((one.id, one) for one in found)

    def _do(self, deed: Deed) -> None:
        if deed.id in self._sent or self._clock() < self._again.get(deed.id, 0.0):
            return
        try:
            for command in deed.commands:
                self._send(command)
        except Unsent as error:
            self._again[deed.id] = self._clock() + AGAIN_SECONDS
            self._failed(deed, str(error))
            return
        self._sent.add(deed.id)
        self._record(deed)
        self._acted(deed)

    def _record(self, deed: Deed) -> None:
        """Add to the record why it was done, and that it is to be judged. What cannot be written is
        done all the same: the training process has recorded the command."""
        finding = deed.decision.finding
        if not self.model.findings.is_recorded(finding):
            self._add(
                deed.rule, FINDING, {"step": finding.detected_step, "finding": finding.to_json()}
            )
        advice = advice_event(deed)
        if advice is not None:
            self._add(deed.rule, ADVICE, advice)

    def _add(self, rule: str, event: str, fields: Mapping[str, object]) -> None:
        if rule not in self._logs:
            by = vars(rule_author(rule, self._via))
            self._logs[rule] = ClientLog(self._folder, self._via, by, self._clock)
        try:
            self._logs[rule].write(event, **fields)
        except OSError:
            return
