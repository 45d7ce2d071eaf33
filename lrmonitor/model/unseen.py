"""What came since a curve was drawn, and would not be seen in it: of a long run that goes on, many
thousands of steps share a pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrmonitor.model.picture import MOST_PIECES, Picture

__all__ = ["Unseen"]

Floats = npt.NDArray[np.float64]

_LAST = 8
"""Points at the end of a curve among which those of its last column are."""

_NONE = (np.inf, -np.inf)
_EMPTY: Floats = np.empty(0)


class Unseen:
    """Tells whether a curve that was drawn of a picture is still as good as a new one.

    `drawn` tells how it was drawn; then `still`, as long as the view is the same, whether what came
    since is only just beyond where it ended, and between the values that stand there. Once nothing
    more comes it is not: what is at rest is drawn to its end.
    """

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._view: object = None
        self._count = self._asked = 0
        self._x, self._y = _EMPTY, _EMPTY
        self._away = self._column = self._room = 0.0
        self._log = False
        self._ends: tuple[float, float] | None = None

    def drawn(
        self,
        view: object,
        x: Floats,
        y: Floats,
        away: float,
        column: float,
        log: bool = False,
        room: float = 0.0,
        newest: int = 0,
    ) -> None:
        """It was drawn for this view as these points (x, y), carried on to the `newest` step if
        that is later than its last one; with `log` y are the logarithms (to 10) of values.

        It may end `away` steps too early, and beyond the values of its last `column` (steps) by
        `room`, in units of y."""
        self.forget()
        step = self._picture.step
        if len(x) and x[-1] == max(step[-1], newest):  # else it does not end at its end
            self._view, self._count = self._of(view), len(step)
            self._x, self._y, self._log = x, y, log
            self._away, self._column, self._room = away, column, room

    def still(self, view: object, newest: int = 0) -> bool:
        """Whether that is all that there is to see in this view."""
        if self._view is None or self._of(view) != self._view:
            return False
        step, value = self._picture.step, self._picture.value
        last, before = float(self._x[-1]), self._asked
        self._asked = max(int(step[-1]), newest)
        if last == self._asked and len(step) == self._count:
            return True
        if self._asked > last + self._away or self._asked == before:
            return False
        new = value[self._count :]
        if not len(new):
            return True
        least, most = new.min(), new.max()  # a nan, if there is any
        if self._log:
            if not (least > 0 and most < np.inf):
                return False
            least, most = np.log10(least), np.log10(most)
        self._ends = self._ends or self._between()
        return bool(self._ends[0] <= least and most <= self._ends[1])

    def forget(self) -> None:
        """It is not drawn any more."""
        self._view = self._ends = None
        self._asked = 0

    def _between(self) -> tuple[float, float]:
        """The values between which new ones are hidden; (inf, -inf) where none would be."""
        x, y = self._x[-_LAST:], self._y[-_LAST:]
        there = x >= x[-1] - self._column
        gaps = np.isnan(x).nonzero()[0]
        if len(gaps):
            there[: gaps[-1]] = False  # another piece
        least, most = np.fmin.reduce(y[there]), np.fmax.reduce(y[there])
        if not np.isfinite(least) or not np.isfinite(most):
            return _NONE
        if len(self._picture.pieces) > MOST_PIECES:
            return _NONE
        return float(least) - self._room, float(most) + self._room

    def _of(self, view: object) -> object:
        picture = self._picture
        return view, picture.begun, picture.cuts, len(picture.pieces)
