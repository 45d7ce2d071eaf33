"""Several runs side by side: settings, statistics, and one relative to another."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.comparison import (
    all_series,
    arguments,
    differing,
    matching,
    settings,
    statistics,
)
from lrmonitor.model.relative import Relative
from lrmonitor.model.run import RunModel
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series
from tests.conftest import Isolated
from tests.helpers.recorded import Recorded

POINT = np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")])


def made(points: list[tuple[int, float]]) -> Series:
    """A series of these steps and values."""
    series = Series(SeriesInfo(0, "loss", "loss"))
    more(series, points)
    return series


def more(series: Series, points: list[tuple[int, float]]) -> None:
    """Append to it."""
    series.extend(np.array([(step, float(step), value) for step, value in points], POINT))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("--lr 0.1 --epochs 3", {"--lr": "0.1", "--epochs": "3"}),
        ("--lr=0.1 -v data.csv", {"--lr": "0.1", "-v": "data.csv"}),
        ("optimizer.lr=0.1 +seed=1", {"optimizer.lr": "0.1", "+seed": "1"}),
        ("fit -1e-3 .5", {"argument 1": "fit", "argument 2": "-1e-3", "argument 3": ".5"}),
        ("--betas 0.9 0.99 --nesterov", {"--betas": "0.9 0.99", "--nesterov": "yes"}),
        ("--shift -3 --x --x", {"--shift": "-3", "--x": "yes yes"}),
        ("--flag lr=2", {"--flag": "yes", "lr": "2"}),
        ("", {}),
    ],
)
def test_arguments(line: str, found: dict[str, str]) -> None:
    assert arguments(line.split()) == found


def test_what_differs_comes_first_and_what_one_lacks_differs() -> None:
    tables = [{"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "5"}]
    assert differing(tables) == (["b", "c"], ["a"])


def test_settings_of_a_run(isolated: Isolated) -> None:
    run = Recorded(
        isolated.runs,
        argv=["train.py", "--lr", "0.1"],
        git_commit="0123456789abcdef",
        env={"SEED": "3"},
    )
    run.training()
    model = RunModel(run.folder)
    model.poll()
    found = settings(model)
    assert found["script"] == "train.py"
    assert found["--lr"] == "0.1"
    assert found["commit"] == "0123456789"
    assert found["$SEED"] == "3"
    assert found["optimizer"] == "AdamW"
    assert found["first rate"] == "0.001"
    assert list(all_series(model))[:2] == ["loss", "lr"]


def test_statistics_pass_over_what_is_not_finite() -> None:
    series = made([(1, 4.0), (2, math.nan), (3, 1.0), (4, math.inf), (5, 3.0), (6, math.nan)])
    found = statistics(series)
    assert (found.last, found.least, found.least_step) == (3.0, 1.0, 3)
    assert found.mean == pytest.approx(8 / 3)
    assert (found.count, found.lost) == (6, 3)
    assert statistics(series, 4, 4).last is None
    assert statistics(series, 4, 5).least == 3.0
    assert statistics(None).count == 0


def test_statistics_of_steps_that_go_back() -> None:
    series = made([(1, 5.0), (2, 4.0), (1, 3.0), (2, 2.0), (3, 1.0)])
    assert statistics(series, 1, 2).least == 2.0
    assert statistics(series, 1, 2).count == 4


def test_a_pattern_that_is_none_is_looked_for_as_it_stands() -> None:
    names = ["loss", "loss[1]", "val_loss"]
    assert matching("^loss", names) == (["loss", "loss[1]"], None)
    found, problem = matching("loss[", names)
    assert found == ["loss[1]"]
    assert problem
    assert matching("", names)[0] == names


def brute(own: list[tuple[int, float]], base: list[tuple[int, float]]) -> dict[int, float]:
    """The difference at each step that is greater than all before and within the baseline."""
    rising: list[tuple[int, float]] = []
    for step, value in base:
        if not rising or step > rising[-1][0]:
            rising.append((step, value))
    out: dict[int, float] = {}
    latest = -1
    for step, value in own:
        if step > latest and rising and rising[0][0] <= step <= rising[-1][0]:
            x, y = zip(*rising, strict=True)
            out[step] = value - float(np.interp(step, x, y))
            latest = step
    return out


points = st.lists(st.tuples(st.integers(0, 30), st.floats(-100, 100, allow_nan=False)), max_size=30)


@given(own=points, base=points, cuts=st.lists(st.integers(0, 30), max_size=4))
def test_relative_to_a_baseline_that_is_there(
    own: list[tuple[int, float]], base: list[tuple[int, float]], cuts: list[int]
) -> None:
    series, baseline = made([]), made(base)
    relative = Relative(series, baseline)
    at = 0
    for cut in [*sorted(cuts), len(own)]:
        more(series, own[at:cut])
        at = max(at, cut)
        relative.update()
    # What came beyond the baseline's end ends the comparison: it waits for the baseline.
    limit = max((step for step, _ in base), default=-1)
    reached = next((i for i, (step, _) in enumerate(own) if step > limit), len(own))
    expected = brute(own[:reached], base)
    found = dict(zip(relative.series.step.tolist(), relative.series.value.tolist(), strict=True))
    assert found.keys() == expected.keys()
    for step, value in expected.items():
        assert found[step] == pytest.approx(value, abs=1e-9)


def test_the_difference_waits_for_a_baseline_that_grows() -> None:
    series, baseline = made([(1, 5.0), (2, 5.0), (3, 5.0)]), made([(1, 1.0)])
    relative = Relative(series, baseline)
    assert relative.update()
    assert relative.series.step.tolist() == [1]
    assert not relative.update()
    more(baseline, [(3, 3.0)])
    assert relative.update()
    assert relative.series.step.tolist() == [1, 2, 3]
    assert relative.series.value.tolist() == [4.0, 3.0, 2.0]
    series.clear()
    more(series, [(1, 2.0)])
    relative.update()
    assert relative.series.value.tolist() == [1.0]
