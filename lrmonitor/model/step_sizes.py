"""Step sizes as they were recorded: how far steps move single weights, and each layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lrmonitor.model.rates import number
from lrmonitor.record.jsonl import JsonlTail
from lrmonitor.record.layout import sizes_name

__all__ = ["MOST", "Distribution", "StepSizes"]

MOST = 2048
"""Rows that are kept; beyond that every other one of the older half is forgotten."""

BINS = 512
"""Bins of a distribution, at most: what claims to have more is nonsense."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Distribution:
    """Of the sizes |Δw| of the weights' steps in one step of the optimizer: `edges` (n + 1, in
    log10) and `shares` (n, parts of all weights); `still` is the part that did not move."""

    step: int
    edges: Floats
    shares: Floats
    still: float


class StepSizes:
    """Of one optimizer of one training process, followed by `poll`. Memory is bounded.

    `layers` are the names, the last one that of all layers that are told together, where there are
    such; `weights` how many numbers each has (0: not told); `steps` (n) and `ratios` (n, layers)
    the ratio |Δw| / |w| of each layer at those steps, nan where there is none.
    """

    def __init__(self, folder: Path, optimizer: int) -> None:
        self.layers: list[str] = []
        self.weights: list[int] = []
        self.latest: Distribution | None = None
        self._tail = JsonlTail(folder / sizes_name(optimizer))
        self._steps: list[int] = []
        self._rows: list[Floats] = []
        self._lowest, self._per_decade = -14.0, 4.0

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The steps that are told."""
        return np.asarray(self._steps, np.int64)

    @property
    def ratios(self) -> Floats:
        """A row for each of them."""
        if not self._rows:
            return np.empty((0, len(self.layers)))
        return np.stack(self._rows)

    def poll(self) -> bool:
        """Read what is new; whether there is anything."""
        lines = self._tail.poll()
        for line in lines:
            if "layers" in line:
                self._take_layers(line)
            else:
                self._take_row(line)
        return bool(lines)

    def _take_layers(self, line: Mapping[str, Any]) -> None:
        """The layers are others from here on: what was told of the ones before is forgotten."""
        names, weights, rest = line.get("layers"), line.get("weights"), line.get("rest")
        if not isinstance(names, list):
            return
        self.layers = [str(name) for name in names]
        given = weights if isinstance(weights, list) else []
        self.weights = [n if isinstance(n, int) else 0 for n in given[: len(names)]]
        self.weights += [0] * (len(names) - len(self.weights))
        if isinstance(rest, int) and rest > 0:
            self.layers.append(f"{rest} smaller ones" if rest > 1 else "1 smaller one")
            self.weights.append(0)
        self._lowest = number(line.get("lowest")) or 0.0
        self._per_decade = number(line.get("per_decade")) or 4.0
        self._steps.clear()
        self._rows.clear()

    def _take_row(self, line: Mapping[str, Any]) -> None:
        step, ratios = line.get("step"), line.get("ratios")
        if not isinstance(step, int) or not isinstance(ratios, list):
            return
        if len(ratios) != len(self.layers):
            return
        found = [number(one) for one in ratios]
        self._steps.append(step)
        self._rows.append(np.array([np.nan if one is None else one for one in found]))
        if len(self._rows) > MOST:
            old = MOST // 2
            self._steps[:old] = self._steps[:old:2]
            self._rows[:old] = self._rows[:old:2]
        first, shares = line.get("first"), line.get("shares")
        if isinstance(first, int) and isinstance(shares, list) and len(shares) <= BINS:
            values = np.array([number(one) or 0.0 for one in shares], float)
            edges = self._lowest + (first + np.arange(len(values) + 1)) / self._per_decade
            self.latest = Distribution(step, edges, values, number(line.get("still")) or 0.0)

    def last_of(self, layer: int) -> tuple[float | None, float | None, float | None]:
        """The latest, the lowest and the highest ratio of a layer; None where there is none."""
        values = [float(row[layer]) for row in self._rows]
        sound = [v for v in values if v == v]
        if not sound:
            return None, None, None
        return (values[-1] if values[-1] == values[-1] else None), min(sound), max(sound)
