"""Step sizes: what is measured of real optimizers' steps, and what is read of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrmonitor.app.panels.heatstrip import columns, decades
from lrmonitor.model import step_sizes
from lrmonitor.model.step_sizes import StepSizes
from lrmonitor.probe import names, sizes
from lrmonitor.probe.norms import Norms
from lrmonitor.probe.values import Deferred, Values
from lrmonitor.record.writer import RankWriter


@pytest.fixture
def named() -> Iterator[None]:
    """torch's modules tell what they take in, for the length of a test."""
    module: Any = torch.nn.modules.module
    kept = [
        dict(getattr(module, f"_global_{k}_registration_hooks")) for k in ("parameter", "module")
    ]
    names.watch(torch)
    yield
    for kind, before in zip(("parameter", "module"), kept, strict=True):
        hooks = getattr(module, f"_global_{kind}_registration_hooks")
        for key in set(hooks) - set(before):
            del hooks[key]


class Net(torch.nn.Module):
    """Two layers, one of them within a part of its own; one bias that stays 0."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.Tanh())
        self.head = torch.nn.Linear(width, 1)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, inputs: torch.Tensor) -> Any:
        """The output."""
        return self.head(self.body(inputs))


def step(net: torch.nn.Module, optimizer: Any, folder: Path, steps: int = 1) -> StepSizes:
    """Make steps that are sampled as the probe does, and read what was written."""
    norms = Norms(0, RankWriter(folder), Values(), Deferred())
    for n in range(1, steps + 1):
        optimizer.zero_grad()
        net(torch.ones(3, 4)).square().sum().backward()
        assert norms.before(optimizer, None, False)
        optimizer.step()
        norms.after(optimizer, None, n, 100.0 + n)
        norms.sizes._due = 0.0
        norms.look()
    found = StepSizes(folder, 0)
    found.poll()
    return found


@pytest.mark.parametrize("kind", ["SGD", "AdamW", "RMSprop", "Adagrad"])
def test_ratios_and_sizes_are_what_the_step_did(kind: str, named: None, tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = Net()
    optimizer = getattr(torch.optim, kind)(net.parameters(), lr=0.01)
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    found = step(net, optimizer, tmp_path)
    assert found.layers == ["body.0.weight", "body.0.bias", "head.weight", "head.bias"]
    assert found.weights == [32, 8, 8, 1]
    (row,) = found.ratios
    moved = []
    for name, ratio in zip(found.layers, row, strict=True):
        change = dict(net.named_parameters())[name].detach() - before[name]
        moved.append(change.abs().flatten().double())
        if name == "head.bias":
            assert math.isnan(ratio), "of weights that were 0 there is no ratio"
        else:
            assert ratio == pytest.approx(float(change.norm() / before[name].norm()), rel=6e-3)
    latest = found.latest
    assert latest is not None
    every = torch.cat(moved).numpy()
    wanted, _ = np.histogram(np.log10(every[every > 0]), latest.edges)
    assert latest.shares == pytest.approx(wanted / len(every), rel=6e-3)
    assert latest.still == pytest.approx(np.mean(every == 0), abs=1e-9)
    assert latest.shares.sum() + latest.still == pytest.approx(1, rel=0.01)


def test_large_models_are_sampled_and_the_smallest_layers_told_together(
    named: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "LAYERS", 3)
    monkeypatch.setattr(sizes, "TAKEN", 700)
    torch.manual_seed(1)
    net = Net(width=4096)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4)
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    found = step(net, optimizer, tmp_path)
    assert found.layers == ["body.0.weight", "body.0.bias", "head.weight", "1 smaller one"]
    for name, ratio in zip(found.layers[:3], found.ratios[0], strict=False):
        change = dict(net.named_parameters())[name].detach() - before[name]
        assert ratio == pytest.approx(float(change.norm() / before[name].norm()), rel=0.25)


def test_names_that_are_given_or_not_known(tmp_path: Path) -> None:
    net = Net()
    given = torch.optim.SGD(list(net.named_parameters()), lr=0.1)
    told = names.names_of(given)
    if "param_names" in given.param_groups[0]:  # from torch 2.6 on
        assert told == [name for name, _ in net.named_parameters()]
    plain = torch.optim.SGD(
        [torch.nn.Parameter(torch.zeros(2, 3)), torch.nn.Parameter(torch.zeros(()))]
    )
    assert names.names_of(plain) == ["0 (2×3)", "1 (scalar)"]


def test_names_are_forgotten_with_the_model(named: None) -> None:
    before = len(names._holders)
    net = Net()
    assert names.name_of(net.body[0].weight) == "body.0.weight"
    assert len(names._holders) > before
    del net
    assert len(names._holders) == before


def test_rows_come_slower_and_slower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("lrmonitor.probe.sizes.time.perf_counter", lambda: now[0])
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    norms = Norms(0, RankWriter(tmp_path), Values(), Deferred())
    parameters = list(net.parameters())
    flat = torch.cat([p.detach().reshape(-1) for p in parameters])
    taken = 0
    while now[0] < 1000 + 86400:
        if norms.sizes.due():
            norms.sizes.take(optimizer, parameters, flat, flat, taken, now[0])
            norms.sizes._taken.clear()
            taken += 1
        now[0] += norms.sizes._due - now[0] + 0.01
    assert 512 < taken < 512 * (1 + math.log(86400 / 102)) * 1.1


def lines(*rows: dict[str, Any]) -> str:
    """Rows as the file has them."""
    return "".join(json.dumps(row) + "\n" for row in rows)


HEAD = {"layers": ["a", "b"], "weights": [4, 2], "rest": 3, "lowest": -14, "per_decade": 4}


def test_memory_is_bounded_and_later_rows_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_sizes, "MOST", 16)
    file = tmp_path / "sizes.0.jsonl"
    file.write_text(lines(HEAD))
    found = StepSizes(tmp_path, 0)
    assert found.poll()
    assert found.layers == ["a", "b", "3 smaller ones"]
    with open(file, "a") as stream:
        stream.write(lines(*({"step": n, "ratios": [n, None, 1.0]} for n in range(1000))))
    assert found.poll()
    assert len(found.steps) <= 16
    assert found.steps[-1] == 999
    assert (np.diff(found.steps) > 0).all()
    assert found.last_of(0)[0] == 999.0
    assert found.last_of(1) == (None, None, None)
    assert not found.poll()


@pytest.mark.parametrize(
    "row",
    [
        {"layers": 3},
        {"step": 1, "ratios": [1.0]},
        {"step": "x", "ratios": [1, 2, 3]},
        {"step": 2, "ratios": None},
        {"step": 2, "ratios": ["nan", None, "x"], "first": "y", "shares": 7},
        {"step": 2, "ratios": [1, 2, 3], "first": 1, "shares": [0.1] * 10_000},
    ],
)
def test_nonsense_is_left_out(row: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "sizes.0.jsonl").write_text(lines(HEAD, row) + "torn")
    found = StepSizes(tmp_path, 0)
    found.poll()
    assert found.latest is None
    assert found.ratios.shape[1] == 3


def test_the_picture_shows_the_latest_sample_up_to_each_step() -> None:
    steps = np.array([1, 2, 50, 100])
    assert columns(steps, 5).tolist() == [0, 1, 2, 2, 3]
    assert columns(np.array([50, 90, 10, 20]), 3).tolist() == [2, 2, 3]
    assert columns(np.array([7]), 4).tolist() == [0, 0, 0, 0]
    assert decades(np.array([[np.nan, 0.0]])) == (-4.0, -2.0)
    assert decades(np.array([[2e-4, 5e-3]])) == (-4.0, -2.0)
