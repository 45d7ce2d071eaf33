"""Rows of numbers as the arrays of primitives that Qt draws in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from shiboken6 import Shiboken

__all__ = ["Primitives"]

Floats = NDArray[np.float64]


class Primitives:
    """The rows that were given last, as Qt's primitives: a `QLineF` or `QRectF` is four doubles, a
    `QPointF` two. An object for each of them would take longer to make than they take to draw."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self._rows: Floats = np.empty((0, 1))

    def of(self, rows: Floats) -> tuple[Any, int]:
        """What a painter's function takes of these rows, shape (n, doubles of one), n > 0. They
        are kept until others are given."""
        self._rows = np.ascontiguousarray(rows)
        return Shiboken.wrapInstance(self._rows.ctypes.data, self._kind), len(self._rows)
