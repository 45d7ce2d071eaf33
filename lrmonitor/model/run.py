"""A run as the window and the verbs see it: followed, and told in the words of the house."""

from __future__ import annotations

import functools
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lrmonitor.model import crash, journal, options, process, rates, rhythm
from lrmonitor.model.axis import Epochs
from lrmonitor.model.findings import Findings
from lrmonitor.model.guards import Guards
from lrmonitor.model.journal import JournalEntry, Marker
from lrmonitor.model.notify import Signal
from lrmonitor.model.optimizer import OptimizerInfo, sentence, told_of
from lrmonitor.model.options import Options
from lrmonitor.model.printed import Printed
from lrmonitor.model.process import Identity
from lrmonitor.model.progress import Course, Progress
from lrmonitor.model.rate_tests import RateTests
from lrmonitor.model.rates import Override
from lrmonitor.model.rulebook import Rulebook
from lrmonitor.model.snapshots import Snapshots
from lrmonitor.model.state import Ask, Exit, Facts, LogFacts, Phase, RunState, decide
from lrmonitor.model.throughput import Throughput
from lrmonitor.model.watch import ProcessWatch
from lrmonitor.record.foreign.names import is_rate
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import RankReader, RunReader, Series

MAKING_SECONDS = 10.0
"""Within this long after a run's folder was made its first process tells of itself, even on a busy
machine: the supervisor writes its line a moment after `run.json`."""

LOG_CONTROL = (
    "This is a log that another program writes, not a process: there is nothing to control. Start "
    "the script with lrmonitor to change its rate."
)

STATE_POINTS = 4096
"""Latest points of each series that tell the state: what verbs read that show no curve."""


@dataclass(frozen=True)
class Changes:
    """What a poll brought; false when nothing."""

    data: bool = False
    events: bool = False
    state: bool = False

    def __bool__(self) -> bool:
        return self.data or self.events or self.state


class RunModel:
    """One run, followed by `poll` (about 30 times a second for a window, once for a verb).

    Not thread-safe. Never raises because of what is on the disk. `changed` is called with the
    `Changes` of each poll that brought any. With several ranks, the curves, markers and rates are
    those of the lowest, or of a process that registered after that one had recorded its last
    (a script that trains in one process after another). `last` limits the points that are read of
    what there is already, for those who only want the state.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        clock: Callable[[], float] = time.time,
        last: int | None = None,
        reader: RunReader | None = None,
    ) -> None:
        self.reader = RunReader(folder, last) if reader is None else reader
        self._curves = last is None  # verbs that want the state alone show none
        self.changed: Signal[[Changes]] = Signal()
        self.optimizers: list[OptimizerInfo] = []
        self.overrides: dict[tuple[int, int], Override] = {}
        self.options = Options()
        self.snapshots = Snapshots()
        self.guards = Guards()
        self.rate_tests = RateTests()
        self.markers: list[Marker] = []
        self.journal: list[JournalEntry] = []
        self.no_optimizer: str | None = None
        self.printed = Printed(self.reader.folder)
        self.findings = Findings()
        self.rules = Rulebook()
        self._throughput = Throughput()
        self.state: RunState = decide(Facts(now=clock(), started=None, supervisor_alive=True))
        self._course = Course()
        self._clock = clock
        self._host = socket.gethostname()
        self._notes: dict[str, str] = {}
        self._seen = {"supervisor": 0, "clients": 0}
        self._rank: int | None = None
        self._rank_seen: dict[int, int] = {}
        self._processes = ProcessWatch()
        self._said_bye = False
        self._paused = False
        self._resumed_time: float | None = None
        self._asks: list[tuple[float, Ask]] = []
        self._exit: Exit | None = None
        self._failure: str | None = None
        self._crash: str | None = None
        self._compiling: float | None = None

    @property
    def id(self) -> str:
        """The run's id (its folder's name where run.json cannot be read)."""
        return str(self.reader.info.get("id") or self.reader.folder.name)

    @property
    def name(self) -> str:
        """The name it was last given."""
        given = self._last_given("name", str)
        return str(given if given is not None else self.reader.info.get("name") or self.id)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags it was last given."""
        return tuple(str(tag) for tag in self._last_given("tags", list) or () if str(tag))

    def _last_given(self, what: str, kind: type) -> Any:
        """What a person gave it last, among what is of that type; None where nothing is."""
        lines = [one for one in self.reader.clients if one.get("event") == what]
        given = [one for one in lines if isinstance(one.get(what), kind)]
        return max(given, key=_time)[what] if given else None

    @property
    def log(self) -> str | None:
        """The format, in words, of a log that another program writes; None for a run."""
        info = self.reader.info
        return str(info.get("format_name")) if info.get("kind") == "log" else None

    @property
    def rank(self) -> RankReader | None:
        """The training process that is shown; None before one registered."""
        return None if self._rank is None else self.reader.ranks.get(self._rank)

    @property
    def main(self) -> int:
        """The number of the main optimizer."""
        return next((o.number for o in self.optimizers if o.main), 0)

    @property
    def live_ranks(self) -> list[int]:
        """Ranks whose process lives, as of the latest look."""
        return sorted(self._processes.living)

    @property
    def elsewhere(self) -> str | None:
        """The machine the run trains on where that is another one, whose processes cannot be
        reached from here."""
        return self._foreign()

    @property
    def identity(self) -> Identity | None:
        """The process to signal to end the run: the launched script, or the one that trains."""
        return self._processes.identity

    @property
    def processes(self) -> tuple[Identity, ...]:
        """The launched script and the processes that train, those that lived at the latest look."""
        watch = self._processes
        script = [watch.script] if watch.script is not None and watch.script_alive else []
        return (*script, *watch.living.values())

    @property
    def step_time(self) -> float | None:
        """When the latest step was done, in unix seconds."""
        steps = self._steps()
        return float(steps.time[-1]) if steps is not None else None

    @property
    def control_problem(self) -> str | None:
        """Why no rate of the run can be set, in a sentence; None when one can."""
        if self.log is not None:
            return LOG_CONTROL
        if len(self.live_ranks) > 1:
            return (
                f"{len(self.live_ranks)} processes train together, and a change on one of them "
                "alone would part their weights: lrmonitor cannot change their rates yet."
            )
        if any(o.controllable for o in self.optimizers):
            return None
        if self.optimizers:
            return sentence(self.optimizers[0].reason or "its optimizer's rate cannot be set")
        if self.no_optimizer is not None:
            return sentence(self.no_optimizer)
        return "No optimizer has made a step yet."

    @property
    def progress(self) -> Progress:
        """How far it is and how far it goes, as far as that is known."""
        running = self.state.phase in (Phase.RUNNING, Phase.VALIDATING)
        pace = rhythm.pace(self._steps(), self._resumed_time) if running else None
        return self._course.at(self.state.step, pace)

    def poll(self) -> Changes:
        """Read what is new and look at the processes; what changed."""
        read = self.reader.poll()
        now = self._clock()
        ended = self._take_supervisor()
        switched = self._choose_rank()
        trained = self._take_ranks()
        noted = self._take_clients()
        events = ended or switched or trained or noted
        if events or self._processes.due(now):
            over = self._exit is not None or self._failure is not None
            self._processes.look(now, over=over, elsewhere=self._foreign() is not None)
        state = decide(self._facts(now))
        if self._curves:
            rank = self.rank
            known = None if rank is None else rhythm.recorded_steps(rank, self.main)
            self._throughput.update(known)
            read |= self.printed.poll(self._steps(), now, state.phase.over)
        changes = Changes(data=read, events=events, state=state != self.state)
        self.state = state
        if changes:
            self.changed(changes)
        return changes

    def look(self) -> None:
        """Have the next poll look at the processes, however recent the last look."""
        self._processes.hasten()

    def loss(self, optimizer: int | None = None) -> Series | None:
        """The loss of an optimizer's steps, by default the main one's."""
        number = self.main if optimizer is None else optimizer
        found = self._find("loss", number, None)
        if found is None and number == self.main:
            # Without an optimizer each backward pass is a step, and its loss belongs to none.
            return self._find("loss", None, None)
        return found

    def lr(self, optimizer: int = 0, group: int = 0) -> Series | None:
        """The effective rate of a group, recorded where it changes."""
        return self._find("lr", optimizer, group)

    def scheduled(self, optimizer: int = 0, group: int = 0) -> Series | None:
        """The scheduled rate of a group, recorded where it changes."""
        return self._find("scheduled_lr", optimizer, group)

    def metrics(self) -> list[Series]:
        """What the script logged, then what was made of printed numbers. What it logged of what
        lrmonitor records itself (losses, rates) is the last of the former."""
        logged = self.rank.series.values() if self.rank is not None else ()
        found = [series for series in logged if series.info.kind == "metric"]
        found.sort(key=lambda series: known_anyway(series.info))
        return found + [one.series for one in self.printed.series.values()]

    def measured(self) -> list[Series]:
        """What lrmonitor measures beside loss and rate: gradient norms, update ratios, speed."""
        kinds = ("grad_norm", "update_ratio")
        ranked = self.rank.series.values() if self.rank is not None else ()
        found = [one for kind in kinds for one in ranked if one.info.kind == kind and len(one)]
        speed = self._throughput.series
        return [*found, speed] if len(speed) else found

    @property
    def epochs(self) -> Epochs:
        """Where the epochs of the process that is shown began, as far as that is known."""
        return self._course.epochs

    @property
    def steps_per_epoch(self) -> float | None:
        """Steps in an epoch of the process that is shown; None where that is not known."""
        return self._course.steps_per_epoch

    @property
    def step_series(self) -> Series | None:
        """The series that tells best when each step was done; None before there is one."""
        return self._steps()

    def _find(self, kind: str, optimizer: int | None, group: int | None) -> Series | None:
        if self.rank is None:
            return None
        for series in self.rank.series.values():
            info = series.info
            if (info.kind, info.optimizer, info.group) == (kind, optimizer, group):
                return series
        return None

    def _take_supervisor(self) -> bool:
        lines = self.reader.supervisor[self._seen["supervisor"] :]
        self._seen["supervisor"] += len(lines)
        for line in lines:
            name = line.get("event")
            if name == "starting":
                self._processes.supervisor = process.identity(
                    line.get("pid"), None, line.get("time")
                )
            elif name == "started":
                self._processes.script = process.identity(
                    line.get("pid"), line.get("started"), line.get("time")
                )
            elif name == "failed":
                self._failure = str(line.get("reason") or "the reason was not recorded")
            elif name == "signalled":
                self._ask(line, _HOW.get(str(line.get("signal"))))
            elif name == "exited":
                code, signal = line.get("code"), line.get("signal")
                self._exit = Exit(
                    code if isinstance(code, int) else None, str(signal) if signal else None
                )
                self._crash = crash.last_error(self.reader.folder) if code == 1 else None
            self._record("supervisor", line)
        return bool(lines)

    def _choose_rank(self) -> bool:
        """Settle on the rank to show; True when it is another one than before."""
        chosen = None
        for number, reader in self.reader.ranks.items():
            if not reader.events:
                continue
            if chosen is None or self._follows(reader, chosen):
                chosen = number
        if chosen == self._rank:
            return False
        self._rank = chosen
        self._begin_process()
        self.markers.clear()
        # The ranks and the notes are taken again: which of them tell something depends on the rank.
        self._rank_seen.clear()
        self._seen["clients"] = 0
        self.journal = [e for e in self.journal if e.source == "supervisor"]
        return True

    def _follows(self, later: RankReader, earlier: int) -> bool:
        """Whether a rank began after an earlier one was over, rather than training beside it."""
        if _time(later.events[0]) <= _last_time(self.reader.ranks[earlier]):
            return False
        event = self.reader.ranks[earlier].events[0]
        who = process.identity(event.get("pid"), event.get("started"), event.get("time"))
        return who is None or self._foreign() is not None or process.find(who) is None

    def _begin_process(self) -> None:
        self.optimizers = []
        self.overrides = {}
        self.options = Options()
        self.snapshots = Snapshots()
        self.guards = Guards()
        self.rate_tests = RateTests()
        self._course = Course()
        self.no_optimizer = None
        self._paused = False
        self._said_bye = False
        self._compiling = None

    def _take_ranks(self) -> bool:
        new = False
        for number, reader in self.reader.ranks.items():
            lines = reader.events[self._rank_seen.get(number, 0) :]
            self._rank_seen[number] = len(reader.events)
            new |= bool(lines)
            for line in lines:
                if line.get("event") == "environment":
                    who = process.identity(line.get("pid"), line.get("started"), line.get("time"))
                    if who is not None:
                        self._processes.registered[number] = who
                self.rules.take_rank(number, line)
                if number == self._rank:
                    self._take_event(line)
                    self._record(f"rank {number}", line)
                elif line.get("event") in ("environment", "ended", "probe_error", "lost"):
                    self._record(f"rank {number}", line)
        return new

    def _take_event(self, line: dict[str, Any]) -> None:
        name = line.get("event")
        self.options.take(line)
        if name == "environment":
            self._begin_process()
        elif name == "optimizer":
            self._take_optimizer(line)
        elif name == "no_optimizer":
            self.no_optimizer = str(line.get("reason") or "The script uses no torch optimizer.")
        elif name == "command":
            args = line.get("args")
            note = args.get("note") if isinstance(args, dict) else None
            if note:
                self._notes[str(line.get("id"))] = str(note)
            if line.get("command") == "stop":
                self._ask(line, "interrupt")
        elif name == "acknowledgement":
            step = line.get("step")
            if line.get("status") == "applied" and isinstance(step, int):
                self.findings.answered(str(line.get("id")), step)
        elif name in ("rates", "rates_settled"):
            self.overrides.update(rates.overrides(line))
        elif name == "paused":
            self._paused = True
        elif name == "resumed":
            self._paused = False
            self._resumed_time = _time(line)
        elif name == "stopping":
            self._ask(line, "interrupt")
        elif name == "compiling":
            self._compiling = _time(line)
        elif name == "compiled":
            self._compiling = None
        elif name == "ended":
            self._said_bye = True
            self.snapshots.take(line)
            self.guards.take(line)
            self.rate_tests.take(line)
        else:
            self.snapshots.take(line)
            self.guards.take(line)
            self.rate_tests.take(line)
            self._course.take(line)

    def _take_optimizer(self, line: dict[str, Any]) -> None:
        told = told_of(line, self.optimizers)
        if told is not None:
            others = [o for o in self.optimizers if o.number != told.number]
            self.optimizers = sorted([*others, told], key=lambda o: o.number)
            self.no_optimizer = None

    def _take_clients(self) -> bool:
        lines = self.reader.clients[self._seen["clients"] :]
        self._seen["clients"] += len(lines)
        for line in lines:
            if line.get("event") == "stop":
                self._ask(line, str(line.get("how")))
            self.printed.take(line)
            self.findings.take(line)
            self.rules.take(line)
            self._record(str(line.get("client")), line)
        return bool(lines)

    def _ask(self, line: dict[str, Any], how: str | None) -> None:
        if how not in ("interrupt", "terminate", "kill"):
            return
        ask = Ask(how, journal.author(line.get("by")))
        # "stopping" tells no author: the command before it did.
        if ask.by is None and any(known.how == how for _, known in self._asks):
            return
        when = _time(line)
        if (when, ask) not in self._asks:
            self._asks = sorted([*self._asks, (when, ask)], key=lambda a: a[0])

    def _record(self, source: str, line: dict[str, Any]) -> None:
        entry = journal.entry(source, line)
        if entry is None:
            return
        journal.insert(self.journal, entry)
        kind = journal.MARKERS.get(entry.event)
        if kind is None:
            return
        step = entry.step if entry.step is not None else rhythm.step_at(self._steps(), entry.time)
        text = entry.text
        if kind == "rate":
            option = entry.event == "options"
            text = options.headline(line) if option else rates.headline(line, self.main)
            note = self._notes.get(str(line.get("id")))
            text += f" – {note}" if note else ""
        self.markers.append(Marker(step, entry.time, kind, text))
        if len(self.markers) > 1 and self.markers[-2].step > step:
            self.markers.sort(key=lambda m: (m.step, m.time))

    def _steps(self) -> Series | None:
        """The series that tells best when each step was done."""
        return None if self.rank is None else rhythm.step_series(self.rank, self.main)

    def _foreign(self) -> str | None:
        host = self.reader.info.get("host")
        return host if isinstance(host, str) and host and host != self._host else None

    def _facts(self, now: float) -> Facts:
        steps = self._steps()
        who = self.identity
        step_time = float(steps.time[-1]) if steps is not None else None
        if self._compiling is not None and (step_time or 0.0) > self._compiling:
            self._compiling = None  # a step came after it, whatever became of its end
        return Facts(
            now=now,
            folder_gone=self.reader.gone,
            foreign=self._foreign(),
            launched=self.reader.info.get("kind") != "started",
            start_failure=self._failure,
            started=self._started(),
            alive=self._processes.alive,
            supervisor_alive=self._processes.supervisor_alive or self._being_made(now),
            # A process that outlived the script (started by it in the background) still trains.
            exit=None if self._processes.living else self._exit,
            torch=self._processes.torch,
            crash=self._crash,
            compiling=self._compiling,
            reading=self._course.reading(int(steps.step[-1]) if steps is not None else None),
            registered=self._rank is not None,
            said_bye=self._said_bye,
            asks=tuple(ask for _, ask in self._asks),
            paused=self._paused,
            pid=who.pid if who is not None else None,
            step=int(steps.step[-1]) if steps is not None else None,
            step_time=step_time,
            resumed_time=self._resumed_time,
            interval=rhythm.usual_interval(steps),
            speed=rhythm.speed(steps, self._resumed_time),
            log=self._log_facts(),
        )

    def _log_facts(self) -> LogFacts | None:
        info = self.reader.info
        if self.log is None:
            return None
        return LogFacts(self.log, rates.number(info.get("changed")), bool(info.get("reading")))

    def _being_made(self, now: float) -> bool:
        """Whether the folder was made a moment ago and no process has told of itself in it yet:
        whoever looks just then must not take the run for lost."""
        watch = self._processes
        if watch.supervisor is not None or watch.registered or self._failure is not None:
            return False
        created = rates.number(self.reader.info.get("created"))
        return created is not None and 0 <= now - created < MAKING_SECONDS

    def _started(self) -> float | None:
        script = self._processes.script
        if script is not None:
            return script.started or script.seen
        rank = self.rank
        return _time(rank.events[0]) if rank is not None and rank.events else None


_HOW = {"SIGINT": "interrupt", "SIGTERM": "terminate", "SIGKILL": "kill"}


def _time(line: dict[str, Any]) -> float:
    return rates.number(line.get("time")) or 0.0


def _last_time(reader: RankReader) -> float:
    """When a rank recorded its last, as far as was read."""
    ends = [_time(reader.events[-1])] if reader.events else [0.0]
    ends += [float(s.time[-1]) for s in reader.series.values() if len(s)]
    return max(ends)


@functools.lru_cache(1024)
def known_anyway(info: SeriesInfo) -> bool:
    """Whether a logger's series is of what lrmonitor records itself: a rate, or what bears the
    logger's name because its own is that of one of lrmonitor's series."""
    if info.source is None:
        return False
    return is_rate(info.name) or info.name.endswith(f"({info.source})")
