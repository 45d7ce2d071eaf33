"""The diagnosis of the run that a window shows, beside the window's own work."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QObject, Signal

from lrmonitor.diagnosis import Diagnosis
from lrmonitor.diagnosis.chunk import Chunk
from lrmonitor.diagnosis.finding import RANK, Finding
from lrmonitor.diagnosis.judge import judge
from lrmonitor.diagnosis.source import RowSource, SourceError, is_timed
from lrmonitor.model.findings import ADVICE, FINDING, JUDGED, MUTED, Told
from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase
from lrmonitor.record.reader import RankReader, Series

__all__ = ["SNOOZED_STEPS", "Diagnoser"]

PIECE = 8192
"""Rows that are handed over at a time."""

PART = 256
"""Rows that are diagnosed in one go: about 2 ms, after which the window's thread is let through."""

CLOCK_SECONDS = 1.0
"""Between two looks at the clock, which tells that no step comes."""

SNOOZED_STEPS = 1000

Write = Callable[[str, Mapping[str, object]], str | None]


class Diagnoser(QObject):
    """Feeds what a model holds to a diagnosis in a thread of its own, and tells what it found.

    Lives in the GUI thread; `advance` is called with each poll and never waits. `write` adds an
    event to the run's record and returns why it could not.

    - `changed()`: `told` is another.
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
        self._model = model
        self._write = write
        self._clock = clock
        self._worker: _Worker | None = None
        self._rank: RankReader | None = None
        self._source: RowSource | None = None
        self._findings: dict[int, Finding] = {}
        self._alarms: dict[tuple[str, int], int] = {}
        self._judged: set[str] = set()
        self._looked = 0.0
        self._caught_up = False
        self._ended = False
        self._current = False

    @property
    def current(self) -> bool:
        """Whether `told` is how things stand after all that was recorded up to a moment ago."""
        return self._current

    @property
    def settled(self) -> bool:
        """Whether all that was recorded has been diagnosed."""
        return self._caught_up and (self._worker is None or self._worker.idle)

    @property
    def validation(self) -> Series | None:
        """The validation loss that is looked at, if there is one."""
        return None if self._source is None else self._source.validation

    def advance(self) -> None:
        """Hand over what is new, and take what was found meanwhile."""
        if self._model.rank is not self._rank:
            self._begin()
        # What is done before it is asked for what it found is in that.
        self._current = self._caught_up and (self._worker is None or self._worker.idle)
        found = self._worker.taken() if self._worker is not None else []
        for finding in found:
            self._findings[finding.id] = finding
        if self._worker is None or self._worker.idle:
            self._hand_over()
        if found:
            self.refresh()
            self._keep(found)
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
        if self._worker is not None:
            self._worker.close()
            self._worker = None

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
        self._caught_up = self._ended = self._current = False
        self._source = None
        if self._rank is not None:
            self._source = RowSource(
                self._rank, timed=is_timed(self._model.reader), others=self._others
            )
        self.refresh()

    def _others(self) -> Iterable[Series]:
        return self._model.metrics()

    def _hand_over(self) -> None:
        """Give the worker the next rows, or the time of day."""
        source = self._source
        if source is None:
            return
        over = self._model.state.phase.over
        try:
            rows = source.take(PIECE, wait=not over)
        except SourceError:
            return  # nothing that could be a loss yet
        if len(rows):
            self._caught_up = self._caught_up or len(rows) < PIECE
            self._ask(rows)
        elif over and not self._ended:
            self._caught_up = self._ended = True
            self._ask(None)
        elif self._model.state.phase in (Phase.RUNNING, Phase.STALLED) and source.loss is not None:
            self._caught_up = True
            now = self._clock()
            if abs(now - self._looked) >= CLOCK_SECONDS:
                self._looked = now
                self._ask(now)

    def _ask(self, work: _Work) -> None:
        if self._worker is None:
            self._worker = _Worker()
        self._worker.ask(work)

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


_Work = Chunk | float | None
"""Rows, the time of day, or the end of the log."""


class _Worker:
    """A diagnosis in a thread. `ask` and `taken` are called by another one, and never wait."""

    def __init__(self) -> None:
        self._diagnosis = Diagnosis()
        self._asked: queue.SimpleQueue[_Work | _Close] = queue.SimpleQueue()
        self._found: queue.SimpleQueue[list[Finding]] = queue.SimpleQueue()
        self._waiting = 0
        self._done = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="lrmonitor-diagnosis", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether all that was asked for is done."""
        return self._done == self._waiting

    def ask(self, work: _Work) -> None:
        """Have this done next."""
        self._waiting += 1
        self._asked.put(work)

    def taken(self) -> list[Finding]:
        """What was found since the last call, each finding as it stands last."""
        latest: dict[int, Finding] = {}
        while not self._found.empty():
            latest.update((one.id, one) for one in self._found.get())
        return list(latest.values())

    def close(self) -> None:
        """End the thread, without what is left to do."""
        self._closing = True
        self._asked.put(_Close())
        self._thread.join(5.0)

    def _run(self) -> None:
        while True:
            work = self._asked.get()
            if isinstance(work, _Close):
                return
            for found in self._do(work):
                if found:
                    self._found.put(found)
                if self._closing:
                    return
            self._done += 1

    def _do(self, work: _Work) -> Iterable[list[Finding]]:
        diagnosis = self._diagnosis
        if work is None:
            yield diagnosis.finish()
        elif isinstance(work, float):
            yield diagnosis.tick(work)
        else:
            for start in range(0, len(work), PART):
                began = time.perf_counter()
                yield diagnosis.feed(work.part(start, start + PART))
                if len(work) > PART:
                    # A backlog: rest as long as it took, so that the window stays quick.
                    time.sleep(time.perf_counter() - began)


class _Close:
    """Nothing more is to be done."""
