"""A piece of a log as the engine goes through it."""

from __future__ import annotations

import math

import numpy as np

from lrmonitor.diagnosis.chunk import Chunk

MANY = 64
"""Rows from which arrays are the faster way."""


class Piece:
    """Rows of a log as plain numbers: a few of them are handled much faster than arrays are."""

    __slots__ = ("loss", "lr", "rewound", "sampled", "step", "time")

    def __init__(self, chunk: Chunk) -> None:
        self.rewound = chunk.rewound
        self.step: list[int] = chunk.step.tolist()
        self.loss: list[float] = chunk.loss.tolist()
        self.lr: list[float] | None = None if chunk.lr is None else chunk.lr.tolist()
        self.time: list[float] | None = None if chunk.time is None else chunk.time.tolist()
        self.sampled: list[tuple[str, list[float], list[int]]] = []
        """Columns that have values in some rows: their name, the values, and the rows."""
        for name in ("grad_norm", "update_ratio", "val"):
            column = getattr(chunk, name)
            if column is None:
                continue
            values = column.tolist()
            if len(values) < MANY:
                known = [row for row, value in enumerate(values) if math.isfinite(value)]
            else:
                known = np.flatnonzero(np.isfinite(column)).tolist()
            if known:
                self.sampled.append((name, values, known))
