"""Commands: taken from connection threads, carried out by the training thread between steps."""

from __future__ import annotations

import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lrmonitor.link import first_rate, first_test
from lrmonitor.link.messages import (
    Acknowledgement,
    Author,
    CancelCommand,
    Command,
    CommandError,
    GroupRate,
    GuardCommand,
    LrCommand,
    OptionCommand,
    PauseCommand,
    ResumeCommand,
    RewindCommand,
    SnapshotCommand,
    SnapshotsCommand,
    StepCommand,
    StopCommand,
)
from lrmonitor.link.server import Reply
from lrmonitor.link.test_commands import TestCommand
from lrmonitor.probe.entry import Entry
from lrmonitor.probe.optioncommands import OptionCommands
from lrmonitor.probe.ratecommands import RateCommands
from lrmonitor.probe.session import siblings, world_size

if TYPE_CHECKING:
    from lrmonitor.probe.guarding import Guards
    from lrmonitor.probe.keeping import Keeper
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps
    from lrmonitor.probe.tester import Tester

BOUNDARY_SECONDS = 2.0
"""A stop that has met no step boundary for this long comes by SIGINT from outside."""

OF_STATE = (SnapshotCommand, SnapshotsCommand, RewindCommand, TestCommand)
"""Commands that a `Keeper` carries out."""

REMEMBERED = 1024
"""Answers kept, so that a command sent again is not carried out again."""


class Control:
    """`submit` and `status` run on connection threads, `boundary` and the rate methods on the
    training thread. The lock is only ever held for a few dictionary operations; while the training
    is paused its thread waits outside of it."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.rates = RateCommands(
            steps, self._lock, self._entries.values, self._answer, self._journal
        )
        self.options = OptionCommands(steps, self._lock, self._answer, self._journal)
        self._pause: list[Entry] = []
        self._stop: list[Entry] = []
        self._step: list[Entry] = []
        self._pausing = False
        self._wake = threading.Condition(self._lock)
        self._held = 0
        """Training threads that are held."""
        self._keeper: Keeper | None = None
        self.first = False
        """Whether a test waits for the first step."""
        self.follows = False
        """Whether the steps of all optimizers have to be told by `stepped`."""

    @property
    def paused(self) -> bool:
        """Whether the training is held."""
        return self._held > 0

    @property
    def testing(self) -> bool:
        """Whether the steps that are made are of a test, and no part of the run."""
        tests = self.tests
        return tests is not None and tests.test is not None

    @property
    def tests(self) -> Tester | None:
        """Who makes tests of rates; None before anything of the kind was asked for."""
        return None if self._keeper is None else self._keeper.tests

    # On connection threads

    def status(self) -> dict[str, Any]:
        """What a status request is answered with."""
        with self._lock:
            pending = [id for id, e in self._entries.items() if not e.answer.final]
        test = self.tests and self.tests.test
        return {
            "step": self._steps.step,
            "paused": self.paused,
            "pending": pending,
            "test": test.state if test else None,
            "optimizers": [o.status(self._steps.step) for o in list(self._steps.optimizers)],
        }

    def begin(self, environ: Mapping[str, str]) -> None:
        """The process has its place in the run: take the change that holds from the first step,
        and the test that comes before it."""
        by = Author(who="person", via="launch")
        for where, module in (("first rate", first_rate), ("first test", first_test)):
            try:
                command = module.command(environ, by)
            except CommandError as error:
                self._journal("probe_error", where=where, error=str(error), traceback="")
                continue
            session = self._steps.session
            if module is first_test and session is not None and session.rank > 0:
                continue  # a process that comes later inherits the variable
            if command is not None:
                self.first = self.first or module is first_test
                self.submit(command, lambda answer: None)

    def submit(self, command: Command, reply: Reply) -> None:
        """Take a command; a repeated id is answered as the first one was."""
        with self._lock:
            known = self._entries.get(command.id)
            if known is not None:
                if not known.answer.final:
                    known.replies.append(reply)
                reply(known.answer)
                return
            pending = Acknowledgement(id=command.id, status="pending")
            entry = Entry(command, [reply], pending, paused=self.paused)
            self._entries[command.id] = entry
            self._forget_old()
        self._journal(
            "command",
            id=command.id,
            command=command.kind,
            args=command.args(),
            by=vars(command.by),
        )
        reason = self._refusal(command)
        if reason:
            self._answer(entry, "refused", reason=reason)
            return
        reply(pending)
        self._take(entry)

    def _forget_old(self) -> None:
        while len(self._entries) > REMEMBERED:
            oldest = next((k for k, e in self._entries.items() if e.answer.final), None)
            if oldest is None:
                return
            del self._entries[oldest]

    def _take(self, entry: Entry) -> None:
        command = entry.command
        if self._kept(entry):
            return
        if isinstance(command, GuardCommand):
            self._guards().take(entry)
        elif isinstance(command, LrCommand):
            self.rates.take(entry)
        elif isinstance(command, OptionCommand):
            self.options.take(entry)
        elif isinstance(command, PauseCommand):
            if self.paused:
                self._answer(entry, "applied", self._steps.step)
                return
            with self._lock:
                self._pause.append(entry)
                self._pausing = self._steps.gate = True
        elif isinstance(command, StopCommand):
            with self._wake:
                self._stop.append(entry)
                self._steps.gate = True
                self._wake.notify_all()
            timer = threading.Timer(BOUNDARY_SECONDS, self._stop_from_outside, (entry,))
            timer.daemon = True
            timer.name = "lrmonitor-stop"
            timer.start()
        elif isinstance(command, CancelCommand):
            self._cancel(entry, command.target)
        else:
            self._take_while_paused(entry)

    def _kept(self, entry: Entry) -> bool:
        """Hand a command to who keeps snapshots; whether it is its, for now."""
        command = entry.command
        if isinstance(command, OF_STATE):
            keeper = self.keeper()
            with self._lock:
                keeper.waiting.append(entry)
        elif (
            self._keeper is None
            or not isinstance(command, LrCommand)
            or not self._keeper.hold(entry)
        ):
            return False
        with self._wake:
            self._set_gate()
            self._wake.notify_all()
        return True

    def keeper(self) -> Keeper:
        """Who keeps snapshots; made, and loaded, when it is needed first."""
        if self._keeper is None:
            from lrmonitor.probe.keeping import Keeper

            with self._lock:
                if self._keeper is None:
                    self._keeper = Keeper(
                        self, self._steps, self._lock, self._answer, self._journal
                    )
        return self._keeper

    def _guards(self) -> Guards:
        """What judges steps before they are made; made, and loaded, when it is needed first."""
        steps = self._steps
        if steps.guards is None:
            from lrmonitor.probe.guarding import Guards

            with self._lock:
                if steps.guards is None:
                    steps.guards = Guards(self, steps, self._lock, self._answer, self._journal)
        return steps.guards

    def close(self) -> None:
        """At the interpreter's exit."""
        if self._keeper is not None:
            self._keeper.close()

    def release(self, entry: Entry) -> None:
        """A rate command has waited for a snapshot, which was taken."""
        self._take(entry)

    def look_at_gate(self) -> None:
        """Say whether a training thread has to stop at the next boundary and look."""
        with self._lock:
            self._set_gate()

    def _set_gate(self) -> None:
        """The same, under the lock."""
        armed = self._keeper is not None and self._keeper.armed
        self._steps.gate = self._pausing or bool(self._stop) or armed

    def _take_while_paused(self, entry: Entry) -> None:
        """Resume or one step."""
        resume = isinstance(entry.command, ResumeCommand)
        with self._lock:
            waiting, self._pause = self._pause, []
            paused = self.paused
            if paused and resume:
                self._pausing = False
                self._set_gate()
                self._step_done_later(entry, False)
            elif paused:
                self._step_done_later(entry, True)
            elif resume and waiting:
                self._pausing = False
                self._set_gate()
            else:
                self._pause = waiting
            self._wake.notify_all()
        if paused:
            return
        if resume and waiting:
            for other in waiting:
                self._answer(other, "cancelled", reason="resumed before it took effect")
            self._answer(entry, "applied", self._steps.step)
        else:
            what = "it is not paused" if resume else "one step is for a paused run: pause first"
            self._answer(entry, "refused", reason=what)

    def _step_done_later(self, entry: Entry, one: bool) -> None:
        self._step.append(entry)
        if one:
            self._pausing = self._steps.gate = True

    def _cancel(self, entry: Entry, target: str | None) -> None:
        with self._lock:
            chosen = [
                e
                for e in self._entries.values()
                if e is not entry
                and not (e.answer.final or e.begun)
                and target in (None, e.command.id)
            ]
            gone = {id(e) for e in chosen}
            self.rates.withdraw(gone)
            self.options.withdraw(gone)
            test = self.tests and self.tests.test
            if test and target in (None, test.command.id):
                test.cancel(entry)
                self._wake.notify_all()
            self._pause = [e for e in self._pause if id(e) not in gone]
            self._stop = [e for e in self._stop if id(e) not in gone]
            if not self.paused:
                self._pausing = bool(self._pause)
            if self._keeper is not None:
                self._keeper.withdraw(gone)
            self._set_gate()
        for other in chosen:
            self._answer(other, "cancelled", reason="cancelled before it took effect")
        if test and entry in test.cancels:
            if test.over:  # it has ended at this very moment
                self._answer(entry, "applied", self._steps.step)
            return  # otherwise it is answered once everything is put back
        if chosen:
            self._answer(entry, "applied", self._steps.step)
        else:
            what = "nothing is pending" if target is None else f"{target} is not pending"
            self._answer(entry, "refused", reason=what)

    def _refusal(self, command: Command) -> str | None:
        steps = self._steps
        if not isinstance(command, CancelCommand) and steps.session is not None:
            together = world_size()
            together = max(together, 1 + siblings(steps.session.folder, steps.session.rank))
            if together > 1:
                return (
                    f"{together} processes train together in this run, and a change cannot yet be "
                    "made on all of them at the same step"
                )
        if isinstance(command, OF_STATE):
            return self.keeper().refusal(command)
        if isinstance(command, GuardCommand):
            return self._guards().refusal(command)
        if isinstance(command, OptionCommand):
            return self.options.refusal(command)
        return self.rates.refusal(command) if isinstance(command, LrCommand) else None

    # On the training thread

    def stepped(self, optimizer: Optimizer) -> None:
        """Another optimizer than the main one has stepped."""
        keeper = self._keeper
        if keeper is not None:
            pausing, testing = self._pausing, self.testing
            keeper.stepped(optimizer.number, self._steps.step)
            self._stay_after(pausing, testing)

    def no_optimizer(self, why: str) -> None:
        """It has turned out that there is none: refuse what waits for one."""
        self.rates.refuse(f"the rate cannot be set: {why}")
        self.options.refuse(f"it cannot be set: {why}")
        if self._keeper is not None:
            self._keeper.refuse(f"there is no state to keep: {why}")

    def first_step(self) -> None:
        """The main optimizer is about to make its first step, which a test waits for."""
        self.first = False
        try:
            self.keeper().first_step()
        except Exception:
            self._steps.failed("at a test before the first step")

    def skipped(self, optimizer: Optimizer | None) -> None:
        """A GradScaler has made no step, and no step boundary follows."""
        if self.testing and (optimizer is None or optimizer.number == 0):
            pausing = self._pausing
            try:
                self.keeper().skipped(self._steps.step)
            except Exception:
                self._steps.failed("at a skipped step of a test")
            self._stay_after(pausing, True)

    def _stay_after(self, pausing: bool, testing: bool) -> None:
        """What was done where no boundary follows may ask to be held right there, as a test does
        that ends in a pause; what was before it."""
        if self._pausing and not self.testing and (testing or not pausing):
            self._stay(self._steps.step)

    def hold(self) -> None:
        """From a step boundary: hold the training here."""
        with self._lock:
            self._pausing = self._steps.gate = True

    def boundary(self) -> None:
        """Between two steps of the main optimizer: stop or wait as asked.

        May raise what the script's SIGINT handler raises; nothing of ours is in the way then.
        """
        step = self._steps.step
        keeper = self._keeper
        if keeper is not None and keeper.armed:
            keeper.boundary(step)
            if not (self._pausing or self._stop or self._step or self._pause):
                return
        self._stay(step)

    def hold_now(self, step: int) -> None:
        """Pause here, before the step after `step` touches the weights."""
        self.hold()
        self._stay(step)

    def _stay(self, step: int) -> None:
        """At a step boundary: answer, and wait or stop as asked."""
        with self._lock:
            stepped, self._step = self._step, []
            asked, self._pause = self._pause, []
            hold = self._pausing and not self._stop
            # Before anybody hears that the step was made, and asks for the next one.
            self._held += hold
            first = self._held == 1
        try:
            for entry in stepped:
                self._answer(entry, "applied", step)
            if hold:
                if first:
                    self._journal("paused", step=step)
                for entry in asked:
                    self._answer(entry, "applied", step)
                while self._wait():
                    assert self._keeper is not None
                    self._keeper.while_paused(step)
        finally:
            with self._lock:
                self._held -= hold
                last = self._held == 0
                resumed = [e for e in self._step if isinstance(e.command, ResumeCommand)]
                self._step = [e for e in self._step if isinstance(e.command, StepCommand)]
        if hold and last:
            self._journal("resumed", step=step)
        for entry in resumed:
            self._answer(entry, "applied", step)
        if self._stop:
            self._interrupt(step)

    def _wait(self) -> bool:
        """While the training is paused: wait until there is something to do with its state, and
        true, or until it goes on, and false."""
        with self._wake:
            while self._pausing and not self._stop and not self._step:
                if self._keeper is not None and self._keeper.work:
                    return True
                # No time limit: a pause outlives its client. Signals get through.
                self._wake.wait()
        return False

    def _interrupt(self, step: int) -> None:
        """Ctrl-C's path, here and now on the main thread, so that the script's own handler runs
        between two steps; on another thread it has to come from outside."""
        with self._lock:
            stopping, self._stop = self._stop, []
            self._pausing = False
            self._set_gate()
        if not stopping:
            return
        if self.tests is not None:
            self.tests.end("stopped")
        here = threading.current_thread() is threading.main_thread()
        self._journal("stopping", step=step, how="raise_signal" if here else "kill")
        for entry in stopping:
            self._answer(entry, "applied", step)
        if here:
            signal.raise_signal(signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGINT)

    def _stop_from_outside(self, entry: Entry) -> None:
        with self._lock:
            if entry not in self._stop:
                return
            self._stop.remove(entry)
            self._set_gate()
        self._journal("stopping", step=self._steps.step, how="kill")
        self._answer(entry, "applied", None)
        os.kill(os.getpid(), signal.SIGINT)

    # Anywhere

    def _answer(
        self,
        entry: Entry,
        status: str,
        step: int | None = None,
        reason: str | None = None,
        warning: str | None = None,
        groups: tuple[GroupRate, ...] = (),
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        told = detail or {}
        answer = Acknowledgement(entry.command.id, status, step, reason, warning, groups, told)
        with self._lock:
            if entry.answer.final:
                return
            entry.answer = answer
            replies: list[Callable[[Acknowledgement], None]] = entry.replies
            entry.replies = []
        self._journal("acknowledgement", **answer.to_json())
        for reply in replies:
            reply(answer)

    def _journal(self, event: str, **fields: Any) -> None:
        session = self._steps.session
        if session is not None:
            session.writer.event(event, **fields)
