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
        if self.stride > 1:
            self._waiting.append(value)
            if len(self._waiting) < self.stride:
                return
            value = sum(self._waiting) / len(self._waiting)
            self._waiting.clear()
        self.steps.append(step)
        self.values.append(value)
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
        """y of the first finite loss; set by `begin`."""
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
        self.blocks = 0
        """Whole blocks so far."""
        self.level = math.nan
        """The latest block median, y."""
        self.noises: list[float] = []
        """Of the latest 64 blocks, on the u axis."""
        self.linear_noises: list[float] = []
        """The same, y."""
        self.noise = 0.0
        """The usual noise of one loss on the u axis, over the latest blocks."""
        self.linear_noise = 0.0
        """The same on the scale of y."""
        self.origin = 0.0
        """The level of the start, y: the median of the first block, since the first loss alone is
        noisy. But the first loss where the run exploded at once, and where it fell within the first
        block by more than noise."""
        self.gain = 0.0
        """What was gained so far, y: the level of the start minus the best."""
        self.best = math.inf
        """The lowest block median, y."""
        self.best_noise = 0.0
        """The noise of one loss there, y."""
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
    def medians(self) -> Floats:
        """y of all block medians."""
        return self._medians.view

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The last step of each block."""
        return self._steps.view

    def begin(self, first: float) -> None:
        """The first finite loss, y."""
        self.first = self.origin = first

    def close(self, step: int, median: float, noise: float, linear_noise: float) -> None:
        """Add a block that is whole: its last step, its median (y), its noise (u and y)."""
        self._medians.added(1)[0] = median
        self._steps.added(1)[0] = step
        self.blocks += 1
        self.level = median
        self.noises = [*self.noises[-63:], noise]
        self.linear_noises = [*self.linear_noises[-63:], linear_noise]
        self.noise, self.linear_noise = _usual(self.noises), _usual(self.linear_noises)
        self.lr_blocks = [*self.lr_blocks[-63:], math.nan if self.lr is None else self.lr]
        if self.blocks == 1:
            first = self.origin
            fell = first - median > FELL * linear_noise
            self.origin = first if fell else min(first, median)
        if median < self.best:
            self.best, self.best_noise = median, self.linear_noise
            self.gain = max(self.origin - self.best, 0.0)

    def sign(self, s: float) -> None:
        """Losses go over to the signed axis (see `Scale.sign`), on which no noise is known yet."""
        self.scale.sign(s)
        self.noises = []
        self.noise = 0.0

    def begin_era(self, kind: str) -> None:
        """What comes now is not to be compared with trends before."""
        self.era, self.era_kind = self.blocks, kind

    def raw(self, y: float) -> float:
        """A loss in the units of the log."""
        return y * self.unit


def _usual(noises: list[float]) -> float:
    """The (upper) median of the latest twelve."""
    latest = sorted(noises[-12:])
    return latest[len(latest) // 2]
