"""A piece of a log, in the order in which it was recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]
Numbers = Sequence[float] | npt.NDArray[np.generic]

OPTIONAL = ("lr", "val", "grad_norm", "update_ratio", "time")


class Chunk:
    """Rows of a log: `step` (n,) int64 and `loss` (n,) float64, and what else is known.

    `lr`, `val` (validation loss), `grad_norm`, `update_ratio` (|Δw| / |w|) and `time` (seconds) are
    (n,) float64 with nan where a row has no value, or None. `rewound`, to be set: steps
    after which the training went on from an earlier state. ValueError for lengths that differ.
    """

    __slots__ = ("grad_norm", "loss", "lr", "rewound", "step", "time", "update_ratio", "val")

    def __init__(
        self,
        step: Numbers,
        loss: Numbers,
        lr: Numbers | None = None,
        val: Numbers | None = None,
        grad_norm: Numbers | None = None,
        update_ratio: Numbers | None = None,
        time: Numbers | None = None,
    ) -> None:
        self.rewound: tuple[int, ...] = ()
        self.step: Steps = np.asarray(step, np.int64)
        self.loss: Floats = np.asarray(loss, np.float64)
        self.lr = _floats(lr)
        self.val = _floats(val)
        self.grad_norm = _floats(grad_norm)
        self.update_ratio = _floats(update_ratio)
        self.time = _floats(time)
        if self.step.ndim != 1:
            raise ValueError("a chunk's columns have one dimension")
        for name in ("loss", *OPTIONAL):
            column = getattr(self, name)
            if column is not None and column.shape != self.step.shape:
                raise ValueError(f"{name} has {column.shape} values for {self.step.shape} steps")

    def __len__(self) -> int:
        return len(self.step)

    def part(self, start: int, end: int) -> Chunk:
        """Rows from `start` up to `end`, without a copy."""
        part = Chunk.__new__(Chunk)  # columns that were checked once
        part.rewound = self.rewound
        part.step, part.loss = self.step[start:end], self.loss[start:end]
        for name in OPTIONAL:
            column = getattr(self, name)
            setattr(part, name, None if column is None else column[start:end])
        return part


def _floats(column: Numbers | None) -> Floats | None:
    return None if column is None else np.asarray(column, np.float64)
