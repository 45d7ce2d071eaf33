"""Suggestions of other range tests, as facts: what each would say of the same curve.

They take the rates and the smoothed losses of a sweep, (n,) each, finite, and answer a rate, or
None where the curve is too short for them. Written anew from what is documented of them: fastai's
`lr_find` (fastai/callback/schedule.py, 2.8) smooths with a debiased average of β = .98 and leaves
out the first tenth of the sweep and its last five steps (`trimmed`).
"""

from __future__ import annotations

import numpy as np

from lrmonitor.finder.sweep import MOST_POINTS, Floats, Sweep, averaged

WINDOW = 15
"""Steps between the two slopes that `slide` compares."""
THRESHOLD = 0.005
"""How much they may differ, in units of the loss."""


def trimmed(sweep: Sweep, steps: int | None = None) -> tuple[Floats, Floats]:
    """Rates and smoothed losses that the rules are applied to.

    `steps`: of the whole sweep as planned, if it ended early; its first tenth is left out.
    """
    finite = int(np.argmin(np.isfinite(sweep.loss))) if len(sweep) else 0
    n = len(sweep) if len(sweep) and np.isfinite(sweep.loss).all() else finite
    a, b = (steps or len(sweep)) // 10, max(n - 5, 0)
    every = -(-max(b - a, 1) // (2 * MOST_POINTS))  # `valley` takes the square of that many
    return sweep.lr[a:b:every], averaged(sweep.loss[:n])[a:b:every]


def valley(lr: Floats, loss: Floats) -> float | None:
    """Half-way along the longest subsequence that falls throughout (fastai's default).

    Of the longest strictly falling subsequence (the first to reach its length), as many steps long
    as it has members, the point at a third and half a third from its beginning.
    """
    n = len(loss)
    if n < 3:
        return None
    length = np.ones(n, np.int64)
    for i in range(1, n):
        above = loss[:i] > loss[i]
        if above.any():
            length[i] = 1 + length[:i][above].max()
    end = int(np.argmax(length))
    start = end - int(length[end]) if length[end] > 1 else 0
    section = (end - start) / 3
    return float(lr[start + int(section) + int(section / 2)])


def minimum(lr: Floats, loss: Floats) -> float | None:
    """A tenth of the rate at which the loss is lowest."""
    return float(lr[int(np.argmin(loss))]) / 10 if len(loss) else None


def steepest(lr: Floats, loss: Floats) -> float | None:
    """Where the loss falls most for a factor of the rate."""
    if len(loss) < 2:
        return None
    return float(lr[int(np.argmin(np.diff(loss) / np.diff(np.log(lr))))])


def slide(lr: Floats, loss: Floats) -> float | None:
    """From the right: where the slopes 15 steps apart no longer differ by more than .005 a step.

    The threshold is in units of the loss, so that this answer changes with the loss's scale.
    """
    if len(loss) <= WINDOW:
        return None
    slope = np.gradient(loss)
    far = np.abs(slope[WINDOW:] - slope[:-WINDOW]) > THRESHOLD
    at = len(far)
    suggestion = float(lr[at - 1])
    while at and far[at - 1]:
        suggestion = float(lr[at - 1])
        at -= 1
    return suggestion
