"""What a snapshot costs beside a plain `torch.clone` of the same tensors, in the same process."""

from __future__ import annotations

import gc
import statistics
import time
from pathlib import Path

import pytest
import torch

from lrmonitor.probe.copies import Memory
from lrmonitor.probe.holders import Holders
from lrmonitor.probe.norms import Norms
from lrmonitor.probe.optimizers import Optimizer
from lrmonitor.probe.snapshots import Snapshot, trained_by
from lrmonitor.probe.values import Deferred, Values
from lrmonitor.record.writer import RankWriter

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ROUNDS = 15
LIMIT = 1.5


def trained(width: int, layers: int) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    """A model with batch norm, and Adam after one step."""
    torch.manual_seed(0)
    parts: list[torch.nn.Module] = []
    for _ in range(layers):
        parts += [torch.nn.Linear(width, width), torch.nn.BatchNorm1d(width)]
    model = torch.nn.Sequential(*parts)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model(torch.randn(4, width)).square().mean().backward()
    optimizer.step()
    return model, optimizer


def tensors(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """All that a snapshot copies."""
    found = [*model.parameters(), *model.buffers()]
    for state in optimizer.state.values():
        found += [one for one in state.values() if isinstance(one, torch.Tensor)]
    return [one.detach() for one in found]


@pytest.mark.parametrize(
    ("width", "layers"), [(256, 24), (1024, 6), (2048, 4)], ids=["19MB", "76MB", "202MB"]
)
def test_a_snapshot_costs_what_a_copy_costs(tmp_path: Path, width: int, layers: int) -> None:
    model, optimizer = trained(width, layers)
    writer = RankWriter(tmp_path / "rank")
    norms = Norms(0, writer, Values(), Deferred())
    known = [Optimizer(0, optimizer, writer, norms)]
    gc.collect()  # a model of another test would be kept as well
    holders = Holders(trained_by(known))
    source = tensors(model, optimizer)
    size = sum(one.numel() * one.element_size() for one in source)
    copies, fresh, again, back = [], [], [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        cloned = [torch.clone(one) for one in source]
        copies.append(time.perf_counter() - begun)
        del cloned

        begun = time.perf_counter()
        made = Snapshot(1, 1, "command", known, holders, Memory())
        fresh.append(time.perf_counter() - begun)
        assert made.bytes == size

        begun = time.perf_counter()
        renewed = Snapshot(2, 2, "every", known, holders, Memory(made.held()))
        again.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        renewed.restore(known)
        back.append(time.perf_counter() - begun)
        del made, renewed
    writer.close()
    ratios = sorted(a / b for a, b in zip(fresh, copies, strict=True))
    ratio = statistics.median(ratios)
    print(
        f"\n{size / 1e6:.0f} MB: clone {statistics.median(copies) * 1000:.1f} ms, snapshot "
        f"{statistics.median(fresh) * 1000:.1f} ms ({ratio:.2f} ×), into used memory "
        f"{statistics.median(again) * 1000:.1f} ms, rewind {statistics.median(back) * 1000:.1f} ms"
    )
    assert ratio <= LIMIT
