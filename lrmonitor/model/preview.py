"""What a rate command would do to the steps to come, as far as that can be told honestly.

A held rate is known. What the script's schedule will do is not: it is drawn on as it went lately,
never farther ahead than was looked back, and said to be just that.
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

__all__ = ["Course", "Preview", "Wish", "preview", "trend", "wanted_rates"]

Floats = NDArray[np.float64]

SHORT = 20
"""Steps below which no trend is looked for: a schedule that moves by steps stands still there."""

BACK = 50
"""Steps that are looked back at least, where there are so many."""

POINTS = 65
"""Points of a course."""

ALIKE = 0.5
"""A trend holds where the later half of what is looked at went like the whole, up to this share."""


@dataclass(frozen=True)
class Wish:
    """A rate command that is thought of; the fields are those of `LrCommand`."""

    mode: str
    value: float | None = None
    optimizer: int | str | None = None
    group: int | None = None


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
        rates = wanted_rates(wish, scheduled)
        for group, rate in rates.items():
            found = series[group]
            if (number, group) in places and found is not None:
                used = model.lr(number, group)
                now = float(used.value[-1]) if used else math.nan
                courses.append(_course((number, group), found, now, rate, wish, newest, until))
    return Preview(wish, tuple(courses)) if courses else None


def wanted_rates(wish: Wish, scheduled: Sequence[float]) -> dict[int, float]:
    """Group number -> the rate that the wish gives it at a step with these scheduled rates.

    Without a group, a rate is group 0's and the others keep their ratio to it. Groups for which it
    means nothing (no ratio to keep, a schedule at 0) are left out.
    """
    chosen = range(len(scheduled)) if wish.group is None else [wish.group]
    first = 0 if wish.group is None else wish.group
    found: dict[int, float] = {}
    for group in chosen:
        if group >= len(scheduled):
            continue
        own, base = scheduled[group], scheduled[first]
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
        elif own == base:
            rate = wish.value
        else:
            rate = wish.value * own / base if base else math.nan
        if math.isfinite(rate) and rate >= 0:
            found[group] = rate
    return found


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


def _course(
    address: tuple[int, int],
    scheduled: Series,
    now: float,
    rate: float,
    wish: Wish,
    newest: int,
    until: int,
) -> Course:
    """From the rate that is used `now`, by a jump to `rate`, and on."""
    slope, back = trend(scheduled, newest, until - newest)
    last = float(scheduled.value[-1])
    ahead = np.linspace(newest, min(until, newest + back), POINTS)
    schedule = np.maximum(last + slope * (ahead - newest), 0.0)
    if wish.mode in ("hold", "freeze"):
        step, value = np.array([newest, until], np.float64), np.full(2, rate)
    else:
        step, value = ahead, (rate / last if last else 0.0) * schedule
    return Course(
        address,
        np.concatenate(([float(newest)], step)),
        np.concatenate(([now], value)),
        ahead,
        schedule,
        back,
    )


def _round_up(steps: int) -> int:
    """The least of 50, 100, 200, 500… that is not less."""
    return round(rung(steps * (1 - 1e-3), 1))


def _at(series: Series, step: int) -> float:
    index = int(np.searchsorted(series.step, step, side="right")) - 1
    return float(series.value[max(index, 0)])
