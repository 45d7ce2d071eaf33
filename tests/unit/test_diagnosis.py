"""Detectors on curves whose trouble is known, and the books that findings are kept in."""

from __future__ import annotations

import logging
import math
import time
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import numpy.typing as npt
import pytest

from lrmonitor.diagnosis import Chunk, Diagnosis, Finding, diagnose, registry
from lrmonitor.diagnosis.advise import wait
from lrmonitor.diagnosis.book import Book
from lrmonitor.diagnosis.detector import Detector, Rows
from lrmonitor.diagnosis.finding import Evidence
from lrmonitor.diagnosis.history import BASELINE
from lrmonitor.diagnosis.stats import thinned, trend

Floats = npt.NDArray[np.float64]


def falling(n: int = 800, noise: float = 0.05, seed: int = 0) -> Floats:
    """A healthy loss: from 2.3 down to about 0.3."""
    draw = np.random.default_rng(seed)
    return np.asarray(0.3 + 2 * np.exp(-np.arange(n) / 120) + noise * draw.standard_normal(n))


def steps(n: int) -> npt.NDArray[np.int64]:
    return np.arange(1, n + 1)


def kinds(findings: list[Finding], least: str = "warning") -> set[str]:
    order = ("info", "warning", "critical")
    return {f.kind for f in findings if order.index(f.severity) >= order.index(least)}


def of(loss: Floats, **more: Floats) -> list[Finding]:
    return diagnose([Chunk(steps(len(loss)), loss, **more)])


def test_a_healthy_run_is_silent() -> None:
    for seed in range(5):
        assert of(falling(seed=seed), lr=np.full(800, 0.1)) == []


def test_an_explosion_is_told_within_four_losses() -> None:
    loss = falling()
    loss[500:] = 0.4 * 2.0 ** np.arange(300).clip(max=60)
    (found,) = [f for f in of(loss) if f.kind == "divergence"]
    assert 501 <= found.detected_step <= 506
    assert found.severity == "critical"
    assert (found.cause, found.advice.action, found.open) == ("lr_too_high", "rewind", True)
    assert found.evidence.values["best_level"] == pytest.approx(0.31, abs=0.05)


def test_a_run_that_explodes_at_its_second_step_needs_no_baseline() -> None:
    draw = np.random.default_rng(1)
    loss = np.concatenate(([2.3], 40 + 5 * draw.standard_normal(200)))
    first = of(loss)[0]
    assert (first.kind, first.cause, first.advice.action) == (
        "divergence",
        "lr_too_high",
        "restart",
    )
    assert first.detected_step <= 6


def test_a_sparse_log_that_is_lost_from_its_second_row_on() -> None:
    """Rows 200 steps apart that swing as far as they have risen: no level, no other noise."""
    loss = np.array([0.69, 7.6, 9.5, 5.1, 6.1, 6.8, 4.4, 5.6, 4.6, 9.7, 6.0, 6.0, 9.3, 7.1, 6.9])
    (found,) = diagnose([Chunk(200 * np.arange(len(loss)), loss)])
    assert (found.kind, found.severity, found.detected_step) == ("divergence", "critical", 1600)
    loss[5] = 1.9  # back, though only once
    assert kinds(diagnose([Chunk(200 * np.arange(len(loss)), loss)])) == set()


def test_a_slow_rise_is_divergence_once_it_is_far_from_the_best() -> None:
    loss = falling(600)
    loss[300:] += np.linspace(0, 2, 300)
    found = next(f for f in of(loss) if f.kind == "divergence")
    assert 320 < found.detected_step < 480


def test_divergence_becomes_critical_when_it_is_worse_than_at_the_start() -> None:
    loss = falling(900)
    loss[300:] += np.linspace(0, 4, 600)
    diagnosis = Diagnosis()
    told = [
        (found.severity, found.detected_step)
        for row in range(900)
        for found in diagnosis.feed(Chunk(steps(900)[row : row + 1], loss[row : row + 1]))
        if found.kind == "divergence" and found.cause == "lr_too_high"
    ]
    severities = [severity for severity, _ in told]
    assert severities[0] == "warning"
    assert severities[-1] == "critical"
    assert len({step for _, step in told}) == 1


def test_divergence_clears_when_the_level_is_reached_again() -> None:
    loss = falling(1000)
    loss[400:460] += 3
    found = next(f for f in of(loss) if f.kind == "divergence")
    assert not found.open
    assert 440 <= found.last_step < 500
    assert found.outcome == "the loss came back to its level"


def test_a_single_loss_beyond_all_is_told_at_once_and_goes_when_it_was_the_only_one() -> None:
    loss = falling()
    loss[500] = 8.0
    (found,) = [f for f in of(loss) if f.kind == "divergence"]
    assert (found.first_step, found.detected_step, found.last_step) == (501, 501, 501)
    assert (found.severity, found.cause, found.advice.action) == (
        "warning", "undetermined", "wait",
    )  # fmt: skip
    assert found.outcome == "it passed: the losses after it are back"
    loss[500] = 6.0  # not three times the first one
    assert kinds(of(loss)) == set()


def test_what_a_single_loss_told_is_confirmed_by_the_next() -> None:
    loss = falling()
    loss[500:510] = 8.0
    diagnosis = Diagnosis()
    diagnosis.feed(Chunk(steps(501), loss[:501]))
    doubtful = diagnosis.findings[0]
    assert (doubtful.kind, doubtful.severity) == ("divergence", "warning")
    changed = diagnosis.feed(Chunk([502], loss[501:502]))
    assert [(f.id, f.severity, f.cause, f.detected_step) for f in changed if f.id == 0] == [
        (0, "critical", "lr_too_high", 501)
    ]
    assert changed[0].advice.action == "rewind"


def test_a_single_loss_before_nan_gives_way_to_it() -> None:
    loss = falling()
    loss[500], loss[501:] = 8.0, math.nan
    found = [f for f in of(loss) if f.severity != "info"]
    assert [(f.kind, f.detected_step, f.open) for f in found] == [
        ("divergence", 501, False), ("non_finite", 502, True),
    ]  # fmt: skip


def test_after_a_raise_two_losses_above_the_first_are_enough_after_a_step_back_none_is() -> None:
    loss = falling()
    loss[500] = 3.0
    assert kinds(of(loss, lr=np.full(800, 0.1))) == set()
    raised = np.where(np.arange(800) < 490, 0.1, 1.0)
    (found,) = [f for f in of(loss, lr=raised) if f.kind == "divergence"]
    assert (found.severity, found.cause, found.detected_step) == ("info", "undetermined", 501)
    assert not found.open
    loss[501] = 3.0  # and so the next one
    (found,) = [f for f in of(loss, lr=raised) if f.severity != "info"]
    assert (found.kind, found.cause, found.detected_step) == ("divergence", "lr_too_high", 501)
    loss[500] = 30.0
    back = steps(800)
    back[490:] -= 40
    assert kinds(diagnose([Chunk(back, loss)])) == set()


def test_a_trend_that_has_turned_is_worth_knowing() -> None:
    """A log that begins in the middle of a run: no gain, and a rise of two hundredths."""
    draw = np.random.default_rng(5)
    loss = 1.65 + 0.006 * draw.standard_normal(1600)
    assert of(loss[:1200]) == [] or kinds(of(loss[:1200]), "info") == {"plateau"}
    loss[1200:] += 0.03 * np.arange(400) / 400
    found = [f for f in of(loss) if f.kind == "divergence"]
    assert [f.severity for f in found] == ["info"]
    assert 1250 < found[0].detected_step < 1500
    assert found[0].evidence.interval is not None
    assert found[0].evidence.interval[0] > 0


def test_a_rise_that_was_told_gives_way_to_a_divergence() -> None:
    loss = falling(2400, noise=0.02)
    loss[800:] += 0.3 * np.arange(1600) / 1600
    told = [f for f in of(loss) if f.kind == "divergence"]
    assert [f.severity for f in told][:2] == ["info", "warning"]
    assert told[0].outcome == "went over into: divergence"
    assert sum(f.open for f in told) == 1


def test_a_run_that_falls_at_once_has_gained_since_its_first_loss() -> None:
    draw = np.random.default_rng(6)
    loss = 0.4 + 0.02 * draw.standard_normal(800)
    loss[:4] = 2.3, 1.2, 0.7, 0.5
    assert kinds(of(loss, update_ratio=np.full(800, 5e-3))) == set()
    late = loss[4:]  # the same without its beginning is flat from the start
    assert kinds(of(late, update_ratio=np.full(len(late), 5e-3))) == {"plateau"}


def test_slow_by_the_schedule_is_not_too_low() -> None:
    loss = 2.3 - 0.0002 * np.arange(800) + 0.002 * np.random.default_rng(7).standard_normal(800)
    ratio = np.full(800, 1e-4)
    assert kinds(of(loss, update_ratio=ratio, lr=np.full(800, 0.1))) == {"slow_progress"}
    lowered = 0.1 * np.geomspace(1, 0.01, 800)
    found = of(loss, update_ratio=ratio, lr=lowered)
    assert "slow_progress" not in {f.kind for f in found if f.detected_step > 300}


def test_a_rate_too_low_is_told_where_losses_begin_near_zero() -> None:
    draw = np.random.default_rng(9)
    loss = 0.02 - 0.0002 * np.arange(800) + 0.006 * draw.standard_normal(800)
    found = of(loss, update_ratio=np.full(800, 8e-5))
    assert {(f.kind, f.cause) for f in found} == {("slow_progress", "lr_too_low")}
    loss = 0.02 - 0.004 * np.arange(800) + 0.006 * draw.standard_normal(800)
    assert kinds(of(loss, update_ratio=np.full(800, 8e-5))) == set()  # it gains much


def test_a_spike_says_that_it_recovered() -> None:
    loss = falling()
    loss[600] = 6.0
    (found,) = of(loss)
    assert (found.kind, found.severity, found.first_step, found.open) == (
        "spike",
        "info",
        601,
        False,
    )
    assert "recovered" in found.outcome
    assert found.evidence.values["loss"] == pytest.approx(6)


def test_a_converged_loss_near_zero_may_jump_by_large_ratios() -> None:
    draw = np.random.default_rng(9)
    loss = (2 * np.exp(-np.arange(800) / 60) + 1e-3) * np.exp(0.1 * draw.standard_normal(800))
    loss[700] = 0.05  # fifty times the level, a fortieth of what was gained
    assert kinds(of(loss), "info") <= {"near_convergence"}
    loss[700] = 0.5
    assert "spike" in kinds(of(loss), "info")


def test_a_loss_that_is_not_finite_is_critical_and_clears() -> None:
    loss = falling()
    loss[100:103] = (math.nan, math.inf, -math.inf)
    (found,) = of(loss)
    assert (found.kind, found.severity, found.cause) == ("non_finite", "critical", "numerics")
    assert (found.first_step, found.last_step, found.open) == (101, 103, False)


def test_losses_that_stay_non_finite_after_a_rise_are_put_down_to_the_rate() -> None:
    loss = falling()
    loss[400:430] = 10.0 * 3.0 ** np.arange(30)
    loss[430:] = math.nan
    found = [f for f in of(loss) if f.open]
    assert [(f.kind, f.cause) for f in found] == [("non_finite", "lr_too_high")]
    assert found[0].last_step == 800


def test_flat_from_the_start_with_tiny_updates_is_a_rate_too_low() -> None:
    draw = np.random.default_rng(2)
    loss = 2.3 + 0.02 * draw.standard_normal(600)
    (found,) = of(loss, update_ratio=np.full(600, 1e-6))
    assert (found.kind, found.cause, found.severity) == ("plateau", "lr_too_low", "warning")
    assert found.advice.action == "multiply"
    assert found.advice.factor is not None
    assert found.advice.factor > 1
    assert found.detected_step <= 200


def test_flat_from_the_start_is_undetermined_where_updates_are_not_small() -> None:
    draw = np.random.default_rng(2)
    loss = 2.3 + 0.02 * draw.standard_normal(600)
    (found,) = of(loss, update_ratio=np.full(600, 1e-2))
    assert (found.kind, found.cause, found.severity) == ("plateau", "undetermined", "warning")
    (found,) = of(loss, update_ratio=np.full(600, 0.2))
    assert (found.kind, found.cause, found.advice.action) == ("plateau", "lr_too_high", "restart")
    (found,) = of(loss)  # a log that may begin anywhere
    assert (found.kind, found.cause, found.severity) == ("plateau", "undetermined", "info")


@pytest.mark.parametrize(("ratio", "cause"), [(1e-2, "undetermined"), (1e-5, "lr_too_low")])
def test_what_is_flat_becomes_a_warning_once_update_ratios_are_known(
    ratio: float, cause: str
) -> None:
    draw = np.random.default_rng(2)
    loss, ratios = 2.3 + 0.02 * draw.standard_normal(900), np.full(900, np.nan)
    ratios[600:] = ratio
    (found,) = of(loss[:600], update_ratio=ratios[:600])
    assert found.severity == "info"
    (found,) = of(loss, update_ratio=ratios)
    assert (found.kind, found.cause, found.severity) == ("plateau", cause, "warning")
    assert found.open


def test_a_straight_slow_fall_is_slow_progress() -> None:
    draw = np.random.default_rng(3)
    loss = 2.3 - 2e-4 * np.arange(800) + 0.02 * draw.standard_normal(800)
    found = of(loss, update_ratio=np.full(800, 1e-5))[-1]
    assert (found.kind, found.cause, found.open) == ("slow_progress", "lr_too_low", True)
    assert found.evidence.interval is not None
    assert found.evidence.interval[1] < 0


def test_a_warm_up_is_not_stagnation() -> None:
    draw = np.random.default_rng(4)
    loss = 2.3 + 0.02 * draw.standard_normal(380)
    rate = np.linspace(1e-6, 1e-3, 380)
    assert of(loss, lr=rate, update_ratio=np.full(380, 1e-5)) == []


def test_a_run_that_is_done_is_near_convergence_and_info() -> None:
    draw = np.random.default_rng(5)
    loss = 0.5 + 2 * np.exp(-np.arange(6000) / 100) + 0.01 * draw.standard_normal(6000)
    found = of(loss)
    assert kinds(found, "info") == {"near_convergence"}
    assert kinds(found) == set()


def test_a_run_that_is_done_is_told_once_until_it_falls_again() -> None:
    """Noise that makes the interval too wide to tell takes nothing back; a fall does."""
    draw = np.random.default_rng(1)
    n = 60_000
    loss = 0.2 + 2.3 * np.exp(-np.arange(n) / 2000) + 0.2 * draw.standard_normal(n)
    loss[40_000:] -= np.linspace(0, 1.5, 20_000)
    done = [f for f in of(loss) if f.kind == "near_convergence"]
    assert 1 <= len(done) <= 2
    assert done[-1].outcome == "the loss falls again"
    assert 40_000 < done[-1].last_step < 55_000


def test_a_level_that_is_lost_within_the_noise_of_single_losses_is_told() -> None:
    """Single losses swing by as much as was gained: no block is far from the best one."""
    draw = np.random.default_rng(2)
    loss = -np.concatenate((np.linspace(0, 1, 200), np.ones(400), np.full(400, 0.45)))
    loss = loss + 0.35 * draw.standard_normal(1000)
    (found,) = [f for f in of(loss) if f.kind == "divergence" and f.severity != "info"]
    assert 680 < found.detected_step < 740
    assert found.open
    assert "each of 6 block medians" in found.evidence.rule
    assert kinds(of(loss[:600])) == set()


def test_explosions_that_have_passed_before_are_told_as_info_while_the_run_learns() -> None:
    draw = np.random.default_rng(3)
    loss = 2.3 * np.exp(-np.arange(1600) / 400) * (1 + 0.05 * draw.standard_normal(1600))
    for at in (500, 800, 1100):
        loss[at : at + 6] = 9.0
    told = [f for f in of(loss) if f.kind == "divergence"]
    assert [f.severity for f in told] == ["critical", "info", "info"]
    assert not any(f.open for f in told)
    loss[1300:] = 9.0  # this one stays
    for rows, severity in ((1310, "info"), (1330, "critical")):
        last = [f for f in of(loss[:rows]) if f.kind == "divergence"][-1]
        assert (last.severity, last.open) == (severity, True)
    loss[1300:] = 9.0 * 2.0 ** np.arange(300).clip(max=60)  # this one grows beyond what passed
    assert "critical" in [f.severity for f in of(loss[:1308]) if f.open]


def test_the_loss_may_rise_after_the_rate_was_raised_but_not_lose_half() -> None:
    loss, rate = falling(800), np.full(800, 0.01)
    rate[500:] = 0.1
    loss[500:560] += 0.6
    assert kinds(of(loss, lr=rate)) == set()
    loss[500:] += 1.5
    found = [f for f in of(loss, lr=rate) if f.kind == "divergence"]
    assert found
    assert found[0].confidence == 0.9


def noisier(calm: float, seed: int = 4) -> Floats:
    """From 2.3, with hardly any noise, to a level of 0.55 with much of it; `calm` for 2,000 steps
    there, before that."""
    draw = np.random.default_rng(seed)
    level = 0.55 + 1.75 * np.exp(-np.arange(20_000) / 300)
    noise = np.where(np.arange(20_000) < 400, 0.006, 0.45)
    noise[2000:4000] = calm
    return np.asarray(level * np.exp(noise * draw.standard_normal(20_000) + 0.1 * (noise > 0.4)))


def test_noise_that_grows_on_the_way_down_is_no_oscillation() -> None:
    assert kinds(of(noisier(0.45), lr=np.full(20_000, 0.02))) == set()


def test_noise_that_grows_at_a_level_is() -> None:
    assert kinds(of(noisier(0.02), lr=np.full(20_000, 0.02))) == {"oscillation"}


def test_a_swing_that_does_not_fall_is_oscillation() -> None:
    n = 1600
    draw = np.random.default_rng(6)
    loss = falling(n, 0.02)
    loss[600:] += (
        0.25 + 0.2 * np.sin(np.arange(n - 600) / 40) + 0.02 * draw.standard_normal(n - 600)
    )
    assert "lr_too_high" in {f.cause for f in of(loss)}


def test_overfitting_needs_a_rising_validation_and_a_falling_training() -> None:
    loss = falling(1200)
    at = np.arange(1200)
    val = np.where(
        at % 50 == 49, 0.4 + 2 * np.exp(-at / 100) + np.maximum(at - 500, 0) / 1e3, np.nan
    )
    (found,) = [f for f in of(loss, val=val) if f.kind == "overfitting"]
    assert (found.cause, found.severity) == ("overfit", "warning")
    assert 400 <= found.first_step <= 600
    flat = np.where(at % 50 == 49, 0.4 + 2 * np.exp(-at / 100), np.nan)
    assert not [f for f in of(loss, val=flat) if f.kind == "overfitting"]


def test_gradients_that_explode_and_updates_that_vanish() -> None:
    loss = falling()
    norm = np.where(np.arange(800) % 10 == 0, 1.0, np.nan)
    norm[500:540:10] = 100.0
    (found,) = of(loss, grad_norm=norm)
    assert (found.kind, found.first_step, found.open) == ("exploding_gradient", 501, False)
    ratio = np.where(np.arange(800) % 10 == 0, 1e-3, np.nan)
    ratio[400::10] = 1e-9
    (found,) = [f for f in of(loss, update_ratio=ratio) if f.kind == "vanishing_updates"]
    assert found.cause == "lr_too_low"
    rate = np.full(800, 1e-1)
    rate[400:] = 1e-6
    found = next(f for f in of(loss, lr=rate, update_ratio=ratio) if f.kind == "vanishing_updates")
    assert (found.cause, found.severity) == ("schedule", "info")


def test_where_gradients_are_0_the_rate_is_not_blamed() -> None:
    loss = 2.3 + 0.01 * np.random.default_rng(3).standard_normal(800)
    sampled = np.arange(800) % 10 == 0
    none, some = np.where(sampled, 0.0, np.nan), np.where(sampled, 1e-3, np.nan)
    decayed = np.where(sampled, 1e-4, np.nan)  # as by weight decay
    for norm, cause in ((none, "model"), (some, "lr_too_low")):
        (found,) = of(loss, grad_norm=norm, update_ratio=decayed)
        assert (found.kind, found.severity, found.cause) == ("plateau", "warning", cause)
        told = of(loss, grad_norm=norm, update_ratio=none)
        (found,) = [f for f in told if f.kind == "vanishing_updates"]
        assert (found.severity, found.cause) == ("warning", cause)
        assert "lr_too_low" not in {f.cause for f in told} or cause == "lr_too_low"


def test_a_stalled_process_is_told_by_the_clock_and_by_the_next_step() -> None:
    diagnosis = Diagnosis()
    loss = falling(320)
    diagnosis.feed(Chunk(steps(320), loss, time=1e9 + 0.1 * steps(320)))
    assert diagnosis.tick(1e9 + 40) == []
    (found,) = diagnosis.tick(1e9 + 300)
    assert (found.kind, found.open) == ("stalled", True)
    diagnosis.feed(Chunk(320 + steps(16), falling(336)[320:], time=1e9 + 300 + 0.1 * steps(16)))
    assert not diagnosis.findings[0].open


def test_a_sparse_log_is_judged_by_few_rows() -> None:
    n = 60
    loss = np.concatenate((falling(n)[:30], np.full(30, 9.0)))
    found = diagnose([Chunk(100 * np.arange(n), loss)])
    found = [f for f in found if f.kind == "divergence"]
    assert found[0].detected_step <= 3600


@pytest.mark.parametrize("loss", [[], [1.0], [0.0], [math.nan], [5.0] * 2000, [0.0] * 2000])
def test_empty_single_and_constant_logs_have_no_instability(loss: list[float]) -> None:
    found = of(np.array(loss))
    assert kinds(found) == ({"non_finite"} if loss and math.isnan(loss[0]) else set())


def test_a_million_steps_take_less_than_20_seconds() -> None:
    n = 1_000_000
    draw = np.random.default_rng(7)
    loss = 0.5 + 2 * np.exp(-np.arange(n) / 2e5) + 0.1 * draw.standard_normal(n)
    begin = time.process_time()
    found = diagnose([Chunk(steps(n), loss, lr=np.full(n, 0.1))])
    assert time.process_time() - begin < 20
    assert kinds(found, "critical") == set()


def test_the_end_of_the_time_after_a_step_back_does_not_depend_on_the_pieces() -> None:
    """It ends within a block here: blocks have five rows that are three steps apart."""
    n = 300
    loss, step = falling(n), 3 * np.arange(n)
    step[200:] -= 30
    loss[248:250] = 9.0
    log = Chunk(step, loss)
    found = diagnose([log])
    assert [f.severity for f in found if f.kind == "divergence"] == ["critical"]
    assert diagnose(log.part(i, i + 1) for i in range(n)) == found


@pytest.mark.parametrize("before", [0, 5, 20, BASELINE])
def test_rows_know_what_is_usual_before_each(before: int) -> None:
    draw = np.random.default_rng(before)
    for _ in range(50):
        u = draw.standard_normal(before + 16)
        known, us = u[:before].tolist(), u[before:].tolist()
        rows = Rows(list(range(16)), np.exp(u[before:]).tolist(), us, known, 100)
        for i in range(16):
            window = u[max(before + i - BASELINE, 0) : before + i]
            if len(window) < 8:
                assert math.isnan(rows.median[i])
                continue
            noise = 1.4826 * np.median(np.abs(np.diff(window))) / math.sqrt(2)
            assert rows.median[i] == np.median(window)
            assert rows.noise[i] == pytest.approx(noise, rel=1e-12)
            assert rows.least_usual() <= rows.usual(i)
            assert rows.least_noise() <= rows.usual_noise(i)
            one = rows.one(i)
            assert (one.row, one.steps, one.top_u) == (100 + i, [i], us[i])
            assert one.usual(0) == rows.usual(i)
        # Of one loss after 32 others the bounds are what they bound.
        if before == BASELINE:
            assert rows.one(3).least_usual() == rows.usual(3)
            assert rows.one(3).least_noise() == rows.usual_noise(3)


def test_chunks_say_what_is_wrong_with_them() -> None:
    with pytest.raises(ValueError, match="lr has"):
        Chunk([1, 2], [1.0, 2.0], lr=[1.0])


def test_one_open_finding_a_cause() -> None:
    book, evidence = Book(), Evidence("rule", (1, 2), {})
    advice = wait("why", 1)
    first = book.open("oscillation", "warning", (1, 2), "lr_too_high", 0.5, evidence, advice)
    assert first == 0
    assert book.open("spike", "warning", (3, 3), "lr_too_high", 0.5, evidence, advice) is None
    assert book.open("plateau", "info", (3, 3), "undetermined", 0.5, evidence, advice) == 1
    worse = book.open("divergence", "critical", (4, 4), "lr_too_high", 0.5, evidence, advice)
    assert worse == 2
    assert book.findings[0].outcome == "went over into: divergence"
    assert [f.open for f in book.taken()] == [False, True, True]
    doubtful = book.open("spike", "warning", (5, 5), "undetermined", 0.5, evidence, advice)
    assert doubtful == 3
    book.confirm(doubtful, "warning", "lr_too_high", 0.6, evidence, advice)
    assert book.findings[3].outcome == "went over into: divergence"  # which is as open, and worse
    again = book.open("spike", "warning", (6, 6), "undetermined", 0.5, evidence, advice)
    assert again == 4
    book.confirm(again, "critical", "lr_too_high", 0.6, evidence, advice)
    assert [f.open for f in book.findings] == [False, True, False, False, True]
    book.taken()
    assert book.taken() == []


def test_theil_and_sen_with_kendalls_interval() -> None:
    # Sen 1968 has no more than the rule; this is the same reckoning by hand for five points.
    line = trend(np.array([0.0, 1.0, 2.1, 2.9, 4.0]), z=1.96)
    assert line.slope == pytest.approx(1.0)
    assert line.low <= 1 <= line.high
    draw = np.random.default_rng(8)
    covered = 0
    for _ in range(300):
        found = trend(0.1 * np.arange(24) + draw.standard_normal(24))
        covered += found.low <= 0.1 <= found.high
    assert covered >= 0.975 * 300
    assert len(thinned(np.arange(100.0), 36)) == 33
    assert thinned(np.arange(100.0), 36)[-1] == 98


class OddSteps(Detector):
    """A user's own."""

    def block(self) -> None:
        self.book.open(
            "odd",
            "info",
            (self.history.step, self.history.step),
            "data",
            1.0,
            Evidence("each block", (0, 0), {}),
            wait("", 1),
        )


def test_users_detectors_are_found_by_their_entry_point(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    points = EntryPoints(
        [
            EntryPoint("odd", f"{__name__}:OddSteps", registry.GROUP),
            EntryPoint("gone", "no_such_module:Thing", registry.GROUP),
            EntryPoint("other", "builtins:dict", registry.GROUP),
        ]
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: points.select(group=group))
    monkeypatch.setattr(registry, "named", registry.named.__wrapped__)  # not what is remembered
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("sys").modules[__name__])
    with caplog.at_level(logging.WARNING):
        made = registry.detectors()
    told = [record.getMessage() for record in caplog.records]
    caplog.clear()
    assert [type(d).__name__ for d in made[-1:]] == ["OddSteps"]
    assert "gone" in told[0]
    assert "cannot be used" in told[0]
    assert "other" in told[1]
    assert "not a Detector" in told[1]
    assert {f.kind for f in diagnose([Chunk(steps(64), falling(64))], made)} == {"odd"}
