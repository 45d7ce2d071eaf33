"""What a rate command would do to the steps to come, as far as that can be told honestly.

A held rate and a plan are known. What the script's schedule will do is not: it is drawn on as it
went lately, never farther ahead than was looked back, and said to be just that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrmonitor.model.groups import addressed
from lrmonitor.model.ladder import rung
from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series
from lrmonitor.schedules.base import Schedule, ScheduleError
from lrmonitor.schedules.ramp import between

__all__ = ["Course", "Preview", "Wish", "preview", "trend", "wanted_rates"]

Floats = NDArray[np.float64]

SHORT = 20
"""Steps below which no trend is looked for: a schedule that moves by steps stands still there."""

BACK = 50
"""Steps that are looked back at least, where there are so many."""

POINTS = 65
"""Points of a course."""

PLAN_POINTS = 257
"""Points of a plan, which may turn in between."""

ALIKE = 0.5
"""A trend holds where the later half of what is looked at went like the whole, up to this share."""


@dataclass(frozen=True)
class Wish:
    """A rate command that is thought of; the fields are those of `LrCommand`."""

    mode: str
    value: float | None = None
    optimizer: int | str | None = None
    group: int | None = None
    ramp: int = 0
    same: bool = False
    plan: Schedule | None = None
    begin: int | None = None


@dataclass(frozen=True)
class Course:
    """One group's effective rate if the wish came true, and its schedule drawn on (both: steps,
    values); `basis` is the number of steps before that the latter was taken from."""

    address: tuple[int, int]
    step: Floats
    value: Floats
    schedule_step: Floats
    schedule: Floats
    basis: int = 0


@dataclass(frozen=True)
class Preview:
    """The courses of all groups that a wish is for."""

    wish: Wish
    courses: tuple[Course, ...]

    @property
    def basis(self) -> int:
        """The least number of steps that a schedule was drawn on from."""
        return min(course.basis for course in self.courses)


def preview(model: RunModel, wish: Wish, newest: int, until: int) -> Preview | None:
    """The courses from step `newest` to at most `until`; None where nothing can be told."""
    if until <= newest:
        return None
    places = addressed(model.optimizers, model.main, wish.optimizer, wish.group)
    courses = []
    for number in sorted({place[0] for place in places}):
        groups = next(info.groups for info in model.optimizers if info.number == number)
        series = [model.scheduled(number, group) for group in range(groups)]
        scheduled = [math.nan if not s else float(s.value[-1]) for s in series]
        used = [_last(model.lr(number, group)) for group in range(groups)]
        rates = wanted_rates(wish, scheduled)
        plans = wanted_plans(wish, scheduled, used)
        for group in plans if wish.mode == "plan" else rates:
            found = series[group]
            if (number, group) in places and found is not None:
                ahead = _Ahead(found, newest, until)
                if group in plans:
                    begin = newest + 1 if wish.begin is None else wish.begin
                    goal = ahead.planned(plans[group], begin)
                elif wish.mode in ("hold", "freeze"):
                    goal = ahead.held(rates[group], wish.ramp)
                else:
                    goal = ahead.multiplied(rates[group])
                courses.append(_course((number, group), ahead, goal, used[group], wish.ramp))
    return Preview(wish, tuple(courses)) if courses else None


def to_come(model: RunModel, wish: Wish, address: tuple[int, int]) -> float | None:
    """The rate that a wish gives a group at its first step, without a ramp; None where that cannot
    be told."""
    number, group = address
    groups = next((info.groups for info in model.optimizers if info.number == number), 0)
    scheduled = [_last(model.scheduled(number, one)) for one in range(groups)]
    if wish.plan is None:
        return wanted_rates(wish, scheduled).get(group)
    used = [_last(model.lr(number, one)) for one in range(groups)]
    plan = wanted_plans(wish, scheduled, used).get(group)
    return None if plan is None else plan.rate(0)


def wanted_rates(wish: Wish, scheduled: Sequence[float]) -> dict[int, float]:
    """Group number -> the rate that the wish gives it at a step with these scheduled rates.

    Without a group, a rate is group 0's and the others keep their ratio to it, unless they are all
    to have the same. Groups for which it means nothing (no ratio to keep, a schedule at 0) are left
    out.
    """
    chosen = range(len(scheduled)) if wish.group is None else [wish.group]
    found: dict[int, float] = {}
    for group in chosen:
        if group >= len(scheduled):
            continue
        own = scheduled[group]
        if wish.mode == "freeze":
            rate = 0.0
        elif wish.mode == "follow":
            rate = own
        elif wish.value is None:
            continue
        elif wish.mode == "scale":
            rate = wish.value * own
        elif wish.mode == "set" and not own > 0:
            continue
        else:
            rate = wish.value * _share(wish, scheduled, group)
        if math.isfinite(rate) and rate >= 0:
            found[group] = rate
    return found


def wanted_plans(
    wish: Wish, scheduled: Sequence[float], used: Sequence[float]
) -> dict[int, Schedule]:
    """Group number -> the schedule that the wish gives it where it has one, begun at the rate that
    is `used` now if the plan does not say its own. Groups for which it means nothing are left out.
    """
    first = 0 if wish.group is None else wish.group
    if wish.plan is None or first >= len(scheduled):
        return {}
    found = {}
    try:
        begun = wish.plan.begun(used[first])
        for group in range(len(scheduled)) if wish.group is None else [first]:
            share = _share(wish, scheduled, group)
            if math.isfinite(share) and share > 0:
                found[group] = begun if share == 1.0 else begun.scaled(share)
    except ScheduleError:
        pass  # no rate: the training process will say what is wrong with it
    return found


def _share(wish: Wish, scheduled: Sequence[float], group: int) -> float:
    """A group's part of the rate that is wished for."""
    base = scheduled[0 if wish.group is None else wish.group]
    own = scheduled[group]
    if wish.same or own == base:
        return 1.0
    return own / base if base else math.nan


def trend(series: Series, newest: int, room: int) -> tuple[float, int]:
    """How a recorded rate goes on at step `newest`: its change a step, and the number of steps that
    this was taken from. `room` is how many steps to come are of interest.

    The part looked at is halved until its later half went like the whole: past a kink (the end of a
    warm-up) only what came after it tells what comes.
    """
    step, value = series.step, series.value
    age = newest - int(step[-1])
    since = max(newest - int(step[0]), 1)
    if len(step) == 1 or age > max(2 * (int(step[-1]) - int(step[-2])), SHORT):
        return 0.0, max(age, 1)
    # A round number: with one that followed every step the line would never stand still.
    back = min(since, _round_up(max(room, BACK)))
    last = float(value[-1])
    while True:
        whole = last - _at(series, newest - back)
        late = 2 * (last - _at(series, newest - back // 2))
        like = abs(late - whole) <= ALIKE * max(abs(late), abs(whole))
        if like or back < 2 * SHORT:
            break
        back //= 2
    if whole == 0 or not math.isfinite(whole):
        return 0.0, max(age, back, 1)
    return whole / back, back


class _Ahead:
    """The steps after the `newest` of a group, and what its schedule is thought to do in them."""

    def __init__(self, scheduled: Series, newest: int, until: int) -> None:
        self.newest, self.until = newest, until
        self.slope, self.back = trend(scheduled, newest, until - newest)
        self.last = float(scheduled.value[-1])
        self.far = min(until, newest + self.back)
        """The step up to which something is thought of it."""
        self.step: Floats = np.linspace(newest, self.far, POINTS)
        self.schedule: Floats = self.at(self.step)

    def at(self, step: Floats) -> Floats:
        """The scheduled rates."""
        return np.maximum(self.last + self.slope * (step - self.newest), 0.0)

    def held(self, rate: float, ramp: int) -> tuple[Floats, Floats]:
        """Steps and rates of one that is held (the steps of the way to it as well)."""
        step = np.array([self.newest, self.until], np.float64)
        if ramp > 1:
            way = np.linspace(self.newest + 1, min(self.newest + ramp, self.until), POINTS)
            step = np.union1d(step, np.rint(way))
        return step, np.full(len(step), rate)

    def multiplied(self, rate: float) -> tuple[Floats, Floats]:
        """The schedule in proportion, `rate` being what it comes to now."""
        return self.step, (rate / self.last if self.last else 0.0) * self.schedule

    def planned(self, plan: Schedule, begin: int) -> tuple[Floats, Floats]:
        """A plan whose first rate is at step `begin`, and the schedule after it if that is said."""
        first = max(begin, self.newest + 1)
        last = self.until
        if plan.then == "follow" and plan.steps is not None:
            last = min(last, begin + plan.steps - 1)
        if last < first:
            return self.step, self.schedule
        turns = [begin + t + more for t in plan.knots() for more in (-1, 0)]
        way = np.rint(np.linspace(first, last, PLAN_POINTS))
        step = np.union1d(way, [t for t in turns if first <= t <= last])
        value = np.array([plan.rate(round(one) - begin) for one in step])
        if last < self.far and plan.then == "follow":
            rest = np.union1d(self.step[self.step > last], [last + 1.0])
            step, value = np.concatenate((step, rest)), np.concatenate((value, self.at(rest)))
        return step, value


def _course(
    address: tuple[int, int],
    ahead: _Ahead,
    goal: tuple[Floats, Floats],
    now: float,
    ramp: int,
) -> Course:
    """From the rate that is used `now` to the goal, by a jump or on a ramp."""
    step, value = goal
    if ramp > 1 and math.isfinite(now):
        first = ahead.newest + 1
        value = np.array(
            [
                between(now, float(one), max(round(at) - first, -1), ramp)
                for at, one in zip(step, value, strict=True)
            ]
        )
    return Course(
        address,
        np.concatenate(([float(ahead.newest)], step)),
        np.concatenate(([now], value)),
        ahead.step,
        ahead.schedule,
        ahead.back,
    )


def _last(series: Series | None) -> float:
    return float(series.value[-1]) if series else math.nan


def _round_up(steps: int) -> int:
    """The least of 50, 100, 200, 500… that is not less."""
    return round(rung(steps * (1 - 1e-3), 1))


def _at(series: Series, step: int) -> float:
    index = int(np.searchsorted(series.step, step, side="right")) - 1
    return float(series.value[max(index, 0)])
