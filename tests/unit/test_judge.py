"""Whether an action helped, on losses whose course is known."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lrmonitor.diagnosis.judge import judge

AT = 500


def losses(before: float, after: float, noise: float = 0.01, level: float = 2.0) -> np.ndarray:
    """1,000 losses around two slopes per 100 steps, the second from step 500 on."""
    step = np.arange(1, 1001)
    y = level + np.where(step < AT, (step - AT) * before / 100, (step - AT) * after / 100)
    return np.asarray(y + noise * np.random.default_rng(1).standard_normal(1000))


STEPS = np.arange(1, 1001)


def verdict(loss: np.ndarray, span: int = 200) -> str:
    """Of an action at step 500."""
    found = judge(STEPS, loss, AT, span)
    assert found is not None
    return found.verdict


def test_it_helped_where_the_loss_falls_faster() -> None:
    found = judge(STEPS, losses(-0.002, -0.11), AT, 200)
    assert found is not None
    assert found.verdict == "helped"
    assert found.before == pytest.approx(-0.002, abs=0.01)
    assert found.after == pytest.approx(-0.11, abs=0.01)
    assert re.fullmatch(
        r"Helped: loss 2\.\d+ → 1\.8\d+, slope −0\.00\d+ → −0\.11\d* per 100 steps", found.words
    )
    assert found.to_json()["at"] == AT


def test_it_helped_where_the_loss_came_down_and_did_not_before() -> None:
    loss = losses(0.1, 0.0)
    loss[AT - 1 :] -= 0.5
    assert verdict(loss) == "helped"


def test_falling_on_as_before_is_no_help() -> None:
    assert verdict(losses(-0.05, -0.05)) == "no_clear_change"


def test_it_is_worse_where_the_loss_rises() -> None:
    assert verdict(losses(-0.05, 0.1)) == "worse"


def test_it_is_worse_where_the_loss_is_no_number_any_more() -> None:
    loss = losses(0.0, 0.0)
    loss[600:] = np.nan
    assert verdict(loss) == "worse"
    loss[:] = np.nan
    assert verdict(loss) == "no_clear_change"
    loss[AT:] = 1.0
    assert verdict(loss) == "helped"


def test_noise_alone_tells_nothing() -> None:
    assert verdict(losses(0.0, 0.0, noise=0.5)) == "no_clear_change"


def test_a_verdict_waits_for_its_time() -> None:
    loss = losses(0.0, 0.0)
    assert judge(STEPS[:698], loss[:698], AT, 200) is None
    assert judge(STEPS[:699], loss[:699], AT, 200) is not None
    assert judge(STEPS[:0], loss[:0], AT, 200) is None
    assert judge(STEPS, loss, AT, 0) is None


def test_only_what_came_after_the_steps_went_back_counts() -> None:
    first = np.concatenate((np.arange(1, 901), STEPS))
    loss = np.concatenate((np.full(900, 50.0), losses(0.0, -0.2)))
    found = judge(first, loss, AT, 200)
    assert found is not None
    assert found.level_before == pytest.approx(2.0, abs=0.05)


def test_few_losses_make_no_verdict() -> None:
    steps = np.array([480, 490, 500, 510])
    found = judge(steps, np.array([1.0, 1.0, 5.0, 5.0]), AT, 20 - 9)
    assert found is not None
    assert found.verdict == "no_clear_change"
    assert "slope" not in found.words
