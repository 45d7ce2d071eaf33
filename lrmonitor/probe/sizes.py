"""How far steps move the weights: the distribution of the sizes of single weights' steps, and the
ratio of the update to the weights of each layer (parameter).

The size of a weight's step is |Δw|, measured: what came of rate, moments, decay and rounding
together, whatever the optimizer (for Adam, the "effective step size" of Kingma and Ba, 2015, §2.1).

The training thread takes some thousand weights out of what `Norms` has copied anyway and computes
with them, within a budget of its own; the writer's thread only writes. It must not compute: an
operation of torch that is spread over cores makes a team of threads for each thread that calls it,
and with more threads than cores OpenMP lets all of them sleep between operations, the training's
too, from then on (seen here: steps took four times as long).
Rows are written to a file of their own, fewer and fewer as a run goes on: `ROWS` for each doubling
of its time, or so, whatever its length.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from typing import Any

from lrmonitor.probe.names import names_of
from lrmonitor.record.jsonl import JsonlWriter
from lrmonitor.record.layout import sizes_name
from lrmonitor.record.writer import RankWriter

TAKEN = 24_000
"""Weights of a sample."""

SHARE = 0.002
"""The part of the time that they may take (with `Norms` it stays below the 1 % that was promised):
after one that took t seconds the next one comes no earlier than t / SHARE later."""

LEAST = 64
"""Weights that are taken of a layer at least, where it has as many."""

LAYERS = 64
"""Layers that are told one by one: the largest. The others are told together."""

SECONDS = 0.2
"""Between two rows, at least."""

ROWS = 512
"""There is a row for each 1 / ROWS of the time that a run has taken so far."""

PER_DECADE, LOWEST, BINS = 4, -14, 64
"""The bins of the distribution: this many for each factor of 10, from 1e-14 to 1e2."""


class _Layout:
    """Which weights are taken, of an optimizer whose parameters are as they were looked at."""

    def __init__(self, optimizer: Any, parameters: list[Any], every: int, like: Any) -> None:
        numbers = [p.numel() * (2 if p.is_complex() else 1) for p in parameters]
        lengths = [-(-n // every) for n in numbers]
        self.key = tuple(map(id, parameters))
        order = sorted(range(len(parameters)), key=lambda i: -numbers[i])
        told = sorted(order[:LAYERS])
        self.rest = len(parameters) - len(told)
        row = {i: at for at, i in enumerate(told)}
        names = names_of(optimizer)
        self.names = [names[i] for i in told]
        self.numbers = [numbers[i] for i in told]
        self.layers = len(told) + bool(self.rest)
        total = sum(lengths)
        torch = sys.modules["torch"]
        places: list[Any] = []
        layer: list[int] = []
        counts: list[int] = []
        weight: list[float] = []
        begin, left = 0, TAKEN
        for i, length in enumerate(lengths):
            count = min(length, max(LEAST, TAKEN * length // max(total, 1)), left)
            if count:
                places.append(torch.arange(count, device="cpu") * length // count + begin)
                layer.append(row.get(i, len(told)))
                counts.append(count)
                weight.append(numbers[i] / count)
                left -= count
            begin += length
        repeats = torch.tensor(counts, device="cpu")
        self.places = torch.cat(places).to(like.device)
        self.layer = torch.tensor(layer, device="cpu").repeat_interleave(repeats)
        self.stands_for = torch.tensor(weight, dtype=torch.float64, device="cpu").repeat_interleave(
            repeats
        )


class Sizes:
    """Of one optimizer. `look` runs on the writer's thread, the rest on the training thread."""

    def __init__(self, number: int, writer: RankWriter) -> None:
        self._path = writer.folder / sizes_name(number)
        self._file: JsonlWriter | None = None
        self._layout: _Layout | None = None
        self._told: _Layout | None = None
        self._begun: float | None = None
        self._due = 0.0
        self._given_up = False
        self._taken: deque[tuple[_Layout, Any, Any, Any, int, float]] = deque(maxlen=4)
        self._rows: deque[tuple[_Layout, dict[str, Any]]] = deque(maxlen=64)

    def due(self) -> bool:
        """Whether the sample that is taken now should be told."""
        return not self._given_up and time.perf_counter() >= self._due

    def take(
        self,
        optimizer: Any,
        parameters: list[Any],
        before: Any,
        after: Any,
        step: int,
        now: float,
    ) -> None:
        """Take some of the weights `before` and `after` a step out of what was copied of them, and
        compute what they tell, or what earlier ones do that have come from a device meanwhile."""
        at = time.perf_counter()
        self._begun = at if self._begun is None else self._begun
        try:
            self._take(optimizer, parameters, before, after, step, now)
            self._measure()
        except Exception:
            self._given_up = True
            raise
        took = time.perf_counter() - at
        self._due = at + max(SECONDS, (at - self._begun) / ROWS, took / SHARE)

    def look(self) -> None:
        """Write what was found."""
        while self._rows:
            layout, row = self._rows.popleft()
            try:
                self._write(layout, row)
            except OSError:
                return  # the disk is full: the next row may find it otherwise

    def _take(
        self,
        optimizer: Any,
        parameters: list[Any],
        before: Any,
        after: Any,
        step: int,
        now: float,
    ) -> None:
        layout = self._layout
        if layout is None or layout.key != tuple(map(id, parameters)):
            total = sum(p.numel() for p in parameters)
            layout = _Layout(optimizer, parameters, _every(total), before)
            self._layout = layout
        torch = sys.modules["torch"]
        with torch.no_grad():
            pair = [one.index_select(0, layout.places) for one in (before, after)]
        there: Any = None
        if pair[0].device.type == "cuda":
            host = [torch.empty(p.shape, dtype=p.dtype, pin_memory=True) for p in pair]
            for into, one in zip(host, pair, strict=True):
                into.copy_(one, non_blocking=True)
            there = torch.cuda.Event()
            there.record(torch.cuda.current_stream(pair[0].device))
            pair = host
        self._taken.append((layout, pair[0], pair[1], there, step, now))

    def _measure(self) -> None:
        while self._taken and (self._taken[0][3] is None or self._taken[0][3].query()):
            layout, before, after, _, step, now = self._taken.popleft()
            row = {"time": now, "step": step, **measured(layout, before, after)}
            self._rows.append((layout, row))

    def _write(self, layout: _Layout, row: dict[str, Any]) -> None:
        if self._file is None:
            self._file = JsonlWriter(self._path)
        if layout is not self._told:
            self._file.write(
                {
                    "time": row["time"],
                    "layers": layout.names,
                    "weights": layout.numbers,
                    "rest": layout.rest,
                    "lowest": LOWEST,
                    "per_decade": PER_DECADE,
                }
            )
            self._told = layout
        self._file.write(row)


def _every(total: int) -> int:
    """Each how many-th weight `Norms` has copied."""
    from lrmonitor.probe.norms import ELEMENTS

    return -(-total // ELEMENTS) or 1


def measured(layout: _Layout, before: Any, after: Any) -> dict[str, Any]:
    """What is told of a step: `ratios` |Δw| / |w| by layer (None where there is none), `first` and
    `shares` the bins of |Δw|, as parts of all weights, `still` the part that did not move."""
    torch = sys.modules["torch"]
    with torch.no_grad():
        old, moved = before.double(), (after.double() - before.double()).abs()
        zeros = old.new_zeros(layout.layers)
        # Of each layer evenly spaced weights: the factor they stand for falls out of the ratio,
        # but for the layers that are told together.
        weight = layout.stands_for
        update = zeros.index_add(0, layout.layer, moved * moved * weight).sqrt().tolist()
        size = zeros.index_add(0, layout.layer, old * old * weight).sqrt().tolist()
        total = float(weight.sum())
        sound = torch.isfinite(moved)
        steps = sound & (moved > 0)
        still = float((weight * (sound & (moved == 0))).sum()) / total
        bins = ((moved[steps].log10() - LOWEST) * PER_DECADE).floor().clamp(0, BINS - 1).long()
        shares = old.new_zeros(BINS).index_add(0, bins, weight[steps]) / total
    counts = shares.tolist()
    some = [i for i, share in enumerate(counts) if share > 0]
    first, last = (some[0], some[-1] + 1) if some else (0, 0)
    return {
        "ratios": [_ratio(u, s) for u, s in zip(update, size, strict=True)],
        "first": first,
        "shares": [_rounded(share) for share in counts[first:last]],
        "still": _rounded(still),
    }


def _ratio(update: float, size: float) -> float | None:
    ratio = update / size if size else math.nan
    return _rounded(ratio) if math.isfinite(ratio) else None


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
