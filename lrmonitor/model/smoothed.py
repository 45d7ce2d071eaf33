"""The smoothed curve of a series that grows: over all of its values, ready for drawing.

It is not held at every point: of each block of 32 there are its least and greatest value, and the
average at its end, from which any stretch is computed again. About 1.6 bytes a value.
"""

from __future__ import annotations

import itertools

import numpy as np

from lrmonitor.model.blocks import BLOCK, Floats, Ints
from lrmonitor.model.picture import MOST_PIECES, Part, Picture, joined
from lrmonitor.model.pyramid import Pyramid
from lrmonitor.model.smoothing import CHUNK, Average
from lrmonitor.record.columns import Column

__all__ = ["Smoothed"]

_EXACT = 16_384
"""Values in view up to which the curve is computed at each of them."""

_ALIGNED = 512
"""Such a stretch begins at a multiple of this: then it is sampled alike as the view moves."""


class Smoothed:
    """`smoothing.ema` of a picture's values, with a gap where a value is nan or infinite, and begun
    anew where the training was rewound.

    `follow` takes what is new, once the picture has; then the rest can be asked.
    """

    def __init__(self, picture: Picture, weight: float) -> None:
        self._picture = picture
        self._average = Average(weight)
        self._begin()

    def follow(self) -> None:
        """Take what the picture has by now."""
        if self._begun != self._picture.begun or self._cuts != self._picture.cuts:
            self._begin()
        step, value = self._picture.step, self._picture.value
        done, full = len(self._mean) * BLOCK, len(value) // BLOCK * BLOCK
        for first in range(done, full, CHUNK):
            last = min(first + CHUNK, full)
            self._take(step[first:last], value[first:last], first)
        self._pyramid.update(self._value.view)

    def at(self, first: int, last: int) -> Floats:
        """The curve at the indices first ≤ index < last; nan where a value is not finite."""
        block = min(first // BLOCK, len(self._mean))
        average = self._average
        average.mean, average.count = self._state(block)
        value = self._picture.value[block * BLOCK : last]
        found = self._over(value, block * BLOCK)[2]
        found[~np.isfinite(value)] = np.nan
        return found[first - block * BLOCK :]

    def drawn(self, low: int, high: int, columns: int) -> tuple[Floats, Floats]:
        """The curve (x, y) for low ≤ step ≤ high, about two points a column at most; of very many
        pieces the newest."""
        width = (high - low) / max(columns, 1)
        parts = self._picture.parts(low, high)[-MOST_PIECES:]
        lines = [self._line(part, width) for part in parts]
        return joined(lines) if lines else (np.empty(0), np.empty(0))

    def _begin(self) -> None:
        self._begun, self._cuts = self._picture.begun, self._picture.cuts
        self._mean: Column[np.float64] = Column(np.float64)
        self._count: Column[np.int64] = Column(np.int64)
        self._step: Column[np.int64] = Column(np.int64)
        self._value: Column[np.float64] = Column(np.float64)
        self._pyramid = Pyramid()

    def _over(self, value: Floats, first: int) -> tuple[Floats, Ints, Floats]:
        """The average over values from index `first` on, from its state there: without its
        correction, of how many values, and corrected."""
        average = self._average
        last = first + len(value)
        inside = [r - first for r in self._picture.pieces.resets if first <= r < last]
        bounds = sorted({*range(0, len(value), CHUNK), *inside, len(value)})
        means, counts, smooth = [], [], []
        for begin, end in itertools.pairwise(bounds):
            if begin in inside:
                average.mean, average.count = 0.0, 0
            mean, count = average.means(value[begin:end])
            means.append(mean)
            counts.append(count)
            smooth.append(average.corrected(mean, count))
        if not means:
            return np.empty(0), np.empty(0, np.int64), np.empty(0)
        return np.concatenate(means), np.concatenate(counts), np.concatenate(smooth)

    def _take(self, step: Ints, value: Floats, first: int) -> None:
        """Whole blocks."""
        average = self._average
        average.mean, average.count = self._state(len(self._mean))
        mean, count, smooth = self._over(value, first)
        self._mean.append(mean[BLOCK - 1 :: BLOCK])
        self._count.append(count[BLOCK - 1 :: BLOCK])
        finite = np.isfinite(value)
        low = high = smooth
        if not finite.all():
            smooth = np.where(finite, smooth, np.nan)
            low, high = np.where(finite, smooth, np.inf), np.where(finite, smooth, -np.inf)
        self._keep(step, smooth, low.reshape(-1, BLOCK), high.reshape(-1, BLOCK))

    def _state(self, blocks: int) -> tuple[float, int]:
        """The average after so many blocks, and of how many values."""
        if not blocks:
            return 0.0, 0
        return float(self._mean.view[blocks - 1]), int(self._count.view[blocks - 1])

    def _keep(self, step: Ints, smooth: Floats, low: Floats, high: Floats) -> None:
        """The least and the greatest of each block, in order."""
        one, two = low.argmin(axis=1), high.argmax(axis=1)
        at = np.column_stack((np.minimum(one, two), np.maximum(one, two)))
        at += np.arange(len(at))[:, np.newaxis] * BLOCK
        self._step.append(step[at.ravel()])
        self._value.append(smooth[at.ravel()])

    def _line(self, part: Part, width: float) -> tuple[Floats, Floats]:
        """With the first and the last point in view and those just outside."""
        if part.last - part.first <= _EXACT:
            return self._exact_line(part, width)
        blocks = 2 * -(-part.first // BLOCK), 2 * (part.last // BLOCK)
        step = self._step.view
        index = self._pyramid.sample(step, *blocks, width)
        (x0, y0), (x1, y1) = self._points(part, part.first), self._points(part, part.last)
        return (
            np.concatenate((x0, step[index].astype(np.float64), x1)),
            np.concatenate((y0, self._value.view[index], y1)),
        )

    def _exact_line(self, part: Part, width: float) -> tuple[Floats, Floats]:
        begin, end = max(part.first - 1, part.begin), min(part.last + 1, part.end)
        base = begin // _ALIGNED * _ALIGNED
        step, smooth = self._picture.step[base:end], self.at(base, end)
        near = Pyramid()
        near.update(smooth)
        first, last = part.first - base, part.last - base
        ends = np.array([begin - base, first, last - 1, end - base - 1])
        ends = ends[(ends >= begin - base) & (ends < end - base)]
        index = np.unique(np.concatenate((near.sample(step, first, last, width), ends)))
        return step[index].astype(np.float64), smooth[index]

    def _points(self, part: Part, index: int) -> tuple[Floats, Floats]:
        """The points on either side of where the view begins or ends."""
        first, last = max(index - 1, part.begin), min(index + 1, part.end)
        return self._picture.step[first:last].astype(np.float64), self.at(first, last)
