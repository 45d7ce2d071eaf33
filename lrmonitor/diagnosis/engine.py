"""The streaming diagnosis: cuts a log into rows, blocks and eras, and tells the detectors."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np

from lrmonitor.diagnosis.book import Book
from lrmonitor.diagnosis.chunk import Chunk
from lrmonitor.diagnosis.detector import Detector, Rows
from lrmonitor.diagnosis.finding import Finding
from lrmonitor.diagnosis.history import BASELINE, BLOCK, SPARSE_BLOCK, History
from lrmonitor.diagnosis.piece import Piece
from lrmonitor.diagnosis.registry import detectors as registered
from lrmonitor.diagnosis.stats import median, noise

JUMP = 1.5
"""A rate that changes by more than this factor from one row to the next begins an era."""
CADENCE_ROWS = 9
"""First rows whose distance in steps tells how long a block is."""
MOST = 1e250
"""Losses beyond this, over the first one, are held to be this."""
PIECE = 4096
"""Rows that are prepared at a time."""


class Diagnosis:
    """Fed with a log in pieces of any size, yields findings. Not thread-safe.

    What it finds does not depend on how the log is cut into chunks, on the number of the first
    step, nor on the unit of the loss if units differ by a power of two. Losses of other ratios
    differ by rounding alone.
    """

    def __init__(self, detectors: Iterable[Detector] | None = None) -> None:
        self._history = History()
        self._book = Book()
        self._detectors = list(registered() if detectors is None else detectors)
        for detector in self._detectors:
            detector.attach(self._history, self._book)
        # Most detectors need few of the calls; a call for nothing costs too, at each row.
        self._stirs = [d.stirs for d in self._detectors if _overrides(d, "stirs")]
        self._rows = [d.rows for d in self._detectors if _overrides(d, "rows")]
        self._blocks = [d.block for d in self._detectors if _overrides(d, "block")]
        self._clocks = [d.time for d in self._detectors if _overrides(d, "time")]
        self._block: list[float] = []
        """y of the block that is not whole yet."""
        self._block_u: list[float] = []
        """u of it."""
        self._recent: list[float] = []
        """u of up to BASELINE latest finite losses."""
        self._held: list[Chunk] = []  # first rows, until the cadence is known
        self._held_rows = 0
        self._ready = False
        self._unit_known = False
        self._last_lr = math.nan
        self._last_step: int | None = None

    @property
    def findings(self) -> list[Finding]:
        """All findings as they stand, in the order in which they were detected."""
        return list(self._book.findings)

    def feed(self, chunk: Chunk) -> list[Finding]:
        """Take the next rows; the findings that are new or changed."""
        if not self._ready:
            self._hold(chunk)
        else:
            self._take(chunk)
        return self._book.taken()

    def finish(self) -> list[Finding]:
        """The log ends here. Needed only for logs of a few rows, which wait for their cadence."""
        if not self._ready and self._held_rows:
            self._begin()
        return self._book.taken()

    def tick(self, now: float) -> list[Finding]:
        """The clock of a live run, in the unit of the log's times; the findings that changed."""
        for clock in self._clocks:
            clock(self._history.step, now)
        return self._book.taken()

    def _hold(self, chunk: Chunk) -> None:
        self._held.append(chunk)
        self._held_rows += len(chunk)
        if self._held_rows >= CADENCE_ROWS:
            self._begin()

    def _begin(self) -> None:
        steps = np.concatenate([chunk.step for chunk in self._held])[:CADENCE_ROWS]
        apart = float(np.median(np.diff(steps))) if len(steps) > 1 else 1.0
        self._history.block = min(max(int(BLOCK / max(apart, 1.0)), SPARSE_BLOCK), BLOCK)
        self._history.start = int(steps[0])
        self._ready = True
        held, self._held = self._held, []
        for chunk in held:
            self._take(chunk)

    def _take(self, chunk: Chunk) -> None:
        if len(chunk) <= PIECE:
            self._piece(Piece(chunk))
            return
        for start in range(0, len(chunk), PIECE):
            self._piece(Piece(chunk.part(start, start + PIECE)))

    def _piece(self, piece: Piece) -> None:
        """Cut where something happens: a loss that is not finite, a jump of the rate, a step back,
        a rewind."""
        n = len(piece.loss)
        if not n:
            return
        eras = self._eras(piece)
        # A sum is finite only if all are.
        if not eras and math.isfinite(sum(piece.loss)):
            self._finite(piece, 0, n)
            return
        finite = [math.isfinite(loss) for loss in piece.loss]
        cuts = {0, n, *eras}
        cuts.update(row for row in range(1, n) if finite[row] != finite[row - 1])
        for start, end in itertools.pairwise(sorted(cuts)):
            if start in eras:
                self._begin_era(eras[start], piece, start)
            if finite[start]:
                self._finite(piece, start, end)
            else:
                first, last = piece.step[start], piece.step[end - 1]
                self._history.step = last
                for detector in self._detectors:
                    detector.broken(first, last)

    def _eras(self, piece: Piece) -> dict[int, str]:
        """Rows at which an era begins, and why."""
        eras: dict[int, str] = {}
        steps = piece.step
        before = self._last_step if self._last_step is not None else steps[0] - 1
        self._last_step = steps[-1]
        for rewound in piece.rewound:
            previous = [before, *steps[:-1]]
            for row, step in enumerate(steps):
                if previous[row] <= rewound < step:
                    eras[row] = "back"
        for row, step in enumerate(steps):
            if step < before:
                eras[row] = "back"
            before = step
        if piece.lr is not None:
            last = self._last_lr
            for row, lr in enumerate(piece.lr):
                if lr == last or not 0 < lr < math.inf:
                    continue
                ratio = lr / last  # nan at the first
                if ratio > JUMP or ratio < 1 / JUMP:
                    eras.setdefault(row, "raise" if ratio > 1 else "lower")
                last = lr
            self._last_lr = last
        return eras

    def _begin_era(self, kind: str, piece: Piece, row: int) -> None:
        if piece.lr is not None and math.isfinite(piece.lr[row]):
            self._history.lr = piece.lr[row]
        self._block, self._block_u = [], []
        self._history.begin_era(kind)
        for detector in self._detectors:
            detector.era()

    def _finite(self, piece: Piece, start: int, end: int) -> None:
        history = self._history
        losses = piece.loss[start:end]
        if history.first is None:
            history.begin(losses[0] / _unit(losses[0]))
        if not self._unit_known and any(losses):
            at = next(i for i, loss in enumerate(losses) if loss)
            if at:
                self._even(piece, start, losses[:at])
                start, losses = start + at, losses[at:]
            history.unit, self._unit_known = _unit(losses[0]), True
        unit = history.unit
        y = [loss / unit for loss in losses]
        least = min(y)
        if least < -MOST or max(y) > MOST:
            y = [min(max(one, -MOST), MOST) for one in y]
        if least < 0 and not history.scale.signed:
            # Before the first negative loss the axis is the logarithm, from it on the signed one.
            at = next(i for i, one in enumerate(y) if one < 0)
            if at:
                self._even(piece, start, y[:at])
            self._sign(y[at])
            self._even(piece, start + at, y[at:])
        else:
            self._even(piece, start, y)

    def _sign(self, negative: float) -> None:
        history = self._history
        known = [*history.recent, negative]
        levels = history.medians[:: max(history.blocks // 512, 1)]
        spread = float(levels.max() - levels.min()) if len(levels) else 0.0
        s = max(abs(median(known)), 4 * noise(known), spread / 4, abs(negative) / 8)
        history.sign(s)
        self._recent = history.scale.each(history.recent)
        self._block, self._block_u = [], []

    def _even(self, piece: Piece, start: int, y: list[float]) -> None:
        """Finite losses of one era on one axis, block by block."""
        history = self._history
        u = history.scale.each(y)
        place = 0
        while place < len(y):
            stop = min(place + history.block - len(self._block), len(y))
            first, end = start + place, start + stop
            rows = Rows(
                piece.step[first:end], y[place:stop], u[place:stop], self._recent, history.rows
            )
            self._tell(rows, piece, first)
            self._recent = [*self._recent, *rows.us][-BASELINE:]
            self._block += rows.ys
            self._block_u += rows.us
            self._measured(piece, first, end)
            if len(self._block) == history.block:
                self._close(piece, end - 1)
            place = stop
        history.recent = [*history.recent, *y[-BASELINE:]][-BASELINE:]

    def _tell(self, rows: Rows, piece: Piece, first: int) -> None:
        """Tell of rows of a piece from the row `first` on: of one after the other if need be."""
        n = len(rows.us)
        if n > 1 and any(stirs(rows) for stirs in self._stirs):
            told = [rows.one(i) for i in range(n)]
        else:
            told = [rows]
        history, rates = self._history, piece.lr
        for some in told:
            end = first + len(some.us)
            history.step = some.steps[-1]
            if rates is not None:
                known = [rate for rate in rates[first:end] if math.isfinite(rate)]
                if known:
                    history.lr = known[-1]
                    history.lr_most = max(history.lr_most, *known)
            for tell in self._rows:
                tell(some)
            history.rows += end - first
            first = end

    def _measured(self, piece: Piece, start: int, end: int) -> None:
        for name, column, known in piece.sampled:
            # In most rows there is none.
            for row in known[bisect_left(known, start) : bisect_left(known, end)]:
                value = column[row] / (self._history.unit if name == "val" else 1.0)
                getattr(self._history, name).add(piece.step[row], value)

    def _close(self, piece: Piece, row: int) -> None:
        values, u = self._block, self._block_u
        self._history.close(piece.step[row], median(values), noise(u), noise(values))
        self._block, self._block_u = [], []
        for block in self._blocks:
            block()
        if piece.time is not None and math.isfinite(piece.time[row]):
            for clock in self._clocks:
                clock(self._history.step, piece.time[row])


def diagnose(chunks: Iterable[Chunk], detectors: Sequence[Detector] | None = None) -> list[Finding]:
    """The findings of a finished log."""
    diagnosis = Diagnosis(detectors)
    for chunk in chunks:
        diagnosis.feed(chunk)
    diagnosis.finish()
    return diagnosis.findings


def _unit(loss: float) -> float:
    """The power of two that a loss lies below; 1 if it is zero."""
    return math.ldexp(1.0, min(math.frexp(loss)[1], 1023)) if loss else 1.0


def _overrides(detector: Detector, name: str) -> bool:
    """Whether a detector has a method of its own in the place of one that does nothing."""
    return getattr(type(detector), name) is not getattr(Detector, name)
