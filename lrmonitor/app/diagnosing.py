"""The diagnosis of the run that a window shows, beside the window's own work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QObject, Signal

from lrmonitor.diagnosis.chunk import Chunk
from lrmonitor.diagnosis.finding import RANK, Finding
from lrmonitor.diagnosis.judge import judge
from lrmonitor.diagnosis.source import RowSource, SourceError, is_timed
from lrmonitor.diagnosis.wire import Work
from lrmonitor.model.findings import ADVICE, FINDING, JUDGED, MUTED, Told
from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase
from lrmonitor.record.reader import RankReader, Series

from .diagnosis_process import DiagnosisProcess

__all__ = ["SNOOZED_STEPS", "Diagnoser"]

PIECE = 8192
"""Rows that are handed over at a time: half a millisecond of the window, 60 of the diagnosis."""

AHEAD = 2
"""Pieces that are under way, so that the diagnosis need not wait for the next."""

DEATHS = 2
"""So often the diagnosis may end by itself before it is left at that."""

CLOCK_SECONDS = 1.0
"""Between two looks at the clock, which tells that no step comes."""

SNOOZED_STEPS = 1000

Write = Callable[[str, Mapping[str, object]], str | None]


class Diagnoser(QObject):
    """Feeds what a model holds to a diagnosis in a process of its own, and tells what it found.

    Lives in the GUI thread; `advance` is called with each poll and never waits. `write` adds an
    event to the run's record and returns why it could not. What a diagnosis finds depends on the
    record alone: should the process end by itself, another one looks through all of it again, and
    until it is done what was found before is told.

    - `changed()`: `told` is another, or `trouble`, or all was diagnosed for the first time.
    - `alarmed(Told)`: a finding opened, or got worse, that the person is to be told of now.
    """

    changed = Signal()
    alarmed = Signal(object)

    def __init__(
        self,
        model: RunModel,
        write: Write,
        clock: Callable[[], float] = time.time,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.told: list[Told] = []
        self.trouble = ""
        """That the diagnosis ended by itself, and what follows from it, in a sentence; else ""."""
        self._model = model
        self._write = write
        self._clock = clock
        self._process: DiagnosisProcess | None = None
        self._rank: RankReader | None = None
        self._source: RowSource | None = None
        self._findings: dict[int, Finding] = {}
        self._alarms: dict[tuple[str, int], int] = {}
        self._judged: set[str] = set()
        self._looked = 0.0
        self._caught_up = False
        self._behind = False
        self._ended = False
        self._current = False
        self._given: int | None = None
        self._looked_to: int | None = None
        self._done = False
        self._deaths = 0
        self._anew: dict[int, Finding] | None = None

    @property
    def current(self) -> bool:
        """Whether `told` is how things stand after all that was recorded up to a moment ago."""
        return self._current

    @property
    def caught_up(self) -> bool:
        """Whether all that was there when it began has been handed over."""
        return self._caught_up

    @property
    def settled(self) -> bool:
        """Whether all that was recorded has been diagnosed."""
        return self._caught_up and not self._behind and self._idle and self._deaths < DEATHS

    @property
    def looked_to(self) -> int | None:
        """The last step up to which all losses have been diagnosed; None before the first."""
        if self._idle:
            self._looked_to = self._given
        return self._looked_to

    @property
    def process(self) -> int:
        """The number of the process that diagnoses; 0 without one."""
        return 0 if self._process is None else self._process.pid

    @property
    def validation(self) -> Series | None:
        """The validation loss that is looked at, if there is one."""
        return None if self._source is None else self._source.validation

    def advance(self) -> None:
        """Hand over what is new, and take what was found meanwhile."""
        if self._model.rank is not self._rank:
            self._begin()
        # What is done before it is asked for what it found is in that.
        self._current = self.settled
        first, self._done = self._current and not self._done, self._done or self._current
        found = self._process.taken() if self._process is not None else []
        if self._idle:
            self._hand_over()
        if self._anew is not None:
            found = self._repeated(self._anew, found)
        self._findings.update((one.id, one) for one in found)
        if found:
            self.refresh()
            self._keep(found)
        elif first:
            self.changed.emit()
        self._judge()

    def refresh(self) -> None:
        """Join the findings anew with what the person made of them."""
        step = self._model.state.step or 0
        told = self._model.findings.told(self._findings.values(), step)
        if told == self.told:
            return
        self.told = told
        self.changed.emit()
        for one in told:
            self._alarm(one)

    def close(self) -> None:
        """Diagnose no more."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def mute(self, finding: Finding, how: str) -> str | None:
        """Have findings of this kind and cause alarm no more: "snooze" for a while, "dismiss" in
        this run; "" to have them alarm again. Why it could not be recorded, if so."""
        fields: dict[str, object] = {"kind": finding.kind, "cause": finding.cause, "how": how}
        step = self._model.state.step or finding.last_step
        fields["step"] = step
        if how == "snooze":
            fields["until_step"] = step + SNOOZED_STEPS
        return self._add(MUTED, fields)

    def follow(self, finding: Finding, command: str, words: str) -> str | None:
        """Note that an advice is being followed by a command, to judge it when its time comes."""
        fields = {
            "kind": finding.kind,
            "detected_step": finding.detected_step,
            "command": command,
            "words": words,
            "span": finding.advice.judged_after or 100,
        }
        return self._add(ADVICE, fields)

    def _begin(self) -> None:
        """Another training process is shown, or the first one."""
        self.close()
        self._rank = self._model.rank
        self._findings.clear()
        self._alarms.clear()
        self._caught_up = self._current = self._done = False
        self._deaths, self._anew, self.trouble = 0, None, ""
        self._from_start()
        self.refresh()

    def _from_start(self) -> None:
        """Have the rows be taken from the first one on."""
        self._behind = self._ended = False
        self._given = self._looked_to = None
        self._source = None
        if self._rank is not None:
            self._source = RowSource(
                self._rank, timed=is_timed(self._model.reader), others=self._others
            )

    def _others(self) -> Iterable[Series]:
        return self._model.metrics()

    @property
    def _idle(self) -> bool:
        return self._process is None or not self._process.waiting

    def _hand_over(self) -> None:
        """Give the process the next rows, or the time of day."""
        source = self._source
        if source is None or self._deaths >= DEATHS:
            return
        over = self._model.state.phase.over
        try:
            rows = source.take(PIECE, wait=not over)
        except SourceError:
            return  # nothing that could be a loss yet
        if len(rows):
            self._give(rows)
            self._go_on()
        elif over and not self._ended:
            self._caught_up = self._ended = True
            self._behind = False
            self._ask(None)
        elif source.loss is None or source.left:
            return
        elif self._model.state.phase in (Phase.RUNNING, Phase.STALLED):
            self._caught_up = True
            now = self._clock()
            if abs(now - self._looked) >= CLOCK_SECONDS:
                self._looked = now
                self._ask(now)

    def _go_on(self) -> None:
        """Give it what there is beyond one piece."""
        while self._behind and self._source is not None:
            if self._process is None or self._process.waiting >= AHEAD:
                return
            self._give(self._source.more(PIECE))

    def _give(self, rows: Chunk) -> None:
        self._behind = len(rows) == PIECE
        self._caught_up = self._caught_up or not self._behind
        if len(rows):
            self._ask(rows)
            self._given = int(rows.step[-1])

    def _ask(self, work: Work) -> None:
        if self._process is None:
            self._process = DiagnosisProcess(self)
            self._process.answered.connect(self._go_on)
            self._process.died.connect(self._on_died)
            self._process.start()
        if self._process is not None:  # that it cannot be started may be told at once
            self._process.ask(work)

    def _on_died(self, why: str) -> None:
        """Begin again with another process, unless that seems to be of no use."""
        self.close()
        self._deaths += 1
        if self._deaths < DEATHS:
            self._anew = {}
            self._from_start()
            self._behind = True  # until its rows are taken, which are waited for at first
            self.trouble = self.tr(
                "The diagnosis ended unexpectedly ({0}). It looks through the run once more."
            ).format(why)
        else:
            self._anew = None
            self.trouble = self.tr(
                "The diagnosis ended unexpectedly ({0}), and again when it was repeated: nothing "
                "more is found, and no rule acts, until the run is opened again."
            ).format(why)
        self.changed.emit()

    def _repeated(self, anew: dict[int, Finding], found: Iterable[Finding]) -> list[Finding]:
        """All that a diagnosis that began again has found, once it is as far as the first one."""
        anew.update((one.id, one) for one in found)
        if not self.settled:
            return []
        self._anew, self.trouble = None, ""
        self.changed.emit()
        return list(anew.values())

    def _alarm(self, told: Told) -> None:
        """Tell it once, and again when it gets worse; what was found in old steps is no news."""
        found = told.finding
        key = (found.kind, found.detected_step)
        rank = RANK.get(found.severity, 0)
        if rank <= self._alarms.get(key, 0):
            return
        self._alarms[key] = rank
        if told.alarming and self._caught_up and self._model.state.live:
            self.alarmed.emit(told)

    def _keep(self, findings: Iterable[Finding]) -> None:
        """Add to the record what is told of for the first time, or got worse, or is over."""
        for found in findings:
            minor = found.kind == "spike" and found.severity == "info"
            if minor or self._model.findings.is_recorded(found):
                continue
            fields = {"step": found.last_step if not found.open else found.detected_step}
            self._add(FINDING, {**fields, "finding": found.to_json()})

    def _add(self, event: str, fields: Mapping[str, object]) -> str | None:
        """Add to the record; where nothing can be added to it, it holds as long as this window."""
        problem = self._write(event, fields)
        if problem is not None:
            self._model.findings.take({"event": event, **fields})
            self.refresh()
        return problem

    def _judge(self) -> None:
        """See whether an advice that was followed helped, once its time has come."""
        loss = None if self._source is None else self._source.loss
        for told in self.told:
            taken = told.taken
            if taken is None or taken.at is None or taken.verdict or loss is None:
                continue
            if taken.command in self._judged:
                continue  # written, and not read back yet
            last = self._model.state.step or 0
            span = taken.span
            if self._model.state.phase.over:
                span = min(span, last - taken.at + 1)
            if last < taken.at + span - 1:
                continue
            result = judge(loss.step, loss.value, taken.at, span)
            if result is None:
                continue
            self._judged.add(taken.command)
            found = told.finding
            fields = {"kind": found.kind, "detected_step": found.detected_step, "step": last}
            self._add(JUDGED, {**fields, **result.to_json(), "text": result.words})
