"""Range tests and rate trials of a training process, as its record tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lrmonitor.finder import Candidate, Choice, Reading, Sweep, choose, read
from lrmonitor.model.rates import number
from lrmonitor.model.snapshots import Kept, Snapshots
from lrmonitor.record.reader import RankReader

__all__ = [
    "Leg",
    "RateTest",
    "RateTests",
    "better_from",
    "candidates",
    "newest_step",
    "readable",
    "said",
    "suggestion",
    "sweeps",
]

FAR = 2.0
"""A rate in force that is more than so many times the suggested one has trained too fast."""

Steps = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WHOLE = ("done", "bound", "non_finite", "skipped")
"""Why a test ended that says something: the words of the probe's record."""


@dataclass(frozen=True)
class Leg:
    """Steps of a test that belong together: a sweep, or a turn of a candidate (`which`, from 0).

    `last` is None while it goes on; `why` it ended: "end", or what ended it early.
    """

    number: int
    which: int
    first: int
    steps: int
    last: int | None = None
    why: str = ""


@dataclass(frozen=True)
class RateTest:
    """One test. `kind` is "range", "trial" (of factors) or "ladder" (of rates); `id` that of the
    command; `step` the last one before it; `steps` it takes at most; `plan` what was asked for.

    `why` it ended is "" while it goes on; "lost" where the process ended without a word.
    """

    id: str
    number: int
    kind: str
    step: int
    steps: int
    plan: Mapping[str, Any]
    optimizer: int
    group: int
    only: int | None
    """The one group whose rate was tried; None: all of them."""
    effective: float | None
    """The rate of group 0, or of that one, before it."""
    bytes: int
    seconds: float
    legs: tuple[Leg, ...] = ()
    why: str = ""
    restored: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def going(self) -> bool:
        """Whether it has not ended."""
        return not self.why

    @property
    def whole(self) -> bool:
        """Whether it ended so that it says something, not cut short."""
        return self.why in WHOLE

    def done(self, step: int | None) -> int:
        """Steps of it that were made, when the newest of the process is `step`."""
        ends = [leg.last for leg in self.legs if leg.last is not None]
        newest = max([self.step, *ends]) if not self.going else max(step or 0, self.step)
        return min(newest - self.step, self.steps)


class RateTests:
    """Those of one process, fed with its events."""

    def __init__(self) -> None:
        self.all: tuple[RateTest, ...] = ()
        """In their order."""

    @property
    def going(self) -> RateTest | None:
        """The one that goes on."""
        return next((one for one in self.all if one.going), None)

    def latest(self, kind: str) -> RateTest | None:
        """The newest of a kind."""
        return next((one for one in reversed(self.all) if one.kind == kind), None)

    def find(self, identity: str) -> RateTest | None:
        """The one that a command with this id asked for."""
        return next((one for one in self.all if one.id == identity), None)

    def ladder(self, test: RateTest) -> RateTest | None:
        """The trial of the rates below a range test, if one followed at once."""
        return next(
            (x for x in self.all if x.number == test.number + 1 and x.kind == "ladder"), None
        )

    def swept(self, test: RateTest) -> RateTest | None:
        """The range test that a ladder followed on, or the test itself."""
        if test.kind != "ladder":
            return test
        return next((x for x in self.all if x.number == test.number - 1), None)

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event of the process; others than those of tests change nothing."""
        name = event.get("event")
        try:
            if name == "test_began":
                self.all = (*self.all, _began(event))
            elif name == "test_leg":
                self._change(int(event["test"]), lambda one: _leg(one, event))
            elif name == "test_ended":
                self._change(int(event["test"]), lambda one: _ended(one, event))
            elif name == "ended" and self.going is not None:
                self._change(self.going.number, lambda one: replace(one, why="lost"))
        except (KeyError, TypeError, ValueError):
            return  # a field is not what it should be

    def _change(self, number: int, change: Any) -> None:
        self.all = tuple(change(one) if one.number == number else one for one in self.all)


def sweeps(test: RateTest, rank: RankReader) -> list[Sweep]:
    """The sweeps of a range test so far; the rates are those of its group."""
    step, loss = _points(rank, test, "test_loss", None)
    rate_step, rate = _points(rank, test, "test_lr", test.group)
    found = []
    for leg in test.legs:
        a, b = np.searchsorted(step, (leg.first, _last(leg) + 1))
        own = step[a:b]
        at = np.searchsorted(rate_step, own, "right") - 1
        known = at >= 0
        lr, values = rate[at[known]], loss[a:b][known]
        # A rate that a step has not got yet, or that is written as another, ends the sweep here.
        rising = np.append(True, np.diff(lr) > 0) if len(lr) else np.empty(0, bool)
        count = len(lr) if rising.all() else int(np.argmin(rising))
        positive = np.isfinite(lr[:count]) & (lr[:count] > 0)
        count = count if positive.all() else int(np.argmin(positive))
        found.append(Sweep(lr[:count], values[:count]))
    return found


def readable(test: RateTest, rank: RankReader) -> list[Sweep]:
    """The sweeps to read together: not one that was cut short by something else than its losses,
    unless there is no other."""
    found = sweeps(test, rank)
    own = ("end", "bound", "non_finite", "skipped")
    whole = [s for s, leg in zip(found, test.legs, strict=True) if len(s) and leg.why in own]
    return whole or [s for s in found if len(s)]


def candidates(test: RateTest, rank: RankReader) -> list[Candidate]:
    """The candidates of a trial, with the losses that they have so far. Those of a ladder are rates
    instead of factors."""
    step, loss = _points(rank, test, "test_loss", None)
    given = test.plan.get("rates" if test.kind == "ladder" else "factors")
    factors = [float(x) for x in given or ()]
    legs: list[list[Floats]] = [[] for _ in factors]
    for leg in test.legs:
        if 0 <= leg.which < len(legs):
            a, b = np.searchsorted(step, (leg.first, _last(leg) + 1))
            legs[leg.which].append(loss[a:b])
    return [Candidate(factor, own) for factor, own in zip(factors, legs, strict=True)]


def said(
    swept: RateTest, ladder: RateTest | None, rank: RankReader
) -> tuple[Reading | None, Choice | None]:
    """What the sweeps of a range test say, and what the trial says that followed on them, if one
    did and came to its end."""
    readings = readable(swept, rank)
    if swept.going or not readings:
        return None, None
    reading = read(readings, int(swept.plan.get("steps") or 0) or None)
    if ladder is None or ladder.why != "done" or not (tried := candidates(ladder, rank)):
        return reading, None
    return reading, choose(readings, tried)


def better_from(swept: RateTest, rate: float, snapshots: Snapshots) -> Kept | None:
    """The state that is better to begin with at this rate than the one that was tested, if there is
    one: that to which the run was rewound last, where it has trained far too fast since. Such
    weights keep the harm: units of a network that were killed do not come back."""
    trained = swept.step > max(snapshots.rewound, default=0)
    far = swept.effective is not None and swept.effective > FAR * rate
    return snapshots.returned if trained and far else None


def suggestion(known: RateTests, rank: RankReader) -> tuple[RateTest, float] | None:
    """The newest range test, with the rate that it suggests; None where there is none, it goes on,
    or suggests none."""
    test = known.latest("range")
    if test is None:
        return None
    reading, choice = said(test, known.ladder(test), rank)
    told = choice or reading
    return None if told is None or told.rate is None else (test, told.rate)


def newest_step(test: RateTest, rank: RankReader) -> int:
    """The last step of the test that is recorded."""
    step, _ = _points(rank, test, "test_loss", None)
    return int(step[-1]) if len(step) else test.step


def _last(leg: Leg) -> int:
    return leg.first + leg.steps - 1 if leg.last is None else leg.last


def _points(rank: RankReader, test: RateTest, kind: str, group: int | None) -> tuple[Steps, Floats]:
    for series in rank.series.values():
        info = series.info
        if (info.kind, info.test, info.optimizer) == (kind, test.number, test.optimizer) and (
            group is None or info.group == group
        ):
            return series.step, series.value
    return np.empty(0, np.int64), np.empty(0)


def _began(event: Mapping[str, Any]) -> RateTest:
    plan = event["plan"]
    optimizer, group = event.get("optimizer"), event.get("group")
    chosen = optimizer if isinstance(optimizer, int) else 0
    own = group if isinstance(group, int) else 0
    rates = {(one.get("optimizer"), one.get("group")): one for one in event.get("rates") or ()}
    return RateTest(
        id=str(event["id"]),
        number=int(event["test"]),
        kind=str(event["kind"]),
        step=int(event["step"]),
        steps=int(event["steps"]),
        plan=dict(plan),
        optimizer=chosen,
        group=own,
        only=group if isinstance(group, int) else None,
        effective=number(rates.get((chosen, own), {}).get("effective")),
        bytes=int(event.get("bytes") or 0),
        seconds=number(event.get("seconds")) or 0.0,
        warnings=tuple(str(one) for one in event.get("warnings") or ()),
    )


def _leg(test: RateTest, event: Mapping[str, Any]) -> RateTest:
    """The next leg has begun, and the one before it is over."""
    which = event["sweep"] if "sweep" in event else event["candidate"]
    step = int(event["step"])
    legs = [replace(one, last=step, why="end") if one.last is None else one for one in test.legs]
    legs.append(Leg(int(event["leg"]), int(which), step + 1, int(event["steps"])))
    return replace(test, legs=tuple(legs))


def _ended(test: RateTest, event: Mapping[str, Any]) -> RateTest:
    told = {int(one["leg"]): one for one in event.get("legs") or ()}
    legs = tuple(
        replace(leg, last=int(told[leg.number]["last"]), why=str(told[leg.number]["why"]))
        if leg.number in told
        else replace(leg, last=int(event["step"]), why=leg.why or str(event["why"]))
        for leg in test.legs
    )
    warnings = dict.fromkeys([*test.warnings, *(str(x) for x in event.get("warnings") or ())])
    return replace(
        test,
        legs=legs,
        why=str(event["why"]),
        restored=bool(event.get("restored")),
        warnings=tuple(warnings),
    )
