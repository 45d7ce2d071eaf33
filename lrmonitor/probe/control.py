"""Commands: taken from connection threads, carried out by the training thread between steps."""

from __future__ import annotations

import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrmonitor.link import first_rate
from lrmonitor.link.messages import (
    Acknowledgement,
    Author,
    CancelCommand,
    Command,
    CommandError,
    GroupRate,
    LrCommand,
    PauseCommand,
    ResumeCommand,
    StepCommand,
    StopCommand,
)
from lrmonitor.link.server import Reply
from lrmonitor.probe import rates
from lrmonitor.probe.session import siblings, world_size

if TYPE_CHECKING:
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps

BOUNDARY_SECONDS = 2.0
"""A stop that has met no step boundary for this long comes by SIGINT from outside."""

REMEMBERED = 1024
"""Answers kept, so that a command sent again is not carried out again."""


@dataclass
class _Entry:
    """A command on its way, and who wants to hear of it."""

    command: Command
    replies: list[Reply]
    answer: Acknowledgement
    done: set[int] = field(default_factory=set)
    """Optimizers that have made a step with it (a rate command for all of them)."""
    groups: list[GroupRate] = field(default_factory=list)
    begun: bool = False
    """Whether a step is using it: too late to cancel."""
    step: int | None = None
    warnings: list[str] = field(default_factory=list)


class Control:
    """`submit` and `status` run on connection threads, `boundary` and the rate methods on the
    training thread. The lock is only ever held for a few dictionary operations; while the training
    is paused its thread waits outside of it."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self.rates: list[_Entry] = []
        """Rate commands that wait for a step; a training thread looks whether there are any."""
        self._pause: list[_Entry] = []
        self._stop: list[_Entry] = []
        self._step: list[_Entry] = []
        self._pausing = False
        self._wake = threading.Condition(self._lock)
        self._held = 0
        """Training threads that are held."""

    @property
    def paused(self) -> bool:
        """Whether the training is held."""
        return self._held > 0

    # On connection threads

    def status(self) -> dict[str, Any]:
        """What a status request is answered with."""
        with self._lock:
            pending = [id for id, e in self._entries.items() if not e.answer.final]
        return {
            "step": self._steps.step,
            "paused": self.paused,
            "pending": pending,
            "optimizers": [o.status() for o in list(self._steps.optimizers)],
        }

    def begin(self, environ: Mapping[str, str]) -> None:
        """The process has its place in the run: take the change that holds from the first step."""
        try:
            command = first_rate.command(environ, Author(who="person", via="launch"))
        except CommandError as error:
            self._journal("probe_error", where="first rate", error=str(error), traceback="")
            return
        if command is not None:
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
            entry = _Entry(command, [reply], pending)
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

    def _take(self, entry: _Entry) -> None:
        command = entry.command
        if isinstance(command, LrCommand):
            with self._lock:
                self.rates = [*self.rates, entry]
            for one in list(self._steps.optimizers):
                one.attention = True
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

    def _take_while_paused(self, entry: _Entry) -> None:
        """Resume or one step."""
        resume = isinstance(entry.command, ResumeCommand)
        with self._lock:
            waiting, self._pause = self._pause, []
            paused = self.paused
            if paused and resume:
                self._pausing = False
                self._steps.gate = bool(self._stop)
                self._step_done_later(entry, False)
            elif paused:
                self._step_done_later(entry, True)
            elif resume and waiting:
                self._pausing = False
                self._steps.gate = bool(self._stop)
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

    def _step_done_later(self, entry: _Entry, one: bool) -> None:
        self._step.append(entry)
        if one:
            self._pausing = self._steps.gate = True

    def _cancel(self, entry: _Entry, target: str | None) -> None:
        with self._lock:
            chosen = [
                e
                for e in self._entries.values()
                if e is not entry
                and not (e.answer.final or e.begun)
                and target in (None, e.command.id)
            ]
            gone = {id(e) for e in chosen}
            self.rates = [e for e in self.rates if id(e) not in gone or e.done]
            self._pause = [e for e in self._pause if id(e) not in gone]
            self._stop = [e for e in self._stop if id(e) not in gone]
            if not self.paused:
                self._pausing = bool(self._pause)
            self._steps.gate = self._pausing or bool(self._stop)
        for other in chosen:
            self._answer(other, "cancelled", reason="cancelled before it took effect")
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
        if not isinstance(command, LrCommand):
            return None
        if steps.loss_only:
            return f"the rate cannot be set: {steps.loss_only}"
        optimizers = list(steps.optimizers)
        if not optimizers:
            return None  # it waits for the first step
        chosen = _addressed(command, optimizers)
        if not chosen:
            many = rates._span(len(optimizers))
            noun = "optimizer is" if len(optimizers) == 1 else "optimizers are"
            return f"there is no optimizer {command.optimizer}: the {noun} {many}"
        for one in chosen:
            if one.reason:
                return f"the rate cannot be set: {one.reason}"
            try:
                scheduled = [g.scheduled for g in one.groups]
                if all(s is not None for s in scheduled):
                    known = [s for s in scheduled if s is not None]
                    if command.group is not None and command.group >= len(known):
                        rates.plan(command.mode, command.value, command.group, known)
            except rates.Refused as refused:
                return str(refused)
        return None

    # On the training thread

    def apply(self, optimizer: Optimizer) -> list[_Entry]:
        """Carry out the rate commands that wait for this optimizer, at the step that begins."""
        scheduled = optimizer.values()
        mine = [
            e
            for e in self.rates
            if isinstance(e.command, LrCommand)
            and optimizer.number not in e.done
            and optimizer in _addressed(e.command, self._steps.optimizers)
        ]
        applied: list[_Entry] = []
        for position, entry in enumerate(mine):
            command = entry.command
            assert isinstance(command, LrCommand)
            later = mine[position + 1 :]
            if any(_covers(other.command, command) for other in later):
                self._remove(entry)
                reason = "a later command took its place before a step used it"
                self._answer(entry, "cancelled", reason=reason)
                continue
            if self.carry_out(optimizer, entry, scheduled):
                entry.begun = True
                applied.append(entry)
        return applied

    def carry_out(self, optimizer: Optimizer, entry: _Entry, scheduled: list[float]) -> bool:
        """Change an optimizer's overrides as a rate command says; whether it could be done."""
        command = entry.command
        assert isinstance(command, LrCommand)
        try:
            if optimizer.reason:
                raise rates.Refused(f"the rate cannot be set: {optimizer.reason}")
            made, later = rates.plan(command.mode, command.value, command.group, scheduled)
        except rates.Refused as refused:
            if entry.done or entry.groups:
                entry.warnings.append(f"optimizer {optimizer.number}: {refused}")
                entry.done.add(optimizer.number)
                return False
            self._remove(entry)
            self._answer(entry, "refused", reason=str(refused))
            return False
        rising = [
            j
            for j in made
            if command.mode == "set"
            and (before := optimizer.groups[j].scheduled) is not None
            and scheduled[j] > before
        ]
        if rising:
            entry.warnings.append(
                "the schedule is rising: the rate will rise with it in proportion; "
                "hold keeps it where you put it"
            )
        if command.group is None:
            optimizer.overrides.later = later
        for j, override in made.items():
            if override is None:
                optimizer.overrides.groups.pop(j, None)
            else:
                optimizer.overrides.groups[j] = override
        optimizer.take_overrides()
        return True

    def taken(
        self, optimizer: Optimizer, entries: list[_Entry], found: list[GroupRate], step: int
    ) -> None:
        """A step has used what these commands asked for, as read back."""
        for entry in entries:
            command = entry.command
            assert isinstance(command, LrCommand)
            entry.done.add(optimizer.number)
            entry.step = step if entry.step is None else entry.step
            chosen = [g for g in found if command.group in (None, g.group)]
            entry.groups.extend(chosen)
            overrides = optimizer.overrides.groups
            self._journal(
                "rates",
                id=command.id,
                step=step,
                mode=command.mode,
                value=command.value,
                overrides=[
                    {
                        "optimizer": optimizer.number,
                        "group": g.group,
                        "kind": overrides[g.group].kind if g.group in overrides else "none",
                        "value": overrides[g.group].value if g.group in overrides else None,
                    }
                    for g in chosen
                ],
                groups=[vars(g) for g in chosen],
            )
            wanted = _addressed(command, self._steps.optimizers)
            if all(o.number in entry.done or o.ref() is None for o in wanted):
                self._remove(entry)
                self._answer(
                    entry,
                    "applied",
                    entry.step,
                    warning="; ".join(dict.fromkeys(entry.warnings)) or None,
                    groups=tuple(entry.groups),
                )

    def refuse_rates(self, reason: str) -> None:
        """Refuse the rate commands that wait: it has turned out that none can be carried out."""
        waiting, self.rates = self.rates, []
        for entry in waiting:
            self._answer(entry, "refused", reason=reason)

    def boundary(self) -> None:
        """Between two steps of the main optimizer: stop or wait as asked.

        May raise what the script's SIGINT handler raises; nothing of ours is in the way then.
        """
        step = self._steps.step
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
                with self._wake:
                    while self._pausing and not self._stop and not self._step:
                        # No time limit: a pause outlives its client. Signals get through.
                        self._wake.wait()
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

    def _interrupt(self, step: int) -> None:
        """Ctrl-C's path, here and now on the main thread, so that the script's own handler runs
        between two steps; on another thread it has to come from outside."""
        with self._lock:
            stopping, self._stop = self._stop, []
            self._steps.gate = self._pausing = False
        if not stopping:
            return
        here = threading.current_thread() is threading.main_thread()
        self._journal("stopping", step=step, how="raise_signal" if here else "kill")
        for entry in stopping:
            self._answer(entry, "applied", step)
        if here:
            signal.raise_signal(signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGINT)

    def _stop_from_outside(self, entry: _Entry) -> None:
        with self._lock:
            if entry not in self._stop:
                return
            self._stop.remove(entry)
            self._steps.gate = self._pausing or bool(self._stop)
        self._journal("stopping", step=self._steps.step, how="kill")
        self._answer(entry, "applied", None)
        os.kill(os.getpid(), signal.SIGINT)

    # Anywhere

    def _remove(self, entry: _Entry) -> None:
        with self._lock:
            self.rates = [e for e in self.rates if e is not entry]

    def _answer(
        self,
        entry: _Entry,
        status: str,
        step: int | None = None,
        reason: str | None = None,
        warning: str | None = None,
        groups: tuple[GroupRate, ...] = (),
    ) -> None:
        answer = Acknowledgement(entry.command.id, status, step, reason, warning, groups)
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


def _addressed(command: LrCommand, optimizers: list[Optimizer]) -> list[Optimizer]:
    if command.optimizer == "all":
        return optimizers
    number = command.optimizer or 0
    return [o for o in optimizers if o.number == number]


def _covers(later: Command, earlier: LrCommand) -> bool:
    """Whether a later rate command changes all that an earlier one would."""
    if not isinstance(later, LrCommand):
        return False
    every = later.optimizer == "all" or (later.optimizer or 0) == (earlier.optimizer or 0)
    if earlier.optimizer == "all" and later.optimizer != "all":
        every = False
    return every and later.group in (None, earlier.group)
