"""Gradient norms and update ratios, where they are recorded."""

from __future__ import annotations

import math

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector
from lrmonitor.diagnosis.finding import Evidence
from lrmonitor.diagnosis.stats import median

TIMES = 30.0
"""A gradient norm above the largest usual one."""
SAMPLES = 2
"""So many samples in a row."""
LEAST = 8
"""Samples before anything is said."""
TINY = 3e-7
"""An update ratio below which float32 weights (2**-24 = 6e-8) hardly change any more."""


class ExplodingGradient(Detector):
    """Two gradient norms in a row 30 × above the largest median of eight so far.

    (ZClip compares with a running mean at 2.5 σ and clips one step in a hundred, which is a
    treatment, not an alarm. AutoTrainer compares layers, which are not recorded.)
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._seen = 0
        self._usual = 0.0
        self._calm = 0

    def block(self) -> None:
        """Look at the samples that are new."""
        sampled = self.history.grad_norm
        values, steps = sampled.values, sampled.steps
        if sampled.stride > 1:
            self._seen = min(self._seen, len(values))
        while self._seen < len(values):
            at = self._seen
            self._seen += 1
            if at < LEAST:
                continue
            if at >= LEAST + SAMPLES:
                usual = median(values[at - SAMPLES - LEAST + 1 : at - SAMPLES + 1])
                self._usual = max(self._usual, usual)
            else:
                self._usual = max(self._usual, median(values[:LEAST]))
            latest = values[at - SAMPLES + 1 : at + 1]
            if min(latest) > TIMES * self._usual > 0:
                self._calm = 0
                self._report(steps[at - SAMPLES + 1], steps[at], min(latest))
            elif self.book.is_open(self._open):
                assert self._open is not None
                self._calm += 1
                if self._calm >= 2 * SAMPLES:
                    self.book.close(self._open, "gradients are as large as before")

    def _report(self, first: int, step: int, value: float) -> None:
        if self.book.is_open(self._open):
            assert self._open is not None
            self.book.last(self._open, step)
            return
        self._open = self.book.open(
            "exploding_gradient",
            "warning",
            (first, step),
            "lr_too_high",
            0.4,
            Evidence(
                f"{SAMPLES} gradient norms in a row × {TIMES:g} above the largest usual one",
                (first, step),
                {"grad_norm": value, "usual": self._usual},
            ),
            advise.lower(
                0.3, "Gradients grew far beyond what is usual: clip them, or take shorter steps."
            ),
        )


class VanishingUpdates(Detector):
    """The median of eight update ratios |Δw| / |w| is below 3e-7: float32 weights hardly change.

    The cause is the schedule where the rate is below a hundredth of what it was, else the rate if
    gradients are as large as at first and not 0, else the model. The usual healthy ratio is near
    1e-3 (CS231n), but measured ranges of healthy runs and of too low rates overlap: only what
    cannot train at all is said here. (SageMaker and DeepDiagnosis: mean |gradient| < 1e-7, which
    depends on the loss's scale.)
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None

    def block(self) -> None:
        """Look at the latest samples."""
        sampled = self.history.update_ratio
        if len(sampled.values) < LEAST:
            return
        ratio = median(sampled.values[-LEAST:])
        history = self.history
        if ratio >= TINY:
            if self.book.is_open(self._open) and ratio > 2 * TINY:
                assert self._open is not None
                self.book.close(self._open, "weights change again")
            return
        if self.book.is_open(self._open):
            assert self._open is not None
            self.book.last(self._open, history.step)
            return
        scheduled = history.lr is not None and history.lr < 0.01 * history.lr_most
        norms = history.grad_norm.values
        lost = len(norms) >= LEAST and median(norms[-LEAST:]) < 1e-4 * max(norms[:LEAST])
        lost = lost or no_gradient(norms)
        evidence = Evidence(
            f"median of {LEAST} update ratios below {TINY:g}",
            (sampled.steps[-LEAST], sampled.steps[-1]),
            {"update_ratio": ratio} | ({"lr": history.lr} if history.lr is not None else {}),
        )
        if scheduled:
            self._open = self.book.open(
                "vanishing_updates",
                "info",
                (sampled.steps[-LEAST], history.step),
                "schedule",
                0.8,
                evidence,
                advise.stop("The schedule has brought the rate down to where nothing changes."),
            )
        elif lost:
            self._open = self.book.open(
                "vanishing_updates",
                "warning",
                (sampled.steps[-LEAST], history.step),
                "model",
                0.6,
                evidence,
                advise.other(
                    "Gradients have vanished: look for dead units, saturation, a detached part.",
                    "gradients as large as at first",
                ),
            )
        else:
            self._open = self.book.open(
                "vanishing_updates",
                "warning",
                (sampled.steps[-LEAST], history.step),
                "lr_too_low",
                0.8,
                evidence,
                advise.raise_rate(
                    min(1e-4 / max(ratio, 1e-9), 1000.0), "Weights hardly change in a step."
                ),
            )


def no_gradient(norms: list[float]) -> bool:
    """Whether the latest eight gradient norms are exactly 0: no rate changes anything then."""
    return len(norms) >= LEAST and not any(norms[-LEAST:])


def usual_ratio(values: list[float]) -> float:
    """The median of the latest eight update ratios; nan before there are three."""
    return median(values[-LEAST:]) if len(values) >= 3 else math.nan
