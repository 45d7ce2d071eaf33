"""What detectors know of the run so far: block medians, noise, the best level, rates,
measurements."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis.scale import Scale
from lrmonitor.record.columns import Column

Floats = npt.NDArray[np.float64]

BLOCK = 16
"""Losses of a block at a step each: their median has little of the noise, and neighbours are nearly
independent (Mann and Kendall's test without such blocks finds trends where none are)."""
SPARSE_BLOCK = 2
"""The same where rows are several steps apart, as with one row an epoch."""
BASELINE = 32
"""Losses before one that it is compared with."""
FELL = 4.0
"""The first loss above the first block's median, in units of that block's noise, where the run fell
within it."""
SERIES_KEPT = 512
"""Values of a sampled series that are kept; when there are more, pairs are averaged."""


@dataclass
class Sampled:
    """A series that has no value in most rows: steps and values, thinned when it grows long."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    stride: int = 1
    _waiting: list[float] = field(default_factory=list)

    def add(self, step: int, value: float) -> None:
        """Add one value (finite)."""
        self._waiting.append(value)
        if len(self._waiting) < self.stride:
            return
        self.steps.append(step)
        self.values.append(sum(self._waiting) / len(self._waiting))
        self._waiting.clear()
        if len(self.values) > SERIES_KEPT:
            pairs = list(zip(self.values[0::2], self.values[1::2], strict=False))
            self.steps = self.steps[1::2][: len(pairs)]
            self.values = [0.5 * (a + b) for a, b in pairs]
            self.stride *= 2


class History:
    """Block medians of the losses (over a power of two, see `Scale`) and all that goes with them.

    An *era* begins at the start, where the rate jumps, and where the step goes back (resume,
    rewind): what is a trend must lie within one.
    """

    def __init__(self) -> None:
        self.unit = 1.0
        """The power of two that losses are divided by."""
        self.scale = Scale()
        self.block = BLOCK
        self.first: float | None = None
        """y of the first finite loss."""
        self.rows = 0
        """Finite losses so far."""
        self.start = 0
        """The first row's step."""
        self.step = 0
        """The latest row's step."""
        self.recent: list[float] = []
        """y of up to BASELINE latest finite losses."""
        self._medians: Column[np.float64] = Column(np.float64)
        self._steps: Column[np.int64] = Column(np.int64)
        self.noises: list[float] = []
        """Of the latest 64 blocks, on the u axis."""
        self.linear_noises: list[float] = []
        """The same, y."""
        self.best = math.inf
        """The lowest block median, y."""
        self.best_noise = 0.0
        """The noise of one loss there, y."""
        self._first_noise = 0.0
        self.era = 0
        """Number of the block with which the era began."""
        self.era_kind = "start"
        """Why it began: start, raise, lower, back."""
        self.lr: float | None = None
        self.lr_most = 0.0
        self.lr_blocks: list[float] = []
        """Rates at the ends of the latest 64 blocks; nan where unknown."""
        self.grad_norm = Sampled()
        self.update_ratio = Sampled()
        self.val = Sampled()

    @property
    def blocks(self) -> int:
        """Whole blocks so far."""
        return len(self._medians)

    @property
    def medians(self) -> Floats:
        """y of all block medians."""
        return self._medians.view

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The last step of each block."""
        return self._steps.view

    @property
    def noise(self) -> float:
        """The usual noise of one loss on the u axis, over the latest blocks."""
        latest = sorted(self.noises[-12:])
        return latest[len(latest) // 2] if latest else 0.0

    @property
    def linear_noise(self) -> float:
        """The same on the scale of y."""
        latest = sorted(self.linear_noises[-12:])
        return latest[len(latest) // 2] if latest else 0.0

    @property
    def gain(self) -> float:
        """What was gained so far, y: the level of the start minus the best."""
        if not self.blocks:
            return 0.0
        return max(self.origin - self.best, 0.0)

    @property
    def origin(self) -> float:
        """The level of the start, y: the median of the first block, since the first loss alone is
        noisy. But the first loss where the run exploded at once, and where it fell within the first
        block by more than noise."""
        first = self.first if self.first is not None else 0.0
        if not self.blocks:
            return first
        level = float(self._medians.view[0])
        fell = first - level > FELL * self._first_noise
        return first if fell else min(first, level)

    def close(self, step: int, median: float, noise: float, linear_noise: float) -> None:
        """Add a block that is whole: its last step, its median (y), its noise (u and y)."""
        self._medians.append(np.array([median]))
        self._steps.append(np.array([step], np.int64))
        self.noises = [*self.noises[-63:], noise]
        self.linear_noises = [*self.linear_noises[-63:], linear_noise]
        self.lr_blocks = [*self.lr_blocks[-63:], math.nan if self.lr is None else self.lr]
        if len(self._medians) == 1:
            self._first_noise = linear_noise
        if median < self.best:
            self.best, self.best_noise = median, self.linear_noise

    def begin_era(self, kind: str) -> None:
        """What comes now is not to be compared with trends before."""
        self.era, self.era_kind = self.blocks, kind

    def raw(self, y: float) -> float:
        """A loss in the units of the log."""
        return y * self.unit
