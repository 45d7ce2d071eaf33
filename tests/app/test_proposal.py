"""What the panel would send, and what it warns of first."""

from __future__ import annotations

import pytest

from lrmonitor.app.format import format_count
from lrmonitor.app.proposal import Proposal, RateNow, caution, expected, is_rising, multiplied
from lrmonitor.schedules.waves import Cosine, OneCycle


@pytest.mark.parametrize(
    ("now", "factor", "proposal"),
    [
        (RateNow(1e-3, 1e-3), 2.0, Proposal("scale", 2.0)),
        (RateNow(5e-4, 1e-3, "scale", 0.5), 2.0, Proposal("scale", 1.0)),
        (RateNow(3e-4, 1e-3, "hold", 3e-4), 0.1, Proposal("hold", 3e-4 * 0.1)),
        (RateNow(0.0, 1e-3, "hold", 0.0), 2.0, None),
    ],
)
def test_a_factor_multiplies_what_is_in_force(
    now: RateNow, factor: float, proposal: Proposal | None
) -> None:
    assert multiplied(now, factor) == proposal


@pytest.mark.parametrize(
    ("proposal", "words"),
    [
        (Proposal("hold", 3e-4), "hold 3e-4"),
        (Proposal("scale", 0.5), "×0.5, schedule continues"),
        (Proposal("set", 0.01), "0.01 now, schedule continues"),
        (Proposal("follow"), "script's schedule"),
        (Proposal("freeze"), "frozen at 0"),
        (Proposal("bend", 1.0), "bend 1"),
        (Proposal("hold", 3e-4, ramp=1500), f"hold 3e-4, in {format_count(1500)} steps"),
        (Proposal("follow", ramp=1), "script's schedule"),
        (
            Proposal("plan", plan=Cosine(end=1e-5, length=50), begin=1200),
            f"cosine now → 1e-5 over 50 steps, then held, from step {format_count(1200)}",
        ),
    ],
)
def test_the_panels_words(proposal: Proposal, words: str) -> None:
    assert proposal.words == words


def test_what_comes_out_of_each_mode() -> None:
    now = RateNow(5e-4, 1e-3, "scale", 0.5)
    assert expected(now, Proposal("hold", 2e-4)) == 2e-4
    assert expected(now, Proposal("set", 2e-4)) == 2e-4
    assert expected(now, Proposal("scale", 3.0)) == 3e-3
    assert expected(now, Proposal("follow")) == 1e-3
    assert expected(now, Proposal("freeze")) == 0.0
    assert expected(RateNow(), Proposal("scale", 3.0)) is None


@pytest.mark.parametrize(("value", "ask"), [(1.0001e-2, True), (0.5, True), (0.9e-4, False)])
def test_more_than_ten_times_is_pointed_out_and_asked_about_upwards(
    value: float, ask: bool
) -> None:
    found = caution(RateNow(1e-3, 1e-3), Proposal("hold", value))
    assert found is not None
    assert found.ask is ask
    assert "present rate (0.001)" in found.text


@pytest.mark.parametrize("value", [1e-2, 1e-4, 1e-3])
def test_ten_times_and_less_is_not(value: float) -> None:
    assert caution(RateNow(1e-3, 1e-3), Proposal("hold", value)) is None


def test_set_under_a_rising_schedule_offers_to_hold() -> None:
    now = RateNow(5e-5, 5e-5, rising=True)
    found = caution(now, Proposal("set", 3e-4))
    assert found is not None
    assert found.hold == Proposal("hold", 3e-4)
    assert "by 6" in found.text
    assert caution(now, Proposal("hold", 3e-4)) is None


def test_going_back_and_freezing_are_never_questioned() -> None:
    now = RateNow(1.0, 1e-6, "hold", 1.0)
    assert caution(now, Proposal("follow")) is None
    assert caution(now, Proposal("freeze")) is None


def test_nothing_is_said_about_what_is_not_known() -> None:
    assert caution(RateNow(), Proposal("hold", 1.0)) is None
    assert caution(RateNow(0.0, 0.0), Proposal("hold", 1.0)) is None


@pytest.mark.parametrize(
    ("step", "value", "newest", "rising"),
    [
        ([4, 5], [4e-5, 5e-5], 5, True),
        ([4, 5], [5e-5, 4e-5], 5, False),
        ([5], [1e-3], 5, False),
        ([], [], 0, False),
        # Once, long ago: a constant since.
        ([1, 2], [1e-4, 1e-3], 500, False),
        # Once an epoch.
        ([1000, 2000], [1e-4, 2e-4], 2900, True),
    ],
)
def test_a_rising_schedule_is_noticed(
    step: list[int], value: list[float], newest: int, rising: bool
) -> None:
    assert is_rising(step, value, newest) is rising


def test_a_plan_is_judged_by_its_highest_rate() -> None:
    now = RateNow(1e-3, 1e-3)
    plan = OneCycle(peak=0.05, length=100)
    assert expected(now, Proposal("plan", plan=plan)) == pytest.approx(0.05, rel=0.01)
    found = caution(now, Proposal("plan", plan=plan))
    assert found is not None
    assert found.ask
    assert found.text.startswith("Its highest rate, ")
    assert caution(now, Proposal("plan", plan=Cosine(end=1e-6, length=50))) is None
    frozen = RateNow(0.0, 1e-3, "hold", 0.0)
    assert caution(frozen, Proposal("plan", plan=Cosine(end=1e-6, length=50))) is None


def test_on_a_plan_a_factor_multiplies_its_rates() -> None:
    plan = Cosine(start=1e-3, end=1e-5, length=50)
    now = RateNow(5e-4, 1e-3, "plan", 1e-3, plan=plan, begin=40)
    assert multiplied(now, 2.0) == Proposal("plan", plan=plan.scaled(2.0), begin=40)
    assert multiplied(now, 1e308 * 10) is None
    assert multiplied(RateNow(5e-4, 1e-3, "follow"), 2.0) == Proposal("scale", 2.0)
