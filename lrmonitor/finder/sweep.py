"""A sweep of the rate as numbers, and its loss without most of the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrmonitor.schedules.bound import Bound

Floats = npt.NDArray[np.float64]

MOST_POINTS = 500
"""Points of a sweep that are read: a hundred to a decade tell no more than fifty."""


class SweepError(ValueError):
    """Numbers that are no sweep; the message says what is wrong with them."""


@dataclass(frozen=True)
class Sweep:
    """One range test: the rate of each step and the loss of its batch, before its update.

    lr: (n,), finite, above 0 and rising; loss: (n,), any floats. Copied as float64, read-only.
    """

    lr: Floats
    loss: Floats

    def __post_init__(self) -> None:
        lr, loss = (np.array(x, np.float64) for x in (self.lr, self.loss))
        if lr.ndim != 1 or lr.shape != loss.shape:
            raise SweepError("a sweep has one loss for each rate, both one-dimensional")
        if not np.isfinite(lr).all() or (lr <= 0).any() or (np.diff(lr) <= 0).any():
            raise SweepError("the rates of a sweep are finite, above 0 and rise at each step")
        for name, array in (("lr", lr), ("loss", loss)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.lr)

    def usable(self) -> Sweep:
        """The part before the first loss that is not finite or, twice in a row, beyond the bound of
        `lrmonitor.schedules.bound`: of the divergence nothing is read but where it is."""
        bound = Bound()
        for i, loss in enumerate(self.loss.tolist()):
            if bound.add(loss):
                first = i - 1 if np.isfinite(loss) else i
                return Sweep(self.lr[:first], self.loss[:first])
        return self

    def thinned(self, size: int) -> Sweep:
        """Means of pieces of `size` steps, at the mean of their logarithms of the rate; a rest at
        the end is left out."""
        if size <= 1:
            return self
        n = len(self) // size * size
        lr = np.exp(np.log(self.lr[:n]).reshape(-1, size).mean(axis=1))
        return Sweep(lr, self.loss[:n].reshape(-1, size).mean(axis=1))


def averaged(loss: Floats, beta: float = 0.98) -> Floats:
    """Exponential moving average, its bias towards 0 at the start divided out; (n,), finite.

    a(i) = β a(i-1) + (1-β) x(i), over 1 - β^(i+1): Kingma and Ba 2014 (Adam), as fastai smooths a
    loss (there with β = .98).
    """
    out = np.empty_like(loss)
    total = 0.0
    for i, x in enumerate(loss.tolist()):
        total = beta * total + (1 - beta) * x
        out[i] = total / (1 - beta ** (i + 1))
    return out


def centred(loss: Floats, width: float) -> Floats:
    """Mean with the weights of a normal distribution of that many steps around each point; (n,).

    Unlike an average of what came before, it does not lag behind a rate that rises at each step.
    At the ends the weights of what is there are normalised.
    """
    reach = min(math.ceil(5 * width), max(len(loss) - 1, 0))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    whole = np.convolve(loss, weights)[reach : reach + len(loss)]
    held = np.convolve(np.ones_like(loss), weights)[reach : reach + len(loss)]
    return np.asarray(whole / held)
