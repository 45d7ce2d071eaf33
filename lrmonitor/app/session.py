"""One run as the window holds it: its model, its commander, and what became of commands.

The panels and plots get a `Session` and nothing else; they never see each other.
"""

from __future__ import annotations

import getpass
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from lrmonitor.diagnosis.finding import Finding
from lrmonitor.link.messages import (
    Author,
    CancelCommand,
    Command,
    CommandError,
    GuardCommand,
    LrCommand,
    OptionCommand,
    PauseCommand,
    ResumeCommand,
    RewindCommand,
    SnapshotCommand,
    SnapshotsCommand,
    StepCommand,
)
from lrmonitor.link.test_commands import TestCommand
from lrmonitor.model.command import NotLive
from lrmonitor.model.groups import addressed
from lrmonitor.model.guards import Set
from lrmonitor.model.optimizer import sentence
from lrmonitor.model.preview import to_come
from lrmonitor.model.rate_now import rate_now
from lrmonitor.model.run import Changes, RunModel
from lrmonitor.model.stop import stop_run
from lrmonitor.record import layout
from lrmonitor.record.reader import RunReader

from .advising import Offer, offer
from .commands import Commander
from .diagnosing import Diagnoser
from .history import CommandLog, Outcome
from .proposal import Proposal, RateNow
from .record import WindowLog
from .ruling import Ruling
from .undo import RateUndo

__all__ = ["Session", "person"]


class Session(QObject):
    """A run that is open in a window. Lives in the GUI thread.

    - `changed(Changes)`: a poll brought something (`Changes` of the model).
    - `problem(str)`: a command did not get to the training, in a sentence; "" clears it.
    - `ended()`: the run was live and is over now.
    - `answered(Outcome)`: the record says what became of a command of this window.
    - `failed(id)`: a command of this window did not get there, as far as is known.
    """

    changed = Signal(object)
    problem = Signal(str)
    ended = Signal()
    answered = Signal(object)
    failed = Signal(str)
    _signalled = Signal(str)

    def __init__(
        self,
        folder: Path,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.time,
        reader: RunReader | None = None,
    ) -> None:
        """`reader` reads what is no run folder: see `RunModel`."""
        super().__init__(parent)
        self.folder = folder
        self.clock = clock
        self.model = RunModel(folder, clock=clock, reader=reader)
        self.log = CommandLog()
        log = self.tr("This log is only read, so nothing can be added to it.")
        author = {"who": "person", "via": "window", "name": _user()}
        self.record = WindowLog(folder, author, self, log if self.model.log else None)
        self.sending: dict[str, tuple[Any, float]] = {}
        self._own: set[str] = set()
        self.model.poll()
        self._take_events()
        self.commander = Commander(self.model.id, self._live_rank, self)
        self.stop_asked: float | None = None
        self.stop_how = "interrupt"
        self._live = self.model.state.live
        self._threads: list[threading.Thread] = []
        self.commander.failed.connect(self._on_failed)
        self.commander.finished.connect(self._on_finished)
        self._signalled.connect(self._on_signalled)
        self.undo = RateUndo(self)
        self.diagnosis = Diagnoser(self.model, self.record.write, clock, parent=self)
        self.rules = Ruling(self)

    @property
    def over(self) -> bool:
        """Whether nothing more is to come of the run."""
        return self.model.state.phase.over

    @property
    def timed_output(self) -> bool:
        """Whether it is recorded when the script printed what."""
        try:
            return (self.folder / layout.CONSOLE_TIMES).stat().st_size > 0
        except OSError:
            return False

    def begun(self) -> float | None:
        """When the run began, in unix seconds; None while unknown."""
        created = self.model.reader.info.get("created")
        return float(created) if isinstance(created, (int, float)) else None

    def finished(self) -> float | None:
        """When the last thing of the run was recorded, in unix seconds."""
        sources = ("supervisor", "rank")
        ends = [e.time for e in self.model.journal if e.source.startswith(sources)][-1:]
        series = self.model.loss()
        if series is not None and len(series):
            ends.append(float(series.time[-1]))
        return max(ends, default=None)

    def poll(self) -> None:
        """Read what is new; on each tick of the window's timer."""
        changes = self.model.poll()
        self.diagnosis.advance()
        if changes:
            self._tell(changes)
        self.rules.advance()

    def close(self) -> None:
        """Let go of the run; it goes on."""
        self.commander.close()
        self.diagnosis.close()
        for thread in self._threads:
            thread.join(5.0)

    def rate_now(self, optimizer: int, group: int) -> RateNow:
        """What the record says of one group's rate."""
        return rate_now(self.model, optimizer, group)

    def control_problem(self) -> str | None:
        """Why no command can reach the training now, in a sentence; None when one can."""
        model = self.model
        if model.log is not None:
            return model.control_problem
        if self.over:
            return self.tr("The run is over: there is nothing to control any more.")
        if not model.live_ranks:
            if model.rank is None:
                return self.tr("Nothing has trained yet: this becomes active with the first step.")
            if model.elsewhere is not None:
                told = self.tr("It trains on {0}: from here it can be watched, not controlled.")
                return told.format(model.elsewhere)
            return self.tr("No training process of this run can be reached from here.")
        if len(model.live_ranks) > 1:
            return model.control_problem
        return None

    def rate_problem(self, optimizer: int | str | None) -> str | None:
        """Why this optimizer's rate cannot be set now, in a sentence; None when it can."""
        problem = self.control_problem() or self.model.control_problem
        if problem is not None:
            return problem
        for info in self.model.optimizers:
            if info.number == optimizer and not info.controllable:
                if info.reason:
                    return sentence(info.reason)
                return self.tr("This optimizer's rate cannot be set.")
        return None

    def stop_request(self) -> tuple[float, str] | None:
        """The latest request to end the run, whoever made it: when, and which rung it was."""
        found: tuple[float, str] | None = None
        for entry in reversed(self.model.journal):
            how = _stop_rung(entry.event, entry.data)
            if how is not None:
                found = (entry.time, how)
                break
        if self.stop_asked is not None and (found is None or self.stop_asked > found[0]):
            return self.stop_asked, self.stop_how
        return found

    def pending(self) -> list[Outcome]:
        """Commands the training has taken but not answered, and those on their way to it."""
        known = self.log.pending
        ids = {outcome.id for outcome in known}
        underway = [
            Outcome(identity, _name(command), _args(command), None, since)
            for identity, (command, since) in self.sending.items()
            if identity not in ids and self.log.find(identity) is None
        ]
        return [*known, *underway]

    def waiting_for(self, address: tuple[int, int]) -> Outcome | None:
        """The latest rate command for this group that has not taken effect."""
        if self.over:
            return None
        model = self.model
        waiting = [
            outcome
            for outcome in self.pending()
            if outcome.command == "lr"
            and address
            in addressed(
                model.optimizers,
                model.main,
                outcome.args.get("optimizer"),
                outcome.args.get("group"),
            )
        ]
        return waiting[-1] if waiting else None

    def rate_to_come(self, address: tuple[int, int]) -> float | None:
        """The rate that the command which waits for this group gives it at the next step; None
        where none waits."""
        waiting = self.waiting_for(address)
        if waiting is None or waiting.proposal.begin is not None:
            return None
        wish = waiting.proposal.wish(waiting.args.get("optimizer"), waiting.args.get("group"))
        return to_come(self.model, wish, address)

    def send_rate(
        self,
        proposal: Proposal,
        optimizer: int | str | None,
        group: int | None,
        note: str = "",
    ) -> str | None:
        """Ask for a rate; `note` says why. The command's id, None if there is no such rate."""
        try:
            command = LrCommand(
                mode=proposal.mode,
                value=proposal.value,
                optimizer=optimizer,
                group=group,
                note=note,
                ramp=proposal.ramp,
                same=proposal.same,
                plan=proposal.plan,
                begin=proposal.begin,
                by=self._author(),
            )
        except CommandError as error:
            # A factor can multiply a rate out of the numbers there are.
            self.problem.emit(str(error))
            return None
        self._send(command)
        return command.id

    def send_option(
        self, name: str, value: float | None, optimizer: int | str, group: int | None, note: str
    ) -> None:
        """Ask for another number of groups to be held, or (None) released; it is checked."""
        command = OptionCommand(
            name=name, value=value, optimizer=optimizer, group=group, note=note, by=self._author()
        )
        self._send(command)

    def send_all(self, commands: Sequence[Command]) -> None:
        """Ask for several changes that belong together."""
        for command in commands:
            self._send(replace(command, by=self._author()))

    def send_for_rule(self, commands: Sequence[Command]) -> None:
        """Send what a rule asks for, in the rule's name."""
        for command in commands:
            self._send(command)

    def pause(self) -> None:
        """Hold the training after the step it is in."""
        self._send(PauseCommand(by=self._author()))

    def resume(self) -> None:
        """Let it go on."""
        self._send(ResumeCommand(by=self._author()))

    def step(self) -> None:
        """Let it do one step and hold again."""
        self._send(StepCommand(by=self._author()))

    def snapshot(self) -> None:
        """Keep the state after the step that it is in."""
        self._send(SnapshotCommand(by=self._author()))

    def keep_snapshots(self, every: int, before: bool, budget: int | None) -> None:
        """Take them every so many steps (0: not), and before changes of the rate or not; `budget`
        bytes for all, None for what it is."""
        command = SnapshotsCommand(every=every, before=before, budget=budget, by=self._author())
        self._send(command)

    def rewind(self, to: int, scale: float | None = None, rng: bool = False) -> str:
        """Go back to the snapshot of step `to`, and go on with the rates multiplied by `scale`; the
        command's id."""
        command = RewindCommand(to=to, scale=scale, rng=rng, by=self._author())
        self._send(command)
        return command.id

    def rewind_at(
        self,
        to: int,
        proposal: Proposal,
        optimizer: int | str | None,
        group: int | None,
        rng: bool = False,
    ) -> str:
        """The same, to go on at a rate that is held or set; the command's id."""
        command = RewindCommand(
            to=to,
            rng=rng,
            rate=proposal.value,
            mode=proposal.mode,
            optimizer=optimizer,
            group=group,
            by=self._author(),
        )
        self._send(command)
        return command.id

    def guard(self, kind: str, wanted: Set | None) -> str:
        """Set the guard of that kind, or take it away (None); the command's id. Where it is set, it
        was said that a GPU has to be waited for."""
        by = self._author()
        if wanted is None:
            command = GuardCommand(on=kind, then="off", by=by)
        else:
            command = GuardCommand(**vars(wanted), sync=True, by=by)
        self._send(command)
        return command.id

    def try_rates(self, command: TestCommand) -> str:
        """Ask for a range test or a trial; the command's id."""
        command = replace(command, by=self._author())
        self._send(command)
        return command.id

    def advice(self, finding: Finding) -> Offer | None:
        """The advice of a finding as one action on the run; None where there is none."""
        snapshot = self.model.snapshots.before_step(finding.first_step)
        return offer(finding, self.rate_now(self.model.main, 0), self.tr, snapshot)

    def can_follow(self, offer: Offer) -> bool:
        """Whether that action can be taken now: ending a run needs no rate that can be set."""
        if offer.proposal is None and offer.back is None:
            return self.model.state.live
        return self.rate_problem(self.model.main) is None

    def mute(self, finding: Finding, how: str) -> None:
        """Have findings of this kind and cause alarm no more, or again: see `Diagnoser.mute`."""
        self.keep(self.diagnosis.mute(finding, how))

    def keep(self, problem: str | None) -> None:
        """Something was added to the record: read it back. That it could not be added is worth
        knowing, though it holds for this window; of a log that is no news."""
        self.poll()
        if problem is not None and self.model.log is None:
            self.problem.emit(problem)

    def cancel(self, identity: str | None = None) -> None:
        """Withdraw one pending command, or all."""
        self._send(CancelCommand(target=identity, by=self._author()))

    def stop(self, how: str = "interrupt") -> None:
        """End the run by one rung of the ladder of `model.stop`, without waiting for its end.

        "interrupt" is what Ctrl-C does: at the next step, or by SIGINT where none comes;
        "terminate" and "kill" are signals to the whole process tree.
        """
        self.problem.emit("")
        self.stop_asked = self.clock()
        self.stop_how = how
        thread = threading.Thread(
            target=self._stop, args=(how, self._author()), name=f"lrmonitor-{how}", daemon=True
        )
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()
        self.changed.emit(Changes(state=True))

    def _tell(self, changes: Changes) -> None:
        if changes.events:
            self._take_events()
            self.diagnosis.refresh()
        self.changed.emit(changes)
        if self._live and not self.model.state.live and self.over:
            self._live = False
            self.ended.emit()
        self._live = self._live or self.model.state.live

    def _stop(self, how: str, by: Author) -> None:
        """Runs in a short-lived thread: it may wait for a step boundary or look up processes."""
        problem = ""
        try:
            result = stop_run(self.folder, how, timeout=0.0, by=by, kind="window")
            if result.refused:
                problem = result.sentence
        except NotLive as error:
            problem = str(error)
        except OSError as error:
            problem = self.tr("The run could not be signalled: {0}.").format(error)
        try:
            self._signalled.emit(problem)
        except RuntimeError:
            return  # the window was closed meanwhile

    def _on_signalled(self, problem: str) -> None:
        self.model.look()
        self.poll()
        if problem and not self.over:
            self.problem.emit(problem)

    def _send(self, command: Any) -> None:
        self.problem.emit("")
        self.sending[str(command.id)] = (command, self.clock())
        self._own.add(str(command.id))
        self.commander.send(command)
        self.changed.emit(Changes(state=True))

    def _on_finished(self, answer: Any) -> None:
        self.sending.pop(str(answer.id), None)
        self.poll()

    def _on_failed(self, identity: str, problem: str) -> None:
        self.sending.pop(identity, None)
        self.poll()
        outcome = self.log.find(identity)
        if outcome is not None and outcome.status != "pending":
            return
        if self.over:
            problem = self.tr("The run ended before the command took effect.")
        self.problem.emit(problem)
        self.failed.emit(identity)

    def _take_events(self) -> None:
        rank = self.model.rank
        if rank is not None:
            self.log.take(rank, rank.events)
            for identity in [i for i in self.sending if self.log.find(i) is not None]:
                del self.sending[identity]
            for identity in sorted(self._own):
                outcome = self.log.find(identity)
                if outcome is not None and outcome.status != "pending":
                    self._own.discard(identity)
                    self.answered.emit(outcome)

    def _live_rank(self) -> int:
        live = self.model.live_ranks
        return live[0] if live else 0

    def _author(self) -> Author:
        return person()


def person() -> Author:
    """Who asks for something in the window."""
    return Author(who="person", via="window", name=_user())


def _stop_rung(event: str, data: Mapping[str, Any]) -> str | None:
    if event == "stopping" or (event == "command" and data.get("command") == "stop"):
        return "interrupt"
    if event == "stop":
        return str(data.get("how"))
    if event == "signalled":
        rungs = {"SIGINT": "interrupt", "SIGTERM": "terminate", "SIGKILL": "kill"}
        return rungs.get(str(data.get("signal")))
    return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _name(command: Any) -> str:
    return type(command).__name__.removesuffix("Command").lower()


def _args(command: Any) -> dict[str, Any]:
    if isinstance(command, (LrCommand, OptionCommand)):
        return command.args()
    return {}
