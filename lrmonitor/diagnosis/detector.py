"""What a detector is: a small class that is told of rows, blocks and breaks, and opens findings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis.book import Book
from lrmonitor.diagnosis.history import History

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Consecutive finite losses within one block: arrays of shape (n,), 1 <= n <= block."""

    step: npt.NDArray[np.int64]
    y: Floats
    u: Floats
    median: Floats
    """u: the median of the up to 32 losses before each."""
    noise: Floats
    """u: the noise of those; nan before there are 8."""
    row: int
    """Number of the first, counted over finite losses."""

    def one(self, i: int) -> Rows:
        """The i-th alone."""
        at = slice(i, i + 1)
        return Rows(
            self.step[at], self.y[at], self.u[at], self.median[at], self.noise[at], self.row + i
        )


class Detector:
    """Override what you need. Whatever is told comes in the order of the log.

    A user's own: a subclass with a constructor without arguments, named in the entry-point group
    `lrmonitor.detectors`. It must not change the history.
    """

    def __init__(self) -> None:
        self.history: History
        self.book: Book

    def attach(self, history: History, book: Book) -> None:
        """Called once, before anything else."""
        self.history, self.book = history, book

    def stirs(self, rows: Rows) -> bool:
        """Whether a single one of these losses may open or close a finding: then all detectors are
        told of them one by one, so that it does not matter how the log is cut."""
        return False

    def rows(self, rows: Rows) -> None:
        """Some losses of a block that is not whole yet."""

    def block(self) -> None:
        """A block was completed: `history` has it."""

    def broken(self, first: int, last: int) -> None:
        """Losses from step `first` to `last` are not finite."""

    def era(self) -> None:
        """The rate jumped, or the step went back."""

    def time(self, step: int, now: float) -> None:
        """The latest row's time, once a block, and whenever `Diagnosis.tick` is called."""
