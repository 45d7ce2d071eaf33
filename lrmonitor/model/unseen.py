"""What came since a curve was drawn, and would not be seen in it: of a long run that goes on, many
thousands of steps share a pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrmonitor.model.picture import MOST_PIECES, Picture

__all__ = ["Unseen"]

Floats = npt.NDArray[np.float64]

AWAY = 0.5
"""Columns that a curve may end before its newest point: about a third of a pixel."""

_LAST = 8
"""Points that the last column has at most."""

_NONE = (np.inf, -np.inf)
_EMPTY: Floats = np.empty(0)


class Unseen:
    """Tells whether a curve that was drawn of a picture is still as good as a new one.

    `drawn` tells how it was drawn; then `still`, as long as the view is the same, whether what came
    since is within half a column of where it ended, and between the values that stand there.
    """

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._view: object = None
        self._count = 0
        self._x, self._y = _EMPTY, _EMPTY
        self._column = self._room = 0.0
        self._log = False
        self._ends: tuple[float, float] | None = None

    def drawn(
        self,
        view: object,
        column: float,
        x: Floats,
        y: Floats,
        log: bool = False,
        room: float = 0.0,
    ) -> None:
        """It was drawn for this view, whose columns are so many steps wide, as these points (x, y);
        with `log` y are the logarithms (to 10) of values. What is above or below its last column by
        less than `room`, in units of y, would not be seen either."""
        self.forget()
        step = self._picture.step
        if len(x) and x[-1] >= step[-1]:  # else it goes on out of view
            self._view, self._count = self._of(view), len(step)
            self._x, self._y, self._log = x, y, log
            self._column, self._room = column, room

    def still(self, view: object, newest: float = 0.0) -> bool:
        """Whether that is all that there is to see in this view; of a line that is carried on to
        the `newest` step, also of that."""
        if self._view is None or self._of(view) != self._view:
            return False
        step, value = self._picture.step, self._picture.value
        last = float(self._x[-1])
        if last >= newest and len(step) == self._count:
            return True
        if max(step[-1], newest) > last + AWAY * self._column:
            return False
        least, most = self._ends = self._ends or self._between()
        new = value[self._count :]
        # A nan is neither.
        return not len(new) or bool(least <= new.min() and new.max() <= most)

    def forget(self) -> None:
        """It is not drawn any more."""
        self._view = self._ends = None

    def _between(self) -> tuple[float, float]:
        """The values between which new ones are hidden; (inf, -inf) where none would be."""
        x, y = self._x[-_LAST:], self._y[-_LAST:]
        ends = y[x >= x[-1] - self._column]
        least, most = float(np.fmin.reduce(ends)), float(np.fmax.reduce(ends))
        if not np.isfinite(least + most) or len(self._picture.pieces) > MOST_PIECES:
            return _NONE
        least, most = least - self._room, most + self._room
        return (10.0**least, 10.0**most) if self._log else (least, most)

    def _of(self, view: object) -> object:
        picture = self._picture
        return view, picture.begun, picture.cuts, len(picture.pieces)
