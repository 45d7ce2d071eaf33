"""Schedules: their formulas, torch's own beside them, what is refused, and the wire."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lrmonitor.schedules.base import MAX_STEPS, Schedule, ScheduleError, parameters
from lrmonitor.schedules.decays import (
    Constant,
    Exponential,
    InverseSquareRoot,
    Linear,
    MultiStep,
    Polynomial,
    Step,
)
from lrmonitor.schedules.ramp import between
from lrmonitor.schedules.warm import Warmup, WarmupStableDecay
from lrmonitor.schedules.waves import Cosine, CosineRestarts, OneCycle
from lrmonitor.schedules.wire import KINDS, from_json, to_json

BASE = 0.1


def near(found: float, wanted: float) -> bool:
    """Equal to 1e-12 of the schedule's first rate or, where that is less strict, of its own."""
    return abs(found - wanted) <= 1e-12 * max(abs(wanted), BASE)


def of_torch(make: Callable[[Any, Any], Any], steps: int, lr: float = BASE) -> list[float]:
    """The rates of a torch scheduler, step by step."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = make(torch.optim.lr_scheduler, optimizer)
        found = []
        for _ in range(steps):
            found.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
    return found


TORCH: list[tuple[Schedule, Callable[[Any, Any], Any], int]] = [
    (Step(start=BASE, every=7, factor=0.7, length=200), lambda s, o: s.StepLR(o, 7, 0.7), 200),
    (
        MultiStep(start=BASE, at=(3, 8, 8, 13, 60), factor=0.3),
        lambda s, o: s.MultiStepLR(o, [3, 8, 8, 13, 60], 0.3),
        100,
    ),
    (Exponential(start=BASE, factor=0.97, length=300), lambda s, o: s.ExponentialLR(o, 0.97), 300),
    (
        Polynomial(start=BASE, end=0.0, length=150, power=2.5, then="follow"),
        lambda s, o: s.PolynomialLR(o, 150, 2.5),
        150,
    ),
    (
        Linear(start=BASE * 0.2, end=BASE * 0.9, length=80),
        lambda s, o: s.LinearLR(o, 0.2, 0.9, 80),
        120,
    ),
    (
        Cosine(start=BASE, end=1e-4, length=120),
        lambda s, o: s.CosineAnnealingLR(o, 120, 1e-4),
        121,
    ),
    (
        CosineRestarts(start=BASE, end=1e-4, period=11),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 11, 1, 1e-4),
        100,
    ),
    (
        CosineRestarts(start=BASE, end=1e-4, period=5, growth=3),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 3, 1e-4),
        300,
    ),
    (
        Warmup(start=BASE * 0.1, warmup=10, after=Cosine(start=BASE, end=1e-3, length=40)),
        lambda s, o: s.SequentialLR(
            o, [s.LinearLR(o, 0.1, 1.0, 10), s.CosineAnnealingLR(o, 40, 1e-3)], [10]
        ),
        51,
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "steps"), TORCH, ids=lambda v: getattr(v, "kind", ""))
def test_equal_to_torch(ours: Schedule, theirs: Callable[[Any, Any], Any], steps: int) -> None:
    for t, wanted in enumerate(of_torch(theirs, steps)):
        assert near(ours.rate(t), wanted), t


@pytest.mark.parametrize("shape", ["cosine", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize(("length", "share"), [(100, 0.3), (37, 0.21), (11, 0.4)])
def test_one_cycle_is_torchs(shape: str, three_phase: bool, length: int, share: float) -> None:
    ours = OneCycle(
        start=BASE / 25,
        peak=BASE,
        length=length,
        warmup=share,
        shape=shape,
        three_phase=three_phase,
    )
    theirs = of_torch(
        lambda s, o: s.OneCycleLR(
            o,
            BASE,
            total_steps=length,
            pct_start=share,
            anneal_strategy={"cosine": "cos"}.get(shape, shape),
            three_phase=three_phase,
            cycle_momentum=False,
        ),
        length,
    )
    for t, wanted in enumerate(theirs):
        assert near(ours.rate(t), wanted), t
    assert ours.rate(length + 5) == ours.rate(length - 1)


def test_the_others_are_their_formulas() -> None:
    assert Constant(start=0.3).rate(10**9) == 0.3
    root = InverseSquareRoot(start=0.2, scale=400)
    assert root.rate(0) == 0.2
    assert root.rate(1200) == pytest.approx(0.1, rel=1e-15)
    stable = WarmupStableDecay(start=0.01, peak=0.1, end=0.02, warmup=9, stable=5, decay=4)
    told = [stable.rate(t) for t in range(20)]
    wanted = [0.01 + 0.01 * t for t in range(10)] + [0.1] * 5 + [0.08, 0.06, 0.04] + [0.02] * 2
    assert told == pytest.approx(wanted, rel=1e-14)
    root_decay = WarmupStableDecay(
        start=0.01, peak=0.1, end=0.02, warmup=9, stable=5, decay=4, shape="sqrt"
    )
    assert root_decay.rate(15) == pytest.approx(0.06, rel=1e-14)
    half = WarmupStableDecay(
        start=0.01, peak=0.1, end=0.02, warmup=9, stable=5, decay=4, shape="cosine"
    )
    assert half.rate(16) == pytest.approx(0.06, rel=1e-14)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: Cosine(start=0.1, end=1e-3, length=0), "length must be a number of steps from 1"),
        (lambda: Cosine(start=0.1, end=1e-3, length=-5), "length must be a number of steps from 1"),
        (lambda: Cosine(start=0.1, end=1e-3, length=MAX_STEPS + 1), r"from 1 to 1e\+12"),
        (lambda: from_json({"kind": "cosine", "end": 1, "length": 2.0}), "whole number"),
        (lambda: Cosine(start=0.1, end=1e-3, length=True), "whole number"),
        (lambda: Cosine(start=0.1, end=0, length=10), "reach 0 at step 10 .* end above 0"),
        (lambda: Cosine(start=math.nan, end=1e-3, length=10), "start must be a finite number"),
        (lambda: Cosine(start=0.1, end=math.inf, length=10), "end must be a finite number"),
        (lambda: Cosine(start=0.1, end=-1e-3, length=10), "end must be above 0"),
        (lambda: Cosine(start=0, end=1e-3, length=10), "start must be above 0"),
        (lambda: from_json({"kind": "constant", "start": "0.1"}), "start must be a number"),
        (lambda: Cosine(start=0.1, end=1e-3, length=10, then="stop"), "then is hold or follow"),
        (lambda: Exponential(start=0.1, factor=0.5, length=2000), "reach 0 at step 2000"),
        (lambda: Exponential(start=0.1, factor=2.0, length=2000), "would be inf at step 2000"),
        (lambda: Step(start=0.1, every=1, factor=0.1, length=1000), "reach 0 at step 1000"),
        (lambda: MultiStep(start=0.1, at=()), "must list the steps"),
        (lambda: MultiStep(start=0.1, at=(0, 3)), "whole numbers of steps from 1"),
        (lambda: MultiStep(start=0.1, at=tuple(range(1, 1002))), "at most 1000"),
        (lambda: MultiStep(start=0.1, at=(1,), factor=1e-200 * 1e-200), "factor must be above 0"),
        (lambda: Constant(start=0.1, then="follow"), "needs a length"),
        (lambda: CosineRestarts(start=0.1, end=0, period=10), "each period would come to 0"),
        (lambda: CosineRestarts(start=0.1, end=1e-3, period=9, growth=0), "number of times"),
        (lambda: OneCycle(start=0.1, peak=1.0, length=3), "no whole step"),
        (lambda: OneCycle(start=0.1, peak=1.0, length=30, warmup=1.0), "no step to come down"),
        (lambda: OneCycle(start=0.1, peak=1.0, length=30, warmup=1.5), "share from 0 to 1"),
        (
            lambda: OneCycle(start=0.1, peak=1.0, length=30, warmup=0.6, three_phase=True),
            "no step to come down",
        ),
        (
            lambda: from_json({"kind": "one-cycle", "peak": 1, "length": 30, "three_phase": 1}),
            "true or false",
        ),
        (lambda: Warmup(start=0.1, warmup=5, after=Constant()), "the rate to warm up to"),
        (
            lambda: Warmup(start=1, warmup=5, after=Warmup(warmup=2, after=Constant(start=1))),
            "no warm-up itself",
        ),
        (
            lambda: Warmup(start=1, warmup=5, after=Constant(start=1, length=3, then="follow")),
            "for the warm-up",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_do(
    made: Callable[[], Schedule], words: str
) -> None:
    with pytest.raises(ScheduleError, match=words):
        made()


def test_a_course_to_0_is_allowed_where_0_is_never_used() -> None:
    made = Cosine(start=0.1, end=0, length=10, then="follow")
    assert made.rate(9) > 0
    assert not made.over(9)
    assert made.over(10)


def test_without_a_start_it_begins_at_the_rate_of_the_run() -> None:
    made = Cosine(end=1e-3, length=10)
    with pytest.raises(ScheduleError, match="not begun"):
        made.rate(0)
    assert made.begun(0.5).rate(0) == 0.5
    assert Cosine(start=0.2, end=1e-3, length=10).begun(0.5).rate(0) == 0.2
    with pytest.raises(ScheduleError, match="start must be above 0"):
        made.begun(0.0)


rates = st.floats(1e-9, 1e3)
lengths = st.integers(1, 10_000)
shared = {"start": rates, "then": st.sampled_from(("hold", "follow")), "length": lengths}
simple = st.one_of(
    st.builds(Constant, **shared),
    st.builds(Step, every=lengths, factor=st.floats(0.5, 1.5), **shared),
    st.builds(
        MultiStep, at=st.lists(lengths, min_size=1, max_size=5), factor=st.floats(0.1, 2), **shared
    ),
    st.builds(Exponential, factor=st.floats(0.99, 1.01), **shared),
    st.builds(InverseSquareRoot, scale=lengths, **shared),
    st.builds(Linear, end=rates, **shared),
    st.builds(Polynomial, end=rates, power=st.floats(0.1, 5), **shared),
    st.builds(Cosine, end=rates, **shared),
    st.builds(CosineRestarts, end=rates, period=lengths, growth=st.integers(1, 4), **shared),
    st.builds(
        OneCycle,
        peak=rates,
        warmup=st.floats(0.2, 0.4),
        start=rates,
        length=st.integers(20, 10_000),
        shape=st.sampled_from(("cosine", "linear")),
        three_phase=st.booleans(),
    ),
    st.builds(
        WarmupStableDecay,
        start=rates,
        peak=rates,
        end=rates,
        warmup=lengths,
        stable=lengths,
        decay=lengths,
        shape=st.sampled_from(("linear", "cosine", "sqrt")),
    ),
)


def made_of(strategy: st.SearchStrategy[Schedule]) -> st.SearchStrategy[Schedule]:
    """What of a strategy can be meant (extreme factors may not)."""

    @st.composite
    def draw(draw: Any) -> Schedule:
        try:
            found: Schedule = draw(strategy)
        except ScheduleError:
            assume(False)
            raise
        return found

    return draw()


any_schedule = made_of(simple) | made_of(
    st.builds(Warmup, start=rates, warmup=lengths, after=made_of(simple).filter(
        lambda one: one.then == "hold"
    ))
)  # fmt: skip


@given(any_schedule, st.integers(0, 40_000))
def test_every_rate_that_is_used_is_one(made: Schedule, t: int) -> None:
    if made.over(t) and made.then == "follow":
        return
    assert 0 < made.rate(t) < math.inf


@given(any_schedule)
def test_it_begins_at_its_start_and_ends_at_its_last_rate(made: Schedule) -> None:
    assert made.start is not None
    assert made.rate(0) == pytest.approx(made.start, rel=1e-12)
    assert made.steps is not None
    end = made.rate(made.steps)
    assert made.rate(made.steps + 1) == made.rate(10**15) == end
    assert made.over(made.steps)
    assert not made.over(made.steps - 1)


@given(any_schedule, st.integers(0, 40_000))
def test_between_its_knots_it_goes_one_way(made: Schedule, t: int) -> None:
    if made.kind == "cosine-restarts" or (made.kind == "warmup" and "rest" in str(made)):
        return  # its knots tell its bounds, and no more
    last = made.last
    assert last is not None
    at = min(t, last)
    knots = made.knots()
    before = max(k for k in knots if k <= at)
    after = min(k for k in knots if k >= at)
    low, high = sorted((made.rate(before), made.rate(after)))
    assert low * (1 - 1e-9) <= made.rate(at) <= high * (1 + 1e-9)


@given(any_schedule, st.floats(1e-3, 1e3), st.integers(0, 40_000))
def test_scaled_keeps_its_shape(made: Schedule, factor: float, t: int) -> None:
    try:
        scaled = made.scaled(factor)
    except ScheduleError:
        assume(False)
        raise
    assert scaled.rate(t) == pytest.approx(factor * made.rate(t), rel=1e-9)


@given(any_schedule)
def test_over_the_wire_and_back(made: Schedule) -> None:
    assert from_json(json.loads(json.dumps(to_json(made)))) == made


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (None, "an object with a kind"),
        ([], "an object with a kind"),
        ({}, "None is no kind of schedule: use one of constant, step"),
        ({"kind": ["cosine"]}, "no kind of schedule"),
        ({"kind": "cosine", "length": 5}, "cosine needs end: the rate it ends at"),
        ({"kind": "cosine", "end": 1, "length": 5, "gamma": 1}, "'gamma' is no parameter of cos"),
        ({"kind": "cosine", "end": 1, "length": "5"}, "whole number"),
        ({"kind": "multi-step", "at": "123"}, "must list the steps"),
        ({"kind": "multi-step", "at": [1, 2.5]}, "whole numbers"),
        ({"kind": "warmup", "warmup": 5, "after": 3}, "an object with a kind"),
        (
            {"kind": "warmup", "warmup": 5, "after": {"kind": "warmup", "warmup": 3}},
            "after must be a schedule|warmup needs after",
        ),
    ],
)
def test_the_wire_is_strict(told: object, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        from_json(told)


def test_depth_is_bounded() -> None:
    told: Any = {"kind": "constant", "start": 1}
    for _ in range(500):
        told = {"kind": "warmup", "warmup": 1, "after": told}
    with pytest.raises(ScheduleError, match="no warm-up itself"):
        from_json(told)


def test_every_parameter_is_told_to_a_person() -> None:
    for kind, made in KINDS.items():
        assert made.kind == kind
        assert made.title
        assert made.formula
        for one in parameters(made):
            assert one.help
            assert bool(one.choices) == (one.unit == "choice")


def exact(start: float, goal: float, step: int, steps: int) -> float:
    """The ramp's formula with 60 digits."""
    import decimal

    with decimal.localcontext(prec=60):
        share = decimal.Decimal(step + 1) / steps
        if start > 0 and goal > 0:
            low, high = decimal.Decimal(start).ln(), decimal.Decimal(goal).ln()
            return float((low + (high - low) * share).exp())
    return float(Fraction(start) + (Fraction(goal) - Fraction(start)) * Fraction(step + 1, steps))


ends = st.floats(1e-300, 1e300) | st.sampled_from((0.0, -0.5))


@given(ends, ends, st.integers(1, 5000), st.integers(0, 6000))
def test_a_ramp_is_its_formula(start: float, goal: float, steps: int, step: int) -> None:
    found = between(start, goal, step, steps)
    if step + 1 >= steps:
        assert found == goal
    else:
        wanted = exact(start, goal, step, steps)
        # From one side of 0 to the other it may come as near to 0 as it likes.
        slack = 1e-12 * (abs(start) + abs(goal)) if min(start, goal) < 0 else 0.0
        assert found == pytest.approx(wanted, rel=1e-12, abs=slack)


@given(st.floats(), st.floats(), st.integers(-3, 50), st.integers(-3, 50))
def test_a_ramp_never_raises(start: float, goal: float, step: int, steps: int) -> None:
    between(start, goal, step, steps)
