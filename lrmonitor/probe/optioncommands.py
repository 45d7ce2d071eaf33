"""Commands for the groups' other numbers: they wait for a step, are carried out as it begins, and
are answered when it is over and the numbers were read back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from lrmonitor.link.messages import GroupRate, OptionCommand
from lrmonitor.probe.entry import Entry
from lrmonitor.probe.overrides import Refused, check_group
from lrmonitor.probe.ratecommands import addressed, covers, no_optimizer

if TYPE_CHECKING:
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps


class OptionCommands:
    """`take`, `withdraw` and `refusal` run on connection threads, the rest on the training thread.
    The lock is `Control`'s, `answer` and `journal` its own."""

    def __init__(
        self,
        steps: Steps,
        lock: threading.Lock,
        answer: Callable[..., None],
        journal: Callable[..., None],
    ) -> None:
        self._steps = steps
        self._lock = lock
        self._answer = answer
        self._journal = journal
        self.waiting: list[Entry] = []
        """Those that wait for a step; a training thread looks whether there are any."""

    def refusal(self, command: OptionCommand) -> str | None:
        """Why it cannot be carried out, as far as that is known by now."""
        if self._steps.loss_only:
            return f"{command.name} cannot be set: {self._steps.loss_only}"
        optimizers = list(self._steps.optimizers)
        if not optimizers:
            return None  # it waits for the first step
        chosen = addressed(command, optimizers)
        if not chosen:
            return no_optimizer(command, optimizers)
        try:
            for one in chosen:
                check_group(command.group, len(one.options.scheduled))
        except Refused as refused:
            return str(refused)
        if not any(_has(one, command) for one in chosen):
            one = chosen[0]
            have = ", ".join(one.options.scheduled[command.group or 0]) or "none that can be set"
            return f"{one.name} has no {command.name}: its numbers are {have}"
        return None

    def take(self, entry: Entry) -> None:
        """Let it wait for the next step."""
        with self._lock:
            self.waiting = [*self.waiting, entry]
        for one in list(self._steps.optimizers):
            one.attention = True

    def withdraw(self, gone: Collection[int]) -> None:
        """Under the lock: forget those with these `id`s, unless a step has used them."""
        self.waiting = [e for e in self.waiting if id(e) not in gone or e.done]

    def concern(self, optimizer: Optimizer) -> bool:
        """Whether the step that begins has to be looked at closely for them."""
        return bool(self.waiting or optimizer.options.held)

    def apply(self, optimizer: Optimizer, actual: Any) -> None:
        """Carry out those that wait for this optimizer, at the step that begins."""
        mine = [
            e
            for e in self.waiting
            if optimizer.number not in e.done
            and e not in optimizer.options.applied
            and optimizer in addressed(e.command, self._steps.optimizers)
        ]
        for position, entry in enumerate(mine):
            command = entry.command
            assert isinstance(command, OptionCommand)
            if any(covers(other.command, command) for other in mine[position + 1 :]):
                self._remove(entry)
                reason = "a later command took its place before a step used it"
                self._answer(entry, "cancelled", reason=reason)
                continue
            try:
                warnings = optimizer.options.change(
                    command.group, command.name, command.value, actual
                )
            except Refused as refused:
                self._refused(optimizer, entry, str(refused))
                continue
            entry.warnings += warnings
            entry.begun = True
            optimizer.options.applied.append(entry)

    def ended(self, optimizer: Optimizer, actual: Any, step: int, now: float) -> None:
        """A step is over, and persons' values were taken out of the groups: record and answer."""
        options = optimizer.options
        applied, options.applied = options.applied, []
        before = [dict(one) for one in options.latest]
        used = options.ended(actual.param_groups, step, now)
        for entry in applied:
            self._taken(optimizer, entry, before, used, step)

    def _taken(
        self,
        optimizer: Optimizer,
        entry: Entry,
        before: list[dict[str, float]],
        used: Collection[tuple[int, str]],
        step: int,
    ) -> None:
        """Answer a command; `before` are the values that the step before used, `used` tells which
        of those that are held were seen to stand in the groups in this one."""
        command, options = entry.command, optimizer.options
        assert isinstance(command, OptionCommand)
        name = command.name
        found = [
            GroupRate(
                optimizer.number,
                j,
                options.scheduled[j].get(name),
                before[j].get(name),
                options.latest[j].get(name),
            )
            for j in range(len(options.latest))
            if command.group in (None, j)
        ]
        if command.value is not None and any((one.group, name) not in used for one in found):
            options.change(command.group, name, None, optimizer.ref())
            self._refused(optimizer, entry, f"the step did not use that {name}; it is released")
            return
        entry.done.add(optimizer.number)
        entry.step = step if entry.step is None else entry.step
        entry.groups.extend(found)
        self._journal(
            "options",
            id=command.id,
            step=step,
            name=name,
            value=command.value,
            overrides=[
                {
                    "optimizer": optimizer.number,
                    "group": one.group,
                    "value": options.held.get(one.group, {}).get(name),
                }
                for one in found
            ],
            groups=[vars(one) for one in found],
        )
        self._answer_if_done(entry)

    def _refused(self, optimizer: Optimizer, entry: Entry, reason: str) -> None:
        """It cannot be carried out for an optimizer; where it was for another one, that is told
        beside."""
        command = entry.command
        assert isinstance(command, OptionCommand)
        wanted = addressed(command, self._steps.optimizers)
        if len(wanted) == 1:
            self._remove(entry)
            self._answer(entry, "refused", reason=reason)
            return
        entry.done.add(optimizer.number)
        entry.warnings.append(f"optimizer {optimizer.number}: {reason}")
        self._answer_if_done(entry)

    def _answer_if_done(self, entry: Entry) -> None:
        wanted = addressed(entry.command, self._steps.optimizers)
        if not all(one.number in entry.done or one.ref() is None for one in wanted):
            return
        self._remove(entry)
        told = "; ".join(dict.fromkeys(entry.warnings)) or None
        if not entry.groups:
            self._answer(entry, "refused", reason=told)
            return
        self._answer(entry, "applied", entry.step, warning=told, groups=tuple(entry.groups))

    def refuse(self, reason: str) -> None:
        """Refuse those that wait: it has turned out that none can be carried out."""
        with self._lock:
            waiting, self.waiting = self.waiting, []
        for entry in waiting:
            self._answer(entry, "refused", reason=reason)

    def _remove(self, entry: Entry) -> None:
        with self._lock:
            self.waiting = [e for e in self.waiting if e is not entry]


def _has(optimizer: Optimizer, command: OptionCommand) -> bool:
    groups = optimizer.options.scheduled
    chosen = groups if command.group is None else groups[command.group : command.group + 1]
    return all(command.name in one for one in chosen)
