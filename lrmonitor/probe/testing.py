"""The range test and the trial: steps of the script's own loop that try rates, and are taken back.

A test begins and ends between two iterations. In between the training is the script's as ever, but
for the rates; what it does goes to series of the test's own (`diverted`).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lrmonitor.link.test_commands import (
    RATE_LIMIT,
    RangeTestCommand,
    TestCommand,
    TrialCommand,
)
from lrmonitor.probe.aside import Aside
from lrmonitor.probe.diverted import Diverted
from lrmonitor.probe.overrides import Refused, check_group, share_of, span
from lrmonitor.probe.signals import Signals
from lrmonitor.probe.swept import Leg, sweep, times
from lrmonitor.schedules.bound import Bound

if TYPE_CHECKING:
    from lrmonitor.probe.entry import Entry
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps

SKIPS = 64
"""Steps in a row that a GradScaler skips before the leg is over: it will make none any more."""

Take = Callable[[Aside | None, Aside | None], Aside]
"""Takes a snapshot, given one to share memory with, and one whose memory is free."""


def legs_of(command: TestCommand) -> list[Leg]:
    """The legs of a test, in their order."""
    if isinstance(command, RangeTestCommand):
        return [Leg(n, n, command.steps) for n in range(command.sweeps)]
    assert isinstance(command, TrialCommand)
    every, more = divmod(command.steps, command.legs)
    found: list[Leg] = []
    for turn in range(command.legs):
        for which in range(command.count):
            found.append(Leg(len(found), which, every + (turn < more)))
    return found


def states_of(command: TestCommand) -> int:
    """How many states a test keeps at most."""
    if isinstance(command, TrialCommand) and command.legs > 1:
        return 1 + command.count
    return 1


def check(command: TestCommand, optimizers: list[Optimizer], left: int | None) -> None:
    """Raises Refused where a test cannot be made; `left` are the steps to the known end."""
    if not optimizers:
        return
    chosen = addressed(command, optimizers)
    if not chosen:
        raise Refused(
            f"there is no optimizer {command.optimizer}: the optimizers are {span(len(optimizers))}"
        )
    for one in chosen:
        if one.reason:
            raise Refused(f"the rate cannot be set: {one.reason}")
        check_group(command.group, one.count)
        rates = [group.effective or 0.0 for group in one.groups]
        if isinstance(command, RangeTestCommand):
            highest = command.stop * max(_shares(command, one).values())
        else:
            assert isinstance(command, TrialCommand)
            if command.rates:
                highest = max(command.rates) * max(_shares(command, one).values())
            else:
                highest = max(command.factors) * max(rates, default=0.0)
        if highest > RATE_LIMIT:
            raise Refused(f"the rate would come to {highest:g}: it is at most {RATE_LIMIT:g}")
    for one in optimizers:
        if one.reads_first:
            raise Refused(
                f"{one.name} evaluates its closure several times a step and searches for a step "
                "size of its own: a test of its rate would say nothing"
            )
    steps = sum(leg.steps for leg in legs_of(command))
    # One that has gone on beyond its end was wrongly told.
    if left is not None and 0 < left <= steps:
        raise Refused(
            f"the test takes {steps} steps, and the training ends in {left}: it would be over "
            "before everything is put back"
        )


def addressed(command: TestCommand, optimizers: list[Optimizer]) -> list[Optimizer]:
    """The optimizers whose rates are tried."""
    if command.optimizer == "all":
        return list(optimizers)
    return [one for one in optimizers if one.number == (command.optimizer or 0)]


class Test:
    """A test that goes on. All of it is the training thread's, but `cancel`."""

    def __init__(
        self,
        number: int,
        entry: Entry,
        step: int,
        steps: Steps,
        take: Take,
        answer: Callable[..., None],
        journal: Callable[..., None],
    ) -> None:
        """Takes the snapshot after the run's step `step`. Raises what that does."""
        assert isinstance(entry.command, TestCommand)
        assert steps.session is not None
        self.number = number
        self.command = entry.command
        self.entry = entry
        self.over = False
        self.held = False
        """Whether the training is to be held after it."""
        self.ending: str | None = None
        """Why it is to end at the next end of an iteration."""
        self.cancels: list[Entry] = []
        self._steps = steps
        self._take = take
        self._answer = answer
        self._journal = journal
        self._begun = step
        # Of several optimizers it begins only after the resume that it waits for.
        self._from_pause = entry.paused or steps.control.paused
        self._legs = deque(legs_of(self.command))
        self._told: list[dict[str, Any]] = []
        self._out: set[int] = set()
        self._states: dict[int, Aside] = {}
        self._skips = 0
        self._base = take(None, None)
        self._warnings = list(dict.fromkeys(self._base.warnings))
        self._most = self._base.bytes
        self._diverted: list[Diverted] = []
        self._signals = Signals(self._interrupted)
        self._busy = True
        """Whether states are being put back, which is not to be done twice at a time."""
        self.leg = self._legs.popleft()

    def begin(self) -> None:
        """From the next step on all is the test's."""
        steps = self._steps
        begun = {
            "id": self.command.id,
            "test": self.number,
            "kind": self._kind,
            "step": self._begun,
            "optimizer": self.command.optimizer,
            "group": self.command.group,
            "bytes": self._base.bytes,
            "seconds": self._base.seconds,
            "steps": self.leg.steps + sum(leg.steps for leg in self._legs),
        }
        own = ("start", "stop", "steps", "sweeps", "same", "bound", "factors", "rates", "legs")
        args = self.command.args()
        if self._which == "candidate":
            for unused in ("factors",) if args["rates"] else ("rates", "same"):
                del args[unused]
        begun["plan"] = {key: args[key] for key in own if key in args}
        begun["rates"] = [
            {
                "optimizer": one.number,
                "group": group.number,
                "scheduled": group.now,
                "effective": group.effective,
            }
            for one in addressed(self.command, steps.optimizers)
            for group in one.groups
        ]
        if self._warnings:
            begun["warnings"] = self._warnings[:8]
        self._journal("test_began", **begun)
        for one in steps.optimizers:
            if one.ref() is not None:
                self._divert(one)
        steps.evaluation.quiet = True
        steps.control.rates.held = True
        self._signals.watch()
        self._begin_leg(self._begun)
        self._busy = False

    @property
    def due(self) -> bool:
        """Whether there is something to do at the end of this iteration."""
        leg = self.leg
        return bool(self.ending or leg.why or leg.done >= leg.steps)

    @property
    def state(self) -> dict[str, Any]:
        """What a status answer tells of it."""
        leg = self.leg
        return {
            "test": self.number,
            "kind": self._kind,
            "leg": leg.number,
            self._which: leg.which,
            "done": leg.done,
            "steps": leg.steps,
        }

    def cancel(self, entry: Entry) -> None:
        """End it as soon as that can be; under the control's lock, on a connection thread."""
        self.cancels.append(entry)
        self.ending = self.ending or "cancelled"

    def stepped(self) -> None:
        """The main optimizer has made a step."""
        self.leg.done += 1
        self._skips = 0
        self._look()
        if not self.due:
            for one in self._diverted:
                if one.known.overrides is not one.overrides:
                    one.known.take_overrides()

    def skipped(self, loss: float | None) -> None:
        """A GradScaler made no step; what was back-propagated for it."""
        self._skips += 1
        if loss is not None and not math.isfinite(loss):
            self.leg.why = self.leg.why or "non_finite"
        elif self._skips >= SKIPS:
            self.leg.why = self.leg.why or "skipped"

    def adopt(self, known: Optimizer, actual: Any) -> None:
        """An optimizer, or groups of one, that are about to step for the first time."""
        try:
            self._base.adopt(known, actual)
        except Exception as error:
            self._warnings.append(f"optimizer {known.number} ({known.name}): {error}")
        diverted = next((one for one in self._diverted if one.known is known), None)
        if diverted is not None:
            diverted.groups_added()
            self.ending = self.ending or "changed"
            return
        self._divert(known)
        if self._begun or self.leg.number or self.leg.done > 1:
            self.ending = self.ending or "changed"
        else:  # it is one of several that the script has from its first iteration on
            self._use(self._diverted[-1])

    def turn(self, step: int) -> BaseException | None:
        """An iteration is over, and a leg with it: go on to the next one, or end. What a signal
        handler of the script's raised meanwhile."""
        leg = self.leg
        self._busy = True
        self._end_leg(step)
        if leg.why and self._which == "candidate":
            self._out.add(leg.which)
        while self._legs and self._legs[0].which in self._out:
            self._legs.popleft()
        if self.ending or not self._legs:
            return self.finish(step, self.ending or (leg.why if self._sweeping else None) or "done")
        if self._which == "candidate" and any(one.which == leg.which for one in self._legs):
            self._states[leg.which] = self._take(self._base, self._states.get(leg.which))
            kept = [self._base, *self._states.values()]
            self._most = max(self._most, sum(one.bytes for one in kept))
        self.leg = self._legs.popleft()
        state = self._states.get(self.leg.which, self._base)
        _, interrupted = state.put_back(rng=False)
        if interrupted is not None:
            self.finish(step, "interrupted")
            return interrupted
        self._begin_leg(step)
        self._busy = False
        return None

    def finish(self, step: int, why: str) -> BaseException | None:
        """Put everything back, and say so. What a signal handler of the script's raised."""
        if self.over:
            return None
        self.over = self._busy = True
        # A pause in which it began is gone back to when it is cut short, too.
        ends = (*_WHOLE, *_CUT) if self._from_pause else _WHOLE
        self.held = self.command.then == "pause" and why in ends
        if self.leg.first and not (self._told and self._told[-1]["leg"] == self.leg.number):
            self._end_leg(step)
        begun = time.perf_counter()
        interrupted: BaseException | None = None
        restored = False
        try:
            warnings, interrupted = self._base.put_back(rng=True)
            self._warnings += warnings
            restored = not self._warnings
        except Exception as error:
            self._steps.failed("at the end of a test")
            self._warnings.append(f"not all could be put back: {type(error).__name__}: {error}")
        seconds = time.perf_counter() - begun
        for one in self._diverted:
            one.end(step)
        self._steps.evaluation.quiet = False
        self._steps.control.rates.held = False
        self._signals.leave()
        self._states.clear()
        detail: dict[str, Any] = {
            "test": self.number,
            "kind": self._kind,
            "why": why,
            "from": self._begun,
            "steps": step - self._begun,
            "restored": restored,
            "seconds": seconds,
            "bytes": self._most,
        }
        more = {"warnings": self._warnings[:8]} if self._warnings else {}
        self._journal(
            "test_ended", id=self.command.id, step=step, legs=self._told, **detail, **more
        )
        warning = "; ".join(self._warnings) or None
        early = _early(why, restored)
        if early is None:
            self._answer(self.entry, "applied", step, warning=warning, detail=detail)
        else:
            self._answer(
                self.entry, "cancelled", step, reason=early, warning=warning, detail=detail
            )
        for entry in self.cancels:
            self._answer(entry, "applied", step)
        return interrupted

    @property
    def _kind(self) -> str:
        if self._sweeping:
            return "range"
        return "ladder" if getattr(self.command, "rates", ()) else "trial"

    @property
    def _sweeping(self) -> bool:
        return isinstance(self.command, RangeTestCommand)

    @property
    def _which(self) -> str:
        return "sweep" if self._sweeping else "candidate"

    def _divert(self, known: Optimizer) -> None:
        assert self._steps.session is not None
        self._diverted.append(Diverted(known, self._steps.session.writer, self.number))

    def _begin_leg(self, step: int) -> None:
        leg = self.leg
        leg.first = step + 1
        self._bound = Bound()
        self._skips = 0
        told = {"test": self.number, "leg": leg.number, self._which: leg.which}
        self._journal("test_leg", step=step, steps=leg.steps, **told)
        for one in self._diverted:
            one.tap.fresh.clear()
            self._use(one)

    def _use(self, one: Diverted) -> None:
        """Have an optimizer use the rates of this leg, if it is one of those that are tried."""
        leg, command, known = self.leg, self.command, one.known
        if known not in addressed(command, self._steps.optimizers):
            return
        own = one.overrides.copy()
        own.tick = known.overrides.tick
        if isinstance(command, TrialCommand) and not command.rates:
            groups = [command.group] if command.group is not None else range(known.count)
            one.use(times(own, known.count, list(groups), command.factors[leg.which]))
            return
        assert isinstance(command, (RangeTestCommand, TrialCommand))
        try:
            shares = _shares(command, known)
        except Refused as why:
            self._warnings.append(f"optimizer {known.number}: {why}")
            return
        if isinstance(command, TrialCommand):
            ends = command.rates[leg.which], command.rates[leg.which]
        else:
            ends = command.start, command.stop
        made = sweep(own, known.count, shares, leg, ends, known.number > 0)
        one.use(made)

    def _end_leg(self, step: int) -> None:
        leg = self.leg
        why = leg.why or ("end" if leg.done >= leg.steps else self.ending or "ended")
        told = {"leg": leg.number, self._which: leg.which, "first": leg.first, "last": step}
        self._told.append({**told, "why": why})

    def _look(self) -> None:
        """At the losses that have come since the last look."""
        leg, command = self.leg, self.command
        watched = command.optimizer if isinstance(command.optimizer, int) else 0
        bounded = isinstance(command, RangeTestCommand) and command.bound
        for one in self._diverted:
            if one.known.number != watched:
                continue
            while one.tap.fresh:
                number, _, loss = one.tap.fresh.popleft()
                if number < leg.first or leg.why:
                    continue  # it has arrived late, from a device
                if not math.isfinite(loss):
                    leg.why = "non_finite"
                elif bounded and self._bound.add(loss):
                    leg.why = "bound"

    def _interrupted(self) -> None:
        """A signal handler of the script's raises: it may save a checkpoint now, and end."""
        if not self._busy:  # else whoever is busy hears of it, and ends the test
            self.finish(self._steps.step, "interrupted")


_WHOLE = ("done", "bound", "non_finite", "skipped")
"""Why a test ended that says something."""

_CUT = ("cancelled", "changed", "memory", "unkept", "failed")
"""Why a test was cut short while the run itself goes on."""

_WORDS = {
    "cancelled": "cancelled",
    "stopped": "the run was stopped during it",
    "interrupted": "the script was interrupted during it",
    "exit": "the script ended during it",
    "changed": "an optimizer or a group was added during it",
    "memory": "there was not enough memory to go on with it",
    "unkept": "its state could not be copied any more",
    "failed": "lrmonitor failed in it",
}
"""Why a test ended that was not over, for its answer."""


def _early(why: str, restored: bool) -> str | None:
    """Why a test was cut short, and whether all was put back as the record tells it; None: it was
    not."""
    words = _WORDS.get(why)
    if words is None:
        return None
    return f"{words}; {'everything' if restored else 'not everything'} was put back"


def _shares(command: RangeTestCommand | TrialCommand, known: Optimizer) -> dict[int, float]:
    """Each group's part of the rate that is swept or tried. Refused where there is no ratio."""
    if command.group is not None:
        return {command.group: 1.0}
    if command.same or known.count == 1:
        return dict.fromkeys(range(known.count), 1.0)
    scheduled = known.values()
    return {j: share_of(scheduled, 0, j) for j in range(known.count)}
