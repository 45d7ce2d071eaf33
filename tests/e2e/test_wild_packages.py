"""Real packages that train; docs/frameworks.md says how to install them for these tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.wild import NO_RATE, Trial

pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("wild")]

Put = Callable[..., Trial]


@pytest.mark.needs("transformers", "accelerate")
@pytest.mark.style("Hugging Face Trainer")
def test_transformers(started_for_itself: Put) -> None:
    done = started_for_itself("huggingface")
    assert set(done.values("parts[0]")) == {2.0}


@pytest.mark.needs("transformers", "accelerate")
@pytest.mark.style("Accelerate, accumulation")
def test_accelerate(started_for_itself: Put) -> None:
    done = started_for_itself("accelerated")
    assert set(done.values("parts[0]")) == {2.0}


@pytest.mark.needs("lightning")
@pytest.mark.style("Lightning, automatic optimization")
def test_lightning(started_for_itself: Put) -> None:
    started_for_itself("lightning_automatic", code=1, plain_code=1)


@pytest.mark.needs("lightning")
@pytest.mark.style("Lightning, manual optimization")
def test_lightning_manual(started_for_itself: Put) -> None:
    started_for_itself("lightning_manual", code=1, plain_code=1)


@pytest.mark.needs("lightning", "jsonargparse")
@pytest.mark.style("Lightning, its command line")
def test_lightning_cli(started_for_itself: Put) -> None:
    started_for_itself("lightning_cli", code=1, plain_code=1)


@pytest.mark.needs("skorch")
@pytest.mark.style("skorch")
def test_skorch(started_for_itself: Put) -> None:
    started_for_itself("with_skorch")


@pytest.mark.needs("stable_baselines3")
@pytest.mark.style("Stable-Baselines3, PPO")
def test_stable_baselines(started_for_itself: Put) -> None:
    started_for_itself("stable_baselines")


@pytest.mark.needs("fastai")
@pytest.mark.style("fastai")
def test_fastai(started_for_itself: Put) -> None:
    started_for_itself("with_fastai", refuses=NO_RATE)
