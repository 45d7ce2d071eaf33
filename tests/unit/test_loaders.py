"""With which loader's batches steps were made, as iterations that begin can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lrmonitor.probe.loaders import Loaders

torch = pytest.importorskip("torch")
data: Any = pytest.importorskip("torch.utils.data")


class Script:
    """Iterates over loaders and makes steps."""

    def __init__(self, **options: Any) -> None:
        values = data.TensorDataset(torch.zeros(6, 1))
        self.training, self.validation = (data.DataLoader(values, 2, **options) for _ in range(2))
        self.loaders = Loaders()
        self.step = 0

    def over(self, loader: Any) -> Iterator[Any]:
        """An iteration."""
        iterator = iter(loader)
        self.loaders.begins(loader, iterator, self.step)
        yield from iterator

    def train(self) -> None:
        """An epoch."""
        for _ in self.over(self.training):
            self.step += 1

    def validate(self) -> None:
        """An evaluation."""
        for _ in self.over(self.validation):
            pass

    @property
    def trains(self) -> list[bool]:
        """Of each loader, in the order in which they were begun first."""
        return [one.trains for one in self.loaders.loaders]


@pytest.fixture(params=["without workers", "with workers that stay"])
def script(request: pytest.FixtureRequest) -> Iterator[Script]:
    """With either kind of loader."""
    stay = request.param != "without workers"
    found = Script(num_workers=int(stay), persistent_workers=stay)
    yield found
    for loader in (found.training, found.validation):
        if loader._iterator is not None:
            loader._iterator._shutdown_workers()


def test_validation_after_each_epoch(script: Script) -> None:
    for _ in range(3):
        script.train()
        script.validate()
    assert script.trains == [True, False]


def test_validation_before_each_epoch(script: Script) -> None:
    for _ in range(3):
        script.validate()
        script.train()
    assert script.trains == [False, True]


def test_validation_amid_an_epoch(script: Script) -> None:
    for _ in range(3):
        for _ in script.over(script.training):
            script.step += 1
            script.validate()
    assert script.trains == [True, False]


def test_an_iterator_that_is_kept() -> None:
    script = Script()
    for _ in range(3):
        batches = script.over(script.training)
        for _ in range(3):
            next(batches)
            script.step += 1
            script.validate()
    assert script.trains == [True, False]


def test_the_latest_iteration_is_going_until_its_end() -> None:
    script = Script()
    batches = script.over(script.validation)
    next(batches)
    assert script.loaders.latest is script.loaders.loaders[0]
    assert script.loaders.latest.going
    assert len(list(batches)) == 2
    assert not script.loaders.latest.going
