"""What a rate command would do to the steps to come."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lrmonitor.model.preview import Preview, Wish, preview, trend, wanted_rates
from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series
from lrmonitor.schedules.waves import Cosine
from tests.app.folders import RunFolder, cosine


def followed(home: Path, steps: int, scheduled: object, groups: int = 1) -> RunModel:
    """A run of that many steps with that schedule."""
    folder = RunFolder(home).launch().register((("SGD", groups),)).train(steps, scheduled=scheduled)
    model = RunModel(folder.path)
    model.poll()
    return model


def rate_of(model: RunModel) -> Series:
    """The scheduled rate of its first group."""
    found = model.scheduled(0, 0)
    assert found is not None
    return found


def shown(model: RunModel, wish: Wish, newest: int, until: int) -> Preview:
    """The preview, which there is."""
    found = preview(model, wish, newest, until)
    assert found is not None
    return found


def test_a_steady_schedule_goes_on_as_long_as_it_stood_still(tmp_path: Path) -> None:
    series = rate_of(followed(tmp_path, 300, lambda step: 1e-3))
    assert trend(series, 300, 100) == (0.0, 299)


def test_a_slope_is_followed(tmp_path: Path) -> None:
    series = rate_of(followed(tmp_path, 300, lambda step: 1e-6 * step))
    slope, back = trend(series, 300, 100)
    assert slope == pytest.approx(1e-6, rel=1e-9)
    assert back == 100
    assert trend(series, 300, 101)[1] == 200


def test_past_a_kink_only_what_came_after_it_counts(tmp_path: Path) -> None:
    def warm(step: int) -> float:
        return 1e-5 * step if step <= 200 else 2e-3 - 2e-6 * (step - 200)

    slope, back = trend(rate_of(followed(tmp_path, 260, warm)), 260, 200)
    assert slope == pytest.approx(-2e-6, rel=1e-9)
    assert back <= 60


def test_long_after_a_drop_the_schedule_stands_still(tmp_path: Path) -> None:
    series = rate_of(followed(tmp_path, 130, lambda step: 1e-3 if step < 100 else 1e-4))
    assert trend(series, 130, 50)[0] == 0.0


def test_held_is_a_flat_line_to_the_end(tmp_path: Path) -> None:
    model = followed(tmp_path, 300, cosine)
    (course,) = shown(model, Wish("hold", 3e-4), 300, 400).courses
    assert course.step.tolist() == [300.0, 300.0, 400.0]
    assert course.value.tolist() == [cosine(300), 3e-4, 3e-4]
    # What the schedule does meanwhile is close to what it really does.
    assert course.schedule[-1] == pytest.approx(cosine(int(course.schedule_step[-1])), rel=0.05)


def test_scaled_is_the_schedule_drawn_on_and_no_farther_than_was_looked_back(
    tmp_path: Path,
) -> None:
    model = followed(tmp_path, 300, cosine)
    found = shown(model, Wish("scale", 2.0), 300, 5000)
    (course,) = found.courses
    assert course.value[1:].tolist() == (2 * course.schedule).tolist()
    assert course.step[-1] <= 300 + found.basis
    assert found.basis <= 300
    (course,) = shown(model, Wish("set", 3e-4), 300, 400).courses
    assert course.value[1] == pytest.approx(3e-4, rel=1e-12)
    (course,) = shown(model, Wish("follow"), 300, 400).courses
    assert course.value[1:].tolist() == course.schedule.tolist()


def test_a_rate_never_falls_below_0(tmp_path: Path) -> None:
    model = followed(tmp_path, 290, lambda step: 1e-5 * (300 - step))
    (course,) = shown(model, Wish("scale", 2.0), 290, 400).courses
    assert course.value[-1] == 0.0
    assert (np.diff(course.schedule) <= 0).all()


def test_each_group_has_its_course(tmp_path: Path) -> None:
    model = followed(tmp_path, 100, lambda step: 1e-3, groups=2)
    courses = shown(model, Wish("hold", 3e-4), 100, 120).courses
    assert [course.address for course in courses] == [(0, 0), (0, 1)]
    assert [course.value[-1] for course in courses] == pytest.approx([3e-4, 1.5e-4])
    (course,) = shown(model, Wish("hold", 3e-4, 0, 1), 100, 120).courses
    assert (course.address, course.value[-1]) == ((0, 1), 3e-4)


def test_where_nothing_can_be_told_nothing_is(tmp_path: Path) -> None:
    model = followed(tmp_path, 100, lambda step: 0.0)
    assert preview(model, Wish("set", 3e-4), 100, 120) is None
    assert preview(model, Wish("hold", 3e-4, 7), 100, 120) is None
    assert preview(model, Wish("hold", 3e-4), 100, 100) is None
    assert preview(model, Wish("hold", 3e-4), 100, 120) is not None


@pytest.mark.parametrize(
    ("wish", "rates"),
    [
        (Wish("hold", 1e-2), {0: 1e-2, 1: 5e-3}),
        (Wish("hold", 1e-2, group=1), {1: 1e-2}),
        (Wish("set", 1e-2), {0: 1e-2, 1: 5e-3}),
        (Wish("scale", 3.0), {0: 6.0, 1: 3.0, 2: 0.0}),
        (Wish("freeze"), {0: 0.0, 1: 0.0, 2: 0.0, 3: 0.0}),
        (Wish("follow", group=1), {1: 1.0}),
        (Wish("hold", 1e-2, group=9), {}),
    ],
)
def test_the_rates_are_those_that_the_probe_would_give(wish: Wish, rates: dict[int, float]) -> None:
    found = wanted_rates(wish, [2.0, 1.0, 0.0, math.nan])
    if wish == Wish("hold", 1e-2):
        rates = {**rates, 2: 0.0}
    assert found == pytest.approx(rates)


def test_a_ramp_leads_to_the_rate(tmp_path: Path) -> None:
    model = followed(tmp_path, 300, lambda step: 1e-3)
    (course,) = shown(model, Wish("hold", 1e-4, ramp=40), 300, 400).courses
    at = dict(zip(course.step.tolist(), course.value.tolist(), strict=True))
    assert at[300] == pytest.approx(1e-3)
    assert at[301] == pytest.approx(1e-3 * 10 ** (-1 / 40), rel=1e-9)
    assert at[320] == pytest.approx(1e-3 * 10**-0.5, rel=1e-9)
    assert at[340] == at[400] == 1e-4
    (course,) = shown(model, Wish("scale", 2.0, ramp=10), 300, 400).courses
    assert course.value[0] == 1e-3
    assert course.value[-1] == pytest.approx(2e-3)
    assert np.all(np.diff(course.value) >= 0)


def test_a_plan_is_drawn_as_it_will_be_used(tmp_path: Path) -> None:
    model = followed(tmp_path, 300, cosine, groups=2)
    plan = Cosine(end=1e-5, length=50)
    first, second = shown(model, Wish("plan", plan=plan), 300, 400).courses
    begun = plan.begun(cosine(300))
    for step, value in zip(first.step[1:], first.value[1:], strict=True):
        assert value == begun.rate(int(step) - 301)
    assert first.step[1] == 301
    assert first.value[-1] == 1e-5
    # Group 1's schedule is at half of group 0's.
    np.testing.assert_allclose(second.value[1:], first.value[1:] / 2)
    _, second = shown(model, Wish("plan", plan=plan, same=True), 300, 400).courses
    np.testing.assert_allclose(second.value[1:], first.value[1:])


def test_after_a_plan_the_schedule_goes_on_if_that_is_said(tmp_path: Path) -> None:
    model = followed(tmp_path, 300, lambda step: 1e-3)
    plan = Cosine(start=5e-3, end=1e-5, length=50, then="follow")
    (course,) = shown(model, Wish("plan", plan=plan), 300, 400).courses
    at = dict(zip(course.step.tolist(), course.value.tolist(), strict=True))
    assert at[350] == plan.rate(49)
    assert at[351] == at[400] == 1e-3
    # One that began before, and one that is still to begin.
    (course,) = shown(model, Wish("plan", plan=plan, begin=281), 300, 400).courses
    assert course.value[1] == plan.rate(20)
    (course,) = shown(model, Wish("plan", plan=plan, begin=381), 300, 400).courses
    assert course.step[1] == 381.0
    (course,) = shown(model, Wish("plan", plan=plan, begin=1), 300, 400).courses
    assert set(course.value) == {1e-3}


def test_a_plan_that_comes_to_no_rate_is_not_drawn(tmp_path: Path) -> None:
    model = followed(tmp_path, 300, lambda step: 0.0)
    assert preview(model, Wish("plan", plan=Cosine(end=1e-5, length=50)), 300, 400) is None
