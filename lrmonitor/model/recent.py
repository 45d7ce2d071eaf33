"""Values that a person used lately, newest first. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["RECENT", "Recent"]

RECENT = 8
"""Values that are kept."""


class Recent:
    """A short list without repetitions. What is not a number above 0 is left out."""

    def __init__(self, values: Iterable[object] = ()) -> None:
        self._values: list[float] = []
        for value in reversed(list(values)):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                self.add(float(value))

    @property
    def values(self) -> tuple[float, ...]:
        """Newest first."""
        return tuple(self._values)

    def add(self, value: float) -> bool:
        """Put a value first. True if that changed the list."""
        if not (math.isfinite(value) and value > 0) or self._values[:1] == [value]:
            return False
        self._values = [value, *(one for one in self._values if one != value)][:RECENT]
        return True
