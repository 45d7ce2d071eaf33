"""A validation loss that rises while the training loss falls."""

from __future__ import annotations

import math

import numpy as np

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector
from lrmonitor.diagnosis.finding import Evidence
from lrmonitor.diagnosis.stats import thinned, trend

LEAST = 6
"""Validation losses since the best one (and with it)."""
SHARE = 0.1
"""The rise since the best one, as a share of what validation had gained; it must be this too."""

RATIO = math.log(1.05)
"""And this on the u axis."""


class Overfitting(Detector):
    """Since its best value the validation loss has risen, by its 99 % interval, and by a tenth of
    what it had gained, while the training loss did not rise.

    Theil–Sen over all values from the best on, at least six. (SageMaker: (val - train) / train >
    .1, patience 1, fires on any gap. Prechelt 1998, "Early stopping - but when?", GL rule, is a
    share of the best value, which means nothing near or below zero.)
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._seen = 0

    def block(self) -> None:
        """Look if there are new validation losses."""
        val = self.history.val
        count = len(val.values) * val.stride
        if count == self._seen:
            return
        self._seen = count
        values = np.array(val.values)
        at = int(np.argmin(values))
        since = values[at:]
        history = self.history
        gained = float(values[:at].max() - values[at]) if at else 0.0
        # The latest two, so that one odd value neither opens nor clears.
        risen = float(min(values[-1], values[-2]) - values[at]) if len(values) > 1 else 0.0
        if self.book.is_open(self._open):
            assert self._open is not None
            if risen < SHARE / 2 * gained:
                self.book.close(self._open, "the validation loss came back to its best")
            else:
                self.book.last(self._open, history.step)
            return
        if len(since) < LEAST or gained <= 0 or risen < SHARE * gained:
            return
        best = float(values[at])
        if history.scale.one(best + risen) - history.scale.one(best) < RATIO:
            return
        slope = trend(thinned(since, 32))
        train_then = float(history.medians[np.searchsorted(history.steps, val.steps[at]) - 1])
        train_now = float(history.medians[-1])
        if slope.low <= 0 or train_now > train_then:
            return
        self._open = self.book.open(
            "overfitting",
            "warning",
            (val.steps[at], history.step),
            "overfit",
            0.8,
            Evidence(
                "the validation loss rises since its best value, the training loss does not",
                (val.steps[at], val.steps[-1]),
                {
                    "best_val": history.raw(float(values[at])),
                    "val": history.raw(float(values[-1])),
                    "train_at_best": history.raw(train_then),
                    "train": history.raw(train_now),
                },
                (history.raw(slope.low), history.raw(slope.high)),
            ),
            advise.other(
                "Stop early and keep the weights of the best validation; more data, augmentation "
                "or regularisation. A lower rate is not the cure.",
                "the validation loss stays at its best",
            ),
        )
