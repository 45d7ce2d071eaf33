"""What the probe knows of one optimizer: its number, groups, series and overrides."""

from __future__ import annotations

import inspect
import math
import sys
import weakref
from collections.abc import Callable
from typing import Any

from lrmonitor.link.messages import GroupRate
from lrmonitor.probe import rates
from lrmonitor.probe.claims import Claims
from lrmonitor.probe.norms import Norms
from lrmonitor.probe.options import Options
from lrmonitor.probe.overrides import Override, Overrides
from lrmonitor.probe.rates import Rewritten, Swap
from lrmonitor.probe.slots import found_in
from lrmonitor.probe.threads import Thread
from lrmonitor.record.writer import RankWriter, SeriesWriter

ALONE = 100
"""Steps that one thread makes before it is taken to be the only one again, that steps an optimizer
which threads have shared."""

_UNSEEN = object()
"""No rate: whoever finds this one as the last has to look again."""


class Group:
    """One group's latest rates, and the series they are written to where they change."""

    __slots__ = (
        "effective",
        "factor",
        "hold",
        "lr",
        "moving",
        "now",
        "number",
        "put",
        "rate",
        "scheduled",
        "scheduled_lr",
        "tensor",
        "tick",
        "used",
        "version",
    )

    def __init__(self, number: int, lr: SeriesWriter, scheduled_lr: SeriesWriter) -> None:
        self.number = number
        self.lr = lr
        self.scheduled_lr = scheduled_lr
        self.rate: Any = _UNSEEN
        """What the script left in the group, to see at a glance that nothing changed; `_UNSEEN` if
        that could change without being another object."""
        self.tensor: Any = None
        self.version = -1
        self.now: float | None = None
        """The value of what the script left; None if that is no number."""
        self.hold: float | None = None
        """The rate that an override holds; None without one, then `factor` times `now` is meant."""
        self.factor = 1.0
        self.moving: Override | None = None
        """An override whose rate changes of itself, which goes before `hold` and `factor`."""
        self.tick = 0
        """The tick of its overrides in the step that comes."""
        self.used: float | None = None
        """The rate that overrides make of it, where there are any."""
        self.scheduled: float | None = None
        """As recorded last, like `effective`."""
        self.effective: float | None = None
        self.put: float | None = None
        """What an ordinary step under an override put in its place."""

    def renew(self) -> None:
        """The scheduled rate or the override has changed."""
        # Assigned once: an exception may come between any two lines.
        used = self.hold
        if used is None and self.now is not None:
            if self.moving is None:
                used = self.factor * self.now
            else:
                used = self.moving.effective(self.now, self.tick)
        self.used = used

    def record(self, step: int, now: float, scheduled: float, effective: float) -> None:
        """Write what changed; noted only once it is written."""
        if scheduled != self.scheduled and not _both_nan(scheduled, self.scheduled):
            self.scheduled_lr.append((step, now, scheduled))
            self.scheduled = scheduled
        if effective != self.effective and not _both_nan(effective, self.effective):
            self.lr.append((step, now, effective))
            self.effective = effective


class Optimizer:
    """One optimizer of the script. Only a weak reference is held to it."""

    def __init__(
        self,
        number: int,
        optimizer: Any,
        writer: RankWriter,
        norms: Norms,
        loss: SeriesWriter | None = None,
    ) -> None:
        """`loss` is its loss series if there is one already."""
        self.number = number
        self.name = type(optimizer).__name__
        self.attention = True
        """Whether its next step has to be looked at closely. Set by any thread, and cleared before
        what it stands for is looked at, so that none is missed."""
        self.overrides = Overrides()
        self.overridden = False
        self.moving = False
        """Whether an override is in force whose rate changes of itself, with each step."""
        self.until = math.inf
        """The tick of the overrides at which one of them is over."""
        self.before = self.overrides
        """The overrides before the commands that the step in progress carries out."""
        self.norms = norms
        self.options = Options(number, writer)
        self.swap = Swap(self.options)
        self.claims = Claims()
        self.thread: Thread | None = None
        """The thread that steps it: only that one may do so in the ordinary way under an
        override."""
        self.shared = False
        """Whether others do as well."""
        self.last: Thread | None = None
        """The thread of the last step that had it, where several do."""
        self.alone = 0
        """Steps in a row that the same thread has made of one that is shared."""
        self.overlapped: int | None = None
        """The run's step at which threads were last seen to step it at the same time."""
        self.news = False
        """Whether a rate is to be recorded with this step."""
        self.groups: list[Group] = []
        self.count = 0
        """How many groups it has."""
        self.lone: Group | None = None
        """Its group, if it has but one."""
        self.advance = 1 if number == 0 else 0
        """By how much a step of it moves the run's step on."""
        self.recorded = False
        """Whether the loss of any step of it was recorded."""
        self.stepped = False
        """Whether it stepped since a GradScaler was asked to step it."""
        self.reason: str | None = None
        self.closing = False
        """Whether it was last stepped with a closure."""
        self.closure_at = _closure_at(optimizer)
        # LBFGS reads its rate before it evaluates the closure, all others after.
        self.reads_first = any(c.__name__ == "LBFGS" for c in type(optimizer).__mro__)
        self._writer = writer
        self.ref: weakref.ref[Any] = weakref.ref(optimizer)
        if loss is None:
            loss = writer.series("loss" if number == 0 else f"loss[{number}]", "loss", number)
        self.loss = loss
        self.waiting = loss.waiting
        self.parts = writer.series(f"parts[{number}]", "parts", number, None, "changes")
        self.last_parts = -1
        self.look_at_groups(optimizer)

    @property
    def taken(self) -> bool:
        """Whether the step of another thread than the one that has it is looked at closely."""
        found = self.claims.detail
        return found is not None and found.thread is not self.thread

    @property
    def puts(self) -> Thread | None:
        """The thread that has put effective rates for an ordinary step; None if none stand."""
        own = self.thread
        return own if own is not None and own.put and own.known is self else None

    def steps_in(self, here: Thread, alive: Callable[[Thread], bool]) -> None:
        """It is about to step in that thread: the one that has it, or another one."""
        own = self.thread
        if own is not None and own is not here and alive(own):
            self.shared = True
            # Then that thread is looked at: it puts its rates first, and looks at this after.
            self.attention = True

    def had_by(self, here: Thread) -> None:
        """A step of that thread, which `steps_in` was told of, has it: whether others share it."""
        if self.shared:
            self.alone = self.alone + 1 if self.last is here else 0
            # The attention that others have asked for is cleared by this step or the next.
            self.shared = self.alone < ALONE
        self.last = here
        if not self.shared:
            self.thread = here

    def overlaps(self, step: int) -> None:
        """Another thread steps it at this moment, at that step of the run."""
        self.alone, self.overlapped = 0, step

    def together(self, step: int) -> bool:
        """Whether threads step it at the same time, or did a few steps ago."""
        return self.overlapped is not None and step - self.overlapped <= ALONE

    def seen(self) -> None:
        """It is looked at closely now: there is no more to it, but where threads share it."""
        shared = self.shared
        if not shared:
            self.attention = False
            if self.shared:  # another thread has come between the two lines
                self.attention = True

    def replace(self, optimizer: Any) -> None:
        """A new object of the script's takes the place of one that is gone, overrides and all."""
        self.ref = weakref.ref(optimizer)
        self.closure_at = _closure_at(optimizer)
        self.swap = Swap(self.options)
        self.options.replaced()
        self.claims.clear()
        self.thread, self.shared, self.overlapped = None, False, None
        for group in self.groups:
            group.rate, group.tensor, group.version = _UNSEEN, None, -1
        self.look_at_groups(optimizer, replaced=True)

    def look_at_groups(self, optimizer: Any, replaced: bool = False) -> None:
        """Notice groups that were added, and say so in the record."""
        count, number = len(optimizer.param_groups), self.number
        before = len(self.groups)
        self.lone = None
        for j in range(before, count):
            lr = self._writer.series(f"lr[{number}.{j}]", "lr", number, j, "changes")
            name = f"scheduled[{number}.{j}]"
            scheduled = self._writer.series(name, "scheduled_lr", number, j, "changes")
            self.groups.append(Group(j, lr, scheduled))
        del self.groups[count:]
        for j in [j for j in self.overrides.groups if j >= count]:
            del self.overrides.groups[j]  # of a group that is gone
        self.count = count
        self.lone = self.groups[0] if count == 1 else None
        self.reason = rates.problem(optimizer.param_groups, self.name)
        self._writer.event(
            "optimizer",
            optimizer=number,
            **{"class": self.name},
            groups=count,
            main=number == 0,
            controllable=self.reason is None,
            reason=self.reason,
            about=[_about(group) for group in optimizer.param_groups],
            **({"replaced": True} if replaced else {}),
        )
        self.options.look_at_groups(optimizer)
        # Groups that were added inherit the override that commands gave to all groups.
        self.look(optimizer.param_groups, mine=True)
        if self.overrides.later is not None:
            values = self.values()
            for j in range(before, count):
                self.overrides.inherit(j, values)
        self.take_overrides()

    def look(self, groups: list[dict[str, Any]], mine: bool = False) -> None:
        """Read what the script left in the groups; `mine`: no other thread's step has them.

        What tells that there is nothing new is noted last: if an exception comes in between (of a
        signal handler of the script's), the next look begins anew.
        """
        for known, group in zip(self.groups, groups, strict=False):
            lr: Any = group.get("lr")
            if lr is known.rate:
                continue
            if not mine:
                if self.taken:
                    continue  # what another thread's step of this optimizer has put there
                lr = group.get("lr")  # again: that step may have ended between the two lines
                if lr is known.rate or self.taken:
                    continue
            if lr is None:
                self.attention = True  # the hooks may not look for it: it may not be there at all
            rate, tensor, version = lr, None, -1
            if rates.is_tensor(lr):
                # An override of it is not an ordinary step's affair.
                self.attention = self.attention or self.overridden
                rate, tensor = _UNSEEN, lr
                version = -1 if lr.is_inference() else lr._version
                if lr is known.tensor and version == known.version >= 0:
                    known.rate = _UNSEEN
                    continue
            elif type(lr) not in (float, int):
                # Of other numbers it is not known that they cannot be changed in place.
                rate = _UNSEEN
                self.attention = self.attention or self.overridden
            known.now = rates.read(lr)
            known.renew()
            if known.now != known.scheduled:
                self.news = True
            known.version, known.tensor, known.rate = version, tensor, rate

    def values(self) -> list[float]:
        """What the script wanted at the last look, group by group; nan where that is no number."""
        return [math.nan if group.now is None else group.now for group in self.groups]

    def take_overrides(self) -> None:
        """The overrides have changed."""
        overrides = self.overrides
        self.overridden = bool(overrides.groups)
        for j, group in enumerate(self.groups):
            override = overrides.groups.get(j)
            group.hold, group.factor, group.moving = None, 1.0, None
            group.tick = overrides.tick
            if override is not None and override.moving:
                group.moving = override
            elif override is not None and override.kind == "hold":
                group.hold = override.value
            elif override is not None:
                group.factor = override.value
            group.renew()
        self.moving = overrides.moving
        self.until = overrides.until
        self.news = True

    def go_on(self, step: int) -> None:
        """A step (the run's number `step`) is over: rates that change of themselves go on to the
        next one, which records them as it does other news."""
        overrides = self.overrides
        overrides.tick = tick = overrides.tick + 1
        if tick >= self.until:
            self.settle(step)
            return
        for group in self.groups:
            moving = group.moving
            if moving is not None:
                group.tick = tick
                if group.now is not None:
                    group.used = moving.effective(group.now, tick)

    def settle(self, step: int) -> None:
        """Say which ramps and plans are over with a step, and let go of them."""
        overrides = self.overrides
        ended = overrides.settle()
        self.take_overrides()
        if ended:
            self._writer.event(
                "rates_settled",
                step=step,
                overrides=[
                    {"optimizer": self.number, "group": j, **overrides.told(j, step + 1)}
                    for j in ended
                ],
            )

    @property
    def plain(self) -> bool:
        """Whether all rates are numbers, which an ordinary step can replace, and no `Swap` must."""
        return all(group.rate is not _UNSEEN and group.now is not None for group in self.groups)

    def restore(self, groups: list[dict[str, Any]]) -> list[Rewritten]:
        """Take the effective rates out again, which an ordinary step put there; where the script
        wrote another rate in between keep that."""
        rewritten = []
        for j, (known, group) in enumerate(zip(self.groups, groups, strict=False)):
            found = group["lr"]
            if found is known.rate:
                continue
            if found is known.put or (
                not rates.is_tensor(found) and rates.read(found) == known.put
            ):
                group["lr"] = known.rate
            else:
                rewritten.append(Rewritten(j, rates.read(found), float(known.put or 0.0)))
        return rewritten

    def put_anew(self, groups: list[dict[str, Any]], changed: Group) -> bool:
        """The script has changed a rate: `changed` is the first group, and all before it hold their
        effective rates. Put those of all groups; whether that is an ordinary step's affair."""
        for known, group in zip(self.groups, groups, strict=False):
            if known is changed:
                break
            group["lr"] = known.rate
        self.look(groups, mine=True)
        if self.attention:
            return False
        for known, group in zip(self.groups, groups, strict=False):
            known.put = group["lr"] = known.used
        return True

    def closure(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What was given to a step as its closure, which may well be None."""
        if self.closure_at is None:
            return None
        at, name = self.closure_at
        return args[at] if len(args) > at else kwargs.get(name)

    def record_rates(self, step: int, now: float) -> None:
        """Write the rates of an ordinary step, where they changed."""
        overridden = self.overridden
        for group in self.groups:
            if group.now is not None:
                used = group.used if overridden else group.now
                group.record(step, now, group.now, group.now if used is None else used)
        self.news = self.moving
        if self.moving:
            self.go_on(step)

    def record_closely(
        self, scheduled: list[float], effective: list[float | None], step: int, now: float
    ) -> list[GroupRate]:
        """Write the rates of a step that was looked at closely; gives them back, with those of the
        step before."""
        out = []
        for j, (known, was) in enumerate(zip(self.groups, scheduled, strict=False)):
            used = effective[j] if j < len(effective) else was
            previous = known.effective
            if used is not None:
                known.record(step, now, was, used)
            out.append(GroupRate(self.number, j, was, previous, used))
        self.news = False
        return out

    def status(self, step: int) -> dict[str, Any]:
        """The part of a status answer that tells of this optimizer, at that step of the run."""
        groups = []
        for j, group in enumerate(self.groups):
            groups.append(
                {
                    "group": j,
                    "scheduled": group.scheduled,
                    "effective": group.effective,
                    "override": self.overrides.told(j, step + 1),
                    "options": self.options.told(j),
                }
            )
        return {
            "optimizer": self.number,
            "class": self.name,
            "controllable": self.reason is None,
            "reason": self.reason,
            "groups": groups,
        }


def optimizer_was_made() -> bool:
    """Whether any torch optimizer was constructed: torch marks its class's step then."""
    torch = sys.modules["torch"]
    classes = list(torch.optim.Optimizer.__subclasses__())
    while classes:
        one = classes.pop()
        if getattr(one.__dict__.get("step"), "hooked", False):
            return True
        classes.extend(one.__subclasses__())
    return False


def _about(group: dict[str, Any]) -> dict[str, Any]:
    """What tells a group apart from the others to a person: its name, size, weight decay."""
    told: dict[str, Any] = {}
    try:
        told["parameters"] = sum(int(p.numel()) for p in group["params"])
    except Exception:  # a parameter that has no size yet, or is no tensor
        told["parameters"] = None
    name, options = group.get("name"), found_in(group)
    if isinstance(name, str):
        told["name"] = name[:60]
    options = {key: value for key, value in options.items() if math.isfinite(value)}
    if "weight_decay" in options:
        told["weight_decay"] = options["weight_decay"]
    return {**told, "options": options}


def _closure_at(optimizer: Any) -> tuple[int, str] | None:
    """Where a closure stands among the arguments of `step`, the optimizer being the first of them,
    and what it is called; None where `step` takes none (but, say, a model)."""
    try:
        parameters = list(inspect.signature(optimizer.step).parameters)
    except (TypeError, ValueError):
        return None
    # Where a scheduler has wrapped it, the object itself comes first.
    shift = 0 if parameters[:1] == ["self"] else 1
    found = [(at + shift, name) for at, name in enumerate(parameters) if "closure" in name]
    return found[0] if found else None


def _both_nan(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and a != a and b != b
