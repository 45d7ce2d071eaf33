"""Several optimizers, none at all, or one that torch does not know."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.wild import NO_RATE, Trial

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")

Put = Callable[..., Trial]


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
