"""A loss that is nan or infinite."""

from __future__ import annotations

from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.detector import Detector, Rows
from lrmonitor.diagnosis.finding import Evidence

CLEARED_AFTER = 32
"""Finite losses after which it is over."""
RECENT_RISE = ("divergence", "spike", "oscillation", "exploding_gradient")


class NonFinite(Detector):
    """Any loss that is not finite (SageMaker's ExplodingTensor does the same for tensors).

    The cause is the rate when the loss had been rising, which an open finding says; else numerics.
    Cleared after 32 finite losses in a row.
    """

    def __init__(self) -> None:
        super().__init__()
        self._open: int | None = None
        self._finite = 0

    def broken(self, first: int, last: int) -> None:
        """A run of losses that are not finite."""
        self._finite = 0
        if self.book.is_open(self._open):
            assert self._open is not None
            self.book.last(self._open, last)
            return
        risen = self.book.any_open(*RECENT_RISE)
        early = self.history.rows < 4 * self.history.block
        evidence = Evidence(
            "a loss is not finite",
            (first, first),
            {"finite_losses_before": float(self.history.rows)},
        )
        if risen or early:
            advice = (
                advise.restart(
                    0.1, "The loss rose, or the run had just begun: the rate is the likely reason."
                )
                if early
                else advise.rewind(
                    0.1,
                    "The loss had been rising: the weights are lost, and the rate is likely why.",
                )
            )
        else:
            advice = advise.rewind(
                0.3,
                "Weights that are not finite do not come back. If it comes again: check the data "
                "of this step, mixed precision, logarithms and divisions by zero; clip gradients.",
            )
        self._open = self.book.open(
            "non_finite",
            "critical",
            (first, first),
            "lr_too_high" if risen or early else "numerics",
            0.7 if risen else 0.5,
            evidence,
            advice,
        )
        if self._open is not None:
            self.book.last(self._open, last)

    def stirs(self, rows: Rows) -> bool:
        """Whether one is open."""
        return self.book.is_open(self._open)

    def rows(self, rows: Rows) -> None:
        """Finite losses again."""
        if self.book.is_open(self._open):
            assert self._open is not None
            self._finite += len(rows.us)
            if self._finite >= CLEARED_AFTER:
                self.book.close(self._open, "losses are finite again")
