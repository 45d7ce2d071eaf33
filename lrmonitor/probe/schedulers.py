"""How long the training will be, where its learning rate scheduler knows.

A scheduler counts how often it was stepped (`last_epoch`), and some kinds know how often they will
be. Whether it is stepped with the optimizer or once an epoch is told by evidence alone: its count
is compared with the optimizer's steps and with the loaders' iterations. All of it runs on the
writer's thread and only reads attributes.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lrmonitor.probe.loaders import Loader

STEPS_ENOUGH = 4
MANY_STEPS_ENOUGH = 20
"""Steps after which a scheduler that was stepped as often as the optimizer is taken to follow it;
and where it was stepped several times as often (as Accelerate does with several processes)."""

MOST_A_STEP = 64
"""More scheduler steps than this at each step are no rhythm."""

KNOWN = 64
"""Schedulers that are remembered."""


@dataclass(frozen=True)
class Length:
    """How long the training will be: steps and epochs of this run, None where unknown.

    `first_epoch` is the number of this run's first epoch, more than 1 where it was resumed.
    """

    total_steps: int | None = None
    total_epochs: int | None = None
    first_epoch: int = 1
    source: str | None = None


class _Watched:
    """A scheduler, and where it stood at the first look."""

    def __init__(self, scheduler: Any) -> None:
        self.ref: weakref.ref[Any] = weakref.ref(scheduler)
        self.count = -1
        self.step = 0
        self.passes: dict[int, int] = {}
        self.lag: int | None = None
        """The least by which the steps were ahead of its count."""
        self.ahead: dict[int, int] = {}
        """The least by which its count was ahead of each loader's passes."""


class Schedulers:
    """The schedulers of a process. `made` is called by the script's threads, `look` by the
    writer's."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []

    def made(self, scheduler: Any) -> None:
        """A scheduler was made."""
        alive = [one for one in self._watched if one.ref() is not None][-KNOWN:]
        if all(one.ref() is not scheduler for one in alive):
            alive.append(_Watched(scheduler))
        self._watched = alive

    def look(
        self, optimizer: Any, steps_done: Callable[[], int], loaders: list[Loader]
    ) -> Length | None:
        """What the schedulers of that optimizer tell; None when they tell nothing."""
        found = []
        here = [(one, one.ref()) for one in self._watched]
        parts = {
            id(part)
            for _, scheduler in here
            if scheduler is not None
            for part in vars(scheduler).get("_schedulers") or ()
        }
        for one, scheduler in here:
            if scheduler is None or id(scheduler) in parts:
                continue
            its = vars(scheduler).get("optimizer")
            if (
                its is not optimizer
                and getattr(its, "__dict__", {}).get("optimizer") is not optimizer
            ):
                continue
            length = _look(one, scheduler, steps_done, loaders)
            if length is not None:
                found.append(length)
        return max(found, key=lambda f: (f.total_steps or 0, f.total_epochs or 0), default=None)


def _look(
    one: _Watched, scheduler: Any, steps_done: Callable[[], int], loaders: list[Loader]
) -> Length | None:
    for _ in range(5):
        step = steps_done()
        count = vars(scheduler).get("last_epoch")
        passes = {loader.number: loader.passes for loader in loaders}
        if step == steps_done():
            break
    else:
        return None  # it steps too fast to be read now; the next look may find it between two
    if type(count) is not int:
        return None
    if one.count < 0 or count < one.count:
        one.count, one.step, one.passes, one.lag, one.ahead = count, step, passes, None, {}
    # Both are least just after the scheduler, or the loader, has caught up.
    for number, done in passes.items():
        one.ahead[number] = min(count - done, one.ahead.get(number, count))
    known = scheduled(scheduler)
    if known is None or count > known[0]:
        return None
    total, source = known
    made, stepped = step - one.step, count - one.count
    often = _times_a_step(made, stepped)
    if often:
        lag = step - count // often
        one.lag = lag if one.lag is None else min(lag, one.lag)
        offset = 0 if abs(one.lag) <= 1 else one.lag
        return Length(total_steps=-(-total // often) + offset, source=source)
    if stepped >= 1 and 2 * stepped <= made:
        for number, done in passes.items():
            if done and abs(done - one.passes.get(number, 0) - stepped) <= 1:
                first = max(one.ahead[number], 0) + 1
                return Length(total_epochs=total, first_epoch=first, source=source)
    return None


def _times_a_step(made: int, stepped: int) -> int:
    """How often a scheduler is stepped at each step; 0 when not in that rhythm, or not known."""
    if made < STEPS_ENOUGH:
        return 0
    often = round(stepped / made)
    if often == 1:
        return 1 if abs(stepped - made) <= max(1, made // 50) else 0
    enough = made >= MANY_STEPS_ENOUGH and 1 < often <= MOST_A_STEP
    return often if enough and abs(stepped - often * made) <= max(often, stepped // 50) else 0


def scheduled(scheduler: Any) -> tuple[int, str] | None:
    """How often a scheduler will be stepped in all, and what says so; None where none does."""
    own = vars(scheduler)
    names = [kind.__name__ for kind in type(scheduler).__mro__]
    name = names[0]
    if "SequentialLR" in names:
        parts, milestones = own.get("_schedulers"), own.get("_milestones")
        last = scheduled(parts[-1]) if parts else None
        if last is None or not milestones:
            return last
        return int(milestones[-1]) + last[0], f"{name} with {last[1]}"
    if "OneCycleLR" in names:
        return _count(own.get("total_steps"), f"{name}.total_steps")
    if "CosineAnnealingLR" in names:
        return _count(own.get("T_max"), f"{name}.T_max")
    if "PolynomialLR" in names:
        return _count(own.get("total_iters"), f"{name}.total_iters")
    if "LinearLR" in names:
        # One that rises is a warm-up, after which the training goes on.
        if own.get("end_factor", 1) < own.get("start_factor", 0):
            return _count(own.get("total_iters"), f"{name}.total_iters")
        return None
    if "LambdaLR" in names:
        for function in own.get("lr_lambdas") or ():
            told = _told_by(function)
            if told is not None:
                return told
    return None


def _told_by(function: Any) -> tuple[int, str] | None:
    """What a schedule of Hugging Face's (or one made as theirs are) was told of its length."""
    if isinstance(function, functools.partial):
        given = function.keywords
    else:
        code = getattr(function, "__code__", None)
        cells = getattr(function, "__closure__", None) or ()
        given = {}
        for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=False):
            try:
                given[name] = cell.cell_contents
            except ValueError:  # nothing was assigned to it yet
                continue
    if "num_training_steps" in given:
        return _count(given["num_training_steps"], "num_training_steps")
    phases = [given.get(f"num_{one}_steps") for one in ("warmup", "stable", "decay")]
    if all(type(one) is int for one in phases):
        return _count(sum(one for one in phases if one is not None), "num_decay_steps")
    return None


def _count(value: Any, source: str) -> tuple[int, str] | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not (1 <= value < 2**53 and value == int(value)):
        return None
    return int(value), source
