"""Training loops as people write them, with one optimizer: each holds what the table says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.helpers.wild import Trial

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")

Put = Callable[..., Trial]


@pytest.mark.style("plain loop, scheduler each epoch")
def test_epochs(started_for_itself: Put) -> None:
    started_for_itself("epochs")


@pytest.mark.style("script writes its own cosine into the groups")
def test_own_cosine(put_to_the_test: Put) -> None:
    done = put_to_the_test("own_cosine")
    assert done.truth["lr"]["0.0"] == done.truth["lr"]["0.1"]


@pytest.mark.style("accumulation, its number changed mid-run")
def test_accumulation(put_to_the_test: Put) -> None:
    done = put_to_the_test("accumulation")
    assert done.values("parts[0]")[:12] == [4.0] * 10 + [8.0] * 2


@pytest.mark.style("closure given to every step")
def test_closure(put_to_the_test: Put) -> None:
    put_to_the_test("closure")


@pytest.mark.style("None given as closure, gradients clipped")
def test_no_closure(put_to_the_test: Put) -> None:
    put_to_the_test("no_closure")


@pytest.mark.slow
@pytest.mark.style("LBFGS, many backward passes a step")
def test_lbfgs(put_to_the_test: Put) -> None:
    put_to_the_test("lbfgs", rate=0.05)


@pytest.mark.style("summed loss (VAE, about 70,000)")
def test_vae(put_to_the_test: Put) -> None:
    done = put_to_the_test("vae")
    assert done.truth["loss"]["0"][0] > 65_000


@pytest.mark.style("losses of either sign, irregular cadence (actor and critic)")
def test_actor_critic(put_to_the_test: Put) -> None:
    done = put_to_the_test("actor_critic")
    assert min(done.truth["loss"]["0"]) < 0 < max(done.truth["loss"]["0"])


@pytest.mark.style("bursts of steps between rollouts, rate ends below 0 (PPO)")
def test_rollouts(put_to_the_test: Put) -> None:
    done = put_to_the_test("rollouts")
    # A burst of eight steps at each of the rates.
    changes = done.rank.by_name["scheduled[0.0]"].step.tolist()
    assert changes[:3] == [1, 9, 17]


@pytest.mark.style("rate ends below 0 (linear)")
def test_below_zero(put_to_the_test: Put) -> None:
    done = put_to_the_test("below_zero")
    assert done.truth["lr"]["0.0"][15:18] == [0.01 / 16, 0.0, -1e-6]
    # What is recorded of one step has one time: who reads it holds it once.
    loss, scheduled = (done.rank.by_name[name] for name in ("loss", "scheduled[0.0]"))
    assert np.shares_memory(loss.time, scheduled.time)
    assert np.shares_memory(loss.step, scheduled.step)


@pytest.mark.style("bfloat16 autocast")
def test_autocast(put_to_the_test: Put) -> None:
    put_to_the_test("autocast")


@pytest.mark.style("average of the weights (EMA), scheduler not torch's")
def test_ema(put_to_the_test: Put) -> None:
    put_to_the_test("ema")


@pytest.mark.style("gradient checkpointing")
def test_checkpointing(put_to_the_test: Put) -> None:
    done = put_to_the_test("checkpointing")
    assert set(done.values("parts[0]")) == {1.0}


@pytest.mark.style("GradScaler, with skipped steps")
def test_scaler(put_to_the_test: Put) -> None:
    done = put_to_the_test("scaler")
    assert done.truth["skipped"]
    assert [e["step"] for e in done.events("step_skipped")] == done.truth["skipped"]
