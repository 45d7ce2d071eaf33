"""The streaming diagnosis: cuts a log into rows, blocks and eras, and tells the detectors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis.book import Book
from lrmonitor.diagnosis.chunk import Chunk
from lrmonitor.diagnosis.detector import Detector, Rows
from lrmonitor.diagnosis.finding import Finding
from lrmonitor.diagnosis.history import BASELINE, BLOCK, SPARSE_BLOCK, History
from lrmonitor.diagnosis.registry import detectors as registered
from lrmonitor.diagnosis.stats import MAD, median, noise

Floats = npt.NDArray[np.float64]

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
        self._block: list[float] = []
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
        for detector in self._detectors:
            detector.time(self._history.step, now)
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
        for start in range(0, len(chunk), PIECE):
            self._piece(chunk.part(start, start + PIECE))

    def _piece(self, chunk: Chunk) -> None:
        """Cut where something happens: a loss that is not finite, a jump of the rate, a step back,
        a rewind."""
        n = len(chunk)
        if not n:
            return
        finite = np.isfinite(chunk.loss)
        cuts = {0, n}
        cuts.update((np.flatnonzero(finite[1:] != finite[:-1]) + 1).tolist())
        eras = self._eras(chunk)
        cuts.update(eras)
        bounds = sorted(cuts)
        for start, end in itertools.pairwise(bounds):
            if start in eras:
                self._begin_era(eras[start], chunk, start)
            if finite[start]:
                self._finite(chunk, start, end)
            else:
                first, last = int(chunk.step[start]), int(chunk.step[end - 1])
                self._history.step = last
                for detector in self._detectors:
                    detector.broken(first, last)

    def _eras(self, chunk: Chunk) -> dict[int, str]:
        """Rows at which an era begins, and why."""
        eras: dict[int, str] = {}
        before = self._last_step if self._last_step is not None else int(chunk.step[0]) - 1
        steps = np.concatenate(([before], chunk.step))
        back = steps[1:] < steps[:-1]
        for step in chunk.rewound:
            back = back | ((steps[:-1] <= step) & (steps[1:] > step))
        for row in np.flatnonzero(back).tolist():
            eras[row] = "back"
        self._last_step = int(chunk.step[-1])
        if chunk.lr is not None:
            known = np.flatnonzero(np.isfinite(chunk.lr) & (chunk.lr > 0))
            if len(known):
                rates = np.concatenate(([self._last_lr], chunk.lr[known]))
                with np.errstate(invalid="ignore"):
                    ratio = rates[1:] / rates[:-1]
                for i in np.flatnonzero((ratio > JUMP) | (ratio < 1 / JUMP)).tolist():
                    eras.setdefault(int(known[i]), "raise" if ratio[i] > 1 else "lower")
                self._last_lr = float(rates[-1])
        return eras

    def _begin_era(self, kind: str, chunk: Chunk, row: int) -> None:
        if chunk.lr is not None and math.isfinite(chunk.lr[row]):
            self._history.lr = float(chunk.lr[row])
        self._block.clear()
        self._history.begin_era(kind)
        for detector in self._detectors:
            detector.era()

    def _finite(self, chunk: Chunk, start: int, end: int) -> None:
        history = self._history
        losses = chunk.loss[start:end]
        if history.first is None:
            history.first = float(losses[0]) / _unit(float(losses[0]))
        if not self._unit_known and losses.any():
            at = int(np.argmax(losses != 0))
            if at:
                self._even(chunk, start, losses[:at])
                start, losses = start + at, losses[at:]
            history.unit, self._unit_known = _unit(float(losses[0])), True
        with np.errstate(over="ignore"):
            y = np.clip(losses / history.unit, -MOST, MOST)
        if not history.scale.signed and (y < 0).any():
            # Before the first negative loss the axis is the logarithm, from it on the signed one.
            at = int(np.argmax(y < 0))
            if at:
                self._even(chunk, start, y[:at])
            self._sign(float(y[at]))
            self._even(chunk, start + at, y[at:])
        else:
            self._even(chunk, start, y)

    def _sign(self, negative: float) -> None:
        history = self._history
        known = [*history.recent, negative]
        levels = history.medians[:: max(history.blocks // 512, 1)]
        spread = float(levels.max() - levels.min()) if len(levels) else 0.0
        s = max(abs(median(known)), 4 * noise(known), spread / 4, abs(negative) / 8)
        history.scale.sign(s)
        history.noises = []
        self._block.clear()

    def _even(self, chunk: Chunk, start: int, y: Floats) -> None:
        """Finite losses of one era on one axis: baselines of all at once, then block by block."""
        history = self._history
        before = np.array(history.recent)
        u = history.scale.of(np.concatenate((before, y)))
        medians, noises = _baselines(u, len(before))
        u = u[len(before) :]
        place = 0
        while place < len(y):
            room = history.block - len(self._block)
            stop = min(place + room, len(y))
            rows = slice(start + place, start + stop)
            part = slice(place, stop)
            history.step = int(chunk.step[rows.stop - 1])
            self._rate(chunk, rows)
            told = Rows(
                chunk.step[rows], y[part], u[part], medians[part], noises[part], history.rows
            )
            if len(told.y) > 1 and any(detector.stirs(told) for detector in self._detectors):
                for i in range(len(told.y)):
                    self._tell(told.one(i))
            else:
                self._tell(told)
            history.rows += stop - place
            self._block += y[part].tolist()
            self._measured(chunk, rows)
            if len(self._block) == history.block:
                self._close(chunk, rows.stop - 1)
            place = stop
        history.recent = [*history.recent, *y[-BASELINE:].tolist()][-BASELINE:]

    def _tell(self, rows: Rows) -> None:
        for detector in self._detectors:
            detector.rows(rows)

    def _rate(self, chunk: Chunk, rows: slice) -> None:
        if chunk.lr is None:
            return
        rates = chunk.lr[rows]
        rates = rates[np.isfinite(rates)]
        if len(rates):
            self._history.lr = float(rates[-1])
            self._history.lr_most = max(self._history.lr_most, float(rates.max()))

    def _measured(self, chunk: Chunk, rows: slice) -> None:
        for name in ("grad_norm", "update_ratio", "val"):
            column = getattr(chunk, name)
            if column is None:
                continue
            values = column[rows]
            known = np.flatnonzero(np.isfinite(values))
            if len(known):
                into = getattr(self._history, name)
                unit = self._history.unit if name == "val" else 1.0
                for at in known.tolist():
                    into.add(int(chunk.step[rows.start + at]), float(values[at]) / unit)

    def _close(self, chunk: Chunk, row: int) -> None:
        history = self._history
        values = self._block
        u = history.scale.of(np.array(values)).tolist()
        history.close(int(chunk.step[row]), median(values), noise(u), noise(values))
        self._block = []
        for detector in self._detectors:
            detector.block()
        if chunk.time is not None and math.isfinite(chunk.time[row]):
            for detector in self._detectors:
                detector.time(history.step, float(chunk.time[row]))


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


def _baselines(u: Floats, known: int) -> tuple[Floats, Floats]:
    """For each u from index `known` on: median of the up to 32 before it, and their noise.

    Both nan where fewer than 8 are before it.
    """
    n = len(u) - known
    medians, noises = np.full(n, np.nan), np.full(n, np.nan)
    for i in range(known, min(BASELINE, len(u))):  # the first losses of a run
        if i >= 8:
            before = u[:i].tolist()
            medians[i - known], noises[i - known] = median(before), noise(before)
    full = max(BASELINE - known, 0)
    if full < n:
        window = np.lib.stride_tricks.sliding_window_view(u[known + full - BASELINE : -1], BASELINE)
        # The mean of the two middle ones, by a partition: half the time of np.median.
        half = BASELINE // 2
        parted = np.partition(window, (half - 1, half), axis=1)
        medians[full:] = 0.5 * (parted[:, half - 1] + parted[:, half])
        steps = np.abs(np.diff(u[known + full - BASELINE : -1]))
        window = np.lib.stride_tricks.sliding_window_view(steps, BASELINE - 1)
        middle = np.partition(window, half - 1, axis=1)[:, half - 1]
        noises[full:] = MAD * middle / math.sqrt(2)
    return medians, noises
