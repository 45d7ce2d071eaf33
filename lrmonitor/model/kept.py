"""What was found of a row of blocks the last time, for the next, which is about nearly the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lrmonitor.model.blocks import Ints

__all__ = ["Kept"]

Rows = tuple[npt.NDArray[Any], ...]


class Kept:
    """Arrays with a row for each of the blocks begin ≤ number < end of one size."""

    def __init__(self) -> None:
        self._power = -1
        self._begin = self._end = 0
        self._rows: Rows = ()

    def rows(self, power: int, begin: int, end: int, make: Callable[[Ints], Rows]) -> Rows:
        """Those of these blocks of 2^power values. `make` is asked for those that are not known
        from the last time; it is to find the same for a block each time."""
        if power != self._power or begin > self._end or end < self._begin:
            self._rows = make(np.arange(begin, end))
        elif (begin, end) != (self._begin, self._end):
            known = slice(max(begin - self._begin, 0), max(end - self._begin, 0))
            parts = [tuple(row[known] for row in self._rows)]
            if begin < self._begin:
                parts.insert(0, make(np.arange(begin, self._begin)))
            if end > self._end:
                parts.append(make(np.arange(self._end, end)))
            self._rows = tuple(np.concatenate(row) for row in zip(*parts, strict=True))
        self._power, self._begin, self._end = power, begin, end
        return self._rows
