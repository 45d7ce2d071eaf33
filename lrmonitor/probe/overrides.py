"""What persons want of the groups' rates, and the arithmetic of it (the plan's table of modes)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lrmonitor.link.messages import LrCommand
from lrmonitor.schedules.ramp import between

if TYPE_CHECKING:
    from lrmonitor.schedules.base import Schedule


@dataclass(frozen=True)
class Ramp:
    """On the way for `steps` steps from the rate `start`, which its first step, at tick `since`,
    would have used without the change."""

    steps: int
    start: float
    since: int


@dataclass(frozen=True)
class Override:
    """What a person wants of one group: `scale` (a factor), `hold` (a rate; 0 is frozen), `plan` (a
    schedule in the place of the script's, from tick `since` on; `value` is its first rate) or, only
    while a ramp leads there, `follow`.

    A tick is a step of the group's optimizer, counted by its `Overrides`.
    """

    kind: str
    value: float
    plan: Schedule | None = None
    since: int = 0
    ramp: Ramp | None = None

    @property
    def moving(self) -> bool:
        """Whether the rate may be another one at each step, of itself."""
        return self.plan is not None or self.ramp is not None

    def effective(self, scheduled: float, tick: int) -> float:
        """The rate to use where the schedule says `scheduled`."""
        plan = self.plan
        if plan is not None:
            t = tick - self.since
            goal = scheduled if plan.then == "follow" and plan.over(t) else plan.rate(t)
        elif self.kind == "hold":
            goal = self.value
        else:
            goal = self.value * scheduled
        ramp = self.ramp
        if ramp is None:
            return goal
        return between(ramp.start, goal, tick - ramp.since, ramp.steps)

    @property
    def until(self) -> float:
        """The tick from which on it is another one, as its ramp or its plan is over; inf: never."""
        ramp, plan = self.ramp, self.plan
        found = math.inf if ramp is None else ramp.since + ramp.steps
        if plan is not None and plan.steps is not None:
            return min(found, self.since + plan.steps)
        return found

    def at(self, tick: int) -> Override | None:
        """The same from that tick on, without a ramp or a plan that is over by then."""
        found = self
        if found.ramp is not None and tick - found.ramp.since >= found.ramp.steps:
            found = replace(found, ramp=None)
        if found.plan is not None and found.plan.over(tick - found.since):
            if found.plan.then == "hold":
                found = Override("hold", found.plan.rate(tick - found.since), ramp=found.ramp)
            else:
                found = Override("follow", 1.0, ramp=found.ramp)
        return None if found.kind == "follow" and found.ramp is None else found

    def in_proportion(self, share: float) -> Override:
        """The same for a group whose rate is `share` times as high. Raises ValueError where that is
        no rate."""
        if share == 1.0:
            return self
        found = self
        if found.ramp is not None:
            found = replace(found, ramp=replace(found.ramp, start=found.ramp.start * share))
        if found.kind == "hold":
            found = replace(found, value=found.value * share)
        elif found.plan is not None:
            plan = found.plan.scaled(share)
            found = replace(found, plan=plan, value=found.value * share)
        return found

    def told(self, tick: int, step: int) -> dict[str, Any]:
        """As the record and a status answer tell it; `step` is the run's number of that tick."""
        out: dict[str, Any] = {"kind": self.kind, "value": self.value}
        if self.plan is not None:
            from lrmonitor.schedules.wire import to_json

            out |= {"plan": to_json(self.plan), "from": step - (tick - self.since)}
        if self.ramp is not None:
            begun = step - (tick - self.ramp.since)
            out["ramp"] = {"steps": self.ramp.steps, "start": self.ramp.start, "from": begun}
        return out


NO_START = "the rate is {rate:g} now: say the rate that the schedule begins at"

NONE = {"kind": "none", "value": None}
"""As the record tells of a group that follows its schedule."""


@dataclass
class Overrides:
    """The overrides of one optimizer. `later` is what groups that are added later inherit, in
    proportion to group 0 unless `alike`; `tick` counts the steps while any of them moves."""

    groups: dict[int, Override] = field(default_factory=dict)
    later: Override | None = None
    alike: bool = False
    tick: int = 0

    def __bool__(self) -> bool:
        return bool(self.groups)

    @property
    def moving(self) -> bool:
        """Whether any rate may be another one at each step, of itself."""
        return any(one.moving for one in self.groups.values())

    def copy(self) -> Overrides:
        """Another one that says the same."""
        return replace(self, groups=dict(self.groups))

    def effective(self, group: int, scheduled: float) -> float:
        """The rate of a group in the step that comes."""
        override = self.groups.get(group)
        return scheduled if override is None else override.effective(scheduled, self.tick)

    def told(self, group: int, step: int) -> dict[str, Any]:
        """A group's override at this tick, which is the run's step `step`, as it is recorded."""
        override = self.groups.get(group)
        return NONE if override is None else override.told(self.tick, step)

    @property
    def until(self) -> float:
        """The tick at which `settle` has something to do; inf: never."""
        found = min((one.until for one in self.groups.values()), default=math.inf)
        return found if self.later is None else min(found, self.later.until)

    def settle(self) -> list[int]:
        """Let go of ramps and plans that are over at this tick; the groups that had one."""
        ended = []
        for group, override in list(self.groups.items()):
            found = override.at(self.tick)
            if found is None:
                del self.groups[group]
            elif found is not override:
                self.groups[group] = found
            if found is not override:
                ended.append(group)
        if self.later is not None:
            self.later = self.later.at(self.tick)
        return ended

    def inherit(self, group: int, scheduled: Sequence[float]) -> None:
        """Give a new group its override: the same factor, or the rates in proportion."""
        later = self.later
        if later is None or group in self.groups:
            return
        share = 1.0
        if not self.alike and (later.kind in ("hold", "plan") or later.ramp is not None):
            base, own = scheduled[0], scheduled[group]
            if own != base:
                share = own / base if base else math.nan
        if later.kind == "hold" and not later.value and later.ramp is None:
            share = 1.0
        if not math.isfinite(share) or share < 0:
            return  # no proportion to keep: it follows its schedule
        try:
            self.groups[group] = later.in_proportion(share)
        except ValueError:
            return  # its plan would come to no rate


class Refused(Exception):
    """A change that cannot be made; the message says why and what can."""


def span(count: int) -> str:
    """The numbers of that many, as a sentence says them."""
    return "0" if count == 1 else f"0 to {count - 1}"


def check_group(group: int | None, count: int) -> None:
    """Raises Refused where an optimizer with that many groups has no such one."""
    if group is not None and group >= count:
        raise Refused(f"there is no group {group}: the groups are {span(count)}")


def change(
    command: LrCommand, scheduled: Sequence[float], overrides: Overrides, step: int
) -> Overrides:
    """The overrides once a rate command is carried out, at the step (the run's number `step`) whose
    scheduled rates are given.

    Without a group, a rate is group 0's and the others keep their ratio to it, unless the command
    says `same`. Raises Refused.
    """
    check_group(command.group, len(scheduled))
    chosen = range(len(scheduled)) if command.group is None else (command.group,)
    first = command.group or 0
    wanted = _wanted(command, scheduled, chosen, overrides, step)
    made = overrides.copy()
    for j in chosen:
        override = wanted[j]
        if command.ramp > 1:
            start = overrides.effective(j, scheduled[j])
            ramp = Ramp(command.ramp, start, overrides.tick)
            override = replace(override or Override("follow", 1.0), ramp=ramp)
        if override is None:
            made.groups.pop(j, None)
        else:
            made.groups[j] = override
    if command.group is None:
        made.later, made.alike = made.groups.get(first), command.same
    return made


def _wanted(
    command: LrCommand,
    scheduled: Sequence[float],
    chosen: Sequence[int],
    overrides: Overrides,
    step: int,
) -> dict[int, Override | None]:
    """Each group's override, without a ramp."""
    mode, value, first = command.mode, command.value, command.group or 0
    if mode == "follow":
        return dict.fromkeys(chosen)
    if mode == "freeze":
        return dict.fromkeys(chosen, Override("hold", 0.0))
    if mode == "scale":
        assert value is not None
        return dict.fromkeys(chosen, Override("scale", value))
    if mode == "set":
        assert value is not None
        bad = [j for j in chosen if not scheduled[j] > 0]
        if bad:
            raise Refused(
                f"the scheduled rate of group {bad[0]} is {scheduled[bad[0]]:g}: set scales the "
                "schedule and needs it above 0; use hold, which keeps the rate until released"
            )
        return {
            j: Override("scale", value / scheduled[j if command.same else first]) for j in chosen
        }
    if mode == "hold":
        assert value is not None
        base = Override("hold", value)
    else:
        base = _planned(command, overrides.effective(first, scheduled[first]), overrides, step)
    made: dict[int, Override | None] = {}
    for j in chosen:
        share = 1.0 if command.same else share_of(scheduled, first, j)
        try:
            made[j] = base.in_proportion(share)
        except ValueError as error:
            raise Refused(f"in group {j}, {error}") from None
    return made


def _planned(command: LrCommand, now: float, overrides: Overrides, step: int) -> Override:
    """The plan of a command for a group whose rate would be `now` without it."""
    from lrmonitor.schedules.base import ScheduleError

    assert command.plan is not None
    if command.plan.start is None and not now > 0:
        raise Refused(NO_START.format(rate=now))
    try:
        plan = command.plan.begun(now)
    except ScheduleError as error:
        raise Refused(str(error)) from None
    late = 0 if command.begin is None else step - command.begin
    if late and command.plan.start is None:
        raise Refused(
            f"step {command.begin} is over: say the rate that the schedule began at, or let it "
            "begin now"
        )
    if plan.over(late) and plan.then == "follow":
        raise Refused(
            f"the schedule would be over since step {(command.begin or 0) + (plan.steps or 0)}: "
            "give it a longer length or a later beginning"
        )
    assert plan.start is not None
    return Override("plan", plan.start, plan, overrides.tick - late)


def share_of(scheduled: Sequence[float], first: int, group: int) -> float:
    """A group's part of the first one's rate. Raises Refused."""
    base, own = scheduled[first], scheduled[group]
    share = 1.0 if own == base else (own / base if base else math.nan)
    if not math.isfinite(share) or share < 0:
        raise Refused(
            f"the scheduled rates are {base:g} in group {first} and {own:g} in group {group}: "
            "there is no ratio to keep; name a group"
        )
    return share
