"""Several optimizers, none at all, or one that torch does not know."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.wild import Trial

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")

Put = Callable[..., Trial]

NO_RATE = (
    "the rate cannot be set: the script steps no torch optimizer; its learning rate is its own "
    "variable, which lrmonitor cannot reach (each backward pass counts as a step)"
)


@pytest.mark.style("two optimizers (GAN)")
def test_gan(put_to_the_test: Put) -> None:
    done = put_to_the_test("gan")
    assert set(done.values("parts[0]")) == {2.0}
    assert set(done.values("parts[1]")) == {1.0}


@pytest.mark.style("one optimizer a layer (forward-forward)")
def test_layerwise(put_to_the_test: Put) -> None:
    done = put_to_the_test("layerwise")
    assert len(done.events("optimizer")) == 3


@pytest.mark.style("no optimizer, update written out")
def test_no_optimizer(put_to_the_test: Put) -> None:
    done = put_to_the_test("no_optimizer", refuses=NO_RATE)
    assert len(done.events("no_optimizer")) == 1


@pytest.mark.style("optimizer that is not a torch.optim.Optimizer")
def test_own_optimizer(put_to_the_test: Put) -> None:
    done = put_to_the_test("own_optimizer", refuses=NO_RATE)
    assert len(done.events("no_optimizer")) == 1
