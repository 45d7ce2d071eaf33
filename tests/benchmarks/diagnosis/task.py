"""What a task of the benchmark is, and what tasks share."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

DIGITS = Path(__file__).parents[3] / "resources" / "examples" / "digits.csv.gz"
DEV, SEEN, SECOND, THIRD, TEST = "development", "seen", "second", "third", "test"
"""Parts of the benchmark: see `tasks`."""
VALIDATION = 256
"""Samples that are held back."""


@dataclass(frozen=True)
class Data:
    """Training and validation samples: x (N, ...), y (N, ...)."""

    x: Tensor
    y: Tensor
    x_val: Tensor
    y_val: Tensor


@dataclass(frozen=True)
class Task:
    """What is trained: data, a network, and the loss of a batch (a mean unless it says sum)."""

    name: str
    part: str
    """Which of the parts of the benchmark: see `tasks`."""
    data: Callable[[], Data]
    model: Callable[[], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    batch: int = 32
    in_batches: bool = False
    """Whether many samples are evaluated batch by batch, and the mean taken: where the loss of a
    batch depends on its size, or on which samples are in it together."""


def split(x: Tensor, y: Tensor) -> Data:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(7))
    x, y = x[order], y[order]
    return Data(x[VALIDATION:], y[VALIDATION:], x[:VALIDATION], y[:VALIDATION])


def digits() -> tuple[Tensor, Tensor]:
    with gzip.open(DIGITS, "rt", encoding="ascii") as lines:
        rows = torch.tensor([[int(cell) for cell in line.split(",")] for line in lines])
    return rows[:, :-1].float() / 16.0, rows[:, -1]
