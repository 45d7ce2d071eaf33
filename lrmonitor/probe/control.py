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
    RewindCommand,
    SnapshotCommand,
    SnapshotsCommand,
    StepCommand,
    StopCommand,
)
from lrmonitor.link.server import Reply
from lrmonitor.probe.overrides import Refused, change, check_group, span
from lrmonitor.probe.session import siblings, world_size

if TYPE_CHECKING:
    from lrmonitor.probe.keeping import Keeper
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps

BOUNDARY_SECONDS = 2.0
"""A stop that has met no step boundary for this long comes by SIGINT from outside."""

NEAR = 4096
"""Steps before the one that a schedule is to begin at, from which on each step is looked at. It is
the writer's thread that notices: it looks every 50 ms, in which no training makes as many."""
OF_STATE = (SnapshotCommand, SnapshotsCommand, RewindCommand)
"""Commands that a `Keeper` carries out."""

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
        self._ahead: list[_Entry] = []
        """Those whose step is far ahead."""
        self._pause: list[_Entry] = []
        self._stop: list[_Entry] = []
        self._step: list[_Entry] = []
        self._pausing = False
        self._wake = threading.Condition(self._lock)
        self._held = 0
        """Training threads that are held."""
        self._keeper: Keeper | None = None
        self.follows = False
        """Whether the steps of all optimizers have to be told by `stepped`."""

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
            "optimizers": [o.status(self._steps.step) for o in list(self._steps.optimizers)],
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
        if self._kept(entry):
            return
        if isinstance(command, LrCommand):
            if (command.begin or 0) > self._steps.step + NEAR:
                with self._lock:
                    self._ahead.append(entry)
            else:
                self._arm([entry])
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

    def _arm(self, entries: list[_Entry]) -> None:
        """From the next step on look whether these can be carried out."""
        with self._lock:
            self.rates = [*self.rates, *entries]
        for one in list(self._steps.optimizers):
            one.attention = True

    def look_ahead(self) -> None:
        """On the writer's thread, often: arm the rate commands whose step is near by now."""
        if not self._ahead:
            return
        limit = self._steps.step + NEAR
        with self._lock:
            near = [e for e in self._ahead if _begin(e) <= limit]
            self._ahead = [e for e in self._ahead if _begin(e) > limit]
        if near:
            self._arm(near)

    def _kept(self, entry: _Entry) -> bool:
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

    def close(self) -> None:
        """At the interpreter's exit."""
        if self._keeper is not None:
            self._keeper.close()

    def release(self, entry: _Entry) -> None:
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

    def _take_while_paused(self, entry: _Entry) -> None:
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
            self._ahead = [e for e in self._ahead if id(e) not in gone]
            self._pause = [e for e in self._pause if id(e) not in gone]
            self._stop = [e for e in self._stop if id(e) not in gone]
            if not self.paused:
                self._pausing = bool(self._pause)
            if self._keeper is not None:
                self._keeper.withdraw(gone)
            self._set_gate()
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
        if isinstance(command, OF_STATE):
            return self.keeper().refusal(command)
        if not isinstance(command, LrCommand):
            return None
        if steps.loss_only:
            return f"the rate cannot be set: {steps.loss_only}"
        optimizers = list(steps.optimizers)
        if not optimizers:
            return None  # it waits for the first step
        chosen = _addressed(command, optimizers)
        if not chosen:
            many = span(len(optimizers))
            noun = "optimizer is" if len(optimizers) == 1 else "optimizers are"
            return f"there is no optimizer {command.optimizer}: the {noun} {many}"
        for one in chosen:
            if one.reason:
                return f"the rate cannot be set: {one.reason}"
            try:
                if all(g.scheduled is not None for g in one.groups):
                    check_group(command.group, len(one.groups))
            except Refused as refused:
                return str(refused)
        return None

    # On the training thread

    def apply(self, optimizer: Optimizer) -> list[_Entry]:
        """Carry out the rate commands that wait for this optimizer, at the step that begins."""
        scheduled = optimizer.values()
        at = self._at(optimizer)
        mine = [
            e
            for e in self.rates
            if optimizer.number not in e.done
            and _begin(e) <= at
            and optimizer in _addressed(e.command, self._steps.optimizers)
        ]
        if not mine:
            return []
        optimizer.before = optimizer.overrides.copy()
        applied: list[_Entry] = []
        for position, entry in enumerate(mine):
            later = mine[position + 1 :]
            if any(_covers(other.command, entry.command) for other in later):
                self._replaced(entry)
                continue
            if self.carry_out(optimizer, entry, scheduled):
                entry.begun = True
                applied.append(entry)
                self._replace_waiting(entry, at)
        return applied

    def again(
        self, optimizer: Optimizer, applied: list[_Entry], scheduled: list[float]
    ) -> list[_Entry]:
        """The step turned out to have other scheduled rates, against which these changes are to be
        made; those that could be."""
        optimizer.overrides = optimizer.before.copy()
        optimizer.take_overrides()
        return [entry for entry in applied if self.carry_out(optimizer, entry, scheduled)]

    def _at(self, optimizer: Optimizer) -> int:
        """The run's number of the step that an optimizer begins."""
        return self._steps.step + (optimizer.number == 0)

    def _replace_waiting(self, entry: _Entry, at: int) -> None:
        """A command is carried out: those given before it that wait for a step to come, for groups
        that it changes, are not."""
        waiting = [*self._ahead, *(e for e in self.rates if _begin(e) > at and not e.done)]
        if not waiting:
            return
        with self._lock:
            order = {id(e): n for n, e in enumerate(self._entries.values())}
        for other in waiting:
            earlier = order.get(id(other), -1) < order.get(id(entry), 0)
            if earlier and _covers(entry.command, other.command):
                self._replaced(other)

    def _replaced(self, entry: _Entry) -> None:
        self._remove(entry)
        reason = "a later command took its place before a step used it"
        self._answer(entry, "cancelled", reason=reason)

    def carry_out(self, optimizer: Optimizer, entry: _Entry, scheduled: list[float]) -> bool:
        """Change an optimizer's overrides as a rate command says; whether it could be done."""
        command = entry.command
        assert isinstance(command, LrCommand)
        try:
            if optimizer.reason:
                raise Refused(f"the rate cannot be set: {optimizer.reason}")
            made = change(command, scheduled, optimizer.overrides, self._at(optimizer))
        except Refused as refused:
            if entry.done or entry.groups:
                entry.warnings.append(f"optimizer {optimizer.number}: {refused}")
                entry.done.add(optimizer.number)
                return False
            self._remove(entry)
            self._answer(entry, "refused", reason=str(refused))
            return False
        rising = [
            j
            for j in range(len(scheduled))
            if command.mode == "set"
            and command.group in (None, j)
            and (before := optimizer.groups[j].scheduled) is not None
            and scheduled[j] > before
        ]
        if rising:
            entry.warnings.append(
                "the schedule is rising: the rate will rise with it in proportion; "
                "hold keeps it where you put it"
            )
        optimizer.overrides = made
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
            args = command.args()
            more = {key: args[key] for key in ("ramp", "same", "plan", "begin") if key in args}
            self._journal(
                "rates",
                id=command.id,
                step=step,
                mode=command.mode,
                value=command.value,
                **more,
                overrides=[
                    {
                        "optimizer": optimizer.number,
                        "group": g.group,
                        **optimizer.overrides.told(g.group, step),
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
        with self._lock:
            waiting, self.rates, self._ahead = [*self.rates, *self._ahead], [], []
        for entry in waiting:
            self._answer(entry, "refused", reason=reason)

    def stepped(self, optimizer: Optimizer) -> None:
        """Another optimizer than the main one has stepped."""
        if self._keeper is not None:
            self._keeper.stepped(optimizer.number, self._steps.step)

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
                    self._keeper.boundary(step)
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
            self._set_gate()
        self._journal("stopping", step=self._steps.step, how="kill")
        self._answer(entry, "applied", None)
        os.kill(os.getpid(), signal.SIGINT)

    # Anywhere

    def _remove(self, entry: _Entry) -> None:
        with self._lock:
            self.rates = [e for e in self.rates if e is not entry]
            self._ahead = [e for e in self._ahead if e is not entry]

    def _answer(
        self,
        entry: _Entry,
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


def _begin(entry: _Entry) -> int:
    """The first step of the run that a rate command is for."""
    command = entry.command
    return (command.begin or 0) if isinstance(command, LrCommand) else 0


def _addressed(command: Command, optimizers: list[Optimizer]) -> list[Optimizer]:
    if not isinstance(command, LrCommand):
        return []
    if command.optimizer == "all":
        return optimizers
    number = command.optimizer or 0
    return [o for o in optimizers if o.number == number]


def _covers(later: Command, earlier: Command) -> bool:
    """Whether a later rate command changes all that an earlier one would."""
    if not isinstance(later, LrCommand) or not isinstance(earlier, LrCommand):
        return False
    every = later.optimizer == "all" or (later.optimizer or 0) == (earlier.optimizer or 0)
    if earlier.optimizer == "all" and later.optimizer != "all":
        every = False
    return every and later.group in (None, earlier.group)
