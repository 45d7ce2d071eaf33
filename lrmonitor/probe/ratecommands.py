"""Rate commands: they wait for a step, are carried out as it begins, and are answered when it is
over and the rates were read back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from lrmonitor.link.messages import Command, GroupRate, LrCommand, OptionCommand
from lrmonitor.probe.entry import Entry
from lrmonitor.probe.overrides import NO_START, Overrides, Refused, change, check_group, span

if TYPE_CHECKING:
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps

NEAR = 4096
"""Steps before the one that a schedule is to begin at, from which on each step is looked at. It is
the writer's thread that notices: it looks every 50 ms, in which no training makes as many."""


class RateCommands:
    """`take`, `withdraw` and `refusal` run on connection threads, `look_ahead` on the writer's, the
    rest on the training thread. The lock is `Control`'s; `entries` are all commands that it knows,
    in the order in which they came, `answer` and `journal` its own."""

    def __init__(
        self,
        steps: Steps,
        lock: threading.Lock,
        entries: Callable[[], Iterable[Entry]],
        answer: Callable[..., None],
        journal: Callable[..., None],
    ) -> None:
        self._steps = steps
        self._lock = lock
        self._entries = entries
        self._answer = answer
        self._journal = journal
        self.waiting: list[Entry] = []
        """Those that wait for a step; a training thread looks whether there are any."""
        self.held = False
        """Whether a test goes on, which they wait for."""
        self._ahead: list[Entry] = []
        """Those whose step is far ahead."""

    def refusal(self, command: LrCommand) -> str | None:
        """Why it cannot be carried out, as far as that is known by now."""
        steps = self._steps
        if steps.loss_only:
            return f"the rate cannot be set: {steps.loss_only}"
        optimizers = list(steps.optimizers)
        if not optimizers:
            return None  # it waits for the first step
        chosen = addressed(command, optimizers)
        if not chosen:
            return no_optimizer(command, optimizers)
        for one in chosen:
            if one.reason:
                return f"the rate cannot be set: {one.reason}"
            try:
                if all(g.scheduled is not None for g in one.groups):
                    check_group(command.group, len(one.groups))
            except Refused as refused:
                return str(refused)
        return None

    def check(self, command: LrCommand) -> None:
        """On the training thread: raises Refused where the next step could not carry it out."""
        for one in addressed(command, self._steps.optimizers):
            if one.reason:
                raise Refused(f"the rate cannot be set: {one.reason}")
            change(command, one.values(), one.overrides, self._at(one))

    def take(self, entry: Entry) -> None:
        """Let it wait for its step."""
        if _begin(entry) > self._steps.step + NEAR:
            with self._lock:
                self._ahead.append(entry)
        else:
            self._arm([entry])

    def withdraw(self, gone: Collection[int]) -> None:
        """Under the lock: forget those with these `id`s, unless a step has used them."""
        self.waiting = [e for e in self.waiting if id(e) not in gone or e.done]
        self._ahead = [e for e in self._ahead if id(e) not in gone]

    def _arm(self, entries: list[Entry]) -> None:
        """From the next step on look whether these can be carried out."""
        with self._lock:
            self.waiting = [*self.waiting, *entries]
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

    def apply(self, optimizer: Optimizer) -> list[Entry]:
        """Carry out the rate commands that wait for this optimizer, at the step that begins."""
        if self.held:
            return []
        scheduled = optimizer.values()
        at = self._at(optimizer)
        mine = [
            e
            for e in self.waiting
            if optimizer.number not in e.done
            and _begin(e) <= at
            and optimizer in addressed(e.command, self._steps.optimizers)
        ]
        if not mine:
            return []
        optimizer.before = optimizer.overrides.copy()
        applied: list[Entry] = []
        assumed = optimizer.overrides
        """As if those whose place another one takes had been in force."""
        for position, entry in enumerate(mine):
            later = mine[position + 1 :]
            if any(covers(other.command, entry.command) for other in later):
                if any(_begins_at_now(other.command) for other in later):
                    assumed = self._assume(optimizer, entry, scheduled, assumed)
                self._replaced(entry)
                continue
            if assumed is not optimizer.overrides:
                self._begin_at(optimizer, entry, scheduled, assumed)
            if self.carry_out(optimizer, entry, scheduled):
                entry.begun = True
                applied.append(entry)
                self._replace_waiting(entry, at)
        return applied

    def again(
        self, optimizer: Optimizer, applied: list[Entry], scheduled: list[float]
    ) -> list[Entry]:
        """The step turned out to have other scheduled rates, against which these changes are to be
        made; those that could be."""
        optimizer.overrides = optimizer.before.copy()
        optimizer.take_overrides()
        return [entry for entry in applied if self.carry_out(optimizer, entry, scheduled)]

    def _assume(
        self, optimizer: Optimizer, entry: Entry, scheduled: list[float], overrides: Overrides
    ) -> Overrides:
        """These overrides as if a command whose place another one takes had changed them."""
        assert isinstance(entry.command, LrCommand)
        try:
            return change(entry.command, scheduled, overrides, self._at(optimizer))
        except Refused:
            return overrides

    def _begin_at(
        self, optimizer: Optimizer, entry: Entry, scheduled: list[float], assumed: Overrides
    ) -> None:
        """A schedule that begins at the rate of now begins at the one that was just asked for: of
        a rate and a schedule given in a pause, that is what is meant."""
        command = entry.command
        assert isinstance(command, LrCommand)
        if _begins_at_now(command):
            first = command.group or 0
            if first < len(scheduled):
                entry.starts[optimizer.number] = assumed.effective(first, scheduled[first])

    def _at(self, optimizer: Optimizer) -> int:
        """The run's number of the step that an optimizer begins."""
        return self._steps.step + (optimizer.number == 0)

    def _replace_waiting(self, entry: Entry, at: int) -> None:
        """A command is carried out: those given before it that wait for a step to come, for groups
        that it changes, are not."""
        waiting = [*self._ahead, *(e for e in self.waiting if _begin(e) > at and not e.done)]
        if not waiting:
            return
        with self._lock:
            order = {id(e): n for n, e in enumerate(self._entries())}
        for other in waiting:
            earlier = order.get(id(other), -1) < order.get(id(entry), 0)
            if earlier and covers(entry.command, other.command):
                self._replaced(other)

    def _replaced(self, entry: Entry) -> None:
        self.remove(entry)
        reason = "a later command took its place before a step used it"
        self._answer(entry, "cancelled", reason=reason)

    def carry_out(self, optimizer: Optimizer, entry: Entry, scheduled: list[float]) -> bool:
        """Change an optimizer's overrides as a rate command says; whether it could be done."""
        command = entry.command
        assert isinstance(command, LrCommand)
        try:
            if optimizer.reason:
                raise Refused(f"the rate cannot be set: {optimizer.reason}")
            start = entry.starts.get(optimizer.number)
            if start is not None and command.plan is not None:
                if not start > 0:
                    raise Refused(NO_START.format(rate=start))
                command = replace(command, plan=command.plan.begun(start))
            made = change(command, scheduled, optimizer.overrides, self._at(optimizer))
        except Refused as refused:
            if entry.done or entry.groups:
                entry.warnings.append(f"optimizer {optimizer.number}: {refused}")
                entry.done.add(optimizer.number)
                return False
            self.remove(entry)
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
        self, optimizer: Optimizer, entries: list[Entry], found: list[GroupRate], step: int
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
            wanted = addressed(command, self._steps.optimizers)
            if all(o.number in entry.done or o.ref() is None for o in wanted):
                self.remove(entry)
                self._answer(
                    entry,
                    "applied",
                    entry.step,
                    warning="; ".join(dict.fromkeys(entry.warnings)) or None,
                    groups=tuple(entry.groups),
                )

    def refuse(self, reason: str) -> None:
        """Refuse the rate commands that wait: it has turned out that none can be carried out."""
        with self._lock:
            waiting, self.waiting, self._ahead = [*self.waiting, *self._ahead], [], []
        for entry in waiting:
            self._answer(entry, "refused", reason=reason)

    def remove(self, entry: Entry) -> None:
        with self._lock:
            self.waiting = [e for e in self.waiting if e is not entry]
            self._ahead = [e for e in self._ahead if e is not entry]


def _begin(entry: Entry) -> int:
    """The first step of the run that a rate command is for."""
    command = entry.command
    return (command.begin or 0) if isinstance(command, LrCommand) else 0


def _begins_at_now(command: Command) -> bool:
    """Whether it is a schedule that names no rate to begin at."""
    plan = command.plan if isinstance(command, LrCommand) else None
    return plan is not None and plan.start is None


def no_optimizer(command: LrCommand | OptionCommand, optimizers: list[Optimizer]) -> str:
    """That there is none of the number that a command names."""
    noun = "optimizer is" if len(optimizers) == 1 else "optimizers are"
    return f"there is no optimizer {command.optimizer}: the {noun} {span(len(optimizers))}"


def addressed(command: Command, optimizers: list[Optimizer]) -> list[Optimizer]:
    """The optimizers that a command is for."""
    if not isinstance(command, (LrCommand, OptionCommand)):
        return []
    if command.optimizer == "all":
        return optimizers
    number = command.optimizer or 0
    return [o for o in optimizers if o.number == number]


def covers(later: Command, earlier: Command) -> bool:
    """Whether a later command changes all that an earlier one would."""
    if isinstance(later, OptionCommand) and isinstance(earlier, OptionCommand):
        if later.name != earlier.name:
            return False
    elif not isinstance(later, LrCommand) or not isinstance(earlier, LrCommand):
        return False
    every = later.optimizer == "all" or (later.optimizer or 0) == (earlier.optimizer or 0)
    if earlier.optimizer == "all" and later.optimizer != "all":
        every = False
    return every and later.group in (None, earlier.group)
